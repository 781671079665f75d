"""What SERPI documents of its records, as JSON schemas; every property may be null but the key."""
