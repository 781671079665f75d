"""A page's records are those that the standard library reads, whichever way they are decoded."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import NotJsonError, Page
from support.json_values import RECORDS, page_bytes

NUMBERS = (
    "0", "-0", "-0.0", "1.50", "67900.00000", "12345678901234.56789", "1e5", "1E-7", "1e400",
    "9007199254740993", "18446744073709551616", "-9223372036854775809", "1" * 200,
)  # fmt: skip


def page_with(body: bytes) -> Page:
    return Page(body, [])


@given(records=st.lists(RECORDS, max_size=4))
@settings(deadline=None, max_examples=200)
def test_they_are_the_standard_librarys(records: list[dict[str, Any]]) -> None:
    body = page_bytes(records)
    expected = json.loads(body, parse_float=Decimal)
    assert repr(page_with(body).records()) == repr(expected)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_are_exact(number: str) -> None:
    (record,) = page_with(b'[{"a":%b}]' % number.encode()).records()
    expected = json.loads(number, parse_float=Decimal)
    assert (type(record["a"]), str(record["a"])) == (type(expected), str(expected))


@pytest.mark.parametrize(
    "body", [b"[5]", b"[null]", b"{}", b'[{"a":NaN}]', b"[{}", b'[{"a":"\xff"}]']
)
def test_what_is_no_list_of_records_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        page_with(body).records()


def test_the_last_of_two_members_of_one_name_counts() -> None:
    assert page_with(b'[{"a":1,"a":2}]').records() == [{"a": 2}]
