"""The pure parts: sums of days, windows, moments, and what the server's words mean."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_kit.retry import UnreadableAnswer
from connector_kit.windows import DayWindow
from tap_winfra_xxl.datasets import DATASETS
from tap_winfra_xxl.estado import read_petition, read_petition_or_none, read_petitions
from tap_winfra_xxl.moments import an_hour_before, months_later, read_moment, year_until
from tap_winfra_xxl.planner import Planner, Reader
from tap_winfra_xxl.settings import DEFAULT_LOOKBACK
from tap_winfra_xxl.spans import covers, merged, shared, up_to, without

FIRST = date(2024, 1, 1)


@st.composite
def windows(draw: st.DrawFn) -> DayWindow:
    first = draw(st.integers(0, 120))
    length = draw(st.integers(0, 40))
    return DayWindow(FIRST + timedelta(days=first), FIRST + timedelta(days=first + length))


def days_of(spans: list[DayWindow]) -> list[date]:
    return [
        span.first + timedelta(days=number)
        for span in spans
        for number in range((span.last - span.first).days + 1)
    ]


many = st.lists(windows(), max_size=5)


@given(many)
def test_merged_has_the_same_days_once(spans: list[DayWindow]) -> None:
    result = merged(spans)
    assert days_of(result) == sorted(set(days_of(spans)))
    for earlier, later in itertools.pairwise(result):
        assert later.first > earlier.last + timedelta(days=1)


@given(many, many)
def test_without_and_shared_divide_the_days(
    spans: list[DayWindow], others: list[DayWindow]
) -> None:
    spans, others = merged(spans), merged(others)
    left, both = days_of(without(spans, others)), days_of(shared(spans, others))
    assert sorted(left + both) == days_of(spans)
    assert set(both) <= set(days_of(others))
    assert not set(left) & set(days_of(others))


@given(windows(), many, windows())
def test_covers_and_up_to(window: DayWindow, spans: list[DayWindow], limit: DayWindow) -> None:
    assert covers(spans, window) == (set(days_of([window])) <= set(days_of(spans)))
    assert days_of(up_to(window, limit.last)) == [
        day for day in days_of([window]) if day <= limit.last
    ]


def planner(today: date, **values: Any) -> Planner:
    return Planner(
        {"start_date": FIRST, "window_days": 365, "lookback_days": DEFAULT_LOOKBACK, **values},
        today,
    )


@given(
    st.sampled_from([name for name, dataset in DATASETS.items() if dataset.is_dated]),
    st.booleans(),
    many,
    st.integers(0, 200),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(-20, 200)),
    st.integers(1, 400),
)
def test_a_run_reads_what_is_missing_and_nothing_twice(  # noqa: PLR0917 - hypothesis gives them
    name: str,
    has_key: bool,
    known: list[DayWindow],
    today_at: int,
    lookback: int,
    end_at: int | None,
    window_days: int,
) -> None:
    today = FIRST + timedelta(days=today_at)
    end = None if end_at is None else FIRST + timedelta(days=end_at)
    plan = planner(
        today,
        end_date=end,
        lookback_days=dict.fromkeys(DATASETS, lookback),
        window_days=window_days,
    )
    reader = Reader(DATASETS[name], has_key=has_key, in_full=False)
    known = merged(known)
    cut = plan.windows(reader.dataset, plan.spans(reader, known))
    asked = days_of(cut)
    assert asked == sorted(set(asked)), "each day once, in order"
    assert all((window.last - window.first).days < min(window_days, 365) for window in cut)
    last = end or today
    if not has_key:
        last = min(last, today - timedelta(days=1))
    wanted = {day for day in days_of([DayWindow(FIRST, last)]) if day <= last} - set(days_of(known))
    assert wanted <= set(asked)
    again = set(asked) - wanted
    if not has_key:
        assert not again
    elif known:
        assert all(known[-1].last - timedelta(days=lookback) <= day <= last for day in again)
        assert again <= set(days_of(known))
    if name == "ventas":
        for window in cut:
            assert len({day in days_of(known) for day in days_of([window])}) == 1


@given(many.filter(bool), st.integers(0, 300))
def test_a_resumed_run_goes_on_to_its_own_last_day(todo: list[DayWindow], today_at: int) -> None:
    today = FIRST + timedelta(days=today_at)
    reader = Reader(DATASETS["diario"], has_key=True, in_full=False)
    todo = merged(todo)
    asked = days_of(planner(today).resumed_spans(reader, todo))
    later = days_of([DayWindow(todo[-1].last + timedelta(days=1), max(today, todo[-1].last))])
    assert asked == sorted({*days_of(todo), *later})
    assert planner(today).resumed_spans(reader, []) == []


@given(st.dates(date(1999, 1, 1), date(2099, 12, 31)))
def test_a_year_is_never_longer_than_twelve_months(last: date) -> None:
    year = year_until(last)
    midnight = datetime.combine(year.first, datetime.min.time())
    end = datetime.combine(last, datetime.min.time()) + timedelta(days=1)
    assert end <= months_later(midnight, 12)
    assert (last - year.first).days in (364, 365)
    assert year.last == last


@pytest.mark.parametrize(
    ("last", "first"),
    [("2026-11-20", "2025-11-21"), ("2001-02-28", "2000-03-01"), ("2024-02-28", "2023-03-01"),
     ("2024-02-29", "2023-03-01"), ("2025-12-31", "2025-01-01")],
)  # fmt: skip
def test_a_year_until(last: str, first: str) -> None:
    assert str(year_until(date.fromisoformat(last)).first) == first


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T01:30:00"),
        ("2026-01-01T00:30:00", "2025-12-31T23:30:00"),
        ("2026-01-01T00:30:00.123456+01:00", "2025-12-31T23:30:00"),
        ("2026-01-01", "2025-12-31T23:00:00"),
        ("ayer", None),
        ("", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_an_hour_before(text: str, moment: str | None) -> None:
    assert an_hour_before(text) == moment


def test_a_day_without_a_time_has_two_ends() -> None:
    assert str(read_moment("2026-02-28")) == "2026-02-28 00:00:00"
    assert str(read_moment("2026-02-28", end_of_day=True)) == "2026-02-28 23:59:59"
    assert str(read_moment("2026-02-28T08:00", end_of_day=True)) == "2026-02-28 08:00:00"


# EstadoGenerarXXL

GOOD = {
    "peticion_id": "p",
    "fecha_peticion": "2026-01-01T00:00:00",
    "error_message": "",
    "estado": "OK",
    "datasets": [{"dataset": "stocks", "estado": "OK", "numero_registros": 5}],
}


def state(**changes: Any) -> Any:
    return read_petition(json.dumps(GOOD | changes).encode())


def test_the_documented_form() -> None:
    read = state()
    assert (read.id, read.word, read.asked_at) == ("p", "OK", "2026-01-01T00:00:00")
    assert read.datasets["stocks"].rows == 5
    assert read.is_ready("stocks")
    assert not read.is_ready("tarifas")


@pytest.mark.parametrize(
    ("whole", "part", "is_ready"),
    [
        ("OK", "OK", True),
        ("PENDING", "OK", True),
        ("ERROR", "OK", True),
        ("OK", "TERMINADO", True),
        ("PENDING", "TERMINADO", False),
        ("OK", "PENDING", False),
        ("OK", "ERROR", False),
        ("ok ", "Ok", True),
        (None, "OK", True),
        (7, None, False),
    ],
)
def test_whether_a_dataset_is_ready(whole: Any, part: Any, is_ready: bool) -> None:
    datasets = [{"dataset": "stocks", "estado": part, "numero_registros": "5"}]
    read = state(estado=whole, datasets=datasets)
    assert read.is_ready("stocks") is is_ready
    assert read.datasets["stocks"].rows == 5


@pytest.mark.parametrize("datasets", [None, "x", [1, {"dataset": None}, {}], {"stocks": 1}])
def test_datasets_in_an_odd_form(datasets: Any) -> None:
    assert state(datasets=datasets).datasets == {}


@pytest.mark.parametrize("rows", [None, -1, 1.5, True, "x", [], "٣"])
def test_a_count_in_an_odd_form(rows: Any) -> None:
    read = state(datasets=[{"dataset": "stocks", "estado": "OK", "numero_registros": rows}])
    assert read.datasets["stocks"].rows is None


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"{}", b'{"peticion_id":5}'])
def test_what_is_no_petition(body: bytes) -> None:
    assert read_petition_or_none(body) is None
    with pytest.raises(UnreadableAnswer):
        read_petition(body)


def test_a_list_with_strange_items() -> None:
    body = json.dumps([GOOD, None, 5, {}, GOOD | {"peticion_id": "q"}]).encode()
    assert list(read_petitions(body)) == ["p", "q"]
    with pytest.raises(UnreadableAnswer):
        read_petitions(b"{}")
    with pytest.raises(UnreadableAnswer):
        read_petitions(b"[")
