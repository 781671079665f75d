"""STATE lines: after what matters, and otherwise at most every few seconds."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from typing import Any

from singer_sdk.singerlib.encoding.simple import StateMessage

from connector_kit.output import StdoutWriter

SECONDS_BETWEEN = 5.0


class StateLines:
    """Writes the tap's state, never before the records that it speaks of."""

    def __init__(
        self,
        state: Mapping[str, Any],
        writer: StdoutWriter,
        seconds_between: float = SECONDS_BETWEEN,
    ) -> None:
        """Watch a state.

        Args:
            state: the tap's, read at each writing.
            writer: of the same standard output that the records go to.
            seconds_between: how old the last one must be, where nothing that matters has happened.
        """
        self._state = state
        self._writer = writer
        self._seconds_between = seconds_between
        self._written: str | None = None
        self._at = time.monotonic()
        self._held: dict[str, Any] = {}

    def hold(self, stream: str) -> None:
        """Keep writing a stream's bookmark as it is now, whatever is set from now on.

        Args:
            stream: whose records are not on standard output yet when its bookmark is set.
        """
        self._held[stream] = copy.deepcopy(self._state.get("bookmarks", {}).get(stream))

    def release(self, stream: str) -> None:
        """Write a stream's bookmark as it is set again."""
        self._held.pop(stream, None)

    def write(self, *, due_only: bool = False) -> None:
        """Write the state where there is one, and another than the last one written.

        Args:
            due_only: leave it out where the last one is younger than that.
        """
        if due_only and time.monotonic() - self._at < self._seconds_between:
            return
        state = self._sayable()
        text = json.dumps(state, sort_keys=True)
        if not state or text == self._written:
            return
        self._writer.write_message(StateMessage(value=state))
        self._written, self._at = text, time.monotonic()

    def _sayable(self) -> dict[str, Any]:
        state = dict(self._state)
        if self._held:
            bookmarks = {**state.get("bookmarks", {}), **self._held}
            state["bookmarks"] = {
                stream: bookmark for stream, bookmark in bookmarks.items() if bookmark is not None
            }
        return state


def loaded_bookmarks(state: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the bookmarks of a state that came from outside.

    Args:
        state: as an earlier run wrote it, merged or trimmed by whoever kept it.

    Returns:
        stream -> bookmark; what is no bookmark is left out, null entries too.
    """
    bookmarks = (state or {}).get("bookmarks")
    if not isinstance(bookmarks, Mapping):
        return {}
    return {
        stream: {key: copy.deepcopy(value) for key, value in bookmark.items()}
        for stream, bookmark in bookmarks.items()
        if isinstance(bookmark, Mapping)
    }
