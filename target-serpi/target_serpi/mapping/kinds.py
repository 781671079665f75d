"""The kinds of values that SERPI's pages name, each with what it takes and what it becomes.

Only what loses nothing is converted: the text `"12.50"` is the number 12.50, but the number 123 is no
code, because nobody can tell which zeros it had.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from target_serpi.exact import plain

Converter = Callable[[Any], Any]

WHOLE_TEXT = re.compile(r"-?(0|[1-9]\d*)")
NUMBER_TEXT = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
LARGEST = Decimal(2**96)
"""SERPI's samples are .NET, whose `decimal` holds 96 bits."""

SURELY_FITS = LARGEST.adjusted()
"""The power of ten of the largest number; one with a lower power is smaller."""

SHORTEST_DATETIME = 11
PAIR = 2


class UnfitError(ValueError):
    """A value that its field does not take; the message says why and does not show it."""


def text(value: Any) -> str:  # noqa: ANN401 - whatever a record holds
    """Take text as it is."""
    if isinstance(value, str):
        return value
    raise UnfitError("must be text, in quotes")


def code(value: Any) -> str:  # noqa: ANN401 - whatever a record holds
    """Take a code: text whose zeros count and which no blanks surround."""
    if not isinstance(value, str):
        raise UnfitError("must be text, in quotes: its leading zeros count")
    if value.strip() != value:
        raise UnfitError("begins or ends with blanks, which SERPI does not keep")
    if not value.isascii() and HALF_A_PAIR.search(value):
        raise UnfitError("holds half a surrogate pair, which is no character")
    return value


def decimal(value: Any) -> Decimal | int:  # noqa: ANN401 - whatever a record holds
    """Take a number; its digits stay as they are."""
    if type(value) is Decimal and value.is_finite() and value.adjusted() < SURELY_FITS:
        # Almost all: a number with a point, as it was read.
        return plain(value)
    if type(value) is int:
        number: Decimal | int = value
    elif isinstance(value, str) and NUMBER_TEXT.fullmatch(value):
        number = plain(Decimal(value))
    else:
        number = _number(value)
    if not -LARGEST < number < LARGEST:
        raise UnfitError("is too large for a decimal of SERPI")
    return number


def _number(value: Any) -> Decimal:  # noqa: ANN401 - whatever a record holds
    if isinstance(value, float):
        # Only an expression of a stream map makes a float; its shortest text is what it means.
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    raise UnfitError("must be a number")


def whole(bits: int) -> Converter:
    """Make the converter for a whole number.

    Args:
        bits: its size, the sign included.
    """
    lowest, highest = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def convert(value: Any) -> int:  # noqa: ANN401 - whatever a record holds
        number = value if type(value) is int else _whole(value)
        if lowest <= number <= highest:
            return number
        raise UnfitError(f"must be from {lowest} to {highest}")

    return convert


def _whole(value: Any) -> int:  # noqa: ANN401 - whatever a record holds
    if isinstance(value, Decimal | float) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and WHOLE_TEXT.fullmatch(value):
        return int(value)
    raise UnfitError("must be a whole number")


def boolean(value: Any) -> bool:  # noqa: ANN401 - whatever a record holds
    """Take true or false."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise UnfitError("must be true or false")


def day(value: Any) -> str:  # noqa: ANN401 - whatever a record holds
    """Take a date in any ISO form, with or without time and zone (left off), and write YYYY-MM-DD."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, str):
        try:
            written = value.strip()
            if len(written) < SHORTEST_DATETIME:
                return date.fromisoformat(written).isoformat()
            return datetime.fromisoformat(written).date().isoformat()
        except ValueError:
            pass
    raise UnfitError("must be a real date, written YYYY-MM-DD")


def one_of(*allowed: str | int) -> Converter:
    """Make the converter for a field with a few allowed values."""
    words = " or ".join(map(repr, allowed))
    kinds = {type(value) for value in allowed}

    def convert(value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
        if type(value) in kinds and value in allowed:
            return value
        if isinstance(value, Decimal | str) and kinds == {int}:
            return convert(_whole(value))
        raise UnfitError(f"must be {words}")

    return convert


def custom_fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a record holds
    """Take custom fields: an object, or the list of [name, [values]] that some readers give."""
    if isinstance(value, dict):
        return {name: anything(child) for name, child in value.items()}
    if isinstance(value, list):
        return dict(_pair(item) for item in value)
    raise UnfitError("must be an object: name -> value")


def _pair(item: Any) -> tuple[str, Any]:  # noqa: ANN401 - whatever a record holds
    if not (isinstance(item, list) and len(item) == PAIR and isinstance(item[0], str)):
        raise UnfitError("must be an object: name -> value")
    name, values = item
    single = isinstance(values, list) and len(values) == 1
    return name, anything(values[0] if single else values)


def anything(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Take any JSON value, its numbers' digits as they are."""
    match value:
        case Decimal() | float():
            return _number(value)
        case dict():
            return {name: anything(child) for name, child in value.items()}
        case list():
            return [anything(item) for item in value]
        case date():
            return value.isoformat()
        case str() | bool() | int() | None:
            return value
        case _:
            raise UnfitError("has no JSON form")


def rows(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever a record holds
    """Take a list of objects that is not empty."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return value
    raise UnfitError("must be a list of objects, with at least one")


SHORT = whole(16)
INT = whole(32)
LONG = whole(64)
