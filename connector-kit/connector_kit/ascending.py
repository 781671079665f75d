"""Rows whose keys only ever grow, kept on disk: the cheap case of knowing what was passed on.

Most servers list by id. While every key lies above all before it, no row can have come already, so
nothing needs to be looked up; keys and digests are only kept for the day that one does not.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import cast

IN_MEMORY = 4 << 20
ROWS_AT_ONCE = 10_000
INTEGER = "q"
BYTES_A_ROW = 2 * array(INTEGER).itemsize


class AscendingRows:
    """Keys and digests of the rows of one stream in one run."""

    def __init__(self) -> None:
        """Start without rows."""
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - `close` closes it
        self._highest: int | None = None

    def add(self, keys: Sequence[int | str], digests: Sequence[int]) -> bool:
        """Take a page's rows, if their keys go on growing.

        Args:
            keys: one a row; an integer has 64 bits.
            digests: of the rows' bytes, 64 bits each.

        Returns:
            whether they were taken; False for texts, and where a key does not lie above the last.
        """
        if not keys:
            return True
        if set(map(type, keys)) != {int}:
            return False
        numbers = array(INTEGER, cast("Sequence[int]", keys))
        if self._highest is not None and numbers[0] <= self._highest:
            return False
        if not all(map(operator.lt, numbers, islice(numbers, 1, None))):
            return False
        rows = array(INTEGER, bytes(BYTES_A_ROW * len(numbers)))
        rows[0::2], rows[1::2] = numbers, array(INTEGER, digests)
        self._file.write(rows.tobytes())
        self._highest = numbers[-1]
        return True

    def rows(self) -> Iterator[tuple[int, int]]:
        """Yield the key and the digest of each row."""
        self._file.seek(0)
        while piece := self._file.read(ROWS_AT_ONCE * BYTES_A_ROW):
            rows = array(INTEGER, piece)
            yield from zip(rows[0::2], rows[1::2], strict=True)

    def close(self) -> None:
        """Drop the rows."""
        self._file.close()
