"""The base of a vendor's switches: every quirk by name, with its type checked when it is set."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any


class SwitchError(ValueError):
    """A switch that does not exist, or a value that it cannot take."""


@dataclasses.dataclass
class Switches:
    """What every vendor has; each vendor adds its own quirks and their defaults.

    Attributes:
        latency_ms: Milliseconds before each request is handled.
    """

    latency_ms: float = 0

    def __setattr__(self, name: str, value: object) -> None:
        kind = _kinds(type(self)).get(name)
        if kind is None:
            raise SwitchError(f"there is no switch {name!r}")
        if not _fits(value, kind):
            raise SwitchError(f"switch {name!r} takes {_spell(kind)}, not {value!r}")
        super().__setattr__(name, value)

    def update(self, values: dict[str, Any]) -> None:
        """Set several switches by name; `SwitchError` at the first that is wrong."""
        for name, value in values.items():
            setattr(self, name, value)

    def set_text(self, name: str, text: str) -> None:
        """Set one switch from text (a command line's): JSON where it fits, else the text itself."""
        try:
            setattr(self, name, json.loads(text))
        except (json.JSONDecodeError, SwitchError):
            setattr(self, name, text)

    def values(self) -> dict[str, Any]:
        """Return every switch and its value."""
        return dataclasses.asdict(self)


_KINDS: dict[type[Switches], dict[str, Any]] = {}


def _kinds(owner: type[Switches]) -> dict[str, Any]:
    if owner not in _KINDS:
        _KINDS[owner] = typing.get_type_hints(owner)
    return _KINDS[owner]


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type annotation has no common type
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return value in typing.get_args(kind) and not isinstance(value, bool)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, choice) for choice in typing.get_args(kind))
    if origin is not None:
        return isinstance(value, origin)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _spell(kind: Any) -> str:  # noqa: ANN401 - as above
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(kind)))
    return kind.__name__ if isinstance(kind, type) else str(kind)
