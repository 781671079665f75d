"""`meltano run` as a process that can be killed, and what landed in files, DuckDB and PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from chaos.warehouse import Json
from erp_sandbox.demo.project import ENVIRONMENT, MeltanoProject
from support.postgres import Postgres

Victim = Literal["tap", "loader", "meltano"]

LONGEST = 120.0

PG_QUERY = """
import json, sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    for row in connection.execute(sys.argv[2]).fetchall():
        sys.stdout.write(json.dumps([str(value) for value in row]) + "\\n")
"""


@dataclass
class Pipelines:
    """Pipelines of one test: a database of Meltano, a warehouse, a ledger of its own.

    Attributes:
        project: with the plugins installed.
        folder: of this test.
        url: what the connectors talk to: the sandbox, or a proxy in front of it.
        postgres: the server that target-postgres loads into, where there is one.
        variables: beside those that every run has.
        umask: the bits that files made by Meltano do not get.
    """

    project: MeltanoProject
    folder: Path
    url: str
    postgres: Postgres | None = None
    variables: dict[str, str] = field(default_factory=dict)
    umask: int = 0o022

    def run(self, *arguments: str, exit_code: int = 0, **variables: str) -> str:
        """Run Meltano to its end; give its log.

        Args:
            arguments: of `meltano run`.
            exit_code: with which it must end.
            variables: beside the others.
        """
        with self.started(*arguments, **variables) as run:
            return run.ended(exit_code)

    @contextlib.contextmanager
    def started(self, *arguments: str, **variables: str) -> Iterator[StartedRun]:
        """Start `meltano run` in a group of processes of its own; kill what is left of it at the end."""
        log = self.folder / f"meltano-{sum(1 for _ in self.folder.glob('meltano-*.log'))}.log"
        command = [
            str(Path(sys.executable).parent / "meltano"), "--log-level=debug",
            f"--environment={ENVIRONMENT}", "run", *arguments,
        ]  # fmt: skip
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.project.folder, env=self._environment(variables),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, umask=self.umask,
            )  # fmt: skip
        run = StartedRun(process, log)
        try:
            yield run
        finally:
            run.kill_all()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        loaders = {} if self.postgres is None else self.postgres.variables()
        return self.project._environment(
            {
                "ERP_SANDBOX_PORT": self.url.rpartition(":")[2],
                "MELTANO_DATABASE_URI": f"sqlite:///{self.folder}/meltano.db",
                "TARGET_DUCKDB_FILEPATH": str(self.folder / "erp.duckdb"),
                "TARGET_JSONL_DESTINATION_PATH": str(self.folder),
                "TARGET_JSONL_DO_TIMESTAMP_FILE": "false",
                "TARGET_SERPI_LEDGER_PATH": str(self.folder / "ledger.sqlite3"),
                "TARGET_SERPI_REJECTS_PATH": str(self.folder / "rejects.jsonl"),
                "TARGET_SERPI_REPORT_PATH": str(self.folder / "report.html"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                **loaders,
                **self.variables,
                **variables,
            }
        )

    def lines(self, stream: str) -> list[Json]:
        """Give the records that target-jsonl wrote, whole lines alone, numbers exact."""
        path = self.folder / f"{stream}.jsonl"
        whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line, parse_float=Decimal) for line in whole]

    def duckdb(self, statement: str) -> list[list[Any]]:
        """Ask the DuckDB file."""
        return self.project.query(str(self.folder / "erp.duckdb"), statement)

    def pg(self, statement: str) -> list[list[str]]:
        """Ask PostgreSQL, by the loader's own driver; every value as text."""
        assert self.postgres is not None
        python = self.project.folder / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin"
        done = subprocess.run(
            [python / "python", "-c", PG_QUERY, self.postgres.address, statement],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def pg_rows(self, table: str) -> list[Json]:
        """Give a table's rows as JSON, numbers exact, without the loader's own columns and nulls."""
        found = self.pg(f"SELECT row_to_json(t)::text FROM {table} t")  # noqa: S608 - our own names
        rows = [json.loads(text, parse_float=Decimal) for (text,) in found]
        return [
            {n: v for n, v in row.items() if v is not None and not n.startswith("_sdc_")}
            for row in rows
        ]


class StartedRun:
    """A `meltano run` that runs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def ended(self, exit_code: int) -> str:
        """Wait for the end and give the log."""
        code = self.process.wait(LONGEST)
        log = self._log.read_text(encoding="utf-8", errors="replace")
        assert code == exit_code, f"exit code {code}, not {exit_code}:\n{log[-4000:]}"
        return log

    def kill(self, victim: Victim) -> None:
        """Kill a plugin, or Meltano with all it has started, as a machine that goes down does."""
        if victim == "meltano":
            self.kill_all()
        else:
            os.kill(self.plugin("tap-" if victim == "tap" else "target-"), signal.SIGKILL)

    def plugin(self, prefix: str) -> int:
        """Find the process of a plugin."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            for pid in _below(self.process.pid):
                if any(Path(part).name.startswith(prefix) for part in _command(pid)[:2]):
                    return pid
            time.sleep(0.02)
        raise AssertionError(f"no process of {prefix} runs")

    def kill_all(self) -> None:
        """Kill Meltano and every process below it."""
        if self.process.poll() is not None:
            return
        below = _below(self.process.pid)
        self.process.kill()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)


def _below(pid: int) -> list[int]:
    """Give the processes that a process has started, and those that they have."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything.
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


def _command(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    return []


def same_values(value: Any) -> Any:
    """Give a value in the form in which a warehouse's rows are compared: numbers by value, no nulls."""
    if isinstance(value, dict):
        return {n: same_values(v) for n, v in sorted(value.items()) if v is not None}
    if isinstance(value, list):
        return [same_values(each) for each in value]
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value).normalize()
    return value
