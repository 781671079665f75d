"""What all connectors share: HTTP, settings, schemas, emission, signals; nothing of one vendor."""
