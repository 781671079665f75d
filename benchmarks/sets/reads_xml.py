"""Reads, XML: FacturaDirecta's providers against ordinary taps and against the parser alone."""

from __future__ import annotations

import json
from dataclasses import asdict

from contenders.job import Job
from contests import Contender, contest, times_as_fast
from environments import HERE, python_of
from erp_sandbox import facturadirecta
from measuring import Command, run
from ours import facturadirecta_command, written
from peers import FEW, SOME
from plan import Plan
from report import Bar, Section, columns, comparison
from servers import FACTURADIRECTA_HEADERS, Server, running_server

ROWS = SOME
ARTICLES_FOR_ROWS = 2 * ROWS
"""The sandbox has half as many providers as articles."""

PAGE_SIZE = 250
TAP = "tap-facturadirecta"
LXML = "ordinary singer-sdk tap, lxml"
XMLTODICT = "ordinary singer-sdk tap, xmltodict"
DOWNLOAD = "limit: download alone"
PARSE = "limit: download, lxml parse alone"
TEXT = """\
Providers of about 1.6 kB with addresses and custom attributes, 250 a page (the API's most).
Our tap refuses hostile documents before parsing, keeps every element, asks for pages that overlap
to see rows move, and compares the first providers with their detail calls."""


def _ordinary(server: Server, parser: str) -> Contender:
    def command(rows: int) -> Command:
        config = {
            "api_url": f"{server.first(rows)}/facturadirecta",
            "api_token": facturadirecta.TOKEN,
        }
        script = str(HERE / "contenders" / "sdk_facturadirecta.py")
        path = written(f"sdk_facturadirecta-{rows}", config)
        arguments = [python_of("sdk"), script, "--config", path]
        return Command(arguments, {"BENCH_PARSER": parser})

    return Contender({"lxml": LXML, "xmltodict": XMLTODICT}[parser], FEW, command)


def _limit(server: Server, work: str) -> Contender:
    def command(rows: int) -> Command:
        job = Job(
            base_url=f"{server.first(rows)}/facturadirecta",
            path="/api/providers.xml",
            slices="",
            headers=FACTURADIRECTA_HEADERS,
            paging="offset",
            page_size=PAGE_SIZE,
            records="",
            stream="providers",
            schema="",
            folder="",
        )
        environment = {"BENCH_JOB": json.dumps(asdict(job)), "PYTHONPATH": str(HERE)}
        return Command([python_of("limits"), "-m", "contenders.xml_limits", work], environment)

    return Contender({"download": DOWNLOAD, "lxml": PARSE}[work], ROWS, command)


def measure(plan: Plan) -> list[Section]:
    """Measure, after every page was made once."""
    with running_server(articles=ARTICLES_FOR_ROWS) as server:
        contenders = [
            Contender(TAP, ROWS, lambda rows: facturadirecta_command(server, rows, "read")),
            _ordinary(server, "lxml"),
            _ordinary(server, "xmltodict"),
            _limit(server, "download"),
            _limit(server, "lxml"),
        ]
        for one in contenders:
            run(one.command(one.rows))
        results = contest(contenders, plan.rounds)
    tap, base = results[TAP], results[LXML]
    return [
        Section(
            "Reads, XML: FacturaDirecta's providers",
            TEXT,
            [
                (
                    "",
                    columns("the ordinary tap, lxml", "lxml parse alone"),
                    comparison(results, base, results[PARSE]),
                )
            ],
            [
                Bar(f"{TAP} against an {LXML}", times_as_fast(tap, base), 3),
                Bar(f"{TAP} against an {XMLTODICT}", times_as_fast(tap, results[XMLTODICT]), 5),
            ],
            {name: times_as_fast(one, base) for name, one in results.items()},
        )
    ]
