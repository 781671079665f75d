"""Learning: records widen a shape, and what changed is told.

The rules are those of the design: a property is born with its first non-null value; a learned number
is `number` from birth (a loader that made BIGINT of an `integer` would round the first 1.5), save for
a key field, which is `integer` while every value so far is one; a text is `date-time` while every
value so far is a real date-time without a zone; a kind that changes later makes a union.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from connector_kit.schema.shape import TEXT_KINDS, Kind, Shape
from connector_kit.schema.texts import is_date, is_naive_date_time


@dataclass
class Changes:
    """What a page taught.

    Attributes:
        new: paths of properties that were born.
        changed: path, kinds before and new kind of each property whose kind changed.
        fractions: paths of documented integers that came with a fraction: an error, never a union.
        widened: whether the shape is another than before, properties seen only as null included.
        date_times: the rule it was taught by: whether a text may be born as a date-time.
    """

    new: list[str] = field(default_factory=list)
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    fractions: list[str] = field(default_factory=list)
    widened: bool = False
    date_times: bool = True

    @property
    def visible(self) -> bool:
        """Whether the SCHEMA message is another than before."""
        return bool(self.new or self.changed)

    def add(self, later: Changes) -> None:
        """Take in what records behind the first ones taught."""
        self.new += later.new
        self.changed += later.changed
        self.fractions += later.fractions
        self.widened = self.widened or later.widened


class WholeNumbers(NamedTuple):
    """How a property takes whole numbers.

    Attributes:
        born_integer: the first one makes an `integer` of it.
        stays_integer: it is an `integer` by document or catalog: a fraction is an error.
    """

    born_integer: bool
    stays_integer: bool


NESTED = WholeNumbers(born_integer=False, stays_integer=True)
"""Below the top level nothing is learned as an integer, so each integer there is a documented one."""


def learn_records(
    properties: dict[str, Shape],
    records: Iterable[dict[str, Any]],
    keys: frozenset[str],
    integers: frozenset[str],
    *,
    date_times: bool = True,
) -> Changes:
    """Widen a stream's properties until every record fits.

    Args:
        properties: of the stream's records; changed in place.
        records: as the standard library's json gives them with `parse_float=Decimal`.
        keys: the key properties, which may be learned as integers.
        integers: the properties that are integers by document or catalog, not because they were
            learned so: a fraction there is an error.
        date_times: whether a text may be born as a date-time.

    Returns:
        what changed.
    """
    changes = Changes(date_times=date_times)
    for record in records:
        for name, value in record.items():
            shape = _property(properties, name, changes)
            if value is not None:
                whole = WholeNumbers(name in keys, name in integers)
                _learn(shape, value, name, changes, whole)
    return changes


def is_deeper(value: Any, levels: int) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether objects and arrays lie deeper in each other than so many levels.

    Args:
        value: any JSON value; a scalar has no level.
        levels: how many are allowed.
    """
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return levels == 0 or any(is_deeper(child, levels - 1) for child in children)
    return False


def _property(properties: dict[str, Shape], name: str, changes: Changes) -> Shape:
    shape = properties.get(name)
    if shape is None:
        shape = properties[name] = Shape()
        changes.widened = True
    return shape


def _learn_object(
    properties: dict[str, Shape], value: dict[str, Any], path: str, changes: Changes
) -> None:
    for name, child in value.items():
        shape = _property(properties, name, changes)
        if child is not None:
            _learn(shape, child, f"{path}.{name}", changes)


def _learn(
    shape: Shape,
    value: Any,  # noqa: ANN401 - any JSON value
    path: str,
    changes: Changes,
    whole: WholeNumbers = NESTED,
) -> None:
    kind = kind_of(
        value, shape, may_be_integer=whole.born_integer, may_be_date_time=changes.date_times
    )
    if kind not in shape.kinds:
        if kind is Kind.NUMBER and Kind.INTEGER in shape.kinds and whole.stays_integer:
            changes.fractions.append(path)
            return
        _add_kind(shape, kind, path, changes)
    if kind is Kind.OBJECT and shape.properties is not None:
        _learn_object(shape.properties, value, path, changes)
    elif kind is Kind.ARRAY and shape.items is not None:
        for item in value:
            if item is not None:
                _learn(shape.items, item, f"{path}[]", changes)


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


def kind_of(
    value: Any,  # noqa: ANN401 - any JSON value
    shape: Shape,
    *,
    may_be_integer: bool = False,
    may_be_date_time: bool = True,
) -> Kind:
    """Return the kind under which a shape takes a value.

    Args:
        value: any JSON value but null.
        shape: what is known so far; a text in a `string` property is no date-time.
        may_be_integer: whether an unknown whole number may be born as `integer`.
        may_be_date_time: whether an unknown text may be born as `date-time`.

    Returns:
        the kind: one of the shape's where the value fits it, else the one to add.
    """
    match value:
        case bool():
            return Kind.BOOLEAN
        case int() | Decimal():
            return _number_kind(value, shape, may_be_integer=may_be_integer)
        case str():
            return _text_kind(value, shape, may_be_date_time=may_be_date_time)
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


def _text_kind(value: str, shape: Shape, *, may_be_date_time: bool) -> Kind:
    known = shape.kinds & TEXT_KINDS
    if Kind.STRING in known:
        return Kind.STRING
    is_candidate = may_be_date_time if not known else Kind.DATE_TIME in known
    if is_candidate and is_naive_date_time(value):
        return Kind.DATE_TIME
    if Kind.DATE in known and is_date(value):
        return Kind.DATE
    return Kind.STRING
