"""Connectors as real processes, at the price of a fork: real signals, pipes, limits and exit codes.

`python -m chaos.nursery FD` imports the connectors once and forks a child for each order that comes
over the socket with that number; the child takes over the order's standard streams, folder, environment
and limits and runs the connector's own `main` to the interpreter's own end. Starting a connector anew
costs half a second, a fork some milliseconds: it is what makes hundreds of runs possible.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import queue
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

TESTS = Path(__file__).resolve().parents[1]

CONNECTORS = ("tap_serpi", "tap_winfra_xxl", "tap_facturadirecta", "target_serpi")

CLEAN = (
    "PYTHONUNBUFFERED",  # asked for by an order
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
"""Variables of whoever runs the tests that would change what a connector does."""


@dataclass
class Child:
    """A connector that runs, or has ended.

    Attributes:
        pid: of the process.
        exit_code: as a shell sees it (128 + n for a signal); None while it runs.
        peak: most memory it had at a time, in KiB.
    """

    pid: int
    exit_code: int | None = None
    peak: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def signal(self, number: int) -> bool:
        """Send a signal; tell whether the process still ran."""
        with self._lock:
            if self.exit_code is not None:
                return False
            os.kill(self.pid, number)
            return True

    def wait(self, timeout: float) -> int | None:
        """Wait for the end and give the exit code; None when it has not ended by then."""
        self._ended.wait(timeout)
        return self.exit_code

    def end(self, status: int, peak: int) -> None:
        """Take note of the end."""
        code = os.waitstatus_to_exitcode(status)
        with self._lock:
            self.exit_code = 128 - code if code < 0 else code
            self.peak = peak
        self._ended.set()


class Nursery:
    """Starts connectors; leaving it ends the process that forks them."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name not in CLEAN}
        inherited = filter(None, [os.environ.get("PYTHONPATH")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**environment, "PYTHONPATH": os.pathsep.join([str(TESTS), *inherited])},
        )
        theirs.close()
        self._channel = ours
        self._orders = threading.Lock()
        self._started: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._children: dict[int, Child] = {}
        self._lines = ours.makefile("r", encoding="utf-8")
        assert self._lines.readline(), "the connectors cannot be imported: see above"
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the process that forks."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # `close` alone would leave the reading thread's socket open.
        self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        self._process.wait(10)

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
    ) -> Child:
        """Start a connector.

        Args:
            connector: its package.
            args: of its command line.
            files: its standard input, output and error; they stay the caller's to close.
            folder: where it runs.
            environment: variables beyond this process's own.
            limits: of `resource`, name -> soft limit.
            unbuffered: as PYTHONUNBUFFERED does.
        """
        order = {
            "connector": connector, "args": list(args), "folder": str(folder),
            "environment": dict(environment), "unbuffered": unbuffered,
            "limits": list((limits or {}).items()),
        }  # fmt: skip
        with self._orders:
            socket.send_fds(self._channel, [json.dumps(order).encode() + b"\n"], list(files))
            return self._started.get(timeout=60)

    def _listen(self) -> None:
        with self._lines, contextlib.suppress(OSError, ValueError):
            for line in self._lines:
                told = json.loads(line)
                if "started" in told:
                    child = self._children[told["started"]] = Child(told["started"])
                    self._started.put(child)
                else:
                    self._children.pop(told["ended"]).end(told["status"], told["peak"])


# What runs in the nursery's own process


def serve(channel: socket.socket) -> Callable[[], None] | None:
    """Fork a child for each order, until the other side closes.

    Returns:
        what a child is to run; None in the nursery itself.
    """
    mains = {name: importlib.import_module(f"{name}.__main__").main for name in CONNECTORS}
    channel.sendall(b"ready\n")
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    # A signal before the connector takes it ends the process, as it would end one that is starting.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == wake:
                    os.read(wake, 1 << 10)
                    for told in _ended():
                        channel.sendall(json.dumps(told).encode() + b"\n")
                    continue
                text, files, _, _ = socket.recv_fds(channel, 1 << 18, 3)
                if not text:
                    return None
                order = json.loads(text)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(wake)
                    os.close(woken)
                    channel.close()
                    _become(order, files)
                    main: Callable[[], None] = mains[order["connector"]]
                    return main
                for number in files:
                    os.close(number)
                channel.sendall(json.dumps({"started": pid}).encode() + b"\n")


def _ended() -> Iterator[dict[str, int]]:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            yield {"ended": pid, "status": status, "peak": usage.ru_maxrss}


def _become(order: Mapping[str, Any], files: Sequence[int]) -> None:
    for number, given in enumerate(files):
        os.dup2(given, number)
        os.close(given)
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    if order["unbuffered"]:
        sys.stdout = io.TextIOWrapper(
            open(1, "wb", 0, closefd=False),  # noqa: SIM115 - a descriptor
            encoding="utf-8",
            write_through=True,
        )
    sys.argv = [order["connector"], *order["args"]]
    for limit, value in order["limits"]:
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


if __name__ == "__main__":
    run = serve(socket.socket(fileno=int(sys.argv[1])))
    if run is not None:
        run()
