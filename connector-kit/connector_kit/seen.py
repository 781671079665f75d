"""Which rows a run has passed on already, in memory that does not grow with their number.

Where pages can shift under the reader, a row may come twice. While the keys grow from row to row they
are only kept (`ascending.py`); from the first one that does not on, keys and a hash of each row are
looked up in a temporary SQLite database, which spills to disk by itself and goes with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from connector_kit.ascending import AscendingRows

CACHE_KIB = 4096


class SeenRows:
    """The rows of one stream in one run."""

    def __init__(self) -> None:
        """Start without rows."""
        self._ascending: AscendingRows | None = AscendingRows()
        self._opened: sqlite3.Connection | None = None
        self.repeated = 0
        self.changed = 0

    @property
    def _database(self) -> sqlite3.Connection:
        """The rows so far, to be looked up; made when that is first needed."""
        if self._opened is None:
            self._opened = _new_database()
        if self._ascending is not None:
            self._opened.execute("BEGIN")
            self._opened.executemany("INSERT INTO seen VALUES (?, ?)", self._ascending.rows())
            self._opened.execute("COMMIT")
            self._ascending.close()
            self._ascending = None
        return self._opened

    def add(self, keys: Sequence[int | str], slices: Sequence[Any] | None) -> list[int] | None:
        """Remember a page's rows.

        Args:
            keys: one a row: an integer of 64 bits, or a text for any other key.
            slices: the rows' own bytes; None where content plays no part.

        Returns:
            the positions of the rows to pass on, in order; None for all of them. A row that was seen
            with the same bytes is left out; one with other bytes is passed on and counted.
        """
        # `hash` and `bytes` are mapped in C: this is done for every row of every page.
        digests = [0] * len(keys) if slices is None else list(map(hash, map(bytes, slices)))
        if self._ascending is not None and self._ascending.add(keys, digests):
            return None
        rows = list(zip(keys, digests, strict=True))
        database = self._database
        before = database.total_changes
        database.execute("BEGIN")
        database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)
        if database.total_changes - before == len(rows):
            database.execute("COMMIT")
            return None
        database.execute("ROLLBACK")
        return [position for position, row in enumerate(rows) if self._is_new(*row)]

    def _is_new(self, key: int | str, digest: int) -> bool:
        row = self._database.execute("SELECT digest FROM seen WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == digest:
            self.repeated += 1
            return False
        self.changed += row is not None
        self._database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (key, digest))
        return True

    def holds(self, keys: Sequence[int | str]) -> list[bool]:
        """Tell which rows were added, without adding any.

        Args:
            keys: as for `add`.

        Returns:
            one answer a key, in order.
        """
        if not keys:
            # The end of a list is asked for most often: no database is made for it.
            return []
        ask = self._database.execute
        return [
            ask("SELECT 1 FROM seen WHERE key = ?", (key,)).fetchone() is not None for key in keys
        ]

    def close(self) -> None:
        """Drop the rows."""
        if self._ascending is not None:
            self._ascending.close()
        if self._opened is not None:
            self._opened.close()


def _new_database() -> sqlite3.Connection:
    database = sqlite3.connect("", isolation_level=None)
    # Without a type, a whole number and a text are two keys, as they are in JSON.
    database.executescript(
        f"PRAGMA cache_size = -{CACHE_KIB};"
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
        "CREATE TABLE seen (key PRIMARY KEY, digest INTEGER NOT NULL) WITHOUT ROWID;"
    )
    return database


def row_keys(values: list[Any]) -> list[int | str]:
    """Return the keys of rows as `SeenRows` takes them.

    Args:
        values: of the key property, or a tuple of several, one a row.
    """
    if set(map(type, values)) == {int} and min(values) >= -(2**63) and max(values) < 2**63:
        return values
    return [value if type(value) is int and abs(value) < 2**63 else repr(value) for value in values]
