"""The one way in which a part of the API refuses a request."""

from __future__ import annotations


class Refusal(Exception):
    """A request is refused.

    Attributes:
        status: HTTP status; 401, 422 and 555 are answered with JSON, others with HTML.
        error: What `error` says.
    """

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
