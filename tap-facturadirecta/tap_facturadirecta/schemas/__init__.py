"""What FacturaDirecta documents of its records, as JSON schemas; all may be null but the key."""
