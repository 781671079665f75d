"""How a checked page goes out: raw, with fields left out, or by the SDK's own path.

The raw path serves where it gives the same records as the SDK's: everything selected, no stream map
but a new name, no flattening, no child stream, no record limit. Where single top-level properties are
left out, a struct of raw fields leaves every other value untouched. All else is the SDK's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform

from connector_kit.pages import exact_json

if TYPE_CHECKING:
    from connector_kit.stream import ConnectorStream

Slice = msgspec.Raw | bytes


class RawEmission:
    """Writes records' own bytes between the two constant pieces of a RECORD line."""

    def __init__(self, stream_name: str, version: int | None) -> None:
        """Prepare the envelope.

        Args:
            stream_name: as it goes out.
            version: of a snapshot, None for a stream that has none.
        """
        self._head = b'{"type":"RECORD","stream":%b,"record":' % exact_json(stream_name)
        self._tail = b"" if version is None else b',"version":%d' % version

    def lines(self, slices: Sequence[Slice]) -> bytes:
        """Return the RECORD lines of some records."""
        now = datetime.now(UTC).isoformat()
        tail = b'%b,"time_extracted":"%b"}\n' % (self._tail, now.encode())
        return self._head + (tail + self._head).join(slices) + tail


class FieldPicker:
    """Leaves properties out of records without touching the others' bytes."""

    def __init__(self, kept: Sequence[str]) -> None:
        """Compile a struct of raw fields.

        Args:
            kept: names of the properties that go out.

        Raises:
            ValueError: a name that msgspec cannot express.
        """
        fields = [(f"f{index}", msgspec.Raw, None) for index in range(len(kept))]
        picked: Any = msgspec.defstruct(
            "Picked",
            fields,
            rename={f"f{index}": name for index, name in enumerate(kept)},
            omit_defaults=True,
            gc=False,
        )
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[picked]).decode
        self._encode = msgspec.json.Encoder().encode

    def pick(self, body: bytes) -> list[bytes]:
        """Return the records of a page without what is left out.

        Args:
            body: the page's JSON list.
        """
        return [self._encode(record) for record in self._decode(body)]


@dataclass(frozen=True)
class PlainMap:
    """A stream map that does nothing but give another name and remove top-level properties."""

    alias: str
    removed: frozenset[str] = frozenset()


def plain_map(stream: ConnectorStream) -> PlainMap | None:
    """Return the one stream map of a stream if it is plain, else None."""
    if len(stream.stream_maps) != 1 or stream.stream_maps[0].flattening_enabled:
        return None
    match stream.stream_maps[0]:
        case SameRecordTransform(stream_alias=alias):
            return PlainMap(alias)
        case CustomStreamMap(stream_alias=alias):
            definition = _only_definition(stream)
            if definition is not None and all(map(_is_plain, definition.items())):
                return PlainMap(alias, frozenset(definition) - {"__alias__"})
    return None


def _only_definition(stream: ConnectorStream) -> dict[str, Any] | None:
    """Return what `stream_maps` says of a stream; None where more than one entry concerns it."""
    maps = stream.config.get("stream_maps") or {}
    found = [definition for name, definition in maps.items() if fnmatch(stream.name, name)]
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else None


def _is_plain(entry: tuple[str, Any]) -> bool:
    name, value = entry
    return name == "__alias__" or (not name.startswith("__") and value in (None, "__NULL__"))


def kept_properties(stream: ConnectorStream, removed: frozenset[str]) -> list[str] | None:
    """Return the top-level properties that go out, None where nested ones are left out too.

    Args:
        stream: a stream whose map is plain.
        removed: the properties that the map removes.
    """
    mask = stream.mask
    deselected = [path for path, selected in mask.items() if not selected and path]
    if any(len(path) > 2 and mask[path[:2]] for path in deselected):
        return None
    return [
        name
        for name in stream.stream_schema.property_names()
        if mask["properties", name] and name not in removed
    ]
