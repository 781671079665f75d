"""What selection and stream maps cost: raw fields, new names, and the SDK's own path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contests import Contender, contest, times_as_fast
from ours import winfra_command
from peers import FEW, ORDINARY
from plan import Plan
from report import Bar, Section, columns, comparison
from servers import Server, history, running_server
from sets.reads_winfra import ROWS, ordinary

PAGE_SIZE = 1000
DESELECTED = "tap-winfra-xxl, one property deselected"
RENAMED = "tap-winfra-xxl, the stream renamed by a stream map"
EXPRESSION = "tap-winfra-xxl, an expression in a stream map"
FAST = 8
TEXT = """\
With a property deselected, a record is a struct of raw fields and keeps the others' bytes. A
stream map that only renames the stream changes the envelope alone. An expression takes the SDK's
own path."""


def _ours(
    name: str,
    server: Server,
    rows: int,
    maps: Mapping[str, Mapping[str, str]] | None = None,
    without: Sequence[str] = (),
) -> Contender:
    more: dict[str, Any] = {"stream_maps": maps} if maps else {}
    file = name.rsplit(" ", 1)[-1]
    return Contender(
        name,
        rows,
        lambda count: winfra_command(
            server, count, file, without=without, page_size=PAGE_SIZE, **more
        ),
    )


def measure(plan: Plan) -> list[Section]:
    """Measure each path."""
    with running_server(articles=1200, sales=ROWS) as server:
        petition = server.petition(*history())
        expression = {"ventas": {"numero_texto": "str(numero)"}}
        results = contest(
            [
                _ours(DESELECTED, server, ROWS, without=["observaciones"]),
                _ours(RENAMED, server, ROWS, {"ventas": {"__alias__": "facturas"}}),
                _ours(EXPRESSION, server, ROWS, expression),
                *ordinary(server, petition, PAGE_SIZE, FEW)[:1],
            ],
            plan.rounds,
        )
    base = results[ORDINARY]
    against = "against the ordinary tap"
    fast = [(DESELECTED, FAST), (RENAMED, FAST), (EXPRESSION, 1)]
    return [
        Section(
            "Selection and stream maps",
            TEXT,
            [("", columns("the ordinary tap"), comparison(results, base))],
            [
                Bar(f"{name}, {against}", times_as_fast(results[name], base), least)
                for name, least in fast
            ],
        )
    ]
