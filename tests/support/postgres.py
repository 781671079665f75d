"""A PostgreSQL server of a test's own on loopback, where one is installed; nothing else is used."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
UNPRIVILEGED = ("postgres", "nobody")
"""Users that the server runs as when the tests run as root, whom it refuses."""

WHY_NOT = (
    "no PostgreSQL server is installed here (looked for initdb on PATH and in /usr/lib/postgresql)"
)


@dataclass(frozen=True)
class Postgres:
    """A server that runs.

    Attributes:
        port: on 127.0.0.1.
        user: its only one, who may do everything.
        password: of that user.
        database: empty at the beginning.
    """

    port: int
    user: str
    password: str
    database: str = "postgres"

    def variables(self) -> dict[str, str]:
        """Give the settings of target-postgres as variables."""
        return {
            "TARGET_POSTGRES_HOST": "127.0.0.1",
            "TARGET_POSTGRES_PORT": str(self.port),
            "TARGET_POSTGRES_USER": self.user,
            "TARGET_POSTGRES_PASSWORD": self.password,
            "TARGET_POSTGRES_DATABASE": self.database,
        }

    @property
    def address(self) -> str:
        """What psycopg connects to."""
        return (
            f"host=127.0.0.1 port={self.port} user={self.user} password={self.password}"
            f" dbname={self.database}"
        )


@functools.cache
def programs() -> Path | None:
    """Find the folder of initdb and postgres; None where there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = (path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists())
    return max(versions, key=lambda path: float(re.sub(r"[^\d.]", "", path.parent.name) or 0),
               default=None)  # fmt: skip


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a new server, its data in a temporary folder of its own."""
    folder = programs()
    assert folder is not None, WHY_NOT
    user = _user()
    # Not pytest's folder: the server's user may not enter it.
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        password = secrets.token_hex(12)
        secret = home / "password"
        secret.write_text(password, encoding="utf-8")
        secret.chmod(0o644)
        data = home / "data"
        _call(user, folder / "initdb", "--auth=scram-sha-256", f"--pwfile={secret}", "--username=erp",
              "--encoding=UTF8", "--locale=C", "--no-sync", data)  # fmt: skip
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -k {home}"
        control = folder / "pg_ctl"
        _call(user, control, "start", "--wait", "-D", data, "-o", options, "-l", home / "log")
        try:
            yield Postgres(port, "erp", password)
        finally:
            _call(user, control, "stop", "--wait", "--mode=immediate", "-D", data)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("the tests run as root and there is no user whom PostgreSQL could run as")


def _call(user: pwd.struct_passwd | None, *command: str | Path) -> None:
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        [str(part) for part in command],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        cwd="/", **as_user,  # type: ignore[call-overload]  # three of its arguments
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: {done.stderr.decode(errors='replace')}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
