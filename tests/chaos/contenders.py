"""The programs that are compared: our own connectors, and ordinary ones of the two SDKs.

The SDK's twins run in this environment, which has the SDK; hotglue's needs other versions of nearly
everything and has one of its own, made on demand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from chaos.running import Started
from support.meltano_projects import REPOSITORY

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = REPOSITORY / ".chaos"
HOTGLUE = "constraints-hotglue.txt"
ARTICLES = REPOSITORY / "tap-serpi" / "tap_serpi" / "schemas" / "articulos.json"


@dataclass
class Process:
    """A program that runs."""

    process: subprocess.Popen[bytes]
    peak: int = 0

    def signal(self, number: int) -> bool:
        """Send a signal; tell whether the process still ran."""
        if self.process.poll() is not None:
            return False
        self.process.send_signal(number)
        return True

    def wait(self, timeout: float) -> int | None:
        """Wait for the end and give the exit code as a shell sees it."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return 128 - code if code < 0 else code


@dataclass(frozen=True)
class Program:
    """Starts one of the programs, whatever connector it is asked for.

    Attributes:
        command: without the arguments of the connector.
    """

    command: tuple[str, ...]

    def start(
        self,
        connector: str,
        args: Sequence[str],
        *,
        files: tuple[int, int, int],
        folder: Path,
        environment: Mapping[str, str],
        limits: Mapping[int, int] | None = None,
        unbuffered: bool = False,
    ) -> Started:
        """Start it; see `Nursery.start`."""
        del connector, limits, unbuffered
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
        return Process(
            subprocess.Popen(
                [*self.command, *args], stdin=files[0], stdout=files[1], stderr=files[2], cwd=folder,
                env={**kept, "PEER_SCHEMA": str(ARTICLES), "LOGLEVEL": "DEBUG", **environment},
            )
        )  # fmt: skip


def of_module(name: str) -> Program:
    """Give one of our own connectors."""
    return Program((sys.executable, "-m", name))


def of_sdk(name: str) -> Program:
    """Give an ordinary connector on singer-sdk."""
    return Program((sys.executable, str(PEERS / f"{name}.py")))


def of_hotglue(name: str) -> Program:
    """Give a connector on hotglue's SDK, its environment made where it is not there.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    folder = ENVIRONMENTS / "hotglue"
    python = folder / "bin" / "python"
    ENVIRONMENTS.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        ready = folder / ".ready"
        wanted = f"{sys.version}\n{(PEERS / HOTGLUE).read_text(encoding='utf-8')}"
        if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
            venv.create(folder, clear=True, with_pip=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "-r", str(PEERS / HOTGLUE)]
            subprocess.run(pip, check=True, capture_output=True)
            ready.write_text(wanted, encoding="utf-8")
    return Program((str(python), str(PEERS / f"{name}.py")))
