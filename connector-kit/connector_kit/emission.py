"""How a checked page goes out: raw, with fields left out, or by the SDK's own path.

The raw path serves where it gives the same records as the SDK's: everything selected, no stream map
but a new name, no flattening, no child stream, no record limit. Where single top-level properties are
left out, a struct of raw fields leaves every other value untouched. All else is the SDK's.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform, StreamMap

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
        now = datetime.datetime.now(datetime.UTC).isoformat()
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


def plain_map(stream: ConnectorStream) -> StreamMap | None:
    """Return the one stream map of a stream if it does nothing but rename or remove, else None."""
    if len(stream.stream_maps) != 1:
        return None
    stream_map = stream.stream_maps[0]
    if stream_map.flattening_enabled:
        return None
    if isinstance(stream_map, SameRecordTransform):
        return stream_map
    if isinstance(stream_map, CustomStreamMap) and _only_renames(stream):
        return stream_map
    return None


def _only_renames(stream: ConnectorStream) -> bool:
    definition = (stream.config.get("stream_maps") or {}).get(stream.name)
    return isinstance(definition, dict) and all(
        name == "__alias__" or (not name.startswith("__") and value in (None, "__NULL__"))
        for name, value in definition.items()
    )


def kept_properties(stream: ConnectorStream, stream_map: StreamMap) -> list[str] | None:
    """Return the top-level properties that go out, None where nested ones are left out too.

    Args:
        stream: a stream whose map is plain.
        stream_map: that map.
    """
    mask = stream.mask
    definition = (stream.config.get("stream_maps") or {}).get(stream.name) or {}
    removed = definition if isinstance(stream_map, CustomStreamMap) else {}
    deselected = [path for path, selected in mask.items() if not selected and path]
    if any(len(path) > 2 and mask[path[:2]] for path in deselected):
        return None
    return [
        name
        for name in stream.stream_schema.property_names()
        if mask["properties", name] and name not in removed
    ]
