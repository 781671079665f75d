"""The data file: every write as one line, repeated when the sandbox starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from erp_sandbox import exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class JournalError(ValueError):
    """A data file that belongs to other data."""


class Journal:
    """Writes in a file, one JSON object a line; the first line says which data they belong to."""

    def __init__(self, path: Path, header: Mapping[str, object]) -> None:
        """Open or begin the file.

        Args:
            path: The file; made when missing.
            header: What the data are made from; must be equal when the file is used again.

        Raises:
            JournalError: If the file was begun with another header.
        """
        self._path = path
        first = exact.dumps(header)
        if not path.exists():
            path.write_text(first + "\n", encoding="utf-8")
        with path.open(encoding="utf-8") as lines:
            if lines.readline().rstrip("\n") != first:
                raise JournalError(f"{path} was made with other data than {first}")

    def append(self, vendor: str, entry: Mapping[str, object]) -> None:
        """Keep one write; it is in the file when this returns."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(exact.dumps({"vendor": vendor, "entry": entry}) + "\n")

    def entries(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the writes kept so far: vendor and entry."""
        with self._path.open(encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                kept = cast("dict[str, object]", exact.loads(line))
                yield str(kept["vendor"]), cast("dict[str, object]", kept["entry"])
