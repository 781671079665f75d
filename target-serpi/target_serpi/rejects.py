"""The file of rejected records, itself Singer input: mend it and feed it to the target again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector_kit.errors import ConnectorError
from connector_kit.pages import exact_json

PRIVATE = 0o600


class RejectsError(ConnectorError):
    """Rejected records cannot be kept."""


class RejectsFile:
    """Writes the rejected records of one run; the file of an earlier run is moved aside first."""

    def __init__(self, path: str) -> None:
        """Take a path.

        Args:
            path: of the file; it is made when the first record is rejected.
        """
        self.path = Path(path)
        self._file: int | None = None
        self._schemas: dict[str, bytes] = {}
        self._is_dirty = False

    def make_room(self) -> Path | None:
        """Move an earlier run's file aside: it may hold the only copy of what was rejected then.

        The file may be the very input that is read now: who has it open goes on reading it.

        Returns:
            where it is now, None where there was none.

        Raises:
            RejectsError: it cannot be moved.
        """
        try:
            status = self.path.stat()
            if not status.st_size:
                return None
            stamp = datetime.fromtimestamp(status.st_mtime, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            aside = self.path.with_name(f"{self.path.stem}.{stamp}{self.path.suffix}")
            self.path.rename(aside)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unwritable(error) from error
        return aside

    def add(self, stream: str, schema_line: bytes, raw: bytes, rejected: Mapping[str, Any]) -> None:
        """Write one record.

        Args:
            stream: as the record came in.
            schema_line: the SCHEMA message that it came under.
            raw: the record's own bytes.
            rejected: key, reason, the API's words, attempt, time.

        Raises:
            RejectsError: it cannot be written.
        """
        lines = b""
        if self._schemas.get(stream) != schema_line:
            self._schemas[stream] = schema_line
            lines = schema_line.strip() + b"\n"
        lines += b'{"type":"RECORD","stream":%b,"record":%b,"rejected":%b}\n' % (
            exact_json(stream),
            # A line break between tokens would cut the message in two.
            raw.replace(b"\n", b" ").replace(b"\r", b" "),
            exact_json(rejected),
        )
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
                self.path.chmod(PRIVATE)
            while lines:
                lines = lines[os.write(self._file, lines) :]
        except OSError as error:
            raise self._unwritable(error) from error
        self._is_dirty = True

    def flush(self) -> None:
        """Return when what was added is on the disk.

        Raises:
            RejectsError: it is not.
        """
        if self._file is None or not self._is_dirty:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._unwritable(error) from error
        self._is_dirty = False

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _unwritable(self, error: OSError) -> RejectsError:
        return RejectsError(
            f"the file of rejected records {self.path} cannot be written ({error.strerror}). No state"
            " leaves without it: make room, or name another file with `rejects_path`, and run again."
        )
