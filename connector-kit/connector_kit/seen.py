"""Which rows a run has passed on already, in memory that does not grow with their number.

Where pages can shift under the reader, a row may come twice. The keys and a hash of each row are kept
in a temporary SQLite database, which spills to disk by itself and goes with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

CACHE_KIB = 4096


class SeenRows:
    """The rows of one stream in one run."""

    def __init__(self) -> None:
        """Open an empty temporary database."""
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            f"PRAGMA cache_size = -{CACHE_KIB};"
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
            "CREATE TABLE seen (key INTEGER PRIMARY KEY, digest INTEGER NOT NULL);"
            "CREATE TABLE seen_text (key TEXT PRIMARY KEY, digest INTEGER NOT NULL) WITHOUT ROWID;"
        )
        self.repeated = 0
        self.changed = 0

    def add(self, keys: Sequence[Any], slices: Sequence[Any]) -> list[int] | None:
        """Remember a page's rows.

        Args:
            keys: one a row: an integer, or a text for any other key.
            slices: the rows' own bytes.

        Returns:
            the positions of the rows to pass on, in order; None for all of them. A row that was seen
            with the same bytes is left out; one with other bytes is passed on and counted.
        """
        table = "seen" if _fit(keys) else "seen_text"
        texts = keys if table == "seen" else map(str, keys)
        # `hash` and `bytes` are mapped in C: this is done for every row of every page.
        rows = list(zip(texts, map(hash, map(bytes, slices)), strict=True))
        before = self._database.total_changes
        self._database.execute("BEGIN")
        self._database.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 - one of two names
        if self._database.total_changes - before == len(rows):
            self._database.execute("COMMIT")
            return None
        self._database.execute("ROLLBACK")
        return [position for position, row in enumerate(rows) if self._is_new(table, *row)]

    def _is_new(self, table: str, key: Any, digest: int) -> bool:  # noqa: ANN401 - a key
        row = self._database.execute(
            f"SELECT digest FROM {table} WHERE key = ?",  # noqa: S608 - one of two names
            (key,),
        ).fetchone()
        if row is not None and row[0] == digest:
            self.repeated += 1
            return False
        self.changed += row is not None
        self._database.execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",  # noqa: S608 - one of two names
            (key, digest),
        )
        return True

    def close(self) -> None:
        """Drop the database."""
        self._database.close()


def _fit(keys: Sequence[Any]) -> bool:
    """Whether SQLite takes the keys as integers."""
    return set(map(type, keys)) == {int} and min(keys) >= -(2**63) and max(keys) < 2**63
