"""The waits between tries, by a clock that the test drives, and what `Retry-After` may say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_kit.retry import (
    LONGEST_WAIT,
    Retryable,
    RetryLater,
    RetryPolicy,
    UnreadableAnswer,
    retry_after_seconds,
)
from connector_kit.statuses import Action, action_for, meaning_of

NOON = "Fri, 20 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", None),
        ("-5", None),
        ("abc", None),
        ("7.5", None),
        ("", None),
        ("٣", None),
        ("Fri, 20 Nov 2026 12:00:09 GMT", 9),
        ("Friday, 20-Nov-26 12:00:09 GMT", 9),
        ("Fri, 20 Nov 2026 13:00:09 +0100", 9),
        ("Fri, 20 Nov 2026 11:00:00 GMT", None),
        ("Fri, 99 Nov 2026 11:00:00 GMT", None),
        ("Fri, 20 Nov 99999 11:00:00 GMT", None),
        ("1000000000", 1e9),
        ("9" * 400, float("inf")),
    ],
)
def test_retry_after_in_every_form(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": value, "date": NOON}) == seconds


@pytest.mark.parametrize("date", [{}, {"date": "nonsense"}])
def test_retry_after_by_this_machines_clock(date: dict[str, str]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    seconds = retry_after_seconds({"retry-after": soon, **date})
    assert seconds is not None
    assert 15 < seconds <= 20


class Clock:
    """Moves only by the waits it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def waits_for(policy: RetryPolicy, failures: Sequence[Retryable], cost: float = 0.0) -> list[float]:
    """The waits after these failures (the last one repeated), each try taking `cost` seconds."""
    clock = Clock()
    generator = policy.waits(clock)
    next(generator)
    seen: list[float] = []
    for number in range(1000):
        try:
            seconds = generator.send(failures[min(number, len(failures) - 1)])
        except StopIteration:
            return seen
        seen.append(seconds)
        clock.now += seconds + cost
    pytest.fail("the tries never end")


BUSY = RetryLater("busy")


def test_waits_double_up_to_thirty_seconds_and_end() -> None:
    seen = waits_for(RetryPolicy(0.5, 300), [BUSY])
    for number, seconds in enumerate(seen[:-1]):
        whole = min(0.5 * 2**number, LONGEST_WAIT)
        assert whole / 2 <= seconds <= whole
    assert sum(seen) == pytest.approx(300)
    assert 14 <= len(seen) <= 26


def test_waits_differ() -> None:
    assert waits_for(RetryPolicy(), [BUSY]) != waits_for(RetryPolicy(), [BUSY])


def test_retry_after_is_taken_as_it_is_and_capped_by_what_is_left() -> None:
    asked = [RetryLater("busy", 40.0), RetryLater("busy", 100.0), RetryLater("busy", 1e9), BUSY]
    assert waits_for(RetryPolicy(0.5, 200), asked) == [40.0, 100.0, 60.0]


def test_the_time_of_the_tries_counts() -> None:
    assert len(waits_for(RetryPolicy(0.5, 300), [BUSY], cost=100)) == 3


def test_unreadable_ends_with_the_third_whatever_the_time() -> None:
    unreadable = UnreadableAnswer("x")
    assert len(waits_for(RetryPolicy(0.5, 0), [unreadable])) == 2
    assert len(waits_for(RetryPolicy(0.5, 300), [unreadable])) == 2
    assert (
        len(waits_for(RetryPolicy(0.5, 300), [unreadable, BUSY, unreadable, BUSY, unreadable])) == 4
    )


def test_no_time_no_further_try() -> None:
    assert waits_for(RetryPolicy(0.5, 0), [BUSY]) == []


@given(
    st.lists(
        st.one_of(
            st.just(UnreadableAnswer("x")),
            st.builds(
                RetryLater,
                st.just("x"),
                st.none() | st.floats(min_value=0.001, allow_nan=False),
            ),
        ),
        min_size=1,
    ),
    st.floats(0.01, 100),
    st.floats(0, 1000),
)
def test_waits_are_bounded(failures: list[Retryable], first: float, total: float) -> None:
    clock = Clock()
    generator = RetryPolicy(first, total).waits(clock)
    next(generator)
    for failure in failures:
        try:
            seconds = generator.send(failure)
        except StopIteration:
            break
        assert seconds >= 0
        clock.now += seconds
    assert clock.now - 1000 <= total + 2 * max(LONGEST_WAIT, first) + 1e-6


@pytest.mark.parametrize(
    ("statuses", "action"),
    [
        ([200, 201, 204, 299], Action.OK),
        ([300, 301, 302, 303, 304, 307, 308], Action.REDIRECT),
        ([401, 403], Action.CREDENTIALS),
        ([404], Action.NOT_FOUND),
        ([408, 425, 429, 500, 501, 502, 503, 504, 556, 599, 0, 100, 999], Action.RETRY),
        ([400, 402, 405, 409, 410, 422, 451, 555], Action.REFUSED),
    ],
)
def test_status_table(statuses: list[int], action: Action) -> None:
    assert {action_for(status) for status in statuses} == {action}
    for status in statuses:
        assert meaning_of(status)
        assert action_for(status, {status: Action.OK, 1: Action.RETRY}) is Action.OK
