"""The compact text in which a bookmark remembers a learned schema."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import cut_page
from connector_kit.schema.memory import recall, remember
from connector_kit.schema.shape import Kind, Shape
from connector_kit.schema.stream_schema import StreamSchema
from support.json_values import NAMES, ODD_NAMES, RECORDS, page_bytes

SCALARS = [kind for kind in Kind if kind not in {Kind.OBJECT, Kind.ARRAY}]


def _around(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    properties = st.dictionaries(NAMES | ODD_NAMES, shapes, max_size=3)
    return st.builds(
        lambda kinds, children, items: Shape(
            kinds
            | ({Kind.OBJECT} if children is not None else set())
            | ({Kind.ARRAY} if items is not None else set()),
            children,
            items,
        ),
        st.sets(st.sampled_from(list(Kind)), max_size=3),
        st.none() | properties,
        st.none() | shapes,
    )


SHAPES = st.recursive(
    st.builds(Shape, st.sets(st.sampled_from(SCALARS), max_size=2)), _around, max_leaves=8
)


def born(properties: dict[str, Shape]) -> dict[str, Shape]:
    """Leave out what was seen only as null, which is not remembered."""
    return {name: _born(shape) for name, shape in properties.items() if shape.born}


def _born(shape: Shape) -> Shape:
    return Shape(
        shape.kinds,
        None if shape.properties is None else born(shape.properties),
        None if shape.items is None else _born(shape.items),
    )


@given(properties=st.dictionaries(NAMES | ODD_NAMES, SHAPES, max_size=4))
@settings(deadline=None, max_examples=300)
def test_what_is_remembered_is_recalled(properties: dict[str, Shape]) -> None:
    text = remember(properties)
    assert recall(text) == born(properties)
    assert remember(recall(text)) == text
    assert "\n" not in text


@given(records=st.lists(RECORDS, max_size=6))
@settings(deadline=None, max_examples=100)
def test_a_recalled_schema_is_the_one_that_was_learned(records: list[dict[str, Any]]) -> None:
    first = StreamSchema("s", {}, logger=logging.getLogger("test"))
    page = cut_page(page_bytes(records))
    first.learn(page)
    second = StreamSchema("s", {}, logger=logging.getLogger("test"))
    second.recall(first.memory() or "{}")
    assert second.json_schema() == first.json_schema()
    assert second.memory() == first.memory()


def test_it_is_compact() -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    schema.keys = ("id",)
    body = b'[{"id":1,"a":1.5,"d":"2024-01-01T00:00:00","o":{"x":true},"l":["x"],"n":null}]'
    schema.learn(cut_page(body))
    assert schema.memory() == '{"id":"i","a":"n","d":"t","o":{"x":"b"},"l":["s"]}'


@pytest.mark.parametrize("text", ["", "x", "[]", '{"a":5}', '{"a":"zz"}', '{"a":[1,2,3]}', '"s"'])
def test_a_text_of_another_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        recall(text)


def test_a_memory_that_cannot_be_read_is_learned_anew(caplog: pytest.LogCaptureFixture) -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    schema.recall(json.dumps({"a": "zz"}))
    assert not schema.known
    assert "cannot be read" in caplog.text
