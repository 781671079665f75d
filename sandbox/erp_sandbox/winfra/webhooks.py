"""Webhooks: the address in a petition is told how the petition ended."""

from __future__ import annotations

import dataclasses
import threading
import urllib.error
import urllib.request
from typing import Final

TIMEOUT: Final = 10
"""Seconds that the called server has."""


@dataclasses.dataclass(frozen=True)
class WebhookCall:
    """One call that was made.

    Attributes:
        url: Whom.
        body: The EstadoGenerarXXL that was sent, as JSON.
        status: The answer's status; 0 without an answer.
    """

    url: str
    body: bytes
    status: int


class Webhooks:
    """Makes the calls, each in a thread of its own, and keeps them."""

    def __init__(self) -> None:
        self.called: list[WebhookCall] = []
        self._change = threading.Condition()
        # Proxies of the environment would send a call to loopback elsewhere.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, url: str, body: bytes) -> None:
        """POST the body to an http or https address; returns at once."""
        threading.Thread(target=self._call, args=(url, body), daemon=True).start()

    def wait(self, count: int = 1, timeout: float = 5) -> list[WebhookCall]:
        """Wait until this many calls were made; TimeoutError if they are not in time."""
        with self._change:
            if not self._change.wait_for(lambda: len(self.called) >= count, timeout):
                raise TimeoutError(f"{len(self.called)} of {count} webhooks were called")
            return list(self.called)

    def _call(self, url: str, body: bytes) -> None:
        status = 0
        if url.startswith(("http://", "https://")):
            request = urllib.request.Request(  # noqa: S310 - the scheme was just looked at
                url, body, {"Content-Type": "application/json"}, method="POST"
            )
            try:
                with self._opener.open(request, timeout=TIMEOUT) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                with error:
                    status = error.code
            except OSError:
                status = 0
        with self._change:
            self.called.append(WebhookCall(url, body, status))
            self._change.notify_all()
