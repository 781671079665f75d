"""Progress on stderr: a bar on a terminal, else a line at most every ten seconds."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

SECONDS_BETWEEN = 10.0


class Progress:
    """Tells how far one stream is."""

    def __init__(
        self, stream: str, logger: logging.Logger, seconds_between: float = SECONDS_BETWEEN
    ) -> None:
        """Get ready; nothing is shown before `start`.

        Args:
            stream: name.
            logger: where the lines go.
            seconds_between: two lines, at least.
        """
        self._stream = stream
        self._logger = logger
        self._seconds_between = seconds_between
        self._total: int | None = None
        self._started = self._told = time.monotonic()
        self.rows = 0
        self._bar: Any = None

    def start(self) -> None:
        """Begin to count and to time."""
        self._started = self._told = time.monotonic()
        if sys.stderr.isatty():
            self._bar = _bar(self._stream, self._total)

    def expect(self, total: int | None) -> None:
        """Say how many rows there will be, where that is known."""
        self._total = total
        if self._bar is not None:
            self._bar.total = total

    def add(self, rows: int) -> None:
        """Count rows that went out."""
        self.rows += rows
        if self._bar is not None:
            self._bar.update(rows)
            return
        now = time.monotonic()
        if now - self._told >= self._seconds_between:
            self._told = now
            self._logger.info("%s: %s", self._stream, self._line(now))

    def _line(self, now: float) -> str:
        rate = self.rows / max(now - self._started, 1e-9)
        line = f"{self.rows:,} rows, {rate:,.0f} rows/s"
        if self._total:
            left = max(self._total - self.rows, 0) / max(rate, 1e-9)
            line += f", {self.rows / self._total:.0%} of {self._total:,}, {left:,.0f} s left"
        return line

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def summary(self) -> str:
        """Return the line for the end of the stream."""
        seconds = time.monotonic() - self._started
        return f"{self.rows:,} rows in {seconds:,.1f} s"


def _bar(stream: str, total: int | None) -> Any:  # noqa: ANN401 - tqdm's own type would be imported at every start
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal needs it, and every run pays for imports

    return tqdm(
        desc=stream, total=total, unit=" rows", unit_scale=True, file=sys.stderr, leave=False
    )
