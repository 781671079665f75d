"""The compact text in which a bookmark remembers a learned shape.

A scalar is one letter a kind (`n`), an object a JSON object, an array a list of its one item, and a
mixture the list [letters, properties or null, items or null]. It is kept as a text, not as nested
objects, because Meltano merges states key by key.
"""

from __future__ import annotations

import json
from typing import Any

from connector_kit.schema.shape import Kind, Shape

LETTERS = {
    Kind.STRING: "s",
    Kind.DATE_TIME: "t",
    Kind.DATE: "d",
    Kind.NUMBER: "n",
    Kind.INTEGER: "i",
    Kind.BOOLEAN: "b",
    Kind.OBJECT: "O",
    Kind.ARRAY: "A",
}
KINDS = {letter: kind for kind, letter in LETTERS.items()}


def remember(properties: dict[str, Shape]) -> str:
    """Return the text that remembers a stream's properties; those seen only as null are left out."""
    return json.dumps(_object(properties), ensure_ascii=False, separators=(",", ":"))


def _object(properties: dict[str, Shape]) -> dict[str, Any]:
    return {name: _value(shape) for name, shape in properties.items() if shape.born}


def _value(shape: Shape) -> Any:  # noqa: ANN401 - a JSON value
    letters = "".join(sorted(LETTERS[kind] for kind in shape.kinds))
    properties = None if shape.properties is None else _object(shape.properties)
    items = None if shape.items is None else _value(shape.items)
    if letters == "O" and properties is not None:
        return properties
    if letters == "A" and items is not None:
        return [items]
    if properties is None and items is None:
        return letters
    return [letters, properties, items]


def recall(text: str) -> dict[str, Shape]:
    """Read what `remember` wrote.

    Args:
        text: from a bookmark.

    Returns:
        the properties.

    Raises:
        ValueError: the text was not written by `remember`.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("a remembered schema is an object")  # noqa: TRY004 - one kind of error for callers
    return {name: _shape(child) for name, child in value.items()}


def _shape(value: Any) -> Shape:  # noqa: ANN401 - a JSON value
    match value:
        case dict():
            return Shape({Kind.OBJECT}, {name: _shape(child) for name, child in value.items()})
        case [items]:
            return Shape({Kind.ARRAY}, None, _shape(items))
        case [str(letters), properties, items]:
            return Shape(
                _kinds(letters),
                None if properties is None else _shape(properties).properties,
                None if items is None else _shape(items),
            )
        case str():
            return Shape(_kinds(value))
        case _:
            raise ValueError("not a remembered schema")


def _kinds(letters: str) -> set[Kind]:
    try:
        return {KINDS[letter] for letter in letters}
    except KeyError as error:
        raise ValueError("not a remembered schema") from error
