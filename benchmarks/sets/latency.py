"""Reads from a server that takes its time: what asking ahead gives, and what is left of the rest."""

from __future__ import annotations

from datetime import timedelta

from contests import Contender, contest, times_as_fast
from ours import winfra_command
from peers import FEW, ORDINARY, readers
from plan import Plan
from report import Bar, Section, columns, comparison
from servers import Petition, Server, history, running_server
from sets.reads_winfra import ROWS, job_of, ordinary

DAYS = 72
"""So many days hold about 40,000 sales, 40 slices."""

PAGE_SIZE = 1000
TEXT = """\
The same sales in slices of 1,000 where the server waits before each answer. *n ahead* is the
setting `download_ahead`; the default is 2."""


def _name(ahead: int) -> str:
    return f"tap-winfra-xxl, {ahead} ahead"


def _ours(server: Server, rows: int, ahead: int) -> Contender:
    first, _ = history()
    days = (first, first + timedelta(days=DAYS - 1))
    return Contender(
        _name(ahead),
        rows,
        lambda count: winfra_command(
            server, count, f"ahead-{ahead}", days, page_size=PAGE_SIZE, download_ahead=ahead
        ),
    )


def _contenders(server: Server, petition: Petition, rows: int, plan: Plan) -> list[Contender]:
    ours = [_ours(server, rows, ahead) for ahead in (0, 2, 4)]
    taps = ordinary(server, petition, PAGE_SIZE, FEW)[:1]
    if plan.quick:
        return [*ours, *taps]
    others = readers(lambda count: job_of(server, petition, count, PAGE_SIZE))
    return [*ours, *taps, *others]


def measure(plan: Plan) -> list[Section]:
    """Measure every latency."""
    section = Section("Reads from a slow server", TEXT)
    if not plan.latencies:
        return []
    first, last = history()
    with running_server(articles=1200, sales=ROWS) as server:
        petition = server.petition(first, last)
        rows = server.petition(first, first + timedelta(days=DAYS - 1)).rows
        for latency in plan.latencies:
            server.switch("winfra", latency_ms=latency)
            results = contest(_contenders(server, petition, rows, plan), plan.rounds)
            rows_of_table = comparison(results, results[ORDINARY])
            section.tables.append((f"{latency} ms", columns("the ordinary tap"), rows_of_table))
            if latency == 100:
                ratio = times_as_fast(results[_name(4)], results[_name(0)])
                what = "at 100 ms a slice: four ahead against one at a time"
                section.bars.append(Bar(what, ratio, 3))
    return [section]
