"""A record that waits to be written, with what it was made of."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """An incoming record.

    Attributes:
        stream: as it came in, after stream maps and before aliases.
        raw_stream: as its RECORD message names it.
        raw: its own bytes.
        schema_line: the SCHEMA message that it came under.
    """

    stream: str
    raw_stream: str
    raw: bytes
    schema_line: bytes


@dataclass(slots=True)
class Item(Generic[Key]):
    """One record for SERPI.

    Attributes:
        key: the business key.
        payload: the fields that the record gives, as SERPI takes them.
        sources: what it was made of; several where an article came several times in one batch.
    """

    key: Key
    payload: dict[str, Any]
    sources: list[Source]

    @property
    def label(self) -> str:
        """The key for people and for the ledger."""
        return readable(str(self.key))

    @property
    def stream(self) -> str:
        """The incoming stream of the last record."""
        return self.sources[-1].stream


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a list into lists of at most `size`, none for an empty one."""
    return (items[start : start + size] for start in range(0, len(items), size))


def readable(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
