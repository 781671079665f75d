"""From the API to the database: `meltano run` with our tap against dlt, and where the time goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from contests import Contender, Results, contest, times_as_fast, times_as_fast_in_all
from environments import HERE, python_of
from measuring import Command, run
from ours import DATA, catalog, folder, tap_command, winfra_config
from pipelines import CORES, Plugin, loading, meltano_run, piped
from plan import Plan
from postgres import Postgres, running_postgres
from report import WHOLE_RUN, Section, shown
from servers import Petition, Server, days_without_sales, history, running_server
from sets.reads_winfra import ROWS, job_of

TAP, STREAM = "tap-winfra-xxl", "ventas"
PAGE_SIZE = 1000
SCHEMA = "bench"
DAYS = 36
"""So many days hold about 20,000 sales."""

MELTANO = "meltano run"
DLT = "dlt"
PIPE = "a plain pipe from the tap to the loader"
LOADER = "the loader alone"
TAP_ALONE = "the tap alone"
TEXT = """\
{rows:,} sales from the same server into the same databases, upserted by key: `meltano run` with
our tap and the loader of the workspace, and dlt's rest_api source with its own destination. The
rows between show where the time goes: what Meltano adds to a plain pipe, and what the loader
takes with nothing but a file before it."""
POSTGRES_BEST = {"validate_records": False}
"""Our taps have checked every record already."""

NO_POSTGRES = "PostgreSQL is not installed here, so its part is left out."


@dataclass(frozen=True)
class Destination:
    """A database.

    Attributes:
        name: in the tables.
        loader: that Meltano runs.
        settings: of the loader, for a folder of its own.
        dlt: what dlt calls it.
        address: where dlt finds it.
        empty: makes it empty before a run.
        faster: other settings of the loader that are tried.
        best: those that the README recommends.
    """

    name: str
    loader: str
    settings: Callable[[Path], dict[str, Any]]
    dlt: str
    address: Callable[[Path], str]
    empty: Callable[[], None]
    faster: Mapping[str, dict[str, Any]]
    best: dict[str, Any]


def _duckdb(path: Path) -> dict[str, Any]:
    return {
        "filepath": str(path / "erp.duckdb"),
        "default_target_schema": SCHEMA,
        "add_metadata_columns": True,
        "batch_size_rows": 100_000,
    }


def _jsonl(path: Path) -> dict[str, Any]:
    return {"destination_path": str(path), "do_timestamp_file": False}


def _destinations(postgres: Postgres | None) -> list[Destination]:
    def nothing() -> None:
        """Its folder is emptied before each run."""

    destinations = [
        Destination(
            "DuckDB",
            "target-duckdb",
            _duckdb,
            "duckdb",
            lambda path: str(path / "dlt.duckdb"),
            nothing,
            {"batch_size_rows 10,000": {"batch_size_rows": 10_000}},
            {},
        ),
        Destination("JSONL", "target-jsonl", _jsonl, "files", str, nothing, {}, {}),
    ]
    if postgres is None:
        return destinations
    server = postgres
    return [
        *destinations,
        Destination(
            "PostgreSQL",
            "target-postgres",
            lambda _: {**server.settings(), "default_target_schema": SCHEMA},
            "postgres",
            lambda _: server.address,
            lambda: server.empty(SCHEMA),
            {
                "validate_records false": POSTGRES_BEST,
                "the same, batch_size_rows 50,000": {**POSTGRES_BEST, "batch_size_rows": 50_000},
                # 12345678901234.56789 comes out as 12345678901234.568: it makes floats.
                "the same, use_copy true (loses digits)": {**POSTGRES_BEST, "use_copy": True},
            },
            POSTGRES_BEST,
        ),
    ]


@dataclass(frozen=True)
class Source:
    """What is read.

    Attributes:
        server: the sandbox.
        petition: for dlt.
        rows: of the days that our tap reads.
        lines: what our tap has written of them.
        no_lines: the same of days without sales.
    """

    server: Server
    petition: Petition
    rows: int
    lines: Path
    no_lines: Path

    def config(self, rows: int) -> dict[str, Any]:
        """Return our tap's settings for those days, or for days without sales."""
        first, _ = history()
        days = (first, first + timedelta(days=DAYS - 1)) if rows else days_without_sales()
        return winfra_config(self.server, days, page_size=PAGE_SIZE)

    def tap(self, rows: int) -> Command:
        """Return our tap's command line; it asks for a petition and waits, as Meltano's does."""
        path = catalog(TAP, STREAM)
        return tap_command(TAP, self.config(rows), path, f"end-to-end-{rows}")


def _source(server: Server) -> Source:
    first, last = history()
    rows = server.petition(first, first + timedelta(days=DAYS - 1)).rows
    petition = server.petition(first, last)
    source = Source(server, petition, rows, DATA / "lines.jsonl", DATA / "no-lines.jsonl")
    for count, output in ((rows, source.lines), (0, source.no_lines)):
        run(replace(source.tap(count), output=output))
    return source


def _contenders(source: Source, to: Destination) -> list[Contender]:
    place = folder(f"end-to-end-{to.loader}")
    settings = to.settings(place)

    def meltano_with(more: Mapping[str, Any]) -> Callable[[int], Command]:
        def meltano(rows: int) -> Command:
            to.empty()
            config = {**settings, **more}
            loader = Plugin(to.loader, config)
            return meltano_run(Plugin(TAP, source.config(rows)), STREAM, loader, place)

        return meltano

    def pipe(rows: int) -> Command:
        to.empty()
        return piped(source.tap(rows), Plugin(to.loader, settings), place)

    def loader_with(more: Mapping[str, Any]) -> Callable[[int], Command]:
        def loader(rows: int) -> Command:
            to.empty()
            lines = source.lines if rows else source.no_lines
            return loading(lines, Plugin(to.loader, {**settings, **more}), place)

        return loader

    def dlt(rows: int) -> Command:
        to.empty()
        job = replace(job_of(source.server, source.petition, rows, PAGE_SIZE), folder=str(place))
        environment = {
            "BENCH_JOB": json.dumps(asdict(job)),
            "PYTHONPATH": str(HERE),
            "BENCH_DATABASE": to.address(place),
        }
        arguments = [python_of("dlt"), "-m", "contenders.dlt_read", to.dlt]
        return Command(arguments, environment, folder=place, cores=CORES)

    def tap(rows: int) -> Command:
        return replace(source.tap(rows), cores=CORES)

    return [
        Contender(MELTANO, source.rows, meltano_with({})),
        *(
            [
                Contender(
                    f"{MELTANO}, the loader's best settings", source.rows, meltano_with(to.best)
                )
            ]
            if to.best
            else []
        ),
        Contender(DLT, source.rows, dlt),
        Contender(PIPE, source.rows, pipe),
        Contender(TAP_ALONE, source.rows, tap),
        Contender(LOADER, source.rows, loader_with({})),
        *(
            Contender(f"{LOADER}, {name}", source.rows, loader_with(more))
            for name, more in to.faster.items()
        ),
    ]


def _table(results: Results) -> list[list[str]]:
    base = results[MELTANO]
    return [
        [
            one.name,
            shown(times_as_fast(one, base)),
            shown(times_as_fast_in_all(one, base, WHOLE_RUN)),
            shown(one.start / base.start),
            shown(one.cpu),
            f"{one.peak_mb:.0f}",
        ]
        for one in results.values()
    ]


def measure(plan: Plan) -> list[Section]:
    """Measure each database."""
    heads = [
        "", f"x {MELTANO}", "whole run", "start", "CPU s / 100,000", "peak MB of the largest process",
    ]  # fmt: skip
    with ExitStack() as stack:
        server = stack.enter_context(running_server(articles=1200, sales=ROWS))
        postgres = stack.enter_context(running_postgres())
        source = _source(server)
        section = Section("From end to end", TEXT.format(rows=source.rows))
        if postgres is None:
            section.text += f"\n\n{NO_POSTGRES}"
        for to in _destinations(postgres):
            results = contest(_contenders(source, to), plan.rounds)
            section.tables.append((to.name, heads, _table(results)))
    return [section]
