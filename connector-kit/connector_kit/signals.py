"""Signals: a process stops at a safe point and says by its exit code that it was stopped.

The SDK's own handlers exit 0: a quarter of the data passes for all of it, and a target writes state
for what was never confirmed. Here a signal raises `StopSignal` at once where the process is idle (it
waits or asks), and at the end of the guarded part where it is not (a page goes out, a write is in
flight). A second signal ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopSignal(BaseException):
    """The process was asked to stop.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects: 128 + the signal's number."""
        return 128 + self.number


class StopGuard:
    """Turns signals into `StopSignal`, never in the middle of a guarded part."""

    def __init__(self) -> None:
        """Start idle, with no signal seen."""
        self._depth = 0
        self._seen: int | None = None

    def install(self) -> None:
        """Handle SIGTERM and SIGINT from now on; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handle)
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._seen is not None:
            os._exit(128 + number)
        self._seen = number
        if self._depth == 0:
            raise StopSignal(number)

    @property
    def stopping(self) -> bool:
        """Whether a signal was seen."""
        return self._seen is not None

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Let a part finish: a signal within it raises at its end."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._depth == 0 and self._seen is not None:
            raise StopSignal(self._seen)


GUARD = StopGuard()
"""The process's one guard; signals belong to a process."""
