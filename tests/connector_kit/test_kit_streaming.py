"""A list cut into pages while it arrives: the same records, whatever the pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import NotJsonError, exact_value
from connector_kit.streaming import cut_while_arriving
from support.json_values import RECORDS, STYLES, Style, digits, exact, page_bytes


def reader(pieces: Iterable[bytes]) -> Callable[[], bytes]:
    waiting = chain((piece for piece in pieces if piece), repeat(b""))
    return lambda: next(waiting)


def pieces_of(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def records_of(pieces: Iterable[bytes]) -> list[Any]:
    pages = cut_while_arriving(reader(pieces))
    return [exact_value(bytes(piece)) for page in pages for piece in page.slices]


LIKE_A_SEPARATOR = st.sampled_from(
    [
        {"id": '},{"id":1'},
        {"id": [{"id": "a"}, {"id": "b"}, {"id": "c"}]},
        {"id": '\\"},{\\"id\\":'},
        {"id": {"id": [{}, {"id": 1}]}},
        {"id": "] "},
        {"id": "\\"},
        {},
    ]
)


@given(
    records=st.lists(RECORDS | LIKE_A_SEPARATOR, max_size=12),
    style=STYLES,
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
@settings(deadline=None, max_examples=300)
def test_any_list_in_any_pieces(
    records: list[dict[str, Any]], style: Style, sizes: list[int]
) -> None:
    body = page_bytes(records, style)
    pieces: list[bytes] = []
    start = 0
    while start < len(body):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(body[start : start + size])
        start += size
    assert digits(records_of(pieces)) == digits(exact(records))


@given(
    records=st.lists(RECORDS | LIKE_A_SEPARATOR, min_size=1, max_size=6),
    style=STYLES,
    size=st.integers(1, 40),
    data=st.data(),
)
@settings(deadline=None, max_examples=200)
def test_a_list_that_is_cut_off_is_never_taken_for_a_short_one(
    records: list[dict[str, Any]], style: Style, size: int, data: st.DataObject
) -> None:
    body = page_bytes(records, style)
    whole = len(body.rstrip())
    cut = data.draw(st.integers(0, whole - 1))
    with pytest.raises(NotJsonError):
        records_of(pieces_of(body[:cut], size))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{}",
        b'{"a":[{"id":1}]}',
        b"[",
        b"]",
        b'[{"id":1},]',
        b'[{"id":1},{"id":2},]',
        b'[{"id":1},{"id":2},\n ]',
        b'[,{"id":1}]',
        b'[{"id":1},,{"id":2}]',
        b'[{"id":1} {"id":2}]',
        b'[{"id":1}]]',
        b'[{"id":1},{"id":2}]x',
        b'[{"id":1},{"id":2}],{"id":3}',
        b'[{"id":1},{"id":2}][]',
        b"[] x",
        b'[{"id":1},{"id":NaN},{"id":3}]',
        b'[{"id":1]},{"id":2}]',
        b'[{"id":"a\nb"},{"id":2}]',
    ],
)
def test_what_is_no_list_is_refused(body: bytes, size: int) -> None:
    with pytest.raises(NotJsonError):
        records_of(pieces_of(body, size))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_items_that_are_no_objects_are_never_passed_as_records(size: int) -> None:
    for body in (b'[{"id":1},5,{"id":2}]', b"[1,2,3]", b'[{"id":1},"},{",{"id":2}]'):
        pages = cut_while_arriving(reader(pieces_of(body, size)))
        with pytest.raises(NotJsonError):
            deque(page.records() for page in pages)


def test_empty_list_has_no_page() -> None:
    assert list(cut_while_arriving(reader([b" ", b"[", b" ", b"]", b" "]))) == []


def test_pages_come_while_the_list_still_arrives() -> None:
    asked = 0

    def read_piece() -> bytes:
        nonlocal asked
        asked += 1
        record = b'{"id":%d,"text":"%b"}' % (asked, b"x" * 1000)
        return (b"[" if asked == 1 else b",") + record if asked <= 1000 else b"]"[asked - 1001 :]

    pages = cut_while_arriving(read_piece)
    assert next(pages).records()[0]["id"] == 1
    assert asked < 5
    assert sum(len(page.slices) for page in pages) > 990


def test_a_record_larger_than_a_piece_is_looked_for_rarely() -> None:
    """A look costs the length of what has arrived, so looking at each piece would take minutes."""
    text = rb"},{\"id\":1" * 100_000
    body = b'[{"id":"' + text + b'"},{"id":2}]'
    began = monotonic()
    large, small = records_of(pieces_of(body, 1024))
    assert large == {"id": '},{"id":1' * 100_000}
    assert small == {"id": 2}
    assert monotonic() - began < 5


def test_nul_and_lone_surrogates_are_replaced_here_too() -> None:
    body = rb'[{"id":1,"t":"\u0000"},{"id":2,"t":"\ud800"},{"id":3,"t":"x"}]'
    pages = list(cut_while_arriving(reader(pieces_of(body, 4))))
    assert sum(page.replaced for page in pages) == 2
    assert [record["t"] for page in pages for record in page.records()] == ["\ufffd", "\ufffd", "x"]
