"""Schemas: documented, given by the catalog, remembered, learned; each rule of the design."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.errors import RecordError
from connector_kit.pages import cut_page
from connector_kit.schema.compiled import compile_record_type
from connector_kit.schema.shape import Kind, Shape, schema_from_shape, shape_from_schema
from connector_kit.schema.stream_schema import SchemaContract, StreamSchema
from connector_kit.schema.texts import is_date, is_naive_date_time
from support.dummy_tap import Invoices
from support.dummy_vendor import Dummy
from support.singer import Json, judge


def types(schema: Json) -> dict[str, Any]:
    """A property's type (and format), by name."""
    return {
        name: (*child["type"], child["format"]) if "format" in child else tuple(child["type"])
        for name, child in schema["properties"].items()
    }


def with_type(catalog: Json, stream: str, **properties: Json) -> Json:
    """Give properties types as Meltano's `schema` extra does."""
    for entry in catalog["streams"]:
        if entry["stream"] == stream:
            entry["schema"]["properties"].update(properties)
    return catalog


# Learned


def test_a_property_is_born_with_its_first_value(dummy: Dummy) -> None:
    output = dummy.output("items", b'[{"id":1,"a":null}]', b'[{"id":2,"a":null},{"id":3,"a":"x"}]')
    assert [types(schema) for schema in output.schemas()] == [
        {"id": ("integer",)},
        {"id": ("integer",), "a": ("string", "null")},
    ]
    assert output.records()[0] == {"id": 1, "a": None}


def test_a_number_is_number_from_birth_and_a_key_an_integer(dummy: Dummy) -> None:
    output = dummy.output("items", b'[{"id":1,"a":1},{"id":2,"a":1.5}]')
    [schema] = output.schemas()
    assert types(schema) == {"id": ("integer",), "a": ("number", "null")}


def test_a_key_that_comes_with_a_fraction_is_a_number_then(dummy: Dummy) -> None:
    run = dummy.read("items", b'[{"id":1}]', b'[{"id":1.5}]')
    assert [types(schema) for schema in run.ok().schemas()] == [
        {"id": ("integer",)},
        {"id": ("number",)},
    ]
    assert "id came as integer so far and now comes as number" in run.stderr
    run.output.check_records()


def test_a_key_of_text(dummy: Dummy) -> None:
    [schema] = dummy.output("items", b'[{"id":"007"}]').schemas()
    assert types(schema) == {"id": ("string",)}


def test_a_text_is_a_date_time_while_every_value_is_one(dummy: Dummy) -> None:
    run = dummy.read(
        "items",
        b'[{"id":1,"d":"2024-02-29T23:59:59","e":"2024-02-30T00:00:00"},{"id":2,"d":null}]',
        b'[{"id":3,"d":"2024-03-01T00:00:00.125"}]',
        b'[{"id":4,"d":"soon"}]',
    )
    output = run.ok()
    assert [types(schema)["d"] for schema in output.schemas()] == [
        ("string", "null", "date-time"),
        ("string", "null"),
    ]
    assert types(output.schemas()[0])["e"] == ("string", "null")
    assert "d came as date-time so far and now comes as string too" in run.stderr
    output.check_records()


@given(
    text=st.one_of(
        st.datetimes().map(lambda value: value.isoformat()),
        st.datetimes().map(lambda value: value.isoformat(" ", "seconds")),
        st.dates().map(lambda value: value.isoformat()),
        st.from_regex(r"\d{4}-\d\d-\d\d([Tt _]\d\d:\d\d(:\d\d([.,]\d{0,12})?)?)?(Z|\+00:00)?\Z"),
    )
)
@settings(deadline=None, max_examples=300)
def test_learning_and_check_agree_on_date_times(text: str) -> None:
    for kind, judged in ((Kind.DATE_TIME, is_naive_date_time), (Kind.DATE, is_date)):
        record_type: Any = compile_record_type({"a": Shape({kind})}, frozenset())
        try:
            msgspec.json.decode(json.dumps({"a": text}), type=record_type)
        except ValueError:
            assert not judged(text)
        else:
            assert judged(text)


def test_the_whole_first_page_is_learned_before_the_first_schema(dummy: Dummy) -> None:
    rows = [{"id": number} for number in range(2500)]
    rows[-1]["late"] = 1
    output = dummy.output("items", json.dumps(rows).encode())
    [schema] = output.schemas()
    assert types(schema)["late"] == ("number", "null")
    assert len(output.records()) == 2500


def test_a_kind_that_changes_is_a_union_and_told_once(dummy: Dummy) -> None:
    run = dummy.read(
        "items",
        b'[{"id":1,"a":"x","b":1}]',
        b'[{"id":2,"a":{"c":1.50},"b":"y"}]',
        b'[{"id":3,"a":[true],"b":2},{"id":4,"a":{"c":2},"b":"z"}]',
    )
    output = run.ok()
    assert types(output.schemas()[-1]) == {
        "id": ("integer",),
        "a": ("string", "array", "object", "null"),
        "b": ("string", "number", "null"),
    }
    for words in (
        "a came as string so far and now comes as object too",
        "a came as object or string so far and now comes as array too",
        "b came as number so far and now comes as string too",
    ):
        assert run.stderr.count(words) == 1
    output.check_records()


def test_nested_properties_and_items_are_learned(dummy: Dummy) -> None:
    [schema] = dummy.output(
        "items", b'[{"id":1,"o":{"a":1,"n":null},"l":[{"b":"x"},{"c":[1]},null],"e":[],"x":{}}]'
    ).schemas()
    assert schema["properties"]["o"]["properties"] == {"a": {"type": ["number", "null"]}}
    assert schema["properties"]["l"]["items"]["properties"] == {
        "b": {"type": ["string", "null"]},
        "c": {"type": ["array", "null"], "items": {"type": ["number", "null"]}},
    }
    assert schema["properties"]["e"] == {"type": ["array", "null"], "items": {}}
    assert schema["properties"]["x"] == {"type": ["object", "null"], "properties": {}}


@pytest.mark.parametrize(
    "name", ['"', "\\", "a\nb", "\x01", "", " ", "f0", "día", "\u2028", "x" * 300]
)
def test_names_of_any_kind(dummy: Dummy, name: str) -> None:
    pages = [
        json.dumps([{"id": number, name: Ellipsis}], default=str).encode() for number in (1, 2)
    ]
    output = dummy.output("items", *pages, *pages)
    assert types(output.schemas()[0])[name] == ("string", "null")
    assert output.records()[0] == {"id": 1, name: "Ellipsis"}
    assert len(output.schemas()) == 1


@pytest.mark.parametrize("number", [b"1e400", b"1" * 40, b"-1e-400", b"18446744073709551616"])
@pytest.mark.parametrize("stream", ["items", "invoices"])
def test_numbers_that_no_float_holds(dummy: Dummy, stream: str, number: bytes) -> None:
    output = dummy.output(stream, b'[{"id":1,"amount":%b}]' % number)
    assert output.lines[1].count(b'"amount":' + number + b"}") == 1


def test_no_rows_and_nothing_known_means_no_schema(dummy: Dummy) -> None:
    run = dummy.read("events", state={"bookmarks": {"events": {"page": 3}}})
    output = run.ok()
    assert output.of_type("SCHEMA") == []
    assert "events: no rows and no remembered schema" in run.stderr
    assert output.bookmark("events") == {"page": 3}


def test_more_properties_than_a_table_takes(dummy: Dummy) -> None:
    def row(count: int) -> bytes:
        return json.dumps([{"id": 1, **{f"p{index}": 1 for index in range(count - 1)}}]).encode()

    assert len(dummy.output("items", row(1500)).schemas()) == 1
    run = dummy.read("items", row(10), row(1501))
    run.failed(4, "more than 1,500 properties")
    assert len(run.output.records()) == 1


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_deep_nesting(dummy: Dummy, opening: bytes) -> None:
    closing = b"}" if opening[:1] == b"{" else b"]"

    def row(depth: int) -> bytes:
        return b'[{"id":1,"x":' + opening * depth + b"1.50" + closing * depth + b"}]"

    assert len(dummy.output("items", row(50)).records()) == 1
    for depth in (51, 400):
        dummy.read("items", row(depth)).failed(4, "nested more than 50 levels deep")


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_deep_nesting_in_a_part_that_is_not_followed(dummy: Dummy, opening: bytes) -> None:
    """A loader must be able to read what goes out, whatever this Python can read."""
    closing = b"}" if opening[:1] == b"{" else b"]"

    def row(depth: int) -> bytes:
        inside = opening * (depth - 1) + b"1.50" + closing * (depth - 1)
        return b'[{"id":1,"free":{"b":' + inside + b"}}]"

    for depth in (2, 5, 6, 7, 50):
        [schema, record] = dummy.output("invoices", row(depth)).messages[:2]
        assert "properties" not in schema["schema"]["properties"]["free"]
        assert str(record["record"]["free"]).count("1.50") == 1
    for depth in (51, 400, 900):
        dummy.read("invoices", row(depth)).failed(4, "nested more than 50 levels deep")
    dummy.read("items", row(20_000)).failed(3, "nested too deeply")


@pytest.mark.parametrize("zone", ["Z", "+01:00", "z"])
def test_a_date_time_with_a_zone_is_a_text(dummy: Dummy, zone: str) -> None:
    """A column of times without a zone would take it for another time."""
    pages = [b'[{"id":1,"d":"2024-01-31T10:20:30"}]', b'[{"id":2,"d":"2024-01-31T10:20:30%b"}]']
    pages[1] %= zone.encode()
    output = dummy.output("items", *pages)
    assert types(output.schemas()[-1])["d"] == ("string", "null")
    assert types(dummy.output("items", pages[1]).schemas()[0])["d"] == ("string", "null")


# Keys


@pytest.mark.parametrize("row", [b"{}", b'{"id":null}', b'{"a":1}'])
@pytest.mark.parametrize("first", [b'[{"id":1,"a":2}]', None])
def test_a_record_without_its_key_is_an_error(
    dummy: Dummy, row: bytes, first: bytes | None
) -> None:
    pages = [page for page in (first, b"[" + row + b"]") if page]
    run = dummy.read("items", *pages)
    run.failed(4, "items: 1 of 1 records of a page lack the key property 'id'")
    assert len(run.output.records()) == (first is not None)
    run.output.check_records()


@pytest.mark.parametrize("body", [b'[{"id":1,"text":"x"}]', b'[{"id":1,"code":null}]'])
def test_a_key_that_no_document_names_is_asked_of_every_record(dummy: Dummy, body: bytes) -> None:
    run = dummy.read("invoices", body, key_properties={"invoices": ["code"]})
    run.failed(4, "lack the key property 'code'")
    assert run.output.of_type("RECORD") == []


def test_no_schema_goes_out_before_its_key_is_known(dummy: Dummy) -> None:
    """A loader would be told of a key without a column."""
    run = dummy.read("invoices", key_properties={"invoices": ["code"]})
    assert run.ok().of_type("SCHEMA") == []
    catalog = with_type(dummy.catalog("items"), "items", a={"type": "string"})
    assert dummy.read("items", catalog=catalog).ok().of_type("SCHEMA") == []


def test_keys_come_from_the_settings_then_the_catalog_then_the_tap(dummy: Dummy) -> None:
    body = b'[{"id":1,"code":"a","other":2}]'

    def keys(catalog: Json, **how: Any) -> Any:
        output = dummy.output("items", body, catalog=catalog, **how)
        return output.of_type("SCHEMA")[0]["key_properties"]

    catalog = dummy.catalog("items")
    assert keys(catalog) == ["id"]
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "items"]
    entry["key_properties"] = ["code"]
    assert keys(catalog) == ["code"]
    assert keys(catalog, key_properties={"items": ["other", "id"]}) == ["other", "id"]
    assert keys(catalog, key_properties={"items": []}) == []


# Documented


def test_documented_types_go_out_word_for_word(dummy: Dummy) -> None:
    [schema] = dummy.output("invoices", b'[{"id":1,"lines":3}]').schemas()
    assert schema["properties"] == Invoices.documented_schema["properties"]


def test_fields_beyond_the_documents_are_learned(dummy: Dummy) -> None:
    run = dummy.read("invoices", b'[{"id":1,"new":"x","party":{"name":"n","vat":1}}]')
    [schema] = run.ok().schemas()
    assert types(schema)["new"] == ("string", "null")
    assert schema["properties"]["party"]["properties"]["vat"] == {"type": ["number", "null"]}
    assert schema["properties"]["party"]["properties"]["rank"] == {"type": ["integer", "null"]}
    assert "new fields get their columns: new, party.vat" in run.stderr
    run.output.check_records()


@pytest.mark.parametrize(
    "record",
    [b'{"id":1,"text":"\xff"}', b'{"id":1,"free":{"a":["\xff"]}}', b'{"id":1,"free":{"\xff":1}}'],
)
def test_bytes_that_are_no_utf_8_do_not_fit(record: bytes) -> None:
    """Records' own bytes go out, so each byte must have been looked at."""
    schema = StreamSchema("s", Invoices.documented_schema, logger=logging.getLogger("test"))
    schema.keys = ("id",)
    assert schema.check(cut_page(b"[" + record.replace(b"\xff", b"x") + b"]")) is not None
    assert schema.check(cut_page(b"[" + record + b"]")) is None


def test_a_text_of_two_formats() -> None:
    both = Shape({Kind.DATE, Kind.DATE_TIME})
    assert schema_from_shape(both) == {"type": ["string", "null"]}
    documented = {"anyOf": [{"type": "string", "format": name} for name in ("date", "date-time")]}
    assert shape_from_schema(documented) == both
    schema = StreamSchema("s", {"properties": {"d": documented}}, logger=logging.getLogger("test"))
    real = cut_page(b'[{"d":"2024-01-31"},{"d":"2024-01-31T00:00:00"}]')
    assert not schema.learn(real).widened
    assert schema.json_schema()["properties"]["d"] == documented
    other = cut_page(b'[{"d":"soon"}]')
    assert schema.check(other) is None
    assert schema.learn(other).widened
    assert schema.json_schema()["properties"]["d"] == {"type": ["string", "null"]}
    assert schema.check(other) is not None


def test_free_objects_are_not_followed(dummy: Dummy) -> None:
    [schema] = dummy.output("invoices", b'[{"id":1,"free":{"a":{"b":[1,"x"]}}}]').schemas()
    assert schema["properties"]["free"] == {"type": ["object", "null"]}


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (b'{"id":1.5}', "id"),
        (b'{"id":1,"lines":2.5}', "lines"),
        (b'{"id":1,"party":{"rank":0.1}}', "party.rank"),
    ],
)
def test_a_documented_integer_with_a_fraction_is_an_error(
    dummy: Dummy, row: bytes, path: str
) -> None:
    run = dummy.read("invoices", b"[" + row + b"]")
    run.failed(4, f"the documented whole number {path} came with a fraction", "catalog")
    assert run.output.of_type("RECORD") == []


def test_a_documented_integer_without_a_fraction_may_be_written_with_a_point(dummy: Dummy) -> None:
    output = dummy.output("invoices", b'[{"id":1.0,"lines":5.00}]')
    assert output.records() == [{"id": Decimal("1.0"), "lines": Decimal("5.00")}]
    assert output.schemas()[0]["properties"] == Invoices.documented_schema["properties"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("day", '"2024-02-30"', ("string", "null")),
        ("day", '"2024-W01-1"', ("string", "null")),
        ("made", '"2024-01-01"', ("string", "null")),
        ("text", "5", ("string", "number", "null")),
        ("amount", '"5"', ("string", "number", "null")),
        ("lines", '"5"', ("string", "integer", "null")),
        ("lines", "true", ("boolean", "integer", "null")),
    ],
)
def test_documented_types_that_do_not_hold_become_unions(
    dummy: Dummy, field: str, value: str, expected: tuple[str, ...]
) -> None:
    run = dummy.read("invoices", f'[{{"id":1,"{field}":{value}}}]'.encode())
    output = run.ok()
    output.check_records()
    assert types(output.schemas()[-1])[field] == expected
    assert f"invoices: {field} came as" in run.stderr


def test_real_documented_dates_pass_as_they_are(dummy: Dummy) -> None:
    body = b'[{"id":1,"day":"2024-02-29","made":"2024-02-29T00:00:00"}]'
    [schema] = dummy.output("invoices", body).schemas()
    assert schema["properties"] == Invoices.documented_schema["properties"]


# The catalog


def test_a_discovered_catalog_changes_nothing(dummy: Dummy) -> None:
    """The documented types come back through the catalog and stay the documented ones."""
    body = b'[{"id":1,"empty":{"a":1},"tags":["x"],"free":{"b":1}}]'
    [schema] = dummy.output("invoices", body).schemas()
    assert schema["properties"]["empty"]["properties"] == {"a": {"type": ["number", "null"]}}
    assert schema["properties"]["free"] == {"type": ["object", "null"]}
    assert schema["properties"]["id"]["description"] == "The vendor's number."


def test_the_catalogs_type_wins_over_the_documented_one(dummy: Dummy) -> None:
    catalog = with_type(
        dummy.catalog("invoices"), "invoices", lines={"type": ["number", "null"], "title": "mine"}
    )
    output = dummy.output("invoices", b'[{"id":1,"lines":2.5}]', catalog=catalog)
    [schema] = output.schemas()
    assert schema["properties"]["lines"] == {"type": ["number", "null"], "title": "mine"}


def test_the_catalogs_type_wins_over_the_remembered_one(dummy: Dummy) -> None:
    state = {"bookmarks": {"items": {"schema": '{"id":"i","a":"ns","o":{"x":"n","y":"s"}}'}}}
    given_types: dict[str, Json] = {
        "a": {"type": ["string", "null"]},
        "o": {"type": ["object", "null"], "properties": {"x": {"type": ["string", "null"]}}},
    }
    catalog = with_type(dummy.catalog("items"), "items", **given_types)
    output = dummy.output(
        "items", b'[{"id":1,"a":"x","o":{"x":"1"}}]', catalog=catalog, state=state
    )
    [schema] = output.schemas()
    assert schema["properties"]["a"] == given_types["a"]
    assert schema["properties"]["o"]["properties"] == {
        "x": {"type": ["string", "null"]},
        "y": {"type": ["string", "null"]},
    }


def test_a_value_that_the_catalogs_type_does_not_hold_is_never_lost(dummy: Dummy) -> None:
    catalog = with_type(dummy.catalog("items"), "items", a={"type": ["boolean", "null"]})
    run = dummy.read("items", b'[{"id":1,"a":67900.00000}]', catalog=catalog)
    output = run.ok()
    output.check_records()
    assert types(output.schemas()[-1])["a"] == ("boolean", "number", "null")
    assert "a came as boolean so far and now comes as number too" in run.stderr


def test_a_type_that_json_does_not_know(dummy: Dummy) -> None:
    catalog = with_type(dummy.catalog("items"), "items", a={"type": "decimal"})
    dummy.read("items", catalog=catalog).failed(2, "catalog, stream items: property 'a'")


# Remembered


def test_what_was_learned_is_remembered_and_types_never_flip(dummy: Dummy) -> None:
    first = dummy.output("items", b'[{"id":1,"a":1,"b":"2024-01-01T00:00:00"},{"id":2,"a":"x"}]')
    state = first.state
    assert state["bookmarks"]["items"]["schema"] == '{"id":"i","a":"ns","b":"t"}'
    second = dummy.output("items", b'[{"id":3,"a":2}]', state=state)
    assert second.schemas() == first.schemas()[-1:]
    assert second.state["bookmarks"]["items"]["schema"] == state["bookmarks"]["items"]["schema"]


def test_only_what_is_beyond_the_documents_is_remembered(dummy: Dummy) -> None:
    assert "schema" not in dummy.output("invoices", b'[{"id":1,"text":"x"}]').bookmark("invoices")
    output = dummy.output("invoices", b'[{"id":1,"text":"x","new":1}]')
    assert output.bookmark("invoices")["schema"] == '{"new":"n"}'


def test_a_remembered_schema_goes_out_without_rows(dummy: Dummy) -> None:
    state = {"bookmarks": {"items": {"schema": '{"id":"i","a":"n"}'}}}
    output = dummy.read("items", state=state).ok()
    assert types(output.schemas()[0]) == {"id": ("integer",), "a": ("number", "null")}


@pytest.mark.parametrize("memory", ["nonsense", "[1]", "{", None, 5, {"a": "n"}])
def test_a_state_with_another_memory_is_no_error(dummy: Dummy, memory: Any) -> None:
    state = {"bookmarks": {"items": {"schema": memory}}}
    assert len(dummy.output("items", b'[{"id":1}]', state=state).records()) == 1


def test_a_key_that_was_remembered_as_an_integer_and_is_no_key_any_more(dummy: Dummy) -> None:
    state = {"bookmarks": {"items": {"schema": '{"id":"i","code":"s"}'}}}
    output = dummy.output(
        "items", b'[{"id":1.5,"code":"x"}]', state=state, key_properties={"items": ["code"]}
    )
    assert types(output.schemas()[-1])["id"] == ("number", "null")


# Frozen


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b'{"id":1,"canary":"canary-value"}', "unknown fields: canary"),
        (b'{"id":1,"party":{"canary":"canary-value"}}', "unknown fields: party.canary"),
        (b'{"id":1,"text":-98765}', "text came as number and not as string"),
        (b'{"id":1,"made":"canary-value"}', "made came as string and not as date-time"),
    ],
)
def test_frozen_refuses_what_is_not_documented(dummy: Dummy, row: bytes, words: str) -> None:
    run = dummy.read("invoices", b'[{"id":1}]', b"[" + row + b"]", schema_contract="freeze")
    run.failed(4, "invoices: the schema is frozen", words)
    assert "canary-value" not in run.stderr
    assert "98765" not in run.stderr
    assert len(run.output.records()) == 1
    assert len(run.output.schemas()) == 1


def test_frozen_does_not_remember_what_it_refused() -> None:
    schema = StreamSchema(
        "s",
        Invoices.documented_schema,
        contract=SchemaContract.FREEZE,
        logger=logging.getLogger("test"),
    )
    with pytest.raises(RecordError, match="unknown fields: new"):
        schema.learn(cut_page(b'[{"id":1,"new":5}]'))
    assert schema.memory() is None
    assert "new" not in schema.json_schema()["properties"]


def test_frozen_takes_what_is_remembered_and_null_fields(dummy: Dummy) -> None:
    state = {"bookmarks": {"invoices": {"schema": '{"new":"n"}'}}}
    body = b'[{"id":1,"new":5,"never":null}]'
    output = dummy.output("invoices", body, state=state, schema_contract="freeze")
    assert output.records()[0]["new"] == 5
    dummy.read("invoices", b'[{"id":1,"new":"x"}]', state=state, schema_contract="freeze").failed(
        4, "new came as string and not as number"
    )


def test_frozen_learns_in_the_first_run_of_a_stream_without_documents(dummy: Dummy) -> None:
    first = dummy.output("items", b'[{"id":1}]', b'[{"id":2,"a":1}]', schema_contract="freeze")
    run = dummy.read("items", b'[{"id":3,"b":1}]', state=first.state, schema_contract="freeze")
    run.failed(4, "unknown fields: b")
    assert run.output.of_type("RECORD") == []


def test_the_judge_of_these_tests_is_strict() -> None:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": ["integer", "null"]},
            "d": {"type": "string", "format": "date-time"},
        },
    }
    assert judge(schema).is_valid({"n": Decimal("5.0"), "d": "2024-01-01T00:00:00"})
    for record in ({"n": Decimal("5.5")}, {"n": True}, {"d": "2024-02-30T00:00:00"}, {"d": None}):
        assert not judge(schema).is_valid(record)
