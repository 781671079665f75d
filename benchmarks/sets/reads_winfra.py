"""Reads, JSON: WINFRA's sales, in slices of every size, against every peer and the limits."""

from __future__ import annotations

from contenders.job import Job
from contests import Contender, Results, contest, times_as_fast
from environments import HERE
from erp_sandbox import winfra
from measuring import run
from ours import winfra_command
from peers import (
    AIRBYTE,
    DLT_EXTRACT,
    FEW,
    LIMIT_ORJSON,
    MSDK,
    ORDINARY,
    limits,
    ordinary_taps,
    readers,
    transformer,
    vendor_example,
)
from plan import Plan
from report import Bar, Section, columns, comparison
from servers import Petition, Server, history, running_server

ROWS = 200_000
TAP = "tap-winfra-xxl"
SCHEMA = str(HERE / "contenders" / "schemas" / "ventas.json")
TEXT = """\
One dataset of 200,000 sales, about 1.3 kB each with lines and addresses. Our tap checks every
value of every record against the schema that it learns meanwhile, and hands on each record's own
bytes."""


def job_of(server: Server, petition: Petition, rows: int, page_size: int) -> Job:
    """Return the job of reading the first sales of a petition."""
    base = server.first(rows)
    place = f"winfra/api_v1/datos_xxl/{petition.id}"
    return Job(
        base_url=f"{base}/by_query/{place}",
        path="/ventas",
        slices=f"{base}/{place}/ventas",
        headers=petition.headers,
        paging="offset",
        page_size=page_size,
        records="",
        stream="ventas",
        schema=SCHEMA,
        folder="",
    )


def ordinary(server: Server, petition: Petition, page_size: int, rows: int) -> list[Contender]:
    """Return the ordinary taps on a petition."""

    def config_of(count: int) -> object:
        return {
            "domain_url": f"{server.first(count)}/winfra",
            "domain_user": winfra.DOMAIN_USER,
            "domain_password": winfra.DOMAIN_PASSWORD,
            "token": petition.token,
            "petition": petition.id,
            "page_size": page_size,
        }

    return ordinary_taps("sdk_winfra", config_of, rows)


def ours(server: Server, page_size: int) -> Contender:
    """Return our tap."""
    return Contender(
        TAP,
        ROWS,
        lambda rows: winfra_command(server, rows, f"read-{page_size}", page_size=page_size),
    )


def contenders(server: Server, petition: Petition, page_size: int, plan: Plan) -> list[Contender]:
    """Return who reads slices of one size."""

    def job(rows: int) -> Job:
        return job_of(server, petition, rows, page_size)

    taps = ordinary(server, petition, page_size, FEW)
    bounds = limits(job, ROWS)
    if plan.quick:
        return [ours(server, page_size), taps[0], *bounds]
    return [
        ours(server, page_size),
        *taps,
        *readers(job),
        transformer(job),
        vendor_example(job, ROWS),
        *bounds,
    ]


def measure(plan: Plan) -> list[Section]:
    """Measure every size of a slice."""
    section = Section("Reads, JSON: WINFRA's sales", TEXT)
    with running_server(articles=1200, sales=ROWS) as server:
        petition = server.petition(*history())
        assert petition.rows == ROWS
        for page_size in plan.page_sizes:
            server.forget()
            who = contenders(server, petition, page_size, plan)
            run(who[0].command(ROWS))  # every page is made once
            results = contest(who, plan.rounds)
            _report(section, page_size, results)
    return [section]


def _report(section: Section, page_size: int, results: Results) -> None:
    base, limit = results[ORDINARY], results[LIMIT_ORJSON]
    section.tables.append(
        (
            f"Slices of {page_size:,}",
            columns("the ordinary tap", "orjson loads + dumps"),
            comparison(results, base, limit),
        )
    )
    tap = results[TAP]
    what = f"{TAP}, slices of {page_size:,}, every record checked, against"
    section.bars.append(Bar(f"{what} the ordinary singer-sdk tap", times_as_fast(tap, base), 18))
    if page_size != 1000:
        return
    section.picture = {name: times_as_fast(one, base) for name, one in results.items()}
    section.bars.append(Bar(f"{what} {LIMIT_ORJSON}", times_as_fast(tap, limit), 1.2))
    for name, least in ((AIRBYTE, 4), (DLT_EXTRACT, 8), (MSDK, 20)):
        if name in results:
            section.bars.append(Bar(f"{what} {name}", times_as_fast(tap, results[name]), least))
