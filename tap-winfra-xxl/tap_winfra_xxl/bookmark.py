"""A stream's bookmark: what is kept from run to run, in one format.

| entry        | what it holds                                                                    |
|--------------|----------------------------------------------------------------------------------|
| `parameters` | fingerprint of the parameters that all the rest was made with                     |
| `windows`    | days that were read, as [first, last] pairs                                       |
| `todo`       | days that the run in progress still has to read                                   |
| `petition`   | petition of the unfinished window, `window` its days, `offset` the rows that left |
| `asked`      | the server's `fecha_peticion` of the run's first petition                         |
| `since`      | the same of the last complete read                                                |
| `snapshot`   | version of the snapshot in progress                                               |
| `ended`      | whether the stream ended in a run that is not complete                            |

The kit adds `schema` and `version`. Entries are cleared with null, never deleted, and spans are lists:
Meltano merges states key by key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from connector_kit.stream import VERSION_KEY, ConnectorStream
from connector_kit.windows import DayWindow
from tap_winfra_xxl.spans import merged, up_to, without

OFFSET = "offset"


class Bookmark:
    """The bookmark of one stream, read and changed in place."""

    def __init__(self, stream: ConnectorStream) -> None:
        """Use a stream's bookmark.

        Args:
            stream: whose it is.
        """
        self._stream = stream

    # What it says; what cannot be read counts as missing

    @property
    def parameters(self) -> str | None:
        """The fingerprint."""
        return self._text("parameters")

    @property
    def windows(self) -> list[DayWindow]:
        """Days that were read, in order."""
        return merged(self._spans("windows") or ())

    @property
    def todo(self) -> list[DayWindow] | None:
        """Days still to read, in order; None where no run is in progress."""
        return self._spans("todo")

    @property
    def petition(self) -> str | None:
        """The petition of the unfinished window."""
        return self._text("petition")

    @property
    def window(self) -> DayWindow | None:
        """The unfinished window; None for a dataset that has none."""
        spans = self._spans("window")
        return spans[0] if spans else None

    @property
    def offset(self) -> int:
        """Rows of the unfinished window that have left."""
        offset = self._get(OFFSET)
        return offset if isinstance(offset, int) and offset > 0 else 0

    @property
    def asked(self) -> str | None:
        """When the run in progress began to ask, by the server's clock."""
        return self._text("asked")

    @property
    def since(self) -> str | None:
        """When the last complete read began to ask, by the server's clock."""
        return self._text("since")

    @property
    def snapshot(self) -> int | None:
        """Version of the snapshot in progress."""
        return self._number("snapshot")

    @property
    def last_version(self) -> int:
        """The greatest version that was ever used."""
        return max(self._number(VERSION_KEY) or 0, self.snapshot or 0)

    @property
    def has_ended(self) -> bool:
        """Whether the stream ended in a run that is not complete."""
        return self._get("ended") is True

    # What changes it

    def begin_anew(self, parameters: str) -> None:
        """Forget all but the schema and the last version."""
        self._stream.set_bookmark(
            parameters=parameters,
            windows=None,
            todo=None,
            petition=None,
            window=None,
            offset=None,
            asked=None,
            since=None,
            snapshot=None,
            ended=None,
        )

    def plan(self, todo: Iterable[DayWindow]) -> None:
        """Keep what the run is to read."""
        self._stream.set_bookmark(todo=_pairs(todo))

    def note_asked(self, petition: str, window: DayWindow | None, at: str) -> None:
        """Keep the petition that was sent for the next window.

        Args:
            petition: its id.
            window: its days.
            at: its `fecha_peticion`; the first one of a run is kept.
        """
        self._stream.set_bookmark(
            petition=petition,
            window=None if window is None else _pairs([window]),
            offset=None,
            asked=self.asked or at or None,
        )

    def note_snapshot(self, version: int | None) -> None:
        """Keep the version of the snapshot in progress."""
        self._stream.set_bookmark(snapshot=version)

    def drop_petition(self) -> None:
        """Forget the petition: its window is to be asked for anew."""
        self._stream.set_bookmark(petition=None, window=None, offset=None)

    def finish(self, window: DayWindow | None, today: date) -> None:
        """Keep a window as read.

        Args:
            window: its days.
            today: for the server; days after it will be read again, whatever was asked for.
        """
        entries: dict[str, Any] = {}
        if window is not None:
            entries["windows"] = _pairs(merged([*self.windows, *up_to(window, today)]))
            entries["todo"] = _pairs(without(self.todo or (), [window]))
        self._stream.set_bookmark(petition=None, window=None, offset=None, **entries)

    def end(self) -> None:
        """Keep that the stream has ended, while others of the run have not."""
        self._stream.set_bookmark(
            todo=None, since=self.asked or self.since, asked=None, snapshot=None, ended=True
        )

    def forget_end(self) -> None:
        """Let the next run read the stream anew."""
        self._stream.set_bookmark(ended=None)

    # Reading entries that anybody may have touched

    def _get(self, name: str) -> Any:  # noqa: ANN401 - a JSON value
        return self._stream.bookmark.get(name)

    def _text(self, name: str) -> str | None:
        value = self._get(name)
        return value if isinstance(value, str) and value else None

    def _number(self, name: str) -> int | None:
        value = self._get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _spans(self, name: str) -> list[DayWindow] | None:
        value = self._get(name)
        if not isinstance(value, list):
            return None
        try:
            return [DayWindow(*map(date.fromisoformat, pair)) for pair in value]
        except (TypeError, ValueError):
            return None


def _pairs(spans: Iterable[DayWindow]) -> list[list[str]]:
    return [[span.first.isoformat(), span.last.isoformat()] for span in spans]
