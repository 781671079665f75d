"""BATCH through the SDK's writer: equal records, and what it costs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contests import Contender, contest
from measuring import Command, run
from ours import DATA, folder, serpi_command, serpi_config
from peers import FEW, ORDINARY, ordinary_taps
from plan import Plan
from report import Section, columns, comparison
from servers import Server, running_server

ROWS = FEW
PAGE_SIZE = 1000
LINES = "tap-serpi, RECORD lines"
BATCH = "tap-serpi, BATCH"
ORDINARY_BATCH = f"{ORDINARY}, BATCH"
TEXT = """\
{rows:,} articles as gzipped JSON lines. The tap's checks are its own; the files are written by
the SDK's writer, record by record. The records in the files are {verdict}. Of the three
loaders here target-postgres alone reads BATCH; what it saves by it (the validation) is saved by
`validate_records: false` too, and writing the files costs more, so there is no own writer."""


def _batch_config(name: str) -> dict[str, Any]:
    return {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{folder(name)}"},
        }
    }


def _in(command: Command, name: str) -> Command:
    return replace(command, folder=folder(name))


def _contenders(server: Server) -> list[Contender]:
    def lines(rows: int) -> Command:
        return serpi_command(server, rows, "lines", page_size=PAGE_SIZE)

    def batch(rows: int) -> Command:
        config = _batch_config("batch")
        return _in(serpi_command(server, rows, "batch", page_size=PAGE_SIZE, **config), "batch")

    def config_of(rows: int) -> object:
        config = _batch_config("ordinary-batch")
        return serpi_config(server, rows, page_size=PAGE_SIZE, **config)

    ordinary = ordinary_taps("sdk_serpi", config_of, ROWS)[0]
    return [
        Contender(LINES, ROWS, lines),
        Contender(BATCH, ROWS, batch),
        Contender(ORDINARY_BATCH, ROWS, lambda rows: _in(ordinary.command(rows), "ordinary-batch")),
    ]


def _messages(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            yield json.loads(line, parse_float=Decimal)


def _records(path: Path) -> Iterator[Any]:
    """Yield the records of a tap's output, those in the files of its BATCH lines too."""
    for message in _messages(path):
        if message["type"] == "RECORD":
            yield message["record"]
        for file in message.get("manifest", ()):
            with gzip.open(urlsplit(file).path) as lines:
                for line in lines:
                    yield json.loads(line, parse_float=Decimal)


def _are_equal(server: Server) -> bool:
    outputs: list[Path] = []
    for one in _contenders(server)[:2]:
        output = DATA / f"output-{len(outputs)}.jsonl"
        run(replace(one.command(ROWS), output=output))
        outputs.append(output)
    pairs = zip_longest(*map(_records, outputs))
    return all(line == batched for line, batched in pairs)


def measure(plan: Plan) -> list[Section]:
    """Measure lines against batches, and look whether the records are the same."""
    with running_server(articles=ROWS) as server:
        equal = _are_equal(server)
        results = contest(_contenders(server), plan.rounds)
    verdict = "equal to those of the RECORD lines, one by one" if equal else "**not equal**"
    return [
        Section(
            "BATCH",
            TEXT.format(rows=ROWS, verdict=verdict),
            [
                (
                    "",
                    columns("the ordinary tap, BATCH"),
                    comparison(results, results[ORDINARY_BATCH]),
                )
            ],
        )
    ]
