"""Faults on demand: what goes wrong, with which request, and how often."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
import typing
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from erp_sandbox.vendor import Received

FaultKind = Literal[
    "status",
    "delay",
    "cut_body",
    "drop",
    "reset",
    "lost_answer",
    "html",
    "garbage",
    "latin1",
    "redirect",
    "drip",
]
"""What a fault does:

status       answer `status` with `body` and `headers`
delay        wait `delay` seconds, then do as asked (stored even when the client has gone)
cut_body     break the body off at `cut_at` bytes (default: half), with the whole length promised
drop         close the connection without an answer
reset        the same by RST
lost_answer  do as asked, THEN close without an answer
html         `status` (200) and a page of HTML
garbage      `status` (200), said to be JSON and none
latin1       the answer in Latin-1, its charset declared unless `declared` is false
redirect     `status` (302) to `location`
drip         the answer byte by byte, `delay` seconds between two; headers too with `drip_headers`
"""

_KINDS = frozenset(typing.get_args(FaultKind))


@dataclasses.dataclass
class Fault:
    """One scripted fault.

    Attributes:
        kind: What happens (see `FaultKind`).
        method: HTTP method it is for; None is any.
        path: Regular expression searched in ``path?query`` (inside the vendor's mount).
        when: A further condition on the request (in-process only).
        status, body, headers: The answer of `status`, `html`, `garbage`, `redirect`.
        delay: Seconds before it acts; for `drip` between two bytes.
        after_commit: Handle the request first, then do the fault.
        times: How many requests it hits; None: all.
        skip: How many matching requests pass before the first hit.
        every: Of the matching requests after `skip`, only each n-th is hit.
        lasts: Seconds from its first hit after which it is over (`times` then does not count).
        hits: How many requests it has hit so far.
    """

    kind: FaultKind
    method: str | None = None
    path: str = ""
    when: Callable[[Received], bool] | None = None
    status: int | None = None
    body: bytes | str = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    delay: float = 0
    after_commit: bool = False
    times: int | None = 1
    skip: int = 0
    every: int = 1
    lasts: float | None = None
    cut_at: int | None = None
    chunked: bool = False
    declared: bool = True
    location: str = "http://elsewhere.invalid/"
    drip_headers: bool = False
    hits: int = dataclasses.field(default=0, init=False)
    _seen: int = dataclasses.field(default=0, init=False, repr=False)
    _over_at: float | None = dataclasses.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"there is no fault kind {self.kind!r}")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is no regular expression: {error}") from error

    @property
    def handles_first(self) -> bool:
        """Whether the request is carried out before the fault shows."""
        return self.after_commit or self.kind in ("lost_answer", "cut_body", "latin1", "drip")

    def hit(self, received: Received) -> bool:
        """Tell whether this fault hits the request, and count it if so."""
        if self.method is not None and self.method != received.method:
            return False
        if not re.search(self.path, received.target):
            return False
        if self.when is not None and not self.when(received):
            return False
        if self._is_over():
            return False
        self._seen += 1
        if self._seen <= self.skip or (self._seen - self.skip - 1) % self.every:
            return False
        if self.lasts is not None and self._over_at is None:
            self._over_at = time.monotonic() + self.lasts
        self.hits += 1
        return True

    def _is_over(self) -> bool:
        if self.lasts is not None:
            return self._over_at is not None and time.monotonic() >= self._over_at
        return self.times is not None and self.hits >= self.times


class FaultQueue:
    """The faults of one vendor, in order; the first that hits a request is the one it gets."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Queue a fault and give it back, for its `hits`."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def add_json(self, values: dict[str, Any]) -> Fault:
        """Queue a fault given by its attributes, as over the control route."""
        return self.add(Fault(**values))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, received: Received) -> Fault | None:
        """Return the fault that hits this request, if any."""
        with self._lock:
            return next((fault for fault in self._faults if fault.hit(received)), None)
