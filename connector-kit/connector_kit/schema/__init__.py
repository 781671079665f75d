"""Schemas from three sources (documented, learned, remembered) through one mechanism."""
