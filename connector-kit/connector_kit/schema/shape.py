"""The shape of a JSON value: which kinds it has had, its properties, its items.

One model stands behind everything: a documented JSON schema is read into it, records widen it, the
bookmark remembers it, the SCHEMA message and the compiled check are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A kind of JSON value; null is no kind, since every property may be null."""

    STRING = "string"
    DATE_TIME = "date-time"
    DATE = "date"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


TEXT_KINDS = frozenset({Kind.STRING, Kind.DATE_TIME, Kind.DATE})


@dataclass(slots=True)
class Shape:
    """What is known of one value.

    Attributes:
        kinds: every kind it may have; none while only null was seen.
        properties: of an object; None where its keys are free and not followed.
        items: of an array; None where its items are free and not followed.
    """

    kinds: set[Kind] = field(default_factory=set)
    properties: dict[str, Shape] | None = None
    items: Shape | None = None

    @property
    def born(self) -> bool:
        """Whether anything but null was seen: an always-null property gets no column."""
        return bool(self.kinds)

    def copy(self) -> Shape:
        """Return a deep copy."""
        return Shape(
            set(self.kinds),
            None
            if self.properties is None
            else {name: shape.copy() for name, shape in self.properties.items()},
            None if self.items is None else self.items.copy(),
        )


def shape_from_schema(schema: dict[str, Any]) -> Shape:
    """Read a JSON schema.

    Args:
        schema: a property's or a stream's JSON schema, as in a schema file or a catalog.

    Returns:
        its shape; an object without `properties` has free keys, an array without `items` free items.
    """
    shape = Shape()
    for part in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        names = part.get("type", ())
        for name in [names] if isinstance(names, str) else names:
            if name == "string":
                shape.kinds.add(_text_kind(part))
            elif name != "null":
                shape.kinds.add(Kind(name))
        if part.get("properties") is not None:
            shape.kinds.add(Kind.OBJECT)
            shape.properties = {
                key: shape_from_schema(value) for key, value in part["properties"].items()
            }
        if part.get("items"):
            shape.items = shape_from_schema(part["items"])
    return shape


def _text_kind(schema: dict[str, Any]) -> Kind:
    match schema.get("format"):
        case "date-time":
            return Kind.DATE_TIME
        case "date":
            return Kind.DATE
        case _:
            return Kind.STRING


def schema_from_shape(shape: Shape, *, nullable: bool = True) -> dict[str, Any]:
    """Write a JSON schema.

    Args:
        shape: a property's shape, with at least one kind.
        nullable: whether null is allowed beside the kinds.

    Returns:
        the JSON schema that every value of this shape satisfies.
    """
    # Texts of two kinds are texts: an `anyOf` of formats says no more, and flattening (the SDK's, and
    # that of the loaders with the same code) drops such a property from the schema.
    texts = shape.kinds & TEXT_KINDS
    schema: dict[str, Any] = {
        "type": [
            *(["string"] if texts else []),
            *sorted(shape.kinds - TEXT_KINDS),
            *(["null"] if nullable else []),
        ]
    }
    if len(texts) == 1 and Kind.STRING not in texts:
        # A format beside other types is asked of the text alone, which is what is meant.
        schema["format"] = str(next(iter(texts)))
    return {**schema, **_containers(shape)}


def _containers(shape: Shape) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if Kind.OBJECT in shape.kinds and shape.properties is not None:
        parts["properties"] = properties_schema(shape.properties)
    if Kind.ARRAY in shape.kinds:
        parts["items"] = (
            schema_from_shape(shape.items) if shape.items is not None and shape.items.born else {}
        )
    return parts


def properties_schema(properties: dict[str, Shape]) -> dict[str, Any]:
    """Write the schemas of the properties that have had a value; the others get no column."""
    return {name: schema_from_shape(shape) for name, shape in properties.items() if shape.born}


def extended(given: Shape, remembered: Shape) -> Shape:
    """Return a given shape with the nested properties that only the remembered one has.

    Args:
        given: whose kinds stay as they are.
        remembered: what adds to it.
    """
    if not given.born:
        return remembered.copy()
    shape = given.copy()
    if given.properties is not None and remembered.properties is not None:
        shape.properties = {
            name: extended(given.properties.get(name, Shape()), child)
            for name, child in remembered.properties.items()
        } | {
            name: child.copy()
            for name, child in given.properties.items()
            if name not in remembered.properties
        }
    if given.items is not None and remembered.items is not None:
        shape.items = extended(given.items, remembered.items)
    return shape


def merged(first: Shape, second: Shape) -> Shape:
    """Return the shape that holds every value of both; free keys or items stay free."""
    return Shape(
        first.kinds | second.kinds,
        _merged_properties(first, second),
        _merged_items(first, second),
    )


def _merged_properties(first: Shape, second: Shape) -> dict[str, Shape] | None:
    sources = [shape for shape in (first, second) if Kind.OBJECT in shape.kinds]
    if not sources or any(shape.properties is None for shape in sources):
        return None
    properties: dict[str, Shape] = {}
    for shape in sources:
        for name, value in (shape.properties or {}).items():
            known = properties.get(name)
            properties[name] = value.copy() if known is None else merged(known, value)
    return properties


def _merged_items(first: Shape, second: Shape) -> Shape | None:
    sources = [shape for shape in (first, second) if Kind.ARRAY in shape.kinds]
    if not sources or any(shape.items is None for shape in sources):
        return None
    items = Shape()
    for shape in sources:
        if shape.items is not None:
            items = merged(items, shape.items)
    return items
