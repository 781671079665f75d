"""SERPI's API: articles and accounting documents."""

from __future__ import annotations

TOKEN = "serpi-sandbox-token"  # noqa: S105 - the sandbox's own, of no use elsewhere
SECRET_KEY = "serpi-sandbox-secret-key"  # noqa: S105 - as above
BASE_PATH = "/api/v1"

__all__ = ["BASE_PATH", "SECRET_KEY", "TOKEN"]
