"""The peers and the limits as contenders: who reads a job how, and how many rows it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from contenders.job import Job
from contests import Contender
from environments import HERE, python_of
from measuring import Command
from ours import folder, written

FEW, SOME, MANY = 20_000, 40_000, 60_000

JobOf = Callable[[int], Job]
"""Gives the job of reading so many rows."""


def _command(name: str, job: Job, program: str, *arguments: str, environment: str) -> Command:
    place = folder(name.replace(" ", "-"))
    job = replace(job, folder=str(place))
    return Command(
        [python_of(environment), "-m", f"contenders.{program}", *arguments],
        {"BENCH_JOB": json.dumps(asdict(job)), "PYTHONPATH": str(HERE)},
        folder=place,
    )


def _peer(
    name: str, rows: int, job_of: JobOf, program: str, *arguments: str, environment: str
) -> Contender:
    return Contender(
        name,
        rows,
        lambda count: _command(name, job_of(count), program, *arguments, environment=environment),
    )


ORDINARY = "ordinary singer-sdk tap"
ORDINARY_MSGSPEC = "ordinary singer-sdk tap, msgspec writer"
MSDK = "tap-rest-api-msdk"
DLT_EXTRACT = "dlt, extract only"
DLT = "dlt, end to end into JSONL"
AIRBYTE = "airbyte-cdk, declarative"
SINGER_PYTHON = "singer-python by hand"
SINGER_PYTHON_TRANSFORMER = "singer-python with its Transformer"
VENDOR = "the vendor's sample program (bytes to files)"
LIMIT_DOWNLOAD = "limit: download alone"
LIMIT_ORJSON = "limit: download, orjson loads + dumps"
LIMIT_RAW = "limit: download, raw slices, no check"


def ordinary_taps(program: str, config_of: Callable[[int], object], rows: int) -> list[Contender]:
    """Return a tap on singer-sdk written the ordinary way, with both of the SDK's writers.

    Args:
        program: of the contenders.
        config_of: gives its settings for so many rows.
        rows: that it is given.
    """

    def contender(name: str, writer: str) -> Contender:
        def command(count: int) -> Command:
            path = written(f"{program}-{count}", config_of(count))
            script = str(HERE / "contenders" / f"{program}.py")
            arguments = [python_of("sdk"), script, "--config", path]
            return Command(arguments, {"BENCH_WRITER": writer})

        return Contender(name, rows, command)

    return [contender(ORDINARY, "simplejson"), contender(ORDINARY_MSGSPEC, "msgspec")]


def readers(job_of: JobOf) -> list[Contender]:
    """Return the tools that read any paged list."""
    return [
        _peer(MSDK, FEW, job_of, "msdk_tap", environment="msdk"),
        _peer(DLT_EXTRACT, SOME, job_of, "dlt_read", "extract", environment="dlt"),
        _peer(DLT, FEW, job_of, "dlt_read", "files", environment="dlt"),
        _peer(AIRBYTE, MANY, job_of, "airbyte_read", environment="airbyte"),
        _peer(SINGER_PYTHON, SOME, job_of, "singer_python_tap", environment="singer-python"),
    ]


def transformer(job_of: JobOf) -> Contender:
    """Return singer-python with its Transformer, as many older taps use it."""
    program = ("singer_python_tap", "transform")
    return _peer(SINGER_PYTHON_TRANSFORMER, FEW, job_of, *program, environment="singer-python")


def vendor_example(job_of: JobOf, rows: int) -> Contender:
    """Return WINFRA's sample program."""
    return _peer(VENDOR, rows, job_of, "vendor_example", environment="limits")


def limits(job_of: JobOf, rows: int) -> list[Contender]:
    """Return what no tool can pass with this much work."""
    works = {LIMIT_DOWNLOAD: "download", LIMIT_ORJSON: "orjson", LIMIT_RAW: "raw"}
    return [
        _peer(name, rows, job_of, "limits", work, environment="limits")
        for name, work in works.items()
    ]
