"""Seams of the kit that an XML tap needs: rows asked for without adding them, texts that stay texts."""

from __future__ import annotations

import logging

from connector_kit.pages import page_of_records
from connector_kit.schema.stream_schema import StreamSchema
from connector_kit.seen import SeenRows

DATE_TIMES = {"since": "2024-05-06T07:08:09", "parts": [{"at": "2024-05-06T07:08:09"}]}


def test_rows_are_asked_for_without_adding_them() -> None:
    seen = SeenRows()
    try:
        seen.add(["1", "2"], [b"", b""])
        assert seen.holds(["2", "3", "1"]) == [True, False, True]
        assert seen.holds(["3"]) == [False]
        # The text "1" and the number 1 are two keys.
        assert seen.holds([1]) == [False]
        assert seen.holds([]) == []
    finally:
        seen.close()


def learned(*, date_times: bool) -> StreamSchema:
    schema = StreamSchema(
        "s", {"properties": {}}, date_times=date_times, logger=logging.getLogger("test")
    )
    schema.learn(page_of_records([DATE_TIMES]))
    return schema


def test_texts_are_date_times_only_where_they_may_be() -> None:
    text, date_time = (
        {"type": ["string", "null"]},
        {"type": ["string", "null"], "format": "date-time"},
    )
    for may_be, expected in ((True, date_time), (False, text)):
        properties = learned(date_times=may_be).json_schema()["properties"]
        assert properties["since"] == expected
        assert properties["parts"]["items"]["properties"]["at"] == expected
