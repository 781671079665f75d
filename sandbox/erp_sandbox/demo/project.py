"""A Meltano project of its own, made from the repository's meltano.yml.

The repository's own folder is not used: its .env may hold real credentials, and variables win over
what an environment of meltano.yml says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erp_sandbox.demo.errors import DemoError
from erp_sandbox.demo.package_index import uv_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ENVIRONMENT = "sandbox"

OTHERS_VARIABLES = ("TAP_", "TARGET_", "MELTANO_", "SINGER_SDK_")

LAST_PYTHON_OF_DUCKDB = (3, 13)
"""DuckDB below 1.3, which target-duckdb needs, exists for no later Python."""

PYTHON_OF_DUCKDB = ">=3.11,<3.14"
"""In uv's words: one that is installed, or else one that it fetches."""


@dataclass(frozen=True)
class StreamReport:
    """What the tap said of one stream: rows read, seconds."""

    rows: int
    seconds: float


@dataclass(frozen=True)
class RunReport:
    """What one ``meltano run`` did.

    Attributes:
        seconds: in all.
        streams: what the tap said of each; nothing for one that it did not read.
        summaries: the lines in which target-serpi says what became of the records.
    """

    seconds: float
    streams: Mapping[str, StreamReport]
    summaries: Sequence[str]


class MeltanoProject:
    """A folder in which ``meltano`` runs the repository's plugins."""

    def __init__(self, repository: Path, folder: Path) -> None:
        """Name the folders.

        Args:
            repository: where meltano.yml and the packages are.
            folder: the project's; made by `prepare`.
        """
        self.repository = repository
        self.folder = folder
        self.logs = folder / "logs"

    def prepare(self) -> None:
        """Copy meltano.yml and the constraints, and link the packages."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for file in (self.repository / "meltano.yml", *self.repository.glob("constraints*.txt")):
            shutil.copyfile(file, self.folder / file.name)
        for package in self.repository.glob("*/pyproject.toml"):
            link = self.folder / package.parent.name
            if not link.is_symlink():
                link.symlink_to(os.path.relpath(package.parent, self.folder))

    def install(self, plugins: Iterable[str]) -> float:
        """Install plugins; those that stand already are brought up to date.

        Returns:
            the seconds it took.

        Raises:
            DemoError: pip or uv failed.
        """
        started = time.monotonic()
        made_with = self.folder / "python-version"
        same = made_with.exists() and made_with.read_text(encoding="utf-8") == sys.version
        # Meltano keeps a plugin's environment when another Python runs it.
        self.meltano("install", *([] if same else ["--clean"]), *plugins, log="install")
        made_with.write_text(sys.version, encoding="utf-8")
        return time.monotonic() - started

    def run(self, *blocks: str, variables: Mapping[str, str]) -> RunReport:
        """Run a pipeline.

        Args:
            blocks: plugins, as ``meltano run`` takes them.
            variables: beside the environment's own.

        Returns:
            what the plugins said.

        Raises:
            DemoError: the pipeline ended with an exit code that is not 0.
        """
        started = time.monotonic()
        log = f"run-{'-'.join(blocks)}"
        path = self.meltano(
            f"--environment={ENVIRONMENT}", "run", *blocks, log=log, extra=variables
        )
        return RunReport(time.monotonic() - started, _streams(path), _summaries(path))

    def meltano(self, *arguments: str, log: str, extra: Mapping[str, str] | None = None) -> Path:
        """Run a command of Meltano.

        Args:
            arguments: of the command.
            log: name of the log, without folder and ending.
            extra: variables beside the environment's own.

        Returns:
            the log, one JSON object a line.

        Raises:
            DemoError: the exit code is not 0.
        """
        path = self.logs / f"{log}.log"
        command = [str(Path(sys.executable).parent / "meltano"), "--log-format=json", *arguments]
        with path.open("wb") as output:
            done = subprocess.run(  # noqa: S603 - our own command
                command, check=False, cwd=self.folder, env=self._environment(extra or {}),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if done.returncode:
            raise DemoError(
                f"meltano {' '.join(arguments)} failed: {_reason(path)}; the rest is in {path}"
            )
        return path

    def query(self, database: str, statement: str) -> list[list[Any]]:
        """Ask a DuckDB file, through the loader's own DuckDB.

        Args:
            database: the file's name in the project.
            statement: SQL.

        Returns:
            the rows; what JSON does not know is text.

        Raises:
            DemoError: DuckDB refuses.
        """
        python = self.folder / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin" / "python"
        done = subprocess.run(  # noqa: S603 - our own command
            [str(python), "-c", _QUERY, database, statement],
            check=False, cwd=self.folder, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            reason = done.stderr.strip().rsplit("\n", maxsplit=1)[-1]
            raise DemoError(f"reading {database} failed: {reason}")
        rows: list[list[Any]] = json.loads(done.stdout)
        return rows

    @cached_property
    def _uv_variables(self) -> dict[str, str]:
        return uv_variables()

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(OTHERS_VARIABLES)
        }
        if sys.version_info[:2] > LAST_PYTHON_OF_DUCKDB:
            kept["MELTANO_PYTHON"] = PYTHON_OF_DUCKDB
        return {
            **self._uv_variables,
            **kept,
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **extra,
        }


_QUERY = """
import json, sys, duckdb
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall()
json.dump(rows, sys.stdout, default=str)
"""


def _events(log: Path) -> Iterable[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _streams(log: Path) -> Mapping[str, StreamReport]:
    rows: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = {}
    for event in _events(log):
        metric = event.get("metric_info", {})
        stream = metric.get("tags", {}).get("stream")
        if not event.get("producer"):
            continue
        if metric.get("metric") == "record_count":
            rows[stream] += metric["value"]
        elif metric.get("metric") == "sync_duration":
            seconds[stream] = metric["value"]
    return {stream: StreamReport(rows[stream], seconds[stream]) for stream in seconds}


def _summaries(log: Path) -> list[str]:
    return [
        event["event"]
        for event in _events(log)
        if event.get("consumer") and ": read " in event["event"]
    ]


def _reason(log: Path) -> str:
    errors = [event for event in _events(log) if event.get("level") in ("error", "critical")]
    # A plugin says why; Meltano's own lines say only that a plugin failed.
    said = [str(event["event"]) for event in errors if "stdio" in event]
    said += [event["install_state"]["details"] for event in errors if "install_state" in event]
    said += [str(event["event"]) for event in errors]
    return " ".join(said[0].split())[:500] if said else "no reason was given"
