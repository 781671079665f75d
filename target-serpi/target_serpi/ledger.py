"""The ledger: a row for every write, on the disk before the first byte of the write leaves.

SERPI has no idempotency key and answers a batch with two numbers only. What a process that was killed
had under way stands here, so that the next one can look it up. It is one SQLite file that a user can
query; its tables are described in the README.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from connector_kit.errors import ConnectorError, SettingsError

FORMAT = 1
PRIVATE = 0o600
BUSY_SECONDS = 60.0


class State(StrEnum):
    """How far a write is."""

    SENDING = "SENDING"
    """On its way, or the process ended before its answer was read."""
    UNKNOWN = "UNKNOWN"
    """Sent, and no answer says what became of it."""
    DELETING = "DELETING"
    """The stored document is being deleted, to be replaced."""
    DELETED = "DELETED"
    """The stored document is gone and its new content not confirmed; `stored` has the old one."""
    CONFIRMED = "CONFIRMED"
    """SERPI holds what was sent."""
    REJECTED = "REJECTED"
    """Not valid, or refused by SERPI; the record is in the rejects file."""
    CONFLICT = "CONFLICT"
    """SERPI holds something else under this key; it was left as it is."""
    NOT_SENT = "NOT_SENT"
    """Surely not sent."""
    ABSENT = "ABSENT"
    """Sent by a run that did not finish; a later run looked, and SERPI does not hold it."""


UNSETTLED = (State.SENDING, State.UNKNOWN, State.DELETING, State.DELETED)
"""What a later run looks up before it reads anything."""


class Action(StrEnum):
    """What a write is."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    NONE = "none"
    """The record was rejected before anything was sent."""


@dataclass(slots=True)
class Attempt:
    """A row of the table `attempts`.

    Attributes:
        id: of the row; 0 before it is added.
        stream: SERPI's name: articulos, documentos_contables.
        source: the incoming stream.
        key: of the record, as text.
        action: what the write is.
        state: how far it is.
        payload: the body as sent; empty for what was never sent.
        stored: what SERPI held before; empty where that is nothing.
        reason: words for a person.
        updated: seconds since the epoch.
    """

    stream: str
    source: str
    key: str
    action: Action
    state: State
    payload: bytes = b""
    stored: bytes = b""
    reason: str = ""
    id: int = 0
    updated: float = 0.0


class LedgerError(ConnectorError):
    """The ledger cannot be written, so nothing may be sent."""


TABLES = f"""
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT,
    version TEXT NOT NULL,
    account TEXT NOT NULL,
    exit_code INTEGER,
    read INTEGER, created INTEGER, updated INTEGER, unchanged INTEGER, merged INTEGER,
    skipped INTEGER, rejected INTEGER, unknown INTEGER
);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id),
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    payload TEXT,
    stored TEXT,
    reason TEXT,
    began TEXT NOT NULL,
    updated TEXT NOT NULL
);
CREATE INDEX attempts_by_key ON attempts (stream, key);
CREATE INDEX unsettled_attempts ON attempts (state)
    WHERE state IN ({", ".join(f"'{state}'" for state in UNSETTLED)});
CREATE VIEW latest AS
    SELECT attempts.* FROM attempts
    JOIN (SELECT max(id) AS id FROM attempts GROUP BY stream, key) USING (id);
PRAGMA user_version = {FORMAT};
"""  # noqa: S608 - the words of an enumeration

INSERT = """
INSERT INTO attempts (run, stream, source, key, action, state, payload, stored, reason, began, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

SELECT_UNSETTLED = f"""
SELECT attempts.id, stream, source, key, action, state, payload, stored, reason, attempts.updated
FROM attempts JOIN runs ON runs.id = run
WHERE state IN ({", ".join(f"'{state}'" for state in UNSETTLED)}) AND account = ?
ORDER BY attempts.id
"""  # noqa: S608 - the words of an enumeration


OTHER_FORMAT = (
    "setting 'ledger_path': {} is another program's file or a ledger of format {}, where this version"
    f" writes format {FORMAT}; name another file"
)


class Ledger:
    """The open ledger of one run."""

    def __init__(self, path: str, account: str) -> None:
        """Open the file, or make it.

        Args:
            path: of the file; its mode becomes 0600.
            account: names SERPI's company, so that runs against another one are left alone.

        Raises:
            SettingsError: the file cannot be opened or is no ledger.
            LedgerError: it cannot be written.
        """
        self._path = path
        self._account = account
        self._run = 0
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
            Path(path).chmod(PRIVATE)
            # An own BEGIN for each change: the module's would not cover what is read before.
            self._connection = sqlite3.connect(path, BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(
                [f"setting 'ledger_path': {path} cannot be opened ({error})"]
            ) from error
        self._prepare()

    def _prepare(self) -> None:
        try:
            (journal,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
            # Where there is no WAL (some network disks) the folder counts too: a journal that came
            # back would undo a commit.
            level = "FULL" if journal == "wal" else "EXTRA"
            self._connection.execute(f"PRAGMA synchronous = {level}")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            is_new = not self._connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.DatabaseError as error:
            raise SettingsError(
                [f"setting 'ledger_path': {self._path} is no SQLite file ({error})"]
            ) from error
        if is_new:
            with self._change():
                for statement in TABLES.split(";\n"):
                    self._connection.execute(statement)
        elif version != FORMAT:
            raise SettingsError([OTHER_FORMAT.format(self._path, version)])

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """Change rows durably, all or none."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise LedgerError(
                f"the ledger {self._path} cannot be written ({error}). Nothing is sent without its row:"
                " make room, or name another file with `ledger_path`, and run again."
            ) from error

    def begin_run(self, version: str) -> None:
        """Add the row of this run.

        Args:
            version: of the target.
        """
        with self._change():
            cursor = self._connection.execute(
                "INSERT INTO runs (started, version, account) VALUES (?, ?, ?)",
                (_now(), version, self._account),
            )
        self._run = cursor.lastrowid or 0

    def end_run(self, exit_code: int, counts: Mapping[str, int]) -> None:
        """Note how this run ended.

        Args:
            exit_code: of the process.
            counts: column -> number.
        """
        columns = "".join(f", {name} = ?" for name in counts)
        with self._change():
            self._connection.execute(
                f"UPDATE runs SET ended = ?, exit_code = ?{columns} WHERE id = ?",  # noqa: S608 - own names
                (_now(), exit_code, *counts.values(), self._run),
            )

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Add rows and give the attempts their ids; when this returns they are on the disk.

        Args:
            attempts: new ones.

        Raises:
            LedgerError: they are not.
        """
        now = _now()
        with self._change():
            for attempt in attempts:
                cursor = self._connection.execute(
                    INSERT,
                    (
                        self._run, attempt.stream, attempt.source, attempt.key, attempt.action,
                        attempt.state, _text(attempt.payload), _text(attempt.stored), attempt.reason,
                        now, now,
                    ),
                )  # fmt: skip
                attempt.id = cursor.lastrowid or 0

    def note(self, attempts: Iterable[Attempt], state: State, reason: str = "") -> None:
        """Note how far writes are.

        Args:
            attempts: that were added.
            state: the new one.
            reason: words for a person.

        Raises:
            LedgerError: it cannot be noted.
        """
        now = _now()
        attempts = list(attempts)
        with self._change():
            self._connection.executemany(
                "UPDATE attempts SET state = ?, reason = ?, updated = ? WHERE id = ?",
                [(state, reason, now, attempt.id) for attempt in attempts],
            )
        for attempt in attempts:
            attempt.state, attempt.reason = state, reason

    def unsettled(self) -> list[Attempt]:
        """Return what earlier runs left without an end, the oldest first."""
        rows = self._connection.execute(SELECT_UNSETTLED, (self._account,)).fetchall()
        return [
            Attempt(
                stream, source, key, Action(action), State(state), _bytes(payload), _bytes(stored),
                reason, identifier, datetime.fromisoformat(updated).timestamp(),
            )
            for identifier, stream, source, key, action, state, payload, stored, reason, updated in rows
        ]  # fmt: skip

    def rejections(self, stream: str, key: str) -> int:
        """Return how often a record with this key was rejected."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM attempts WHERE stream = ? AND key = ? AND state IN (?, ?)",
            (stream, key, State.REJECTED, State.CONFLICT),
        ).fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


def _text(body: bytes) -> str | None:
    return body.decode() if body else None


def _bytes(text: str | None) -> bytes:
    return text.encode() if text else b""
