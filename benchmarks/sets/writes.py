"""Writes: target-serpi against a plain BatchSink, and what reading, checking and mapping cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

from contests import Contender, Results, contest, times_as_cheap, times_as_fast
from environments import HERE, program_of, python_of
from erp_sandbox.serpi.generate import make_articles
from measuring import Command, run
from ours import DATA, folder, serpi_config, written
from plan import Plan
from report import Bar, Section, shown
from servers import Server, running_server

ROWS = 2000
ROWS_READ = 20_000
SCALE_FOR = 1200
LATENCIES = (0, 20)
TARGET, PLAIN = "target-serpi", "a plain BatchSink that posts"
MAPPED = "target-serpi, its reader and its field table"
REHEARSED, CHECKED = "target-serpi, a whole dry run", "a singer-sdk target that sends nothing"
CODE = re.compile(rb'"id":\d+,"codigo":"(?:[^"\\]|\\.)*"')
SCHEMA = HERE / "contenders" / "schemas" / "articulos.json"

WRITES = f"""\
{ROWS:,} new articles in batches of 100. The plain sink posts them and believes HTTP 201; ours
looks which codes exist, writes a ledger row before each byte that leaves, and judges each answer."""
READING = f"""\
{ROWS_READ:,} articles read, checked and mapped, nothing sent, against a target on singer-sdk with
its default validation whose sink drops everything. The dry run also looks up each code, encodes
each call and makes its report."""


def _input(rows: int) -> Path:
    """Write so many new articles as Singer messages, once."""
    path = DATA / f"articles-{rows}.jsonl"
    schema = json.loads(SCHEMA.read_bytes())
    schema["properties"]["id"]["type"] = ["integer", "null"]
    message = {
        "type": "SCHEMA",
        "stream": "articulos",
        "schema": schema,
        "key_properties": ["codigo"],
    }
    made = make_articles(max(rows, 8) / SCALE_FOR, 7).rows.values()
    with path.open("wb") as file:
        file.write(json.dumps(message).encode() + b"\n")
        for number, article in zip(range(rows), made, strict=False):
            record = CODE.sub(b'"codigo":"NEW-%06d"' % number, article, count=1)
            file.write(b'{"type":"RECORD","stream":"articulos","record":%b}\n' % record)
    return path


def _ours(server: Server, rows: int, *, dry_run: bool) -> Command:
    # What an earlier run wrote is there no more.
    server.reset()
    config = written("target-serpi", serpi_config(server, dry_run=dry_run))
    program = program_of("ours", "target-serpi")
    arguments = [program, "--config", config, "--input", str(_input(rows))]
    return Command(arguments, folder=folder("target-serpi"))


def _plain(server: Server, rows: int, sink: str) -> Command:
    server.reset()
    config = written("plain-target", serpi_config(server))
    script = str(HERE / "contenders" / "plain_target.py")
    arguments = [python_of("sdk"), script, "--config", config, "--input", str(_input(rows))]
    return Command(arguments, {"BENCH_SINK": sink})


def _writers(server: Server, latency: int) -> list[Contender]:
    def ours(rows: int) -> Command:
        command = _ours(server, rows, dry_run=False)
        server.switch("serpi", latency_ms=latency)
        return command

    def plain(rows: int) -> Command:
        command = _plain(server, rows, "post")
        server.switch("serpi", latency_ms=latency)
        return command

    return [Contender(TARGET, ROWS, ours), Contender(PLAIN, ROWS, plain)]


def _mapped(rows: int) -> Command:
    script = str(HERE / "contenders" / "serpi_reading.py")
    return Command([python_of("ours"), script, "--input", str(_input(rows))])


def _readers(server: Server) -> list[Contender]:
    return [
        Contender(MAPPED, ROWS_READ, _mapped),
        Contender(REHEARSED, ROWS_READ, lambda rows: _ours(server, rows, dry_run=True)),
        Contender(CHECKED, ROWS_READ, lambda rows: _plain(server, rows, "drop")),
    ]


def _calls(server: Server, command: Command) -> str:
    run(command)
    counts = server.counts("serpi")
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if "." in kind)


def _rows(results: Results, base: str, extra: dict[str, str] | None = None) -> list[list[str]]:
    return [
        [
            one.name,
            shown(times_as_fast(one, results[base])),
            shown(times_as_cheap(one, results[base])),
            shown(one.cpu * 10),
            f"{one.peak_mb:.0f}",
            *([extra[one.name]] if extra else []),
        ]
        for one in results.values()
    ]


def measure(plan: Plan) -> list[Section]:
    """Measure writes at each latency, and reading."""
    heads = ["contender", "x the other", "the same by CPU", "CPU µs a record", "peak MB"]
    writing = Section("Writes: SERPI's articles", WRITES)
    with running_server(articles=12) as server:
        calls = {
            TARGET: _calls(server, _ours(server, ROWS, dry_run=False)),
            PLAIN: _calls(server, _plain(server, ROWS, "post")),
        }
        for latency in LATENCIES:
            results = contest(_writers(server, latency), plan.rounds)
            rows = _rows(results, PLAIN, calls)
            writing.tables.append((f"{latency} ms before each answer", [*heads, "calls"], rows))
        read = contest(_readers(server), plan.rounds)
    ratio = times_as_fast(read[MAPPED], read[CHECKED])
    what = "target-serpi: reading, checking and mapping, against a singer-sdk target as it comes"
    return [
        writing,
        Section("Reading in a target", READING, [("", heads, _rows(read, CHECKED))],
                [Bar(what, ratio, 8)]),
    ]  # fmt: skip
