"""What the three vendors have in common: state, switches, faults and a log of requests."""

from __future__ import annotations

import abc
import dataclasses
import functools
import json
import threading
import time
from collections import Counter
from email.utils import formatdate
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.routing import Router

from erp_sandbox.faults import FaultQueue
from erp_sandbox.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from erp_sandbox.faults import Fault
    from erp_sandbox.journal import Journal

SwitchesT = TypeVar("SwitchesT", bound=Switches)


@dataclasses.dataclass(frozen=True)
class Setup:
    """What the data are made from.

    Attributes:
        scale: Size of the data; 1 is about a thousand records of each kind.
        seed: The same seed and scale give the same data.
        moment: Where the clock of the WINFRA part starts, up to whose day its documents reach; None
            is now.
    """

    scale: float = 1
    seed: int = 7
    moment: datetime | None = None


@dataclasses.dataclass(frozen=True)
class Received:
    """One request as it arrived.

    Attributes:
        kind: The vendor's own name for it (``articulo.get``), for counting.
        method, path, query: Of the request; the path is the one inside the vendor's mount.
        headers: Names in lower case.
        body: The bytes of the body.
        time: Seconds by the monotonic clock.
        peer: The client's port: equal for requests of one kept-alive connection.
        overlapping: Another request with the same credentials was open when it came.
    """

    kind: str
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    time: float = dataclasses.field(default_factory=time.monotonic)
    peer: int = 0
    overlapping: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @property
    def json(self) -> object:
        """The body as JSON (floats for fractions: compare `body` where places matter)."""
        return json.loads(self.body)


class Vendor(abc.ABC, Generic[SwitchesT]):
    """One vendor's API.

    A vendor part subclasses it, gives `name` and `make_switches`, fills its data in `load`, and
    returns Starlette routes, whose endpoints are ``async def`` and hold `lock` while they touch
    the data (a test reads them from another thread).

    Attributes:
        setup: What the data are made from.
        switches: Every quirk.
        faults: Scripted faults.
        requests: Everything received, in order, refused or not.
        overlaps: How many requests came while another with the same credentials was open.
        most_at_once: The most requests that were open at once.
        lock: Held by whoever touches the data.
    """

    name: ClassVar[str]

    def __init__(self, setup: Setup | None = None, journal: Journal | None = None) -> None:
        self.setup = setup or Setup()
        self.lock = threading.RLock()
        self._journal = journal
        self.reset()

    def reset(self) -> None:
        """Go back to the beginning: fresh data, default switches, no faults, nothing received."""
        with self.lock:
            self.switches: SwitchesT = self.make_switches()
            self.faults = FaultQueue()
            self.requests: list[Received] = []
            self.overlaps = 0
            self.most_at_once = 0
            self.load()

    @abc.abstractmethod
    def make_switches(self) -> SwitchesT:
        """Return this vendor's switches at their defaults."""

    @abc.abstractmethod
    def load(self) -> None:
        """Make the data anew, from `setup`."""

    @abc.abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes, with paths as they are inside the vendor's mount."""

    @abc.abstractmethod
    def kind_of(self, method: str, path: str) -> str:
        """Name a request for counting; ``other`` for what the API does not have."""

    @abc.abstractmethod
    def data(self, kind: str) -> object:
        """Return the data of one kind as JSON values, exactly as held; KeyError if unknown."""

    def date(self) -> str:
        """Return what the answers' ``Date`` says; a vendor with a clock of its own overrides it."""
        return formatdate(usegmt=True)

    def replay(self, entry: dict[str, object]) -> None:
        """Repeat one write of an earlier process (see `record_write`)."""
        raise NotImplementedError(f"{self.name} keeps no writes, but the file has {entry!r}")

    def standing_fault(self, received: Received) -> Fault | None:
        """Return a fault that a switch asks for; scripted ones come first."""
        del received
        return None

    async def before(self, request: Request, received: Received) -> Response | None:
        """Answer in place of a route (credentials, throttling), or None to go on."""
        del request, received
        return None

    def count(self, kind: str) -> int:
        """Return how many requests of one kind were received."""
        return self.counts()[kind]

    def counts(self) -> Counter[str]:
        """Return how many requests were received, by kind."""
        return Counter(received.kind for received in self.requests)

    def record_write(self, entry: dict[str, object]) -> None:
        """Keep a write in the data file, if there is one."""
        if self._journal is not None:
            self._journal.append(self.name, entry)

    @functools.cached_property
    def router(self) -> Router:
        """The routes as an ASGI application."""
        return Router(routes=list(self.routes()), redirect_slashes=False)
