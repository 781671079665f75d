"""The mapping by itself: kinds, field tables, merge, keys, balance, equality."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_sandbox.serpi.fields import ARTICLE_FIELDS, DOCUMENT_FIELDS, LINE_FIELDS
from support.serpi_target import article, document, line
from target_serpi import exact
from target_serpi.catalogue import look_of
from target_serpi.comparing import same_stored
from target_serpi.document_lookup import ranges_of
from target_serpi.mapping import kinds
from target_serpi.mapping.articulos import ARTICLE, changes, holds, map_article, merged, overlaid
from target_serpi.mapping.documentos import (
    DOCUMENT,
    LINE,
    document_changes,
    map_document,
    same_document,
    stored_document,
)
from target_serpi.pairing import unpaired

SEEDS = {ARTICLE: ARTICLE_FIELDS, DOCUMENT: DOCUMENT_FIELDS, LINE: LINE_FIELDS}


@pytest.mark.parametrize("table", SEEDS, ids=["article", "document", "line"])
def test_the_field_tables_are_those_of_the_pages(table: Any) -> None:
    """The sandbox has its own copy of the pages' tables; names, order and requirements agree."""
    assert [(field.name, field.required) for field in table.fields] == [
        (field.name, field.required) for field in SEEDS[table]
    ]


KINDS: list[tuple[kinds.Converter, Any, Any]] = [
    (kinds.text, "x", "x"),
    (kinds.code, "007", "007"),
    (kinds.decimal, Decimal("67900.00000"), Decimal("67900.00000")),
    (kinds.decimal, 5, 5),
    (kinds.decimal, "12.50", Decimal("12.50")),
    (kinds.decimal, 0.1, Decimal("0.1")),
    (kinds.SHORT, 32767, 32767),
    (kinds.SHORT, -32768, -32768),
    (kinds.INT, 2**31 - 1, 2**31 - 1),
    (kinds.INT, "12", 12),
    (kinds.INT, Decimal("5.0"), 5),
    (kinds.LONG, 529545011203, 529545011203),
    (kinds.boolean, True, True),
    (kinds.boolean, "false", False),
    (kinds.day, "2026-03-01", "2026-03-01"),
    (kinds.day, "20260301", "2026-03-01"),
    (kinds.day, "2026-03-01T00:00:00", "2026-03-01"),
    (kinds.day, "2026-03-01T23:59:59.123-05:00", "2026-03-01"),
    (kinds.day, "2026-03-01T00:00:00Z", "2026-03-01"),
    (kinds.day, "2026-03-01 10:00", "2026-03-01"),
    (kinds.day, date(2026, 3, 1), "2026-03-01"),
    (kinds.day, datetime(2026, 3, 1, 23, tzinfo=UTC), "2026-03-01"),
    (kinds.one_of("C", "D"), "C", "C"),
    (kinds.one_of(0, 1), 1, 1),
    (kinds.one_of(0, 1), "1", 1),
    (kinds.one_of(0, 1), Decimal("0.0"), 0),
    (kinds.custom_fields, {"A": 1}, {"A": 1}),
    (kinds.custom_fields, [["A", [1]], ["B", [1, 2]], ["C", 3]], {"A": 1, "B": [1, 2], "C": 3}),
    (kinds.rows, [{}], [{}]),
]
"""What a kind makes of a value."""

UNFIT: list[tuple[kinds.Converter, Any, str]] = [
    (kinds.text, 5, "must be text"),
    (kinds.text, None, "must be text"),
    (kinds.code, 7, "leading zeros"),
    (kinds.code, "7 ", "blanks"),
    (kinds.code, "\ud800", "surrogate"),
    (kinds.decimal, "1,250.00", "must be a number"),
    (kinds.decimal, "1e5", "must be a number"),
    (kinds.decimal, "007", "must be a number"),
    (kinds.decimal, float("inf"), "must be a number"),
    (kinds.decimal, Decimal("NaN"), "must be a number"),
    (kinds.decimal, True, "must be a number"),
    (kinds.decimal, Decimal("1e400"), "too large"),
    (kinds.decimal, 10**30, "too large"),
    (kinds.decimal, -(10**30), "too large"),
    (kinds.SHORT, 32768, "from -32768 to 32767"),
    (kinds.SHORT, -32769, "from -32768 to 32767"),
    (kinds.INT, 2**31, "from -2147483648"),
    (kinds.INT, "012", "whole number"),
    (kinds.INT, Decimal("5.5"), "whole number"),
    (kinds.INT, True, "whole number"),
    (kinds.INT, Decimal("Infinity"), "whole number"),
    (kinds.LONG, 2**63, "from -9223372036854775808"),
    (kinds.boolean, 1, "true or false"),
    (kinds.boolean, "yes", "true or false"),
    (kinds.day, "2026-02-29", "real date"),
    (kinds.day, "01/03/2026", "real date"),
    (kinds.day, 20260301, "real date"),
    (kinds.day, "", "real date"),
    (kinds.one_of("C", "D"), "c", "'C' or 'D'"),
    (kinds.one_of(0, 1), True, "0 or 1"),
    (kinds.one_of(0, 1), 2, "0 or 1"),
    (kinds.custom_fields, [["A"]], "name -> value"),
    (kinds.custom_fields, "A", "name -> value"),
    (kinds.rows, [], "at least one"),
    (kinds.rows, [1], "at least one"),
    (kinds.rows, {}, "at least one"),
]
"""A word of why a kind does not take a value."""


@pytest.mark.parametrize(("convert", "value", "result"), KINDS, ids=map(str, range(len(KINDS))))
def test_kinds(convert: kinds.Converter, value: Any, result: Any) -> None:
    found = convert(value)
    assert found == result
    assert type(found) in (type(result), exact.PlainDecimal)
    assert str(found) == str(result)


@pytest.mark.parametrize(("convert", "value", "word"), UNFIT, ids=map(str, range(len(UNFIT))))
def test_what_kinds_do_not_take(convert: kinds.Converter, value: Any, word: str) -> None:
    with pytest.raises(kinds.UnfitError, match=re.escape(word)) as raised:
        convert(value)
    assert not isinstance(value, str) or len(value) < 3 or value not in str(raised.value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_a_decimal_goes_out_with_the_digits_it_has(number: Decimal) -> None:
    written = exact.encode({"a": kinds.decimal(number)})
    assert written == b'{"a":%b}' % format(number, "f").encode()
    assert exact.decode(written)["a"] == number


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=5)
)


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_any_json_is_written_exactly(value: Any) -> None:
    assert exact.decode(exact.encode(kinds.anything(value))) == value


def test_the_same_field_twice() -> None:
    twice = {"codigo": "A", "diasMaximo": 1, "DiasMaximo": 1}
    assert map_article(twice, "reject") == ({"codigo": "A", "diasMaximo": 1}, [])
    payload, faults = map_article({**twice, "DIASMAXIMO": 2}, "reject")
    assert [str(fault) for fault in faults] == [
        "DIASMAXIMO: given twice, also as diasMaximo, with another value"
    ]
    assert payload["diasMaximo"] == 1


def test_the_key_of_the_put_example_is_an_alias() -> None:
    payload, faults = map_article({"codigo": "A", "camposcliente": {"X": 1}}, "reject")
    assert (payload, faults) == ({"codigo": "A", "camposPersonalizados": {"X": 1}}, [])


def test_two_records_of_one_article_come_to_what_writing_both_would() -> None:
    first = {"codigo": "A", "costo": 1, "camposPersonalizados": {"X": 1, "Y": 1}}
    second = {"codigo": "A", "peso": 2, "camposPersonalizados": {"Y": None}}
    assert overlaid(first, second) == {
        "codigo": "A",
        "costo": 1,
        "peso": 2,
        "camposPersonalizados": {"X": 1, "Y": None},
    }
    assert overlaid(first, {"camposPersonalizados": None})["camposPersonalizados"] is None


def test_changes_and_what_is_none() -> None:
    stored = {
        "id": 1,
        "codigo": "A",
        "costo": Decimal("0.00000"),
        "referencia": "R  ",
        "peso": None,
    }
    payloads: tuple[dict[str, Any], ...] = (
        {"costo": 0},
        {"referencia": "R"},
        {"peso": None},
        {"camposPersonalizados": {}},
        {"costo": Decimal("0.000001")},
    )
    for payload in payloads:
        assert changes(stored, merged(stored, payload)) == []
    for name, value in {"costo": None, "referencia": "r", "peso": 0, "activo": False}.items():
        (change,) = changes(stored, merged(stored, {name: value}))
        assert (change.field, change.new) == (name, value)
    (change,) = changes(
        {**stored, "camposPersonalizados": [["A", [1]], ["B", [2]]]},
        merged(stored, {"camposPersonalizados": {"A": 1, "B": 3}}),
    )
    assert change == ("camposPersonalizados.B", 2, 3)


def test_an_article_is_held_when_a_null_became_the_servers_nothing() -> None:
    payload = {"codigo": "A", "peso": None, "referencia": None, "activo": True}
    assert holds(
        {"codigo": "A", "peso": Decimal("0.00000"), "referencia": "", "activo": True}, payload
    )
    assert not holds({"codigo": "A", "peso": 1, "referencia": "", "activo": True}, payload)
    assert not holds({"codigo": "A", "peso": None, "activo": False}, payload)


@pytest.mark.parametrize(
    ("sent", "stored", "same"),
    [
        (0, Decimal("0.00000"), True),
        (Decimal("1.50"), Decimal("1.5"), True),
        (Decimal("1.123456"), Decimal("1.12346"), True),
        (Decimal("1.123456"), Decimal("1.12345"), True),
        (Decimal("1.123456"), Decimal("1.12347"), False),
        (Decimal("1.12345"), Decimal("1.12346"), False),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        ("a", "a   ", True),
        ("a ", "a", True),
        ("a", " a", False),
        ("1", 1, False),
        (1, "1", False),
        (None, None, True),
        (None, 0, False),
        (0, None, False),
        ("", None, False),
        ({"a": 1}, {"a": Decimal("1.0")}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, "x"], [1, "x "], True),
        ([1], [1, 2], False),
        ([1], {"0": 1}, False),
    ],
    ids=map(str, range(23)),
)
def test_equal_as_serpi_stores(sent: Any, stored: Any, same: bool) -> None:
    assert same_stored(sent, stored) is same


@pytest.mark.parametrize("stored", [0, Decimal("0.00000"), "", False, None])
def test_a_null_may_have_become_nothing(stored: Any) -> None:
    assert same_stored(None, stored, null_is_nothing=True)
    assert not same_stored(None, "x", null_is_nothing=True)


def _mapped(record: dict[str, Any]) -> dict[str, Any]:
    payload, faults = map_document(record, "reject", check_balance=True)
    assert faults == []
    return payload


def test_lines_are_compared_as_a_multiset_in_any_order() -> None:
    lines = [line("D", "1"), line("D", "1"), line("D", "2", idProyecto=7), line("C", "4")]
    stored = stored_document(_mapped(document(1, *lines)))
    for order in permutations(lines):
        assert same_document(_mapped(document(1, *order)), stored)
    assert not same_document(_mapped(document(1, *lines[1:], line("D", "1", cuenta=1))), stored)
    fewer = {**_mapped(document(1, *lines))}
    fewer["detalles"] = fewer["detalles"][:-1]
    assert not same_document(fewer, stored)
    more = {**stored, "detalles": [*stored["detalles"], stored["detalles"][0]]}
    assert not same_document(_mapped(document(1, *lines)), more)


def test_lines_that_give_different_fields_find_their_own_partner() -> None:
    """The first fits both stored lines, the second only one of them: both pair up."""
    loose = {"cuenta": 1, "nitTerceroDet": "n", "naturaleza": "D", "valor": 5}
    stored = [{**loose, "idProyecto": 1, "cuota": 1}, {**loose, "idProyecto": 1, "cuota": 2}]
    sent = [{**loose, "idProyecto": 1}, {**loose, "cuota": 1}]
    base = _mapped(document(1))
    for first, second in (sent, sent[::-1]):
        assert same_document({**base, "detalles": [first, second]}, {**base, "detalles": stored})
    wrong = [*sent, {**loose, "cuota": 3}]
    assert not same_document(
        {**base, "detalles": wrong}, {**base, "detalles": [*stored, {**loose, "cuota": 4}]}
    )


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=6), st.randoms())
def test_pairing_finds_a_pairing_where_there_is_one(
    pairs: list[tuple[int, int]], random: Any
) -> None:
    right = [{"x": x, "y": y} for x, y in pairs]
    left = [random.choice([{"x": r["x"]}, {"y": r["y"]}, r]) for r in right]
    random.shuffle(left)
    fits = lambda a, b: a.items() <= b.items()  # noqa: E731
    assert unpaired(left, right, fits, lambda _: [0]) == ([], [])


def test_what_a_document_would_change_is_told_line_by_line() -> None:
    stored = stored_document(_mapped(document(1, line("D", "1"), line("D", "2"), line("C", "3"))))
    new = _mapped(document(1, line("D", "1"), line("D", "2", cuenta=9), line("C", "3")))
    found = document_changes(stored, {**new, "nitTerceroEnc": "9"})
    assert [(change.field, change.old is None, change.new is None) for change in found] == [
        ("nitTerceroEnc", False, False),
        ("detalles", False, True),
        ("detalles", True, False),
    ]


def test_looks_of_codes() -> None:
    assert look_of("123") == look_of("456")
    for other in ("0123", "12a", "12-3", "1234567890123", "ñ23"):
        assert look_of(other) != look_of("123")
    assert look_of("ABC") != look_of("ÁBC")


def test_ranges_of_numbers() -> None:
    assert ranges_of([]) == []
    assert ranges_of([5, 1, 3]) == [(1, 5)]
    assert ranges_of([1, 501, 1002]) == [(1, 501), (1002, 1002)]


def test_required_fields_are_asked_of_documents_and_lines() -> None:
    _, faults = map_document({}, "reject", check_balance=True)
    assert [fault.field for fault in faults] == [
        field.name for field in DOCUMENT_FIELDS if field.required
    ]
    empty = article("A", descripcion=" ", activo=None)
    payload, faults = map_article(empty, "reject")
    assert faults == []
    assert [fault.field for fault in ARTICLE.missing(payload)] == ["descripcion", "activo"]
