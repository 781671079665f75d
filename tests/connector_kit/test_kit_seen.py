"""Rows that come twice because pages move under the reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.seen import SeenRows, row_keys
from support.dummy_vendor import Dummy


@pytest.fixture
def seen() -> Iterator[SeenRows]:
    rows = SeenRows()
    yield rows
    rows.close()


def test_new_rows_are_all_passed_on(seen: SeenRows) -> None:
    assert seen.add([1, 2], [b"a", b"b"]) is None
    assert seen.add([3], [b"a"]) is None
    assert seen.add([], []) is None


def test_the_same_row_is_left_out_and_another_content_is_not(seen: SeenRows) -> None:
    seen.add([1, 2], [b"a", b"b"])
    assert seen.add([2, 3, 1, 3], [b"b", b"c", b"A", b"c"]) == [1, 2]
    assert (seen.repeated, seen.changed) == (2, 1)
    assert seen.add([1], [b"a"]) == [0], "it is the last content that counts"
    assert seen.add([1], [b"a"]) == []


def test_keys_keep_their_kind(seen: SeenRows) -> None:
    big = 2**70
    values: list[Any] = [1, "1", 1.0, True, None, big, -big, ("a", 1), ("a", "1")]
    assert seen.add(row_keys(values), [b"x"] * len(values)) is None
    assert seen.add(row_keys([1]), [b"x"]) == [], "alone on a page it is the same key"
    assert seen.add(row_keys([big]), [b"x"]) == []
    assert seen.add(row_keys([2**63, -(2**63), 2**63 - 1]), [b"x"] * 3) is None


@given(
    pages=st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.sampled_from([b"a", b"b"])), max_size=6),
        max_size=5,
    )
)
@settings(deadline=None)
def test_what_is_passed_on_is_what_a_dictionary_says(
    pages: list[list[tuple[int, bytes]]],
) -> None:
    rows = SeenRows()
    known: dict[int, bytes] = {}
    for page in pages:
        expected = []
        for position, (key, content) in enumerate(page):
            if known.get(key) != content:
                expected.append(position)
            known[key] = content
        positions = rows.add([key for key, _ in page], [content for _, content in page])
        assert (list(range(len(page))) if positions is None else positions) == expected
    rows.close()


PAGES = (
    b'[{"id":1,"a":"x"},{"id":2,"a":"y"}]',
    b'[{"id":2,"a":"y"},{"id":3,"a":"z"}]',
    b'[{"id":3,"a":"Z"},{"id":1,"a":"x"}]',
)


def test_a_stream_whose_pages_move_passes_each_row_once(dummy: Dummy) -> None:
    run = dummy.read("moving", *PAGES)
    records = run.ok().records("moving")
    assert [(record["id"], record["a"]) for record in records] == [
        (1, "x"), (2, "y"), (3, "z"), (3, "Z"),
    ]  # fmt: skip
    assert "2 rows came again unchanged" in run.stderr
    assert "1 rows came again with other content under the same key" in run.stderr


def test_rows_that_came_again_are_known_where_pages_go_the_slow_way(dummy: Dummy) -> None:
    new_field = b'[{"id":2,"a":"y"},{"id":4,"a":"w","b":1.50},{"id":1,"a":"x"}]'
    records = dummy.output("moving", *PAGES[:2], new_field).records("moving")
    assert [record["id"] for record in records] == [1, 2, 3, 4]


def test_keys_of_two_kinds_on_one_page(dummy: Dummy) -> None:
    pages = (b'[{"id":1},{"id":2}]', b'[{"id":"1"},{"id":2},{"id":1}]', b'[{"id":"1"},{"id":1}]')
    records = dummy.output("moving", *pages).records("moving")
    assert [record["id"] for record in records] == [1, 2, "1"]


def test_keys_of_several_fields(dummy: Dummy) -> None:
    pages = (b'[{"a":1,"b":"x"},{"a":1,"b":"y"}]', b'[{"a":1,"b":"x"},{"a":2,"b":"x"}]')
    output = dummy.output("moving", *pages, key_properties={"moving": ["a", "b"]})
    assert [(record["a"], record["b"]) for record in output.records()] == [
        (1, "x"), (1, "y"), (2, "x"),
    ]  # fmt: skip


def test_without_a_key_nothing_is_left_out(dummy: Dummy) -> None:
    output = dummy.output("moving", *PAGES, key_properties={"moving": []})
    assert len(output.records()) == 6


def test_rows_that_came_again_are_left_out_of_batches_too(
    dummy: Dummy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("batches").as_uri()
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": root}}
    run = dummy.read("moving", *PAGES, batch_config=batches)
    assert "2 rows came again unchanged" in run.stderr
    run.ok()
