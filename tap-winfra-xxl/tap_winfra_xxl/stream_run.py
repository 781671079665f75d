"""One stream in one run: what it still has to read, and what was asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from connector_kit.windows import DayWindow, fingerprint
from tap_winfra_xxl.bookmark import Bookmark
from tap_winfra_xxl.petitions import Petition, Task
from tap_winfra_xxl.planner import Planner, Reader
from tap_winfra_xxl.spans import without

if TYPE_CHECKING:
    from tap_winfra_xxl.stream import XxlStream


CLOCKS_MAY_DIFFER = timedelta(days=2)


class StreamRun:
    """A selected stream.

    Attributes:
        stream: it.
        bookmark: its bookmark.
        waiting: windows that are to be asked for, in order.
        asked: petitions that hold its windows, in the order of the windows.
        is_over: whether it has ended or failed.
    """

    def __init__(self, stream: XxlStream) -> None:
        """Begin with nothing planned.

        Args:
            stream: a selected one.
        """
        self.stream = stream
        self.bookmark = Bookmark(stream)
        self.waiting: deque[Task] = deque()
        self.asked: deque[Petition] = deque()
        self.is_over = False

    @property
    def name(self) -> str:
        """The stream's and the dataset's name."""
        return self.stream.name

    @property
    def reader(self) -> Reader:
        """How the stream is read."""
        return self.stream.reader

    def check_bookmark(self, planner: Planner) -> None:
        """Read in full where the bookmark was made with other parameters, or by a wrong clock."""
        now = fingerprint(
            {
                "domain": self.stream.tap.values["domain"],
                "parameters": planner.given(self.reader.dataset),
                "keys": list(self.stream.primary_keys),
            }
        )
        before, windows = self.bookmark.parameters, self.bookmark.windows
        if before not in {None, now}:
            self._read_in_full("domain, dataset_params or key_properties have changed", now)
        elif before is None:
            self.bookmark.begin_anew(now)
        elif windows and windows[-1].last > planner.today + CLOCKS_MAY_DIFFER:
            # Nothing would be read, in silence, until that day comes.
            why = f"the state speaks of {windows[-1].last}, which is ahead of the server's clock"
            self._read_in_full(why, now)

    def _read_in_full(self, why: str, parameters: str) -> None:
        self.stream.logger.warning(
            "%s: %s, so it is read in full%s",
            self.name,
            why,
            "" if self.reader.has_key else " (a loader will have rows without a key twice)",
        )
        self.bookmark.begin_anew(parameters)

    def resumed_task(self) -> Task | None:
        """Return the window that the bookmark's petition stands for, None where there is none."""
        window = self.bookmark.window
        if not self.bookmark.petition or (window is None and self.reader.dataset.is_dated):
            return None
        return Task(self.name, window, {})

    def plan(self, planner: Planner) -> None:
        """Fill `waiting` with what a run that begins or goes on has to ask for."""
        if not self.reader.dataset.is_dated:
            self.stream.goes_on = bool(self.asked)
            self._wait_for([] if self.asked else [None])
            return
        todo = self.bookmark.todo
        self.stream.goes_on = todo is not None
        spans = (
            planner.spans(self.reader, self.bookmark.windows)
            if todo is None
            else planner.resumed_spans(self.reader, todo)
        )
        self.bookmark.plan(spans)
        asked = [task.window for task in self._asked_tasks() if task.window is not None]
        self._wait_for(planner.windows(self.reader.dataset, without(spans, asked)))

    def _asked_tasks(self) -> list[Task]:
        return [petition.tasks[self.name] for petition in self.asked]

    def _wait_for(self, windows: Sequence[DayWindow | None]) -> None:
        self.waiting.extend(Task(self.name, window, {}) for window in windows)

    def fill(self, task: Task, planner: Planner) -> Task:
        """Set the parameters that a task is sent with now."""
        task.parameters = planner.parameters(
            self.reader,
            task.window,
            known=self.bookmark.windows,
            since=self.bookmark.since,
        )
        return task

    def note_asked(self) -> None:
        """Keep the petition of the window that comes next, if there is one."""
        if not self.asked:
            return
        petition = self.asked[0]
        if self.bookmark.petition != petition.id:
            task = petition.tasks[self.name]
            self.bookmark.note_asked(petition.id, task.window, petition.state.asked_at)

    def finish_window(self, task: Task, planner: Planner) -> None:
        """Keep a window as read, and what was asked for next."""
        self.bookmark.finish(task.window, planner.today)
        del self.asked[0].tasks[self.name]
        self.asked.popleft()
        self.note_asked()

    def ask_again(self, petition: Petition) -> Task:
        """Put a window back to be asked for anew, from its first row.

        Args:
            petition: that held it; its later windows stay asked for.
        """
        task = petition.tasks.pop(self.name)
        self.asked.remove(petition)
        if self.bookmark.petition == petition.id:
            self.drop_petition()
            self.stream.renew_snapshot()
        self.waiting.appendleft(task)
        return task

    def drop_petition(self) -> None:
        """Forget the bookmark's petition, which is gone: its window begins anew."""
        if self.bookmark.offset and self.reader.dataset.is_dated and not self.reader.has_key:
            self.stream.logger.warning(
                "%s: %s rows come again: without a key (key_properties) a loader has them twice",
                self.name,
                f"{self.bookmark.offset:,}",
            )
        self.bookmark.drop_petition()

    def leave(self) -> None:
        """Take the stream out of all petitions: it has ended or failed."""
        for petition in self.asked:
            petition.tasks.pop(self.name, None)
        self.asked.clear()
        self.waiting.clear()
        self.is_over = True

    @property
    def is_done(self) -> bool:
        """Whether everything was read."""
        return not self.waiting and not self.asked and not self.is_over
