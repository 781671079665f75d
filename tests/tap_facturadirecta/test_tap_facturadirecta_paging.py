"""No provider is missed and none comes twice, whatever happens to the list while it is read."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector_kit.errors import UpstreamError
from support.facturadirecta_tap import STREAM, ids, run
from tap_facturadirecta.pagination import OVERLAP, ListReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.servers import RunningSandbox

LOGGER = logging.getLogger("test")


class Rows:
    """Rows that are nothing but their ids."""

    def __init__(self, found: Sequence[int]) -> None:
        self.found = list(found)

    def __len__(self) -> int:
        return len(self.found)

    def identities(self) -> list[int | str]:
        return list(self.found)

    def only(self, positions: Sequence[int]) -> Rows:
        return Rows([self.found[position] for position in positions])


@dataclass
class Shelf:
    """A server of one list, with the quirks that nobody outside can know.

    Attributes:
        rows: the list now.
        cap: the most rows of an answer, whatever is asked.
        past_end: what a start beyond the end gives.
        ignores_start: every answer begins at 0.
        clamp: no answer begins later than there.
        edit: called after each answer with the number of answers so far.
        asked: (start, limit) of the calls.
    """

    rows: list[int]
    cap: int = 250
    past_end: str = "empty"
    ignores_start: bool = False
    clamp: int | None = None
    edit: Callable[[int], None] = lambda _: None
    asked: list[tuple[int, int]] = field(default_factory=list)

    def fetch(self, start: int, limit: int) -> Rows:
        self.asked.append((start, limit))
        assert len(self.asked) < 3000, "the list does not end"
        limit = min(limit, self.cap)
        begin = 0 if self.ignores_start else start
        if self.clamp is not None:
            begin = min(begin, self.clamp)
        if self.rows and begin >= len(self.rows) and self.past_end == "last_page":
            begin = (len(self.rows) - 1) // limit * limit
        answer = Rows(self.rows[begin : begin + limit])
        self.edit(len(self.asked))
        return answer

    def read(self, limit: int = 250) -> list[int]:
        reader: ListReader[Rows] = ListReader(self.fetch, limit, "stream x", LOGGER)
        try:
            return [row for rows in reader.read() for row in rows.found]
        finally:
            reader.close()


# --- a list that stands still ---------------------------------------------------------------------


@pytest.mark.parametrize("past_end", ["empty", "last_page"])
@pytest.mark.parametrize("cap", [1, 2, 3, 7, 20, 250])
def test_every_length_whatever_the_server_caps(cap: int, past_end: str) -> None:
    for length in [*range(45), 60, 61]:
        shelf = Shelf(list(range(100, 100 + length)), cap=cap, past_end=past_end)
        assert shelf.read(20) == shelf.rows


def test_long_list_costs_few_calls() -> None:
    shelf = Shelf(list(range(24_000)))
    assert shelf.read() == shelf.rows
    assert len(shelf.asked) <= 24_000 // (250 - OVERLAP) + 3


def test_short_list_costs_three_calls() -> None:
    shelf = Shelf(list(range(100)))
    assert shelf.read() == shelf.rows
    assert shelf.asked == [(0, 250), (100, 250), (95, 250)]


def test_a_full_page_is_followed_by_what_it_foretells() -> None:
    shelf = Shelf(list(range(60)))
    events: list[str] = []

    def fetch(start: int, limit: int) -> Rows:
        events.append(f"fetch {start} {limit}")
        return shelf.fetch(start, limit)

    def ahead(start: int, limit: int) -> None:
        events.append(f"ahead {start} {limit}")

    reader: ListReader[Rows] = ListReader(fetch, 25, "stream x", LOGGER, ahead)
    found: list[int] = []
    for rows in reader.read():
        events.append("rows")
        found += rows.found
    reader.close()
    assert found == shelf.rows
    first, second = 25 - OVERLAP, 2 * (25 - OVERLAP)
    assert events[:7] == [
        "fetch 0 25",
        f"ahead {first} 25",
        "rows",
        f"fetch {first} 25",
        f"ahead {second} 25",
        "rows",
        f"fetch {second} 25",
    ]
    # The short page may be the last: what follows is the look at the end.
    assert events.count("rows") == 3
    assert sum(event.startswith("ahead") for event in events) == 2


def test_answers_of_any_length_are_no_end() -> None:
    chance = random.Random(5)  # noqa: S311 - test data
    for _ in range(30):
        shelf = Shelf(list(range(chance.randrange(1, 200))))
        shelf.edit = lambda _, shelf=shelf: setattr(shelf, "cap", chance.randrange(1, 30))  # type: ignore[misc]
        assert shelf.read(25) == shelf.rows


# --- a server that does not do what was asked -----------------------------------------------------


@pytest.mark.parametrize("length", [2, 3, 25, 250, 251, 1000])
def test_ignored_start_is_an_error(length: int) -> None:
    shelf = Shelf(list(range(length)), ignores_start=True)
    with pytest.raises(UpstreamError, match="ignore `start`"):
        shelf.read()
    assert len(shelf.asked) < 12


def test_single_row_cannot_tell() -> None:
    assert Shelf([5], past_end="last_page").read() == [5]
    assert Shelf([5], ignores_start=True).read() == [5]


def test_rows_beyond_reach_are_an_error() -> None:
    shelf = Shelf(list(range(2000)), clamp=1000)
    with pytest.raises(UpstreamError, match="again and again"):
        shelf.read()
    assert len(shelf.asked) < 150


# --- a list that moves ----------------------------------------------------------------------------


class Edits:
    """Random changes between answers; remembers which rows were there all the time."""

    KINDS: ClassVar[tuple[str, ...]] = ("delete", "insert", "move")

    def __init__(self, rows: list[int], kinds: str, chance: random.Random, times: int) -> None:
        self.rows = rows
        self.there_throughout = set(rows)
        self._kinds = [kind for kind in self.KINDS if kind in kinds]
        self._chance = chance
        self._left = times
        self._next = 10_000

    def __call__(self, _answers: int) -> None:
        while self._left and self._chance.random() < 0.5:
            self._left -= 1
            self._change(self._chance.choice(self._kinds))

    def _change(self, kind: str) -> None:
        place = self._chance.randrange(len(self.rows) + 1)
        if kind == "insert":
            self.rows.insert(place, self._next)
            self._next += 1
            return
        many = self._chance.choice([1, 1, 1, 2, 15, 40])
        gone = self.rows[place : place + many]
        del self.rows[place : place + many]
        if kind == "delete":
            self.there_throughout -= set(gone)
        else:
            target = self._chance.randrange(len(self.rows) + 1)
            self.rows[target:target] = gone


@given(
    length=st.integers(0, 150),
    limit=st.integers(1, 40),
    cap=st.integers(1, 40),
    past_end=st.sampled_from(["empty", "last_page"]),
    kinds=st.sampled_from(["delete", "insert", "delete insert"]),
    times=st.integers(0, 12),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=400, deadline=None)
def test_rows_that_stay_are_read_once(
    *,
    length: int,
    limit: int,
    cap: int,
    past_end: str,
    kinds: str,
    times: int,
    seed: int,
) -> None:
    shelf = Shelf(list(range(length)), cap=cap, past_end=past_end)
    edits = Edits(shelf.rows, kinds, random.Random(seed), times)  # noqa: S311 - test data
    shelf.edit = edits
    found = shelf.read(limit)
    assert len(found) == len(set(found))
    assert edits.there_throughout <= set(found)


@given(
    length=st.integers(20, 150),
    limit=st.integers(2, 40),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=150, deadline=None)
def test_rows_that_change_places_are_read_once(*, length: int, limit: int, seed: int) -> None:
    """One move, of one row or many; two that make up for each other show nowhere in an overlap."""
    shelf = Shelf(list(range(length)))
    edits = Edits(shelf.rows, "move", random.Random(seed), times=1)  # noqa: S311 - test data
    shelf.edit = edits
    found = shelf.read(limit)
    assert sorted(found) == list(range(length))


def test_reader_goes_back_where_many_rows_went_at_once() -> None:
    """The rows that slip into the part read already are the same in every reading."""
    stay = list(range(100))
    shelf = Shelf([*range(1000, 1020), *stay])
    fresh = iter(range(2000, 9000))

    def edit(_: int) -> None:
        start, limit = shelf.asked[-1]
        if start == 0:
            shelf.rows[:] = stay
        elif start + limit > len(shelf.rows) + 5:
            shelf.rows[:] = [*(next(fresh) for _ in range(20)), *stay]

    shelf.edit = edit
    found = shelf.read(20)
    assert len(found) == len(set(found))
    assert set(stay) <= set(found)


def test_list_that_never_stands_still_ends() -> None:
    shelf = Shelf(list(range(100)))
    shelf.edit = lambda number: shelf.rows.insert(0, 1000 + number)
    try:
        found = shelf.read(20)
    except UpstreamError:
        found = list(range(100))
    assert set(range(100)) <= set(found)
    assert len(shelf.asked) < 300


# --- the same over HTTP ---------------------------------------------------------------------------


@given(
    order=st.sampled_from(["id", "name", "newest_first"]),
    page_size=st.integers(5, 60),
    silent_cap=st.sampled_from([0, 0, 7, 30]),
    past_end=st.sampled_from(["empty", "last_page"]),
    empty_list=st.sampled_from(["self_closing", "pair", "not_found_404", "not_found_200"]),
    details=st.sampled_from(["auto", "always", "never"]),
    changes=st.lists(
        st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 10**6)), max_size=6
    ),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_providers_come_and_go_between_pages(
    sandbox: RunningSandbox,
    *,
    order: str,
    page_size: int,
    silent_cap: int,
    past_end: str,
    empty_list: str,
    details: str,
    changes: list[tuple[int, bool, int]],
) -> None:
    server = sandbox.facturadirecta
    server.reset()
    server.switches.update(
        {"order": order, "silent_cap": silent_cap, "past_end": past_end, "empty_list": empty_list}
    )
    for identifier in list(server.providers)[60:]:
        server.remove(identifier)
    stay = set(server.providers)

    def change(number: int) -> None:
        for when, is_added, place in changes:
            if when != number:
                continue
            if is_added:
                server.add(name=f"{'AZ'[place % 2]}{place}")
            else:
                held = list(server.providers)
                stay.discard(held[place % len(held)])
                server.remove(held[place % len(held)])

    server.on_list_request = change
    found = ids(run(sandbox, page_size=page_size, details=details))
    assert len(found) == len(set(found))
    assert stay <= set(found)


def test_overlap_shows_on_the_wire(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    found = ids(run(sandbox, details="never"))
    assert found == list(server.providers)
    assert len(found) == 600
    asked = [received.query_string for received in server.requests]
    assert asked == [
        "start=0&limit=250",
        "start=245&limit=250",
        "start=490&limit=250",  # 110 rows: shorter than asked, so maybe the last
        "start=600&limit=250",  # nothing there
        "start=595&limit=250",  # and the last ones have not moved
    ]
    peers = {received.peer for received in server.requests}
    assert len(peers) == 1  # kept alive


def test_movement_is_told_and_read_again(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    first = next(iter(server.providers))
    server.on_list_request = lambda number: server.remove(first) if number == 2 else None
    ended = run(sandbox, details="never")
    assert set(ids(ended)) >= set(server.providers)
    assert "while the list was read" in ended.stderr
    assert ended.output.activated(STREAM)


@pytest.mark.parametrize("form", ["self_closing", "pair", "not_found_404", "not_found_200"])
def test_every_form_of_the_end(sandbox: RunningSandbox, form: str) -> None:
    server = sandbox.facturadirecta
    server.switches.update({"empty_list": form})
    assert ids(run(sandbox, details="never")) == list(server.providers)


@pytest.mark.parametrize("form", ["self_closing", "pair"])
def test_account_without_providers(sandbox: RunningSandbox, form: str) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.switches.update({"empty_list": form, "wrapper": "response"})
    output = run(sandbox).ok()
    assert output.records() == []
    assert output.schemas()
    assert output.activated(STREAM)
    assert server.count("provider.list") == 1


@pytest.mark.parametrize("form", ["not_found_404", "not_found_200"])
def test_404_at_the_start_is_the_wrong_account(sandbox: RunningSandbox, form: str) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.switches.update({"empty_list": form})
    output = run(sandbox).failed(2, "check account or api_url")
    assert not output.activated(STREAM)
    assert server.count("provider.list") == 1
    # With filters it says that none matches.
    filtered = run(sandbox, filters={"code": "no such code"}).ok()
    assert filtered.records() == []


def test_silent_caps_and_thin_lists_lose_nothing(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.switches.update({"silent_cap": 37, "list_items": "thin", "order": "newest_first"})
    for identifier in list(server.providers)[100:]:
        server.remove(identifier)
    output = run(sandbox).ok()
    records: list[dict[str, Any]] = output.records()
    assert [record["id"] for record in records] == list(reversed(server.providers))
    assert all("taxCode" in record for record in records)
