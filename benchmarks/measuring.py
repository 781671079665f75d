"""Running a contender and reading what it took from the kernel.

Timings never decide a test; only ratios of runs that took turns are shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SERVER_CORE = max(os.sched_getaffinity(0))
"""The server has a core of its own, so that it takes none of the contender's time."""

OTHER_CORES = frozenset(os.sched_getaffinity(0) - {SERVER_CORE} or {SERVER_CORE})

# A developer's settings of Python (no byte code kept, no buffers) would slow some contenders only.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


class ContenderFailedError(Exception):
    """A contender ended with an error; its log's end is the message."""


@dataclass(frozen=True)
class Command:
    """A contender's command line.

    Attributes:
        arguments: program and arguments.
        environment: variables beside the driver's own.
        folder: where it runs; made empty before each run.
        output: where its standard output goes; None throws it away.
        cores: where it may run; the server's is left out by default.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    output: Path | None = None
    cores: frozenset[int] = OTHER_CORES


@dataclass(frozen=True)
class Sample:
    """What one run took.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of processor, user and system, its ended children included.
        peak_mb: the largest resident set of the process or of one of its children, in MB (10**6
            bytes). The kernel counts the driver's own set in, so the driver stays small.
    """

    wall: float
    cpu: float
    peak_mb: float


def run(command: Command) -> Sample:
    """Run a contender once.

    Args:
        command: what to run.

    Returns:
        what it took.

    Raises:
        ContenderFailedError: it ended with another code than 0.
    """
    if command.folder is not None:
        shutil.rmtree(command.folder, ignore_errors=True)
        command.folder.mkdir(parents=True)
    with (command.output or Path(os.devnull)).open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **command.environment},
            cwd=command.folder,
            preexec_fn=lambda: os.sched_setaffinity(0, command.cores),  # noqa: PLW1509 - no threads here
        )
        assert process.stderr is not None
        log = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        words = log.decode(errors="replace")[-2000:]
        raise ContenderFailedError(f"{command.arguments}: exit {process.returncode}\n{words}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)
