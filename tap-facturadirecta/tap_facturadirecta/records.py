"""From a provider's element to its record: text exact, nothing left out, every path of one kind.

- An element without children is its text; empty is null, absent is absent. `id` is an integer.
- An element with children is an object. One that repeats is a list, and once a path was a list, it
  always is one: on its page, in the run, and (through the remembered schema) in later runs.
- `customAttributes` is a list of objects with `label` and `value`.
- An attribute is a property beside its element's, `phone@nil`; text beside children is `#text`. No
  element can have such a name, and the element's own property keeps its kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

KEY = "id"
CUSTOM_ATTRIBUTES = "customAttributes"
CUSTOM_ATTRIBUTE = "customAttribute"
TEXT = "#text"

Record = dict[str, Any]

LONGEST_NUMBER = 18
"""Digits: any number of so many has 64 bits."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BLANKS = " \t\r\n"


class Place:
    """What is known of the elements at one path.

    Attributes:
        lists: names of the children that repeat, or did once.
        below: name -> place of the children.
    """

    __slots__ = ("below", "lists")

    def __init__(self) -> None:
        """Know nothing."""
        self.lists: set[str] = set()
        self.below: dict[str, Place] = {}

    def child(self, name: str) -> Place:
        """Return the place of the children with a name."""
        place = self.below.get(name)
        if place is None:
            place = self.below[name] = Place()
        return place

    def learn(self, schema: Mapping[str, Any]) -> None:
        """Take what a JSON schema says of lists.

        Args:
            schema: of the elements at this place.
        """
        for part in _parts(schema):
            for name, child in (part.get("properties") or {}).items():
                if _says_list(child):
                    self.lists.add(name)
                self.child(name).learn(child)
            items = part.get("items")
            if isinstance(items, Mapping):
                self.learn(items)


def _parts(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return (schema, *schema.get("anyOf", ()))


def _says_list(schema: Mapping[str, Any]) -> bool:
    return any("array" in part.get("type", ()) for part in _parts(schema))


class RecordConverter:
    """Converts the providers of one run."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Start with what is documented and remembered.

        Args:
            schema: of the stream's records.
        """
        self._top = Place()
        self._top.learn(schema)
        # What the record has as a list is the children of an element that does not repeat.
        self._top.lists.discard(CUSTOM_ATTRIBUTES)
        item = self._top.child(CUSTOM_ATTRIBUTES)
        wrapper = self._top.below[CUSTOM_ATTRIBUTES] = Place()
        wrapper.lists.add(CUSTOM_ATTRIBUTE)
        wrapper.below[CUSTOM_ATTRIBUTE] = item
        self._has_learned = False
        self._has_attributes = False

    def records(
        self, providers: Sequence[etree._Element], *, may_have_attributes: bool = True
    ) -> list[Record]:
        """Convert some providers.

        Args:
            providers: their elements, without comments and namespaces.
            may_have_attributes: False where it is sure that no element has any.

        Returns:
            one record each, JSON values.
        """
        self._has_attributes = may_have_attributes
        while True:
            self._has_learned = False
            records = [self._object(provider, self._top) for provider in providers]
            # A path that turned out to be a list is one in the records before too.
            if not self._has_learned:
                break
        for record, provider in zip(records, providers, strict=True):
            _finish(record, provider if may_have_attributes else None)
        return records

    def _object(self, element: etree._Element, place: Place) -> Record:
        # Every element of every provider passes here: nothing is asked twice.
        record: Record = {}
        below = place.below
        blank = element.text
        has_text = blank is not None and not blank.isspace()
        for child in element:
            name = child.tag
            value: Any = (
                self._object(child, below.get(name) or place.child(name))
                if len(child)
                else child.text or None
            )
            if name in record:
                self._repeat(record, name, value, place)
            else:
                record[name] = value
            tail = child.tail
            # Almost all are nothing, or the same line break and indentation.
            if tail is not blank and tail != blank:
                blank = tail
                if tail is not None and not tail.isspace():
                    has_text = True
        if place.lists:
            for name in place.lists:
                if name in record and type(record[name]) is not list:
                    record[name] = [record[name]]
        if has_text:
            _keep_text(record, element)
        if self._has_attributes:
            _keep_attributes(record, element, place)
        return record

    def _repeat(self, record: Record, name: str, value: Any, place: Place) -> None:  # noqa: ANN401 - a JSON value
        if name not in place.lists:
            place.lists.add(name)
            self._has_learned = True
        # No value of one element is a list.
        known = record[name]
        if type(known) is list:
            known.append(value)
        else:
            record[name] = [known, value]


def _keep_text(record: Record, element: etree._Element) -> None:
    parts = (element.text, *(child.tail for child in element))
    texts = [part for part in parts if part is not None and part.strip(_BLANKS)]
    if texts:
        record[TEXT] = "".join(texts)


def _keep_attributes(record: Record, element: etree._Element, place: Place) -> None:
    """Add the attributes of an element's children; those of a list are a list in step with it."""
    positions: Counter[str] = Counter()
    lists: dict[str, str] = {}
    for child in element:
        name = str(child.tag)
        position = positions[name]
        positions[name] += 1
        for attribute, value in _attributes(child):
            beside = f"{name}@{attribute}"
            if name in place.lists:
                lists[beside] = name
                values = record.setdefault(beside, [])
                values += [None] * (position - len(values))
                values.append(value)
            else:
                record[beside] = value
    for beside, name in lists.items():
        record[beside] += [None] * (positions[name] - len(record[beside]))


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield str(name).rpartition("}")[2], str(value)


def as_key(text: str) -> int | str:
    """Read an id.

    Args:
        text: of the element.

    Returns:
        an integer, or the text without blanks around it where it is none (or none of 64 bits).
    """
    # Almost all are plain numbers; methods tell that in two thirds of an expression's time.
    if text.isdecimal() and text.isascii() and len(text) <= LONGEST_NUMBER and text[0] != "0":
        return int(text)
    text = text.strip(_BLANKS)
    return int(text) if _INTEGER.fullmatch(text) is not None else text


def _finish(record: Record, provider: etree._Element | None) -> None:
    """Give the documented properties their documented form."""
    identifier = record.get(KEY)
    if type(identifier) is str:
        record[KEY] = as_key(identifier)
    custom = record.get(CUSTOM_ATTRIBUTES)
    if type(custom) is dict and custom.keys() == {CUSTOM_ATTRIBUTE}:
        record[CUSTOM_ATTRIBUTES] = custom[CUSTOM_ATTRIBUTE]
    elif custom is not None:
        wrappers = custom if isinstance(custom, list) else [custom]
        items = [item for wrapper in wrappers for item in _custom_attributes(wrapper)]
        record[CUSTOM_ATTRIBUTES] = items or None
    if provider is not None:
        for attribute, value in _attributes(provider):
            record[f"@{attribute}"] = value


def _custom_attributes(wrapper: Record | str | None) -> list[Any]:
    """List what stands in `customAttributes`; what is no `customAttribute` is an item of its own."""
    if not isinstance(wrapper, dict):
        return [] if wrapper is None else [{TEXT: wrapper}]
    items: list[Any] = wrapper.get(CUSTOM_ATTRIBUTE, [])
    others: list[Any] = []
    for name, value in wrapper.items():
        if name.startswith(f"{CUSTOM_ATTRIBUTE}@"):
            attribute = name.removeprefix(CUSTOM_ATTRIBUTE)
            for position, text in enumerate(value):
                if text is not None:
                    items[position] = _with_attribute(items[position], attribute, text)
        elif name != CUSTOM_ATTRIBUTE:
            others.append({name: value})
    return items + others


def _with_attribute(item: Any, attribute: str, text: str) -> Record:  # noqa: ANN401 - a JSON value
    record = item if isinstance(item, dict) else {} if item is None else {TEXT: item}
    record[attribute] = text
    return record
