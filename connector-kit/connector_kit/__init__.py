"""What every connector here shares: HTTP, settings, schemas, emission, signals; nothing about one vendor."""
