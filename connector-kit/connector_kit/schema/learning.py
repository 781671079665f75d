"""Learning: records widen a shape, and what changed is told.

The rules are those of the design: a property is born with its first non-null value; a learned number
is `number` from birth (a loader that made BIGINT of an `integer` would round the first 1.5), save for
a key field, which is `integer` while every value so far is one; a text is `date-time` while every
value so far is a real date-time without a zone; a kind that changes later makes a union.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connector_kit.schema.shape import TEXT_KINDS, Kind, Shape

NAIVE_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?", re.ASCII)


@dataclass
class Changes:
    """What a page taught.

    Attributes:
        new: paths of properties that were born.
        changed: path, kinds before and new kind of each property whose kind changed.
        fractions: paths of documented integers that came with a fraction: an error, never a union.
        widened: whether the shape is another than before, properties seen only as null included.
    """

    new: list[str] = field(default_factory=list)
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    fractions: list[str] = field(default_factory=list)
    widened: bool = False

    @property
    def visible(self) -> bool:
        """Whether the SCHEMA message is another than before."""
        return bool(self.new or self.changed)


def learn_records(shape: Shape, records: Iterable[dict[str, Any]], keys: frozenset[str]) -> Changes:
    """Widen a stream's shape until every record fits.

    Args:
        shape: of the stream's records; changed in place.
        records: as the standard library's json gives them with `parse_float=Decimal`.
        keys: the key properties, which may be learned as integers.

    Returns:
        what changed.
    """
    changes = Changes()
    properties = _properties(shape)
    for record in records:
        _learn_object(properties, record, "", changes, keys)
    return changes


def _properties(shape: Shape) -> dict[str, Shape]:
    if shape.properties is None:
        shape.kinds.add(Kind.OBJECT)
        shape.properties = {}
    return shape.properties


def _learn_object(
    properties: dict[str, Shape],
    value: dict[str, Any],
    path: str,
    changes: Changes,
    keys: frozenset[str] = frozenset(),
) -> None:
    for name, child in value.items():
        shape = properties.get(name)
        if shape is None:
            shape = properties[name] = Shape()
            changes.widened = True
        if child is not None:
            _learn(shape, child, f"{path}{name}", changes, may_be_integer=name in keys)


def _learn(shape: Shape, value: Any, path: str, changes: Changes, *, may_be_integer: bool) -> None:  # noqa: ANN401 - any JSON value
    kind = kind_of(value, shape, may_be_integer=may_be_integer)
    if kind not in shape.kinds:
        if kind is Kind.NUMBER and Kind.INTEGER in shape.kinds and not may_be_integer:
            changes.fractions.append(path)
            return
        _add_kind(shape, kind, path, changes)
    if kind is Kind.OBJECT and shape.properties is not None:
        _learn_object(shape.properties, value, f"{path}.", changes)
    elif kind is Kind.ARRAY and shape.items is not None:
        for item in value:
            if item is not None:
                _learn(shape.items, item, f"{path}[]", changes, may_be_integer=False)


def _add_kind(shape: Shape, kind: Kind, path: str, changes: Changes) -> None:
    changes.widened = True
    if shape.born:
        changes.changed.append((path, " or ".join(sorted(shape.kinds)), str(kind)))
    else:
        changes.new.append(path)
    if kind is Kind.OBJECT:
        shape.properties = {}
    elif kind is Kind.ARRAY:
        shape.items = Shape()
    elif kind is Kind.NUMBER:
        shape.kinds.discard(Kind.INTEGER)
    shape.kinds.add(kind)


def kind_of(value: Any, shape: Shape, *, may_be_integer: bool = False) -> Kind:  # noqa: ANN401 - any JSON value
    """Return the kind under which a shape takes a value.

    Args:
        value: any JSON value but null.
        shape: what is known so far; a text in a `string` property is no date-time.
        may_be_integer: whether an unknown whole number may be born as `integer`.

    Returns:
        the kind: one of the shape's where the value fits it, else the one to add.
    """
    match value:
        case bool():
            return Kind.BOOLEAN
        case int() | Decimal():
            return _number_kind(value, shape, may_be_integer=may_be_integer)
        case str():
            return _text_kind(value, shape)
        case dict():
            return Kind.OBJECT
        case _:
            return Kind.ARRAY


def _number_kind(value: int | Decimal, shape: Shape, *, may_be_integer: bool) -> Kind:
    if Kind.NUMBER in shape.kinds:
        return Kind.NUMBER
    whole = isinstance(value, int) or value == value.to_integral_value()
    if Kind.INTEGER in shape.kinds:
        return Kind.INTEGER if whole else Kind.NUMBER
    return Kind.INTEGER if whole and may_be_integer and not shape.born else Kind.NUMBER


def _text_kind(value: str, shape: Shape) -> Kind:
    if Kind.STRING in shape.kinds:
        return Kind.STRING
    if Kind.DATE_TIME in shape.kinds or not shape.kinds & TEXT_KINDS:
        if is_naive_date_time(value):
            return Kind.DATE_TIME
    elif is_date(value):
        return Kind.DATE
    return Kind.STRING


def is_naive_date_time(text: str) -> bool:
    """Whether a text is a real date-time `yyyy-mm-ddThh:mm:ss` without a zone."""
    if NAIVE_DATE_TIME.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether a text is a real date `yyyy-mm-dd`."""
    if len(text) != len("yyyy-mm-dd"):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
