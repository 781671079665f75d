"""Learning from the records that do not fit gives what learning from all of them gives."""

from __future__ import annotations

import logging
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import cut_page
from connector_kit.schema.learning import learn_records
from connector_kit.schema.shape import Shape
from connector_kit.schema.stream_schema import StreamSchema
from support.json_values import RECORDS, page_bytes


@given(pages=st.lists(st.lists(RECORDS, max_size=6), max_size=4))
@settings(deadline=None, max_examples=200)
def test_every_record_counts_as_if_all_were_learned(pages: list[list[dict[str, Any]]]) -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    learned: dict[str, Shape] = {}
    for records in pages:
        page = cut_page(page_bytes(records))
        if schema.check(page) is None:
            schema.learn(page)
        learn_records(learned, page.records(), frozenset(), frozenset())
    by_all = StreamSchema("s", {}, logger=logging.getLogger("test"))
    for records in pages:
        by_all.learn(cut_page(page_bytes(records)))
    kinds = {name: (shape.kinds, shape.born) for name, shape in learned.items()}
    properties = schema._properties
    assert {name: (shape.kinds, shape.born) for name, shape in properties.items()} == kinds
    assert schema.json_schema() == by_all.json_schema()


def test_a_kind_that_first_appears_in_the_last_record_is_learned() -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    records: list[dict[str, Any]] = [{"id": number, "a": 1} for number in range(1000)]
    records[-1] = {"id": 999, "a": "text", "late": [{"deep": True}]}
    page = cut_page(page_bytes(records))
    changes = schema.learn(page)
    assert changes.new == ["id", "a", "late", "late[]", "late[].deep"]
    assert changes.changed == [("a", "number", "string")]
    assert schema.check(page) is not None


def test_a_page_of_nothing_but_news_is_learned_in_few_steps() -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    page = cut_page(page_bytes([{f"field{number}": number} for number in range(1000)]))
    assert len(schema.learn(page).new) == 1000
    assert schema.check(page) is not None
