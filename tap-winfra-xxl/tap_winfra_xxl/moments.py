"""Days and moments in the API's one form: `yyyy-mm-ddThh:mm:ss`, without a zone.

Source: the vendor's page `dtodefinition`; a zone or a fraction is left off.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta

from connector_kit.windows import DayWindow

ZONE = "Europe/Madrid"

LAST_SECOND = time(23, 59, 59)


def moment_text(moment: datetime) -> str:
    """Write a moment as the API takes it."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def read_moment(text: str, *, end_of_day: bool = False) -> datetime:
    """Read a date, with or without time and zone.

    Args:
        text: ISO 8601.
        end_of_day: what a date without a time stands for: its last second, or its first.

    Returns:
        the moment, without zone and fraction.

    Raises:
        ValueError: it is no real date.
    """
    moment = datetime.fromisoformat(text.strip()).replace(tzinfo=None, microsecond=0)
    if end_of_day and len(text.strip()) <= len("yyyy-mm-dd"):
        return datetime.combine(moment, LAST_SECOND)
    return moment


def first_moment(window: DayWindow) -> str:
    """Return the first second of some days."""
    return moment_text(datetime.combine(window.first, time()))


def last_moment(window: DayWindow) -> str:
    """Return the last second of some days: right whether a server compares days or times."""
    return moment_text(datetime.combine(window.last, LAST_SECOND))


def an_hour_before(text: str) -> str | None:
    """Return the moment one hour earlier, which also covers the hour that autumn repeats.

    Args:
        text: a moment that the server wrote.

    Returns:
        the moment, None where the text is none.
    """
    try:
        return moment_text(read_moment(text) - timedelta(hours=1))
    except (ValueError, OverflowError):
        return None


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same moment some months later (earlier where negative), on the month's last day
    where it has no such day.
    """  # noqa: D205 - one sentence
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def year_until(last: date) -> DayWindow:
    """Return the twelve months that end with a day; a day less where 29 February is in the way."""
    end = datetime.combine(last + timedelta(days=1), time())
    first = months_later(end, -12)
    if months_later(first, 12) < end:
        first += timedelta(days=1)
    return DayWindow(first.date(), last)
