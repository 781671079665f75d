"""Rows kept as one run of bytes with offsets, so that any slice of them is one slice of memory."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Facts(NamedTuple):
    """What petitions select a row by.

    Attributes:
        date: The row's date in the API's form; empty when the dataset has none.
        modified: When the row was last changed; empty when the dataset does not say.
        tags: Roles and states that parameters ask for or leave out.
    """

    date: str = ""
    modified: str = ""
    tags: frozenset[str] = frozenset()


class Rows:
    """Rows that a petition has prepared: they do not change any more."""

    def __init__(
        self, text: bytes | memoryview, offsets: array[int], first: int, last: int
    ) -> None:
        """Show the rows from `first` up to, but without, `last` of a run of rows.

        Args:
            text: The rows, each followed by a comma.
            offsets: Where each row begins, and where the last one's comma ends.
            first: Position of the first row shown.
            last: Position after the last one.
        """
        self._text = memoryview(text)
        self._offsets = offsets
        self._first = first
        self._last = last

    @classmethod
    def of(cls, rows: Iterable[bytes]) -> Rows:
        """Keep rows of their own."""
        offsets = array("Q", [0])
        parts = []
        position = 0
        for row in rows:
            parts.append(row)
            position += len(row) + 1
            offsets.append(position)
        text = b",".join(parts) + b"," if parts else b""
        return cls(text, offsets, 0, len(parts))

    def __len__(self) -> int:
        return self._last - self._first

    def __iter__(self) -> Iterator[bytes]:
        for position in range(self._first, self._last):
            yield bytes(self._text[self._offsets[position] : self._offsets[position + 1] - 1])

    def slice(self, offset: int, limit: int) -> memoryview:
        """Return the rows from an offset on, with commas between them and none at the end."""
        start = min(self._first + offset, self._last)
        stop = min(start + limit, self._last)
        if start == stop:
            return memoryview(b"")
        return self._text[self._offsets[start] : self._offsets[stop] - 1]

    def part(self, first: int, last: int) -> Rows:
        """Show some of the rows, without copying them."""
        return Rows(self._text, self._offsets, self._first + first, self._first + last)


class Table:
    """All rows of a dataset at one moment; a change makes another table."""

    def __init__(self, rows: Iterable[tuple[bytes, Facts]]) -> None:
        self.facts: list[Facts] = []
        self.rows = Rows.of(self._noting(rows))

    def _noting(self, rows: Iterable[tuple[bytes, Facts]]) -> Iterator[bytes]:
        for row, facts in rows:
            self.facts.append(facts)
            yield row

    def pairs(self) -> Iterator[tuple[bytes, Facts]]:
        """Yield the rows with what they are selected by."""
        return zip(self.rows, self.facts, strict=True)

    def select(self, wanted: Callable[[Facts], bool]) -> Rows:
        """Return the rows that are wanted: neighbours are shown where they lie, others copied."""
        runs = list(_runs([wanted(facts) for facts in self.facts]))
        if not runs:
            return self.rows.part(0, 0)
        if len(runs) == 1:
            return self.rows.part(*runs[0])
        return Rows.of(row for first, last in runs for row in self.rows.part(first, last))


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of true flags as (first, one past the last)."""
    position = 0
    while True:
        try:
            first = flags.index(True, position)
        except ValueError:
            return
        try:
            position = flags.index(False, first)
        except ValueError:
            yield first, len(flags)
            return
        yield first, position
