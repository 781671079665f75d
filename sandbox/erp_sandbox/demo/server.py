"""The sandbox as a process of its own, and what it holds."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from erp_sandbox.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RunningSandbox:
    """A sandbox that answers."""

    def __init__(self, url: str) -> None:
        """Keep the address.

        Args:
            url: scheme, host and port.
        """
        self.url = url

    @property
    def port(self) -> str:
        """The port it listens on."""
        return self.url.rpartition(":")[2]

    def data(self, vendor: str, kind: str) -> list[dict[str, Any]]:
        """Return the records of one kind, their numbers exact."""
        rows: list[dict[str, Any]] = self._get(f"{vendor}/data/{kind}")
        return rows

    def requests(self, vendor: str) -> int:
        """Return how many requests a vendor's API has answered."""
        counts: dict[str, int] = self._get(f"{vendor}/counts")
        return sum(number for kind, number in counts.items() if kind != "overlaps")

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        address = f"{self.url}/_control/{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - loopback
            return json.load(answer, parse_float=Decimal)


MOMENT = "2026-10-31T12:00:00+01:00"
"""Where the sandbox's clock starts each time, so that the demo shows the same on any day."""


@contextmanager
def running_sandbox(folder: Path) -> Iterator[RunningSandbox]:
    """Run the sandbox on loopback until the block ends.

    Args:
        folder: keeps from one time to the next what was written, and the port: to a tap another address
            is another API, which it reads in full. Where the port is taken meanwhile, it is a new one.

    Raises:
        DemoError: it does not start.
    """
    port_file, data_file = folder / "sandbox-port", folder / "sandbox-writes.jsonl"
    last = port_file.read_text(encoding="ascii") if port_file.exists() else "0"
    process, sandbox = _start(last, data_file)
    if sandbox is None and last != "0":
        process, sandbox = _start("0", data_file)
    if sandbox is None:
        raise DemoError("the sandbox did not start; see why with: python -m erp_sandbox --port 0")
    port_file.write_text(sandbox.port, encoding="ascii")
    with process:
        try:
            yield sandbox
        finally:
            process.terminate()


def _start(port: str, data_file: Path) -> tuple[subprocess.Popen[str], RunningSandbox | None]:
    command = [sys.executable, "-m", "erp_sandbox", "--port", port]
    command += ["--clock", MOMENT, "--data-file", str(data_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    word, _, url = (process.stdout.readline() if process.stdout else "").partition(" ")
    return process, RunningSandbox(url.strip()) if word == "ready" else None
