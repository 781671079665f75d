"""The sandbox as a process of its own, and what it holds."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from erp_sandbox.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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

    def data(self, vendor: str, kind: str) -> list[Any]:
        """Return the data of one kind."""
        rows: list[Any] = self._get(f"{vendor}/data/{kind}")
        return rows

    def requests(self, vendor: str) -> int:
        """Return how many requests a vendor's API has answered."""
        counts: dict[str, int] = self._get(f"{vendor}/counts")
        return sum(number for kind, number in counts.items() if kind != "overlaps")

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        address = f"{self.url}/_control/{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - loopback
            return json.load(answer)


@contextmanager
def running_sandbox(arguments: Sequence[str] = ()) -> Iterator[RunningSandbox]:
    """Run the sandbox on a free port of loopback until the block ends.

    Args:
        arguments: beside the port.

    Raises:
        DemoError: it does not start.
    """
    command = [sys.executable, "-m", "erp_sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            word, _, url = (process.stdout.readline() if process.stdout else "").partition(" ")
            if word != "ready":
                raise DemoError(f"the sandbox did not start: {' '.join(command)}")
            yield RunningSandbox(url.strip())
        finally:
            process.terminate()
