"""The vendor's clock: runs by itself, and tests can move it."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

MADRID: Final = ZoneInfo("Europe/Madrid")

DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
"""The API's only form of a datetime: no zone, no fraction (vendor's page `dtodefinition`)."""


class Clock:
    """Real time plus an offset.

    Everything the vendor part dates goes by it: petitions, tokens, throttling, the ``Date`` header
    and the day up to which the documents reach.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.now(UTC) + self._offset

    def local(self) -> datetime:
        """Return the vendor's wall clock in Madrid, without a zone, in whole seconds."""
        return self.now().astimezone(MADRID).replace(tzinfo=None, microsecond=0)

    def today(self) -> date:
        """Return the day in Madrid."""
        return self.local().date()

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> None:
        """Move the clock (backwards with negative values) and let what has become due happen."""
        with self._lock:
            self._offset += timedelta(days=days, hours=hours, seconds=seconds)
        self._tell()

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment (with its zone); it goes on running from there."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone is no moment")
        with self._lock:
            self._offset = moment - datetime.now(UTC)
        self._tell()

    def on_move(self, listener: Callable[[], None]) -> None:
        """Have a function called after each move."""
        self._listeners.append(listener)

    def http_date(self) -> str:
        """Return the moment as an HTTP ``Date`` header has it."""
        return format_datetime(self.now(), usegmt=True)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def text_of(moment: datetime) -> str:
    """Write a datetime in the API's form, without its zone and fraction."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def at_midnight(day: date) -> str:
    """Write a pure date as the API does: with time 00:00:00."""
    return f"{day.isoformat()}T00:00:00"
