"""JSON whose numbers keep their exact text: what a vendor would have stored, to the last nought."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Self

_WORDS = {None: "null", True: "true", False: "false"}


class Number(Decimal):
    """A decimal that compares by value and remembers how it was written.

    ``Number("0.00000") == 0`` and ``Number("0.00000").text == "0.00000"``; plain ``Decimal`` would
    write ``0E-7`` for seven places.
    """

    text: str

    def __new__(cls, text: str) -> Self:
        """Make one from the text of a JSON number; ``decimal.InvalidOperation`` if it is none."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def loads(text: str | bytes) -> object:
    """Decode JSON with every fraction as a `Number` and every whole number as an ``int``.

    Raises:
        ValueError: If it is no JSON; NaN and Infinity are none.
    """
    return json.loads(text, parse_float=Number, parse_constant=_refuse)


def dumps(value: object) -> str:
    """Encode a value as compact JSON, numbers as they were written.

    Args:
        value: Dicts, lists, text, numbers (``Decimal`` included), booleans and None.

    Raises:
        TypeError: For anything else, a ``float`` too: no float ever holds an amount.
    """
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not _encodable(value))
    if isinstance(value, int | Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        members = (f"{dumps(str(name))}:{dumps(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _number(value: int | Decimal) -> str:
    if isinstance(value, Number):
        return value.text
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _encodable(text: str) -> bool:
    """Tell whether the text is UTF-8 as it stands; a lone surrogate has to go out as an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
