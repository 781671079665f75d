"""What can go wrong between a connector and its server, and with the connector's own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "reset", "close", "stall", "status", "html", "garbage",
    "lost_reset", "lost_close", "cut_head", "cut_body", "reset_body", "cut_chunk", "stall_body",
    "drip", "status_after", "html_after", "garbage_after", "empty_after", "charset",
    "late", "hang_up", "reset_at_accept", "refuse",
]  # fmt: skip
"""What a fault does with a request:

reset, close      end the connection, by RST or in an orderly way; the server never hears of it
stall             say nothing until the client gives up; the server never hears of it
status            answer `status` (with `retry_after`); the server never hears of it
html, garbage     answer 200 with a page of HTML, or with half of a JSON or XML text
lost_reset, lost_close    the server does it and the answer is lost, by RST or in an orderly way
cut_head          the server does it; its answer ends within the headers
cut_body, reset_body      the same within the body, in an orderly way or by RST
cut_chunk         the same, in chunks, of which the last one is missing
stall_body        the same, and the connection stays open, silent
drip              the server does it; its answer comes byte by byte, `seconds` between two
status_after, html_after, garbage_after, empty_after    the server does it and somebody between the
                  two answers something else (a gateway's 504, a login page, half a text, nothing)
charset           the answer in Latin-1, which it does not say
late              the connection ends, and the server does it `seconds` later all the same
hang_up           all is well, then the connection is closed and others are refused for `seconds`
reset_at_accept   the n-th connection is reset (path `connect`)
refuse            connections are refused for `seconds`, from the run's start (path `connect`, hit 0)
"""

NEVER_HEARD: frozenset[FaultKind] = frozenset(
    {"reset", "close", "stall", "status", "html", "garbage", "reset_at_accept", "refuse"}
)
"""Faults after which the server surely has done nothing."""

CONNECT = "connect"
STDOUT = "stdout"
STDIN = "stdin"
PROCESS = "process"
ANY = "*"
"""Paths of troubles that are no path of HTTP; `*` counts every request."""


@dataclass(frozen=True)
class Fault:
    """One fault; see `FaultKind`."""

    kind: FaultKind
    status: int = 0
    retry_after: str = ""
    seconds: float = 0


StopKind = Literal[
    "SIGKILL", "SIGTERM", "SIGINT", "SIGTERM twice", "closed stdout", "full", "fsize"
]
"""How a process is stopped: by a signal, by a reader that ends, or by a disk that is full (standard
output is /dev/full, or no file may grow beyond `size` bytes)."""


Phase = Literal["before", "after", "middle"]


@dataclass(frozen=True)
class Stop:
    """What stops the process.

    Attributes:
        kind: see `StopKind`.
        phase: of a request, when: before the server hears of it, when it has done it, or when half
            of its answer was sent.
        size: of `fsize`, in bytes.
    """

    kind: StopKind
    phase: Phase = "before"
    size: int = 0


@dataclass(frozen=True)
class Trouble:
    """One fault or stop, and where it strikes.

    Attributes:
        run: in the how-many-th run, from 0.
        path: of the requests that are counted, or one of the words above.
        hit: at the how-many-th request (line, connection) of that path, from 1.
        what: happens then.
    """

    run: int
    path: str
    hit: int
    what: Fault | Stop
