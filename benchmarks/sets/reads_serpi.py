"""Reads, JSON: SERPI's articles, flat records in an envelope, against its twin and the peers."""

from __future__ import annotations

from contenders.job import Job
from contests import Contender, contest, times_as_fast
from environments import HERE
from ours import serpi_command, serpi_config
from peers import FEW, ORDINARY, ordinary_taps, readers
from plan import Plan
from report import Bar, Section, columns, comparison
from servers import SERPI_HEADERS, Server, running_server

ROWS = 200_000
PAGE_SIZE = 1000
TAP = "tap-serpi"
SCHEMA = str(HERE / "contenders" / "schemas" / "articulos.json")
TEXT = """\
200,000 articles, about 870 bytes each, flat, in pages of 1,000 within SERPI's envelope. Our tap
also holds the token's lock for each call, looks whether pages repeat, and keeps what is needed to
tell rows that come twice."""


def job_of(server: Server, rows: int) -> Job:
    """Return the job of reading the first articles."""
    return Job(
        base_url=f"{server.first(rows)}/serpi/api/v1",
        path="/Articulo",
        slices="",
        headers=SERPI_HEADERS,
        paging="page",
        page_size=PAGE_SIZE,
        records="result",
        stream="articulos",
        schema=SCHEMA,
        folder="",
    )


def contenders(server: Server, plan: Plan) -> list[Contender]:
    """Return who reads the articles."""

    def config_of(rows: int) -> object:
        return serpi_config(server, rows, page_size=PAGE_SIZE)

    ours = Contender(
        TAP, ROWS, lambda rows: serpi_command(server, rows, "read", page_size=PAGE_SIZE)
    )
    taps = ordinary_taps("sdk_serpi", config_of, FEW)
    if plan.quick:
        return [ours, taps[0]]
    return [ours, *taps, *readers(lambda rows: job_of(server, rows))]


def measure(plan: Plan) -> list[Section]:
    """Measure one size of a page."""
    with running_server(articles=ROWS) as server:
        results = contest(contenders(server, plan), plan.rounds)
    tap, base = results[TAP], results[ORDINARY]
    return [
        Section(
            "Reads, JSON: SERPI's articles",
            TEXT,
            [("", columns("the ordinary tap"), comparison(results, base))],
            [Bar(f"{TAP} against its ordinary twin", times_as_fast(tap, base), 15)],
            {name: times_as_fast(one, base) for name, one in results.items()},
        )
    ]
