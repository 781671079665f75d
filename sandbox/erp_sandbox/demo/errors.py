"""The one way in which the demo fails."""

from __future__ import annotations


class DemoError(Exception):
    """A step failed; the message is one line: what failed, and where to look."""
