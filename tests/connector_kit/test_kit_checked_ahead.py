"""A page that was checked before its turn: sure of its text, and of this very schema alone."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import NotJsonError, cut_page
from connector_kit.schema.stream_schema import StreamSchema
from support.json_values import RECORDS, page_bytes

RECORD: dict[str, Any] = {
    "id": 1,
    "text": "añb",
    "when": "2024-07-03T00:00:00",
    "part": {"name": "ñ", "never": None},
    "lines": [{"text": "ñ", "amount": 1.5}],
    "free": {},
}


def schema_of(*records: dict[str, Any]) -> StreamSchema:
    schema = StreamSchema(
        "s",
        {"properties": {"free": {"type": ["object", "null"]}}},
        logger=logging.getLogger("test"),
    )
    schema.keys = ("id",)
    page = cut_page(page_bytes(list(records)))
    schema.learn(page)
    assert schema.check(page) is not None
    return schema


def body_of(record: dict[str, Any]) -> bytes:
    return json.dumps([record], ensure_ascii=False).encode()


def test_a_page_that_fits_is_held_once() -> None:
    schema = schema_of(RECORD)
    page = cut_page(body_of(RECORD))
    assert not schema.has_held(page)
    assert schema.holds(page)
    assert schema.has_held(page)


def test_nothing_is_held_before_anything_is_known() -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    assert not schema.holds(cut_page(body_of(RECORD)))


def test_a_wider_schema_looks_again() -> None:
    schema = schema_of(RECORD)
    page = cut_page(body_of(RECORD))
    assert schema.holds(page)
    schema.learn(cut_page(body_of({**RECORD, "new": 1})))
    assert not schema.has_held(page)


def test_the_parts_of_a_page_are_held_with_it() -> None:
    schema = schema_of(RECORD)
    page = cut_page(page_bytes([RECORD] * 5))
    assert schema.holds(page)
    assert all(schema.has_held(part) for part in page.parts(2))
    assert not any(schema.has_held(part) for part in cut_page(page_bytes([RECORD] * 5)).parts(2))


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80"]
)
@pytest.mark.parametrize(
    "place",
    [b'"text": "', b'"name": "', b'[{"text": "', b'"text', b'"free": {"', b'"free": {"a":"'],
)
def test_text_that_is_no_utf8_is_not_held(bad: bytes, place: bytes) -> None:
    schema = schema_of(RECORD)
    body = body_of({**RECORD, "free": {"a": "ñ"}}).replace(b'{"a": "', b'{"a":"')
    assert schema.holds(cut_page(body))
    assert place in body
    assert not schema.holds(cut_page(body.replace(place, place + bad, 1)))


@given(
    records=st.lists(RECORDS, min_size=1, max_size=4),
    place=st.integers(min_value=0),
    byte=st.integers(min_value=0x80, max_value=0xFF),
)
@settings(deadline=None, max_examples=400)
def test_no_page_with_a_wrong_byte_is_held(
    records: list[dict[str, Any]], place: int, byte: int
) -> None:
    schema = StreamSchema("s", {}, logger=logging.getLogger("test"))
    page = cut_page(page_bytes(records))
    schema.learn(page)
    schema.check(page)
    body = bytearray(page.body)
    body[place % len(body)] = byte
    try:
        broken = cut_page(bytes(body))
    except NotJsonError:
        return
    if schema.holds(broken):
        bytes(body).decode()
