"""Equal as SERPI stores: numbers by value to five places, days by day, padding left off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

PLACES = 5
"""SERPI's decimals carry up to five places; what more is sent is rounded or cut there."""

SMALLEST = Decimal(1).scaleb(-PLACES)
NOTHING = (None, 0, "", False)
DAY_LENGTH = 10


class FieldChange(NamedTuple):
    """One field, before and after; a line of a document that is added or goes has None on one side."""

    field: str
    old: Any
    new: Any


def same_stored(sent: Any, stored: Any, *, null_is_nothing: bool = False) -> bool:  # noqa: ANN401 - any JSON values
    """Whether a value that is sent is what SERPI holds.

    Args:
        sent: of a payload.
        stored: as it was read; None where SERPI leaves the key out.
        null_is_nothing: whether a null that was sent may have become SERPI's own default (0, empty
            text, false).
    """
    if sent is None:
        return stored is None or (null_is_nothing and stored in NOTHING)
    if isinstance(sent, bool):
        return stored is sent
    if isinstance(sent, int | Decimal):
        return _same_number(sent, stored)
    if isinstance(sent, str):
        return isinstance(stored, str) and sent.rstrip() == stored.rstrip()
    return _same_structure(sent, stored)


def _same_structure(sent: Any, stored: Any) -> bool:  # noqa: ANN401 - any JSON values
    if isinstance(sent, dict) and isinstance(stored, dict):
        return sent.keys() == stored.keys() and all(
            same_stored(value, stored[name]) for name, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(stored, list):
        return len(sent) == len(stored) and all(map(same_stored, sent, stored))
    return False


def _same_number(sent: int | Decimal, stored: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(stored, bool) or not isinstance(stored, int | Decimal):
        return False
    if sent == stored:
        return True
    exponent = sent.as_tuple().exponent if isinstance(sent, Decimal) else 0
    if not isinstance(exponent, int) or exponent >= -PLACES:
        return False
    return abs(Decimal(sent) - stored) < SMALLEST


def same_day(sent: str, stored: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a day that is sent (YYYY-MM-DD) is the one that SERPI holds, maybe with a time."""
    return isinstance(stored, str) and stored[:DAY_LENGTH] == sent
