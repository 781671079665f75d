"""Windows of whole days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.windows import cut_days, fingerprint, today_there


@given(
    first=st.dates(),
    length=st.integers(-3, 400),
    days=st.integers(1, 400),
)
@settings(deadline=None)
def test_windows_touch_never_overlap_and_cover_all_days(
    first: date, length: int, days: int
) -> None:
    last = first + timedelta(days=min(length, (date.max - first).days))
    windows = list(cut_days(first, last, days))
    covered = [
        window.first + timedelta(days=offset)
        for window in windows
        for offset in range((window.last - window.first).days + 1)
    ]
    assert covered == [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    assert all((window.last - window.first).days < days for window in windows)
    assert len(windows) == -(-len(covered) // days), "as few as can be"


def test_the_calendar_may_end_in_the_last_window() -> None:
    [window] = cut_days(date(9999, 12, 1), date.max, 365)
    assert window.last == date.max


def test_no_days_no_window() -> None:
    assert list(cut_days(date(2024, 1, 2), date(2024, 1, 1), 10)) == []


@pytest.mark.parametrize(
    ("header", "zone", "day"),
    [
        ("Wed, 31 Jan 2024 22:59:59 GMT", "Europe/Madrid", date(2024, 1, 31)),
        ("Wed, 31 Jan 2024 23:00:00 GMT", "Europe/Madrid", date(2024, 2, 1)),
        ("Wed, 31 Jul 2024 22:00:00 GMT", "Europe/Madrid", date(2024, 8, 1)),
        ("Thu, 01 Feb 2024 04:59:59 GMT", "America/Bogota", date(2024, 1, 31)),
        ("Thu, 01 Feb 2024 05:00:00 +0000", "America/Bogota", date(2024, 2, 1)),
    ],
)
def test_today_is_the_vendors(header: str, zone: str, day: date) -> None:
    assert today_there(header, zone) == day


@pytest.mark.parametrize("header", [None, "", "yesterday", "Wed, 99 Jan 2024 00:00:00 GMT"])
def test_today_without_a_header_that_can_be_read(header: str | None) -> None:
    before = datetime.now(ZoneInfo("Europe/Madrid")).date()
    assert before <= today_there(header, "Europe/Madrid") <= before + timedelta(days=1)


def test_fingerprints() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
    assert fingerprint({"day": date(2024, 1, 1)}) != fingerprint({"day": date(2024, 1, 2)})
    assert len(fingerprint(None)) == 16
