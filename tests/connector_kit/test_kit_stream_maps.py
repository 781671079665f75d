"""Stream maps and flattening: the SDK's own path, and the plain maps that need it not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.dummy_vendor import Dummy
from support.singer import Json, Output

PAGE = b'[{"id":1,"a":67900.00000,"b":"x"},{"id":2,"a":1e3,"b":"y"}]'
LATE = b'[{"id":3,"a":-0.0,"c":{"d":"z"}}]'


def mapped(dummy: Dummy, stream_map: Any, *, key: str = "items", **how: Any) -> Output:
    return dummy.output("items", PAGE, LATE, stream_maps={key: stream_map}, **how)


@pytest.mark.parametrize("key", ["items", "i*"])
def test_another_name(dummy: Dummy, key: str) -> None:
    output = mapped(dummy, {"__alias__": "things"}, key=key)
    streams = {message.get("stream") for message in output.messages}
    assert streams == {"things", None}
    assert [record["id"] for record in output.records("things")] == [1, 2, 3]
    assert len(output.activated("things")) == 1
    assert output.bookmark("items")["version"], "the state keeps the stream's own name"
    assert b'"a":67900.00000' in output.stdout


@pytest.mark.parametrize("removal", [None, "__NULL__"])
def test_removed_fields(dummy: Dummy, removal: Any) -> None:
    output = mapped(dummy, {"a": removal})
    assert output.records() == [
        {"id": 1, "b": "x"}, {"id": 2, "b": "y"}, {"id": 3, "c": {"d": "z"}},
    ]  # fmt: skip
    assert all("a" not in schema["properties"] for schema in output.schemas())
    assert "c" in output.schemas()[-1]["properties"]


def test_removed_fields_under_another_name(dummy: Dummy) -> None:
    output = mapped(dummy, {"__alias__": "things", "a": None, "b": None})
    assert output.records("things")[:2] == [{"id": 1}, {"id": 2}]


def test_expressions(dummy: Dummy) -> None:
    output = mapped(dummy, {"next": "int(id) + 1", "name": "str(id) + '!'", "a": None})
    assert output.records()[0] == {"id": 1, "b": "x", "next": 2, "name": "1!"}
    assert output.schemas()[0]["properties"]["next"]["type"] == ["integer", "null"]
    assert output.schemas()[0]["properties"]["name"]["type"] == ["string", "null"]


def test_filters(dummy: Dummy) -> None:
    output = mapped(dummy, {"__filter__": "id != 2"})
    assert [record["id"] for record in output.records()] == [1, 3]
    assert str(output.records()[0]["a"]) == "67900.00000"


def test_only_some_fields(dummy: Dummy) -> None:
    output = mapped(dummy, {"id": "id", "b": "_.get('b')", "__else__": None})
    assert output.records() == [{"id": 1, "b": "x"}, {"id": 2, "b": "y"}, {"id": 3, "b": None}]


def test_a_second_stream_of_the_same_records(dummy: Dummy) -> None:
    output = mapped(dummy, {"__source__": "items", "a": None}, key="copy")
    assert [record["id"] for record in output.records("items")] == [1, 2, 3]
    assert output.records("copy")[0] == {"id": 1, "b": "x"}


@pytest.mark.parametrize("stream_map", [None, "__NULL__"])
def test_a_stream_that_is_removed(dummy: Dummy, stream_map: Any) -> None:
    output = mapped(dummy, stream_map)
    assert [message["type"] for message in output.messages] == ["STATE"]


def test_streams_that_are_not_named_are_removed(dummy: Dummy) -> None:
    dummy.server.reset(items=[PAGE], events=[PAGE])
    output = dummy.run("items", "events", stream_maps={"events": {}, "__else__": None}).ok()
    assert {message.get("stream") for message in output.messages} == {"events", None}


def test_other_keys(dummy: Dummy) -> None:
    output = mapped(dummy, {"code": "str(id)", "id": None, "__key_properties__": ["code"]})
    assert output.of_type("SCHEMA")[0]["key_properties"] == ["code"]
    assert output.records()[0] == {"a": Decimal("67900.00000"), "b": "x", "code": "1"}


def test_a_wildcard_beside_the_streams_own_map_is_not_overlooked(dummy: Dummy) -> None:
    """The SDK takes the last one that fits; a map that only renames must not hide it."""
    maps = {"items": {"a": None}, "item*": {"b": "'masked'"}}
    output = dummy.output("items", PAGE, stream_maps=maps)
    assert [record["b"] for record in output.records()] == ["masked", "masked"]


@pytest.mark.parametrize(
    "stream_maps",
    [
        {"items": "nonsense"},
        {"items": 5},
        {"items": {"__else__": "b"}},
        {"items": {"a": 5}},
        {"items": {"a": "1 +"}},
        {"items": {"__filter__": "1 +"}},
        {"items": {"id": None}},
        {"items": {"__key_properties__": ["nowhere"]}},
        {"__else__": "x"},
        {"__nonsense__": {}},
    ],
)
def test_maps_that_cannot_be_are_faults_of_the_setting(dummy: Dummy, stream_maps: Json) -> None:
    run = dummy.read("items", PAGE, stream_maps=stream_maps)
    run.failed(2, "stream_maps")
    assert run.output.of_type("RECORD") == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("nowhere", "Failed to evaluate"),
        ("b.foo()", "Failed to evaluate"),
        ("int(b + 'canary')", "ValueError"),
        ("a / 0", "DivisionByZero"),
        ("b + 1", "TypeError"),
    ],
)
def test_an_expression_that_fails_on_a_record_is_a_fault_of_the_setting(
    dummy: Dummy, expression: str, words: str
) -> None:
    page = b'[{"id":1,"a":1.5,"b":"secret-value"}]'
    run = dummy.read("items", page, stream_maps={"items": {"c": expression}})
    run.failed(2, "setting 'stream_maps': it fails on a record of items", words, "_.get('name')")
    assert "secret-value" not in run.stderr


def test_a_key_that_is_not_learned_yet_is_no_fault_of_a_map(dummy: Dummy) -> None:
    catalog = dummy.catalog("items")
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "items"]
    entry["schema"]["properties"]["b"] = {"type": ["string", "null"]}
    output = mapped(dummy, {"b": "_.get('b')"}, catalog=catalog)
    assert len(output.records()) == 3


# Flattening

NESTED = b'[{"id":1,"o":{"x":67900.00000,"p":{"q":[1,{"r":1e3}]}},"l":[{"z":0.10}],"e":{}}]'


def flat(dummy: Dummy, *pages: bytes, depth: int = 3, **how: Any) -> Output:
    return dummy.output("items", *pages, flattening_enabled=True, flattening_max_depth=depth, **how)


def test_flattening(dummy: Dummy) -> None:
    output = flat(dummy, NESTED)
    [record] = output.records()
    assert record["o__x"] == Decimal("67900.00000")
    assert record["o__p__q"] == '[1,{"r":1E+3}]'
    assert record["l"] == '[{"z":0.10}]'
    assert set(record) <= set(output.schemas()[0]["properties"]) | {"e"}


def test_flattening_follows_what_is_learned_later(dummy: Dummy) -> None:
    output = flat(dummy, NESTED, b'[{"id":2,"o":{"late":"x"}}]')
    assert output.records()[1] == {"id": 2, "o__late": "x"}
    assert "o__late" in output.schemas()[-1]["properties"]
    assert "o__x" in output.schemas()[-1]["properties"]


def test_a_date_time_that_became_a_text_keeps_its_column_when_flattened(dummy: Dummy) -> None:
    output = flat(dummy, b'[{"id":1,"d":"2024-01-01T00:00:00"}]', b'[{"id":2,"d":"soon"}]')
    assert output.schemas()[-1]["properties"]["d"] == {"type": ["string", "null"]}
    assert [record["d"] for record in output.records()] == ["2024-01-01T00:00:00", "soon"]


def test_flattening_with_another_separator(dummy: Dummy) -> None:
    output = flat(dummy, NESTED, depth=1, flattening_separator=".")
    assert "o.x" in output.records()[0]


def test_flattening_without_its_depth_is_a_fault(dummy: Dummy) -> None:
    dummy.read("items", NESTED, flattening_enabled=True).failed(2, "flattening_max_depth")


def test_two_columns_that_flattening_gives_one_name_are_a_fault(dummy: Dummy) -> None:
    page = b'[{"id":1,"a":{"b":1},"a__b":2}]'
    run = dummy.read("items", page, flattening_enabled=True, flattening_max_depth=2)
    run.failed(2, "flattening", "a__b")
