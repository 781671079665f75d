"""A shape compiled to a msgspec type: one C call checks every value of a page.

Unknown fields are forbidden, so a field or a kind that the schema does not know makes the decode fail.
Numbers are checked as `float` (the value is thrown away), date-times as `datetime` without a zone and
never by pattern, free parts as values of a few levels and never as `Raw`, which would let bad UTF-8
through, nor as `Any`, which would let nesting through that no loader can read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Annotated, Any

import msgspec

from connector_kit.schema.shape import TEXT_KINDS, Kind, Shape
from connector_kit.schema.texts import NaiveDateTime

NOTHING = Annotated[int, msgspec.Meta(gt=0, lt=0)]
"""The type of no value: where no type can be compiled, every page goes the slow way."""

FREE_LEVELS = 4
"""So deep a free part is checked the fast way; each level doubles what is compiled."""

UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises where a text is not of a type."""


class Check:
    """One C call looks at every value of a page, or of one record."""

    def __init__(self, record_type: Any) -> None:  # noqa: ANN401 - a type made at run time
        """Compile.

        Args:
            record_type: as `compile_record_type` gives it, or `NOTHING`.
        """
        self._page: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[record_type])
        self._record: msgspec.json.Decoder[Any] = msgspec.json.Decoder(record_type)

    def page(self, body: bytes) -> Sequence[Any] | None:
        """Check a page.

        Args:
            body: a JSON list, UTF-8.

        Returns:
            one struct a record, None where one does not fit.
        """
        try:
            return self._page.decode(body)  # type: ignore[no-any-return]
        except UNFIT:
            return None

    def all_fit(self, records: Iterable[msgspec.Raw | bytes]) -> bool:
        """Check the records of a page, where nothing but the verdict is wanted.

        Each record's objects are gone before the next one's are made, so they stay in the processor's
        cache: an eighth to a fifth faster than `page`.

        Args:
            records: JSON of each, UTF-8.
        """
        try:
            deque(map(self._record.decode, records), maxlen=0)
        except UNFIT:
            return False
        return True

    def fits(self, record: msgspec.Raw | bytes) -> bool:
        """Check one record.

        Args:
            record: its JSON, UTF-8.
        """
        return self.all_fit((record,))


class NotCompilableError(Exception):
    """A property's name or a mixture that msgspec cannot express: such pages go the slow way."""


def _free_value(levels: int) -> Any:  # noqa: ANN401 - a typing form
    scalar = str | float | bool | None
    if levels == 0:
        return scalar
    inner = _free_value(levels - 1)
    return scalar | dict[str, inner] | list[inner]  # type: ignore[valid-type]  # made at run time


FREE = _free_value(FREE_LEVELS)
"""A value within a part whose names or items are free."""

FREE_OBJECT = dict[str, FREE]  # type: ignore[valid-type]  # made at run time


def compile_record_type(
    properties: dict[str, Shape], required: frozenset[str]
) -> type[msgspec.Struct]:
    """Make the type that a stream's records are checked with.

    Args:
        properties: of the stream, those seen only as null included.
        required: properties that must be there and not null.

    Returns:
        a struct type whose attributes are named by `attribute_names`.

    Raises:
        NotCompilableError: msgspec cannot express it.
    """
    return _struct("Record", properties, required)


def attribute_names(properties: dict[str, Shape]) -> dict[str, str]:
    """Return the struct's attribute for each property: names of JSON are no Python names."""
    return {name: f"f{index}" for index, name in enumerate(properties)}


def _struct(
    title: str, properties: dict[str, Shape], required: frozenset[str] = frozenset()
) -> type[msgspec.Struct]:
    names = attribute_names(properties)
    needed: list[tuple[str, Any]] = []
    optional: list[tuple[str, Any, None]] = []
    for name, shape in properties.items():
        if name in required:
            needed.append((names[name], _type(shape, nullable=False)))
        else:
            optional.append((names[name], _type(shape), None))
    try:
        return msgspec.defstruct(
            title,
            [*needed, *optional],
            rename={attribute: name for name, attribute in names.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
    except (ValueError, TypeError) as error:
        raise NotCompilableError(str(error)) from error


def _type(shape: Shape, *, nullable: bool = True) -> Any:  # noqa: ANN401 - a typing form
    if not shape.born:
        return None
    forms: list[Any] = [None] if nullable else []
    if texts := shape.kinds & TEXT_KINDS:
        forms.append(_text_type(texts))
    if Kind.NUMBER in shape.kinds:
        forms.append(float)
    elif Kind.INTEGER in shape.kinds:
        forms.append(int)
    if Kind.BOOLEAN in shape.kinds:
        forms.append(bool)
    if Kind.OBJECT in shape.kinds:
        forms.append(FREE_OBJECT if shape.properties is None else _struct("Part", shape.properties))
    if Kind.ARRAY in shape.kinds:
        # An empty struct of forbidden fields is no way to say 'no items yet': null alone is.
        forms.append(list[FREE if shape.items is None else _type(shape.items)])  # type: ignore[misc]
    return reduce(or_, forms) if len(forms) > 1 else forms[0]


def _text_type(texts: frozenset[Kind] | set[Kind]) -> Any:  # noqa: ANN401 - a typing form
    if texts == {Kind.DATE_TIME}:
        return NaiveDateTime
    if texts == {Kind.DATE}:
        return date
    if Kind.STRING not in texts:
        raise NotCompilableError("a text that is a date or a date-time")
    return str
