"""A Meltano project for measurements: one tap, three loaders, each in its own environment already."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from environments import program_of
from measuring import ENVIRONMENT, Command
from ours import DATA, written

PROJECT = DATA / "meltano"
CORES = frozenset(os.sched_getaffinity(0))
"""A pipeline is two processes or three; the server's core is theirs too."""

QUIET = {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Plugin:
    """A tap or a loader with its settings.

    Attributes:
        name: of its program.
        config: its settings.
    """

    name: str
    config: Mapping[str, Any]


def meltano_run(tap: Plugin, stream: str, loader: Plugin, folder: Path) -> Command:
    """Return `meltano run TAP LOADER` for one stream, everything read anew.

    Args:
        tap: one of ours.
        stream: the one that is selected.
        loader: where to.
        folder: emptied before the run.
    """
    _project(tap, stream, loader)
    meltano = str(Path(sys.executable).with_name("meltano"))
    return Command(
        ["env", f"--chdir={PROJECT}", meltano, "run", "--full-refresh", tap.name, loader.name],
        QUIET,
        folder=folder,
        cores=CORES,
    )


def _project(tap: Plugin, stream: str, loader: Plugin) -> None:
    """Write the project; Meltano's own database in it is made once."""
    extractor = {
        "name": tap.name,
        "namespace": tap.name.replace("-", "_"),
        "executable": program_of("ours", tap.name),
        "capabilities": ["catalog", "discover", "state"],
        "config": dict(tap.config),
        "select": [f"{stream}.*"],
    }
    target = {
        "name": loader.name,
        "namespace": loader.name.replace("-", "_"),
        "executable": program_of(loader.name, loader.name),
        "config": dict(loader.config),
    }
    project = {
        "version": 1,
        "default_environment": "bench",
        "environments": [{"name": "bench"}],
        "send_anonymous_usage_stats": False,
        "project_id": "0a0f4a6e-0000-4000-8000-000000000000",
        "plugins": {"extractors": [extractor], "loaders": [target]},
    }
    PROJECT.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (PROJECT / "meltano.yml").write_text(json.dumps(project, indent=1))
    if not (PROJECT / ".meltano" / "meltano.db").exists():
        meltano = str(Path(sys.executable).with_name("meltano"))
        command = [meltano, "config", "list", tap.name]
        environment = {**ENVIRONMENT, **QUIET}
        subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False)


def piped(tap: Command, loader: Plugin, folder: Path) -> Command:
    """Return the same two programs with a plain pipe between them."""
    line = f"{shlex.join(tap.arguments)} | {_loading(loader)}"
    return Command(["sh", "-c", line], folder=folder, cores=CORES)


def loading(lines: Path, loader: Plugin, folder: Path) -> Command:
    """Return the loader alone, reading what a tap has written before."""
    line = f"{_loading(loader)} < {shlex.quote(str(lines))}"
    return Command(["sh", "-c", line], folder=folder, cores=CORES)


def _loading(loader: Plugin) -> str:
    settings = json.dumps(loader.config, sort_keys=True)
    path = written(f"{loader.name}-{crc32(settings.encode()):08x}", loader.config)
    program = program_of(loader.name, loader.name)
    return f"{shlex.join([program, '--config', path])} > /dev/null"
