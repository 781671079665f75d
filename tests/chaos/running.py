"""Runs a connector once: its troubles, what it wrote, how it ended and how long it took."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chaos.faults import PROCESS, STDIN, STDOUT, Stop, Trouble
from chaos.proxy import Proxy

SIGNALS = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGINT": (signal.SIGINT,),
    "SIGTERM twice": (signal.SIGTERM, signal.SIGTERM),
}
BETWEEN_SIGNALS = 0.01
LOOK = 0.01
SMALL_PIPE = 4096
"""Bytes that a pipe holds, so that a reader that stops is soon felt."""


class Started(Protocol):
    """A process that runs."""

    peak: int

    def signal(self, number: int) -> bool:
        """Send a signal; tell whether the process still ran."""

    def wait(self, timeout: float) -> int | None:
        """Wait for the end and give the exit code; None when it has not ended by then."""


class Starter(Protocol):
    """Starts connectors; see `Nursery.start`."""

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
        """Start one."""


class LimitError(AssertionError):
    """A run took longer than its own limits allow."""


@dataclass
class Ended:
    """A run that has ended.

    Attributes:
        exit_code: as a shell sees it.
        stdout: what the reader got of it, or what the disk took.
        stderr: the log.
        seconds: how long it took.
        stopped: what stopped it, if anything did.
        struck: the troubles that it met.
        peak: most memory, in KiB.
    """

    exit_code: int
    stdout: bytes
    stderr: str
    seconds: float
    stopped: list[Stop]
    struck: list[Trouble]
    peak: int

    @property
    def reader_left(self) -> bool:
        """Whether what the process wrote was not all read."""
        return any(stop.kind in ("closed stdout", "full") for stop in self.stopped)


@dataclass
class Workshop:
    """Where a connector runs.

    Attributes:
        nursery: starts it.
        proxy: what it talks to.
        folder: where it runs; its files, home and cache are in here.
        longest: seconds that a run may take before it is an error.
    """

    nursery: Starter
    proxy: Proxy
    folder: Path
    longest: float = 60
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        connector: str,
        config: Mapping[str, Any],
        *,
        catalog: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        stdin: Sequence[bytes] | None = None,
        troubles: Iterable[Trouble] = (),
        unbuffered: bool = False,
    ) -> Ended:
        """Run a connector to its end.

        Args:
            connector: its package.
            config: its settings.
            catalog: None for none.
            state: None for none.
            stdin: lines of a target's input.
            troubles: that it meets.
            unbuffered: as PYTHONUNBUFFERED does.

        Raises:
            LimitError: it took longer than `longest`.
        """
        troubles = list(troubles)
        run = _Run(self, troubles, stdin)
        files = {"config": config, "catalog": catalog, "state": state}
        args: list[str] = []
        for name, content in files.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                args += [f"--{name}", str(path)]
        return run.play(connector, args, unbuffered=unbuffered)


class _Run:
    def __init__(
        self, shop: Workshop, troubles: Sequence[Trouble], stdin: Sequence[bytes] | None
    ) -> None:
        self._shop = shop
        self._troubles = troubles
        self._input = stdin
        self._stops = [trouble.what for trouble in troubles if isinstance(trouble.what, Stop)]
        self._stopped: list[Stop] = []
        self._struck: list[Trouble] = []
        self._child: Started | None = None
        self._born = threading.Event()
        self._stdout = bytearray()
        self._out = -1
        self._closed = threading.Event()

    def play(self, connector: str, args: Sequence[str], *, unbuffered: bool) -> Ended:
        limits = {}
        for stop in self._stops:
            if stop.kind == "fsize":
                limits[resource.RLIMIT_FSIZE] = stop.size
                self._stopped.append(stop)
        self._shop.proxy.begin(
            [trouble for trouble in self._troubles if trouble.path not in (STDIN, STDOUT, PROCESS)],
            self._stop,
        )
        stderr_path = self._shop.folder / "stderr.txt"
        stdout_path = self._shop.folder / "stdout.jsonl"
        with stderr_path.open("wb") as stderr:
            stdout, to_file = self._standard_output(stdout_path, is_limited=bool(limits))
            stdin, feed = self._standard_input()
            started = time.monotonic()
            self._child = self._shop.nursery.start(
                connector,
                args,
                files=(stdin, stdout, stderr.fileno()),
                folder=self._shop.folder,
                environment={
                    "HOME": str(self._shop.folder),
                    "XDG_CACHE_HOME": str(self._shop.folder / "cache"),
                    f"{connector.upper()}_LOGLEVEL": "DEBUG",
                    **self._shop.environment,
                },
                limits=limits,
                unbuffered=unbuffered,
            )
            self._born.set()
            os.close(stdin)
            os.close(stdout)
            threads = [threading.Thread(target=self._feed, args=(feed,), daemon=True)]
            if not to_file:
                threads.append(threading.Thread(target=self._read, daemon=True))
            for thread in threads:
                thread.start()
            code = self._child.wait(self._shop.longest)
            seconds = time.monotonic() - started
            if code is None:
                self._child.signal(signal.SIGKILL)
                self._child.wait(10)
            for thread in threads:
                thread.join(10)
        if to_file and stdout_path.exists():
            self._stdout += stdout_path.read_bytes()
        log = stderr_path.read_text(encoding="utf-8", errors="replace")
        if code is None:
            raise LimitError(f"still running after {seconds:.0f} s:\n{log[-3000:]}")
        return Ended(
            code, bytes(self._stdout), log, seconds, self._stopped,
            self._shop.proxy.struck() + self._struck, self._child.peak,
        )  # fmt: skip

    def _standard_output(self, path: Path, *, is_limited: bool) -> tuple[int, bool]:
        """Give a descriptor for standard output, and whether it is a file."""
        path.unlink(missing_ok=True)
        full = [stop for stop in self._stops if stop.kind == "full"]
        if full or is_limited:
            self._stopped += full
            return os.open("/dev/full" if full else path, os.O_WRONLY | os.O_CREAT), True
        self._out, write = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
        return write, False

    def _standard_input(self) -> tuple[int, int]:
        """Give both ends of a pipe for standard input."""
        read, write = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
        return read, write

    # Threads

    def _feed(self, write: int) -> None:
        lines = self._input or ()
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(write, rest) :]
                self._count(STDIN, number)
        except OSError:
            pass  # the process ended before it had read everything
        finally:
            os.close(write)

    def _read(self) -> None:
        lines = 0
        with contextlib.suppress(OSError):
            while not self._closed.is_set():
                # Looked at again and again: another thread may have this reader leave.
                if not select.select([self._out], [], [], LOOK)[0]:
                    continue
                piece = os.read(self._out, SMALL_PIPE)
                if not piece:
                    break
                for part in piece.splitlines(keepends=True):
                    self._stdout += part
                    if part.endswith(b"\n"):
                        lines += 1
                        self._count(STDOUT, lines)
                    if self._closed.is_set():
                        break
        os.close(self._out)

    def _count(self, path: str, number: int) -> None:
        for trouble in self._troubles:
            if (trouble.path, trouble.hit) == (path, number) and isinstance(trouble.what, Stop):
                self._struck.append(trouble)
                self._stop(trouble.what)

    def _stop(self, stop: Stop) -> None:
        self._born.wait(10)
        child = self._child
        if child is None:
            return
        if stop.kind == "closed stdout":
            self._closed.set()
            self._stopped.append(stop)
            return
        sent = False
        for number in SIGNALS.get(stop.kind, ()):
            sent = child.signal(number) or sent
            time.sleep(BETWEEN_SIGNALS)
        if sent:
            self._stopped.append(stop)
