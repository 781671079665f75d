"""What a provider is inside the sandbox: plain values that say exactly what its XML will say."""

from __future__ import annotations

import re
from typing import TypeAlias, cast

Node: TypeAlias = "int | str | dict[str, Node] | list[Node] | None"
"""An element's value: text, ``None`` (empty), children by name, or a list (it repeats)."""

Provider: TypeAlias = dict[str, Node]
"""A provider: ``id`` (an int) and its elements in the order they are written.

``customAttributes`` is a list of ``{"label": ..., "value": ...}``; a missing ``value`` is an absent
element, ``None`` an empty one. An element that is no key here is absent from the XML.
"""

_NAME_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = re.compile(f"[{_NAME_START}][{_NAME_START}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]*")
_NO_XML_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def custom_attributes(provider: Provider) -> list[dict[str, Node]]:
    """The provider's custom attributes; an empty list when it has none."""
    return cast("list[dict[str, Node]]", provider.get("customAttributes") or [])


def normalised(provider: Provider) -> Provider:
    """A copy in the one form in which the sandbox holds providers.

    Empty text and empty objects become ``None`` (both are ``<x></x>`` on the wire), numbers other
    than the ``id`` become text, an empty list disappears (but for ``customAttributes``, whose
    wrapper element may be empty).

    Args:
        provider: What a test or a request wants stored; not changed.

    Returns:
        The copy, safe to write as XML 1.0.

    Raises:
        TypeError: It has no integer ``id``.
        ValueError: A name, a text or a list in it has no form in XML 1.0.
    """
    identifier = provider.get("id")
    if not isinstance(identifier, int):
        raise TypeError("a provider needs an id, an integer")
    stored: Provider = {}
    for name, value in provider.items():
        if name == "id":
            stored["id"] = identifier
        elif name == "customAttributes":
            stored[name] = _custom_attributes(value)
        else:
            _check_name(name)
            if value != []:
                stored[name] = _node(value)
    return stored


def _custom_attributes(value: Node) -> Node:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("customAttributes is a list of objects")
    return [_object(cast("dict[str, Node]", item)) for item in value]


def _node(value: Node) -> Node:
    if isinstance(value, dict):
        return _object(value) or None
    if isinstance(value, list):
        if any(isinstance(item, list) for item in value):
            raise ValueError("a list inside a list has no form in XML")
        return [_node(item) for item in value]
    if value is None:
        return None
    text = str(value)
    if _NO_XML_TEXT.search(text):
        raise ValueError("text holds a character that XML 1.0 does not allow")
    return text or None


def _object(value: dict[str, Node]) -> dict[str, Node]:
    for name in value:
        _check_name(name)
    return {name: _node(child) for name, child in value.items() if child != []}


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("an element's name is not one that XML 1.0 allows")
