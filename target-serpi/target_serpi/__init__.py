"""Singer target for SERPI: writes articles and accounting documents, each exactly once."""
