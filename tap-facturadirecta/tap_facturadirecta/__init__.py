"""Singer tap for FacturaDirecta's XML API: providers."""
