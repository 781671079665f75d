"""Windows of whole days that touch and never overlap."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Some days, the first and the last included."""

    first: date
    last: date


def cut_days(first: date, last: date, days: int) -> Iterator[DayWindow]:
    """Cut a span into windows.

    Args:
        first: first day.
        last: last day, included; before `first` for no window at all.
        days: of a window, at most.

    Yields:
        the windows, in order.
    """
    while first <= last:
        # What is left is compared first: a calendar ends, and a window may be set to any length.
        if (last - first).days < days:
            yield DayWindow(first, last)
            return
        yield DayWindow(first, first + timedelta(days=days - 1))
        first += timedelta(days=days)


def days_before(day: date, days: int, earliest: date) -> date:
    """Go back some days, however many, and not before a first one.

    Args:
        day: where to begin.
        days: 0 or more.
        earliest: the first day that may come out.
    """
    return day - timedelta(days=days) if days < (day - earliest).days else earliest


def today_there(http_date: str | None, zone: str) -> date:
    """Return the day that it is for the vendor.

    Args:
        http_date: the `Date` header of an answer; this machine's clock where it is missing or odd.
        zone: the vendor's time zone.
    """
    if http_date:
        try:
            return parsedate_to_datetime(http_date).astimezone(ZoneInfo(zone)).date()
        except (ValueError, TypeError, OverflowError):
            pass
    return datetime.now(ZoneInfo(zone)).date()


def fingerprint(parameters: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a short text that differs where the parameters of a read differ.

    Args:
        parameters: what the read depends on; no secrets.
    """
    text = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
