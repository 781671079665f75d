"""What the catalog selects: whole streams, fields, fields of objects; keys always."""

from __future__ import annotations

from decimal import Decimal

import pytest

from support.dummy_vendor import Dummy
from support.singer import Json

PAGE = (
    b'[{"id":1,"a":1.50,"b":"x","o":{"x":67900.00000,"y":[{"z":1}]}},'
    b'{"id":2,"b":null,"o":null,"late":[1e3]}]'
)
NEXT = b'[{"id":3,"a":2,"new":"n"}]'


def select(dummy: Dummy, stream: str, **selected: bool) -> Json:
    """Select and deselect fields; `a__b` is the field b of the object a."""
    catalog = dummy.catalog(stream)
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == stream]
    for path, value in selected.items():
        breadcrumb = [part for name in path.split("__") for part in ("properties", name)]
        entry["metadata"] = [m for m in entry["metadata"] if m["breadcrumb"] != breadcrumb]
        entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": value}})
    return catalog


@pytest.mark.parametrize("stream", ["items", "invoices"])
def test_fields_that_are_not_selected_are_left_out(dummy: Dummy, stream: str) -> None:
    catalog = select(dummy, stream, a=False, text=False)
    output = dummy.output(stream, PAGE, NEXT, catalog=catalog)
    assert output.records() == [
        {"id": 1, "b": "x", "o": {"x": Decimal("67900.00000"), "y": [{"z": 1}]}},
        {"id": 2, "b": None, "o": None, "late": [Decimal("1e3")]},
        {"id": 3, "new": "n"},
    ]
    assert b'"x":67900.00000' in output.stdout, "the values' bytes are untouched"
    for schema in output.schemas():
        assert {"a", "text"}.isdisjoint(schema["properties"])
    assert {"b", "o", "late", "new"} <= set(output.schemas()[-1]["properties"])


def test_fields_of_objects_that_are_not_selected_are_left_out(dummy: Dummy) -> None:
    output = dummy.output("items", PAGE, NEXT, catalog=select(dummy, "items", o__y=False, b=False))
    assert [str(record.get("o")) for record in output.records()] == [
        "{'x': Decimal('67900.00000')}",
        "None",
        "None",
    ]
    assert all("b" not in record for record in output.records())
    assert set(output.schemas()[0]["properties"]["o"]["properties"]) == {"x"}


@pytest.mark.parametrize("also", [{}, {"o__y": False}])
def test_keys_are_always_selected(dummy: Dummy, also: dict[str, bool]) -> None:
    catalog = select(dummy, "items", id=False, a=False, b=False, **also)
    output = dummy.output("items", PAGE, NEXT, catalog=catalog)
    assert [record["id"] for record in output.records()] == [1, 2, 3]
    assert "id" in output.schemas()[0]["properties"]


def test_what_is_not_selected_is_learned_all_the_same(dummy: Dummy) -> None:
    """Its type is known when it is selected later, and a key of it can be asked for."""
    output = dummy.output("items", PAGE, catalog=select(dummy, "items", a=False))
    assert '"a":"n"' in output.bookmark("items")["schema"]


def test_names_that_msgspec_cannot_express(dummy: Dummy) -> None:
    page = b'[{"id":1,"a\\"b":1.50,"c":"x","d":2}]'
    output = dummy.output("items", page, page, catalog=select(dummy, "items", c=False))
    assert output.records() == [{"id": 1, 'a"b': Decimal("1.50"), "d": 2}] * 2


def test_automatic_fields_cannot_be_deselected(dummy: Dummy) -> None:
    catalog = select(dummy, "invoices", text=False)
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "invoices"]
    for part in entry["metadata"]:
        if part["breadcrumb"] == ["properties", "text"]:
            part["metadata"]["inclusion"] = "automatic"
    output = dummy.output("invoices", b'[{"id":1,"text":"x"}]', catalog=catalog)
    assert output.records() == [{"id": 1, "text": "x"}]
