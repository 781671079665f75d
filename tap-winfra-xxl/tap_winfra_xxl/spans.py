"""Sums and differences of spans of days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from connector_kit.windows import DayWindow

DAY = timedelta(days=1)


def merged(spans: Iterable[DayWindow]) -> list[DayWindow]:
    """Return the same days in as few spans as possible, in order."""
    result: list[DayWindow] = []
    for span in sorted(spans, key=lambda span: span.first):
        if result and span.first <= result[-1].last + DAY:
            result[-1] = DayWindow(result[-1].first, max(result[-1].last, span.last))
        else:
            result.append(span)
    return result


def without(spans: Iterable[DayWindow], taken: Iterable[DayWindow]) -> list[DayWindow]:
    """Return the days of `spans` that are in none of `taken`; spans that touch stay apart."""
    left = list(spans)
    for gone in taken:
        left = [rest for span in left for rest in _rest(span, gone)]
    return left


def _rest(span: DayWindow, gone: DayWindow) -> list[DayWindow]:
    if gone.last < span.first or gone.first > span.last:
        return [span]
    parts = (DayWindow(span.first, gone.first - DAY), DayWindow(gone.last + DAY, span.last))
    return [part for part in parts if part.first <= part.last]


def shared(spans: Iterable[DayWindow], others: Iterable[DayWindow]) -> list[DayWindow]:
    """Return the days that are in both, in order."""
    others = list(others)
    parts = [
        DayWindow(max(span.first, other.first), min(span.last, other.last))
        for span in spans
        for other in others
    ]
    return sorted((part for part in parts if part.first <= part.last), key=lambda part: part.first)


def covers(spans: Iterable[DayWindow], window: DayWindow) -> bool:
    """Whether every day of a window is in the spans."""
    return not without([window], spans)


def up_to(window: DayWindow, last: date) -> list[DayWindow]:
    """Return the window's days up to a day: one span or none."""
    if window.first > last:
        return []
    return [DayWindow(window.first, min(window.last, last))]
