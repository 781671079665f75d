"""SERPI's protocol as a plain API client; no Singer in it."""
