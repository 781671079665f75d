"""A PostgreSQL of its own for a measurement, from the machine's packages; gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER = "bench"
DATABASE = "postgres"
PASSWORD = "none-is-asked-for"
OTHER_USER = "nobody"
"""PostgreSQL does not run as root."""


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        programs: folder of PostgreSQL's programs.
    """

    port: int
    programs: Path

    @property
    def address(self) -> str:
        """A connection string."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    def settings(self) -> dict[str, Any]:
        """Return the loader's settings."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "database": DATABASE,
        }

    def empty(self, schema: str) -> None:
        """Drop a schema, if it is there."""
        command = f"drop schema if exists {schema} cascade"
        arguments = [str(self.programs / "psql"), "-q", "-d", self.address, "-c", command]
        quiet = {**os.environ, "PGOPTIONS": "-c client_min_messages=error"}
        subprocess.run(arguments, check=True, env=quiet)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None where it is not installed."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return folders[-1].parent if folders else None


@contextmanager
def running_postgres() -> Iterator[Postgres | None]:
    """Run a server until the block ends.

    Yields:
        the server, None where PostgreSQL is not installed.
    """
    folder = programs()
    if folder is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as name:
        data, as_user = _prepared(Path(name))
        _run([folder / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8"], as_user)
        port = _free_port()
        options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
        control = [folder / "pg_ctl", "-D", data, "-l", data / "log", "-w"]
        _run([*control, "-o", options, "start"], as_user)
        try:
            yield Postgres(port, folder)
        finally:
            _run([*control, "-m", "fast", "stop"], as_user)


def _prepared(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Make the data folder, another user's where this one is root."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() != 0:
        return data, {}
    folder.chmod(0o755)
    shutil.chown(data, OTHER_USER)
    return data, {"user": OTHER_USER, "extra_groups": []}


def _run(command: list[Any], as_user: dict[str, Any]) -> None:
    # Its output stays open in the server that it starts, so nobody may wait for that to end.
    subprocess.run(
        list(map(str, command)),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **as_user,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
