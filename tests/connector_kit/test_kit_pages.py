"""Pages: records cut out as their own bytes, and what must not get through."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import (
    NotJsonError,
    Page,
    TwoValuesError,
    cut_page,
    exact_value,
    joined_page,
    page_of_records,
    rename_members,
)
from support.json_values import RECORDS, STYLES, Style, digits, exact, page_bytes


def raw(page: Page) -> list[bytes]:
    return [bytes(piece) for piece in page.slices]


def read(page: Page) -> Any:
    return digits([exact_value(piece) for piece in raw(page)])


@given(records=st.lists(RECORDS, max_size=5), style=STYLES)
@settings(deadline=None)
def test_every_record_is_cut_out_whole_on_one_line(
    records: list[dict[str, Any]], style: Style
) -> None:
    page = cut_page(page_bytes(records, style))
    assert read(page) == digits(exact(records))
    assert digits(page.records()) == digits(exact(records))
    for text in (page.body, *raw(page)):
        assert b"\n" not in text
        assert b"\r" not in text


def test_numbers_keep_their_bytes() -> None:
    body = b'[{"a":67900.00000,"b":12345678901234.56789,"c":1e3,"d":-0.0}]'
    assert raw(cut_page(body)) == [body[1:-1]]


def test_line_breaks_between_tokens_go_and_nothing_else() -> None:
    body = b'[\n  {"a": 1.50,\r\n   "b": "x\\ny  z",\n"c": 1e400}\n]'
    assert raw(cut_page(body)) == [b'{"a":1.50,"b":"x\\ny  z","c":1e400}']


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_kind_of_line_break_goes(end: bytes) -> None:
    """A reader in text mode ends a line at a lone carriage return too."""
    assert raw(cut_page(b'[{"a":%b1}]' % end)) == [b'{"a":1}']


def test_pages_may_be_empty() -> None:
    assert raw(cut_page(b" [ \n ] ")) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"error": "no"}',
        b"[",
        b'[{"a":1}',
        b'[{"a":1},]',
        b'[{"a":1}] x',
        b'[{"a":1}][]',
        b'[{"a":NaN}]',
        b'[{"a":Infinity}]',
        b'[{"a":-Infinity}]',
        b'[{"a":01}]',
        b'[{"a":1.}]',
        b"[{'a':1}]",
        b'[{"a":"\x01"}]',
        b'[{"a":"\\x"}]',
        b'[{"a":"\n"}]',
        b'\xef\xbb\xbf[{"a":1}]',
        '[{"a":1}]'.encode("utf-16"),
        b'[{"a":"\\u0000\xff"}]',
        b'[{"a":"\\ud800\xed\xa0\x80"}]',
        b'[{"a":9e99999999999999999999,"b":"\\u0000"}]',
        b'[{"a":"\\u0000"},5]',
        # How deep a text is read hangs on Python's version: from 3.12 on, thousands of levels.
        b'[{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}]",
        b'[{"a":' + b'{"b":' * 500_000 + b"1" + b"}" * 500_000 + b"}]",
    ],
)
def test_what_is_no_list_of_objects_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError) as caught:
        cut_page(body)
    assert "error" not in str(caught.value), "a message quotes nothing"


def test_items_that_are_no_objects_are_seen_when_the_page_is_read() -> None:
    for body in (b"[1]", b"[null]", b"[[]]", b'[{"a":1},"x"]'):
        with pytest.raises(NotJsonError):
            cut_page(body).records()


def test_bytes_that_are_no_utf_8_are_seen_when_the_page_is_read() -> None:
    with pytest.raises(NotJsonError):
        cut_page(b'[{"a":"\xff"}]').records()


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        (rb"\u0000", "\ufffd", 1),
        (rb"a\u0000\u0000b", "a\ufffd\ufffdb", 2),
        (rb"\ud800", "\ufffd", 1),
        (rb"\udc00x\uD800", "\ufffdx\ufffd", 2),
        (rb"\ud83d\ude00", "😀", 0),
        (rb"\\u0000", "\\u0000", 0),
        (rb"\\\u0000", "\\\ufffd", 1),
    ],
)
def test_characters_that_databases_refuse_are_replaced_and_counted(
    text: bytes, expected: str, count: int
) -> None:
    page = cut_page(b'[{"a":"%b","%b":[1.50,{"b":"%b"}]}]' % (text, text, text))
    assert page.replaced == 3 * count
    assert page.records() == [{"a": expected, expected: [Decimal("1.50"), {"b": expected}]}]
    assert b"1.50" in page.body


def test_names_that_would_become_one_are_an_error_not_a_loss() -> None:
    with pytest.raises(NotJsonError, match="two names"):
        cut_page(rb'[{"\ud800":1,"\ud801":2}]')


def test_duplicate_names_keep_the_last_value_as_every_json_reader_here_does() -> None:
    page = cut_page(b'[{"a":1,"a":2}]')
    assert raw(page) == [b'{"a":1,"a":2}']
    assert page.records() == [json.loads(raw(page)[0])] == [{"a": 2}]


def test_deep_nesting_goes_through() -> None:
    body = b'[{"a":' + b'{"b":[' * 100 + b"1.50" + b"]}" * 100 + b"}]"
    assert raw(cut_page(body)) == [body[1:-1]]
    assert raw(cut_page(body.replace(b"1.50", b'"\\u0000"')))


def test_parts_hold_all_records_in_order() -> None:
    page = cut_page(b"[" + b",".join(b'{"id":%d}' % number for number in range(25)) + b"]")
    parts = list(page.parts(10))
    assert [len(part.slices) for part in parts] == [10, 10, 5]
    assert [piece for part in parts for piece in raw(part)] == raw(page)
    assert all(cut_page(part.body).records() == part.records() for part in parts)
    assert list(page.parts(25)) == [page]


def test_some_records_of_a_page() -> None:
    page = cut_page(b'[{"id":1},{"id":2},{"id":3}]')
    page.bookmark = {"until": "x"}
    some = page.only([2, 0])
    assert some.records() == [{"id": 3}, {"id": 1}]
    assert some.bookmark == page.bookmark


def test_records_cut_out_of_a_larger_text() -> None:
    slices = cut_page(b'[{"a": 1.50},{"b":"\\u0000"}]').slices
    assert joined_page(slices).records() == [{"a": Decimal("1.50")}, {"b": "\ufffd"}]  # type: ignore[arg-type]  # bytes serve


def test_page_of_records_made_here() -> None:
    page = page_of_records([{"a": Decimal("67900.00000"), "b": "ñ", "c": None}])
    assert page.body == '[{"a":67900.00000,"b":"ñ","c":null}]'.encode()


def test_members_get_other_names_and_keep_their_bytes() -> None:
    page = cut_page(b'[{"DiasMaximo":1.50,"x":{"DiasMaximo":2}}]')
    renamed = rename_members(page, lambda name: name[:1].lower() + name[1:])
    assert raw(renamed) == [b'{"diasMaximo":1.50,"x":{"DiasMaximo":2}}']


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"A":1.50,"a":1.50}', b'[{"a":1.50}]'),
        (b'{"A":null,"a":1}', b'[{"a":1}]'),
        (b'{"a":1,"A":null}', b'[{"a":1}]'),
    ],
)
def test_members_that_get_one_name_and_agree_are_one(record: bytes, expected: bytes) -> None:
    assert rename_members(cut_page(b"[" + record + b"]"), str.lower).body == expected


def test_members_that_get_one_name_and_differ_are_an_error() -> None:
    with pytest.raises(TwoValuesError):
        rename_members(cut_page(b'[{"A":1,"a":2}]'), str.lower)


@pytest.mark.parametrize("body", [b'[{"a":1}]', b"[5]"])
def test_nothing_to_rename_gives_the_same_page(body: bytes) -> None:
    page = cut_page(body)
    assert rename_members(page, str.lower) is page
