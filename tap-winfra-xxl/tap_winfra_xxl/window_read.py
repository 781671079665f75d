"""Reading one window of one stream, and what to do where the server refuses it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import TYPE_CHECKING

from connector_kit.errors import RefusedError, UpstreamError
from connector_kit.http import RefusedAnswer
from connector_kit.pages import Page
from tap_winfra_xxl.client import XxlClient
from tap_winfra_xxl.downloads import Download, Source, mismatch
from tap_winfra_xxl.petitions import Petition, Task, asked_for
from tap_winfra_xxl.refusals import Attempt, Meaning, may_concern_petition, meaning_of

if TYPE_CHECKING:
    from tap_winfra_xxl.stream_run import StreamRun


class Outcome(Enum):
    """How a window's reading ended, where it ended without an error."""

    UNFINISHED = auto()
    COMPLETE = auto()
    NOT_YET = auto()
    GONE = auto()
    REFUSED_AFTER_ERROR = auto()


_OUTCOMES = {
    Meaning.GONE: Outcome.GONE,
    Meaning.NOT_YET: Outcome.NOT_YET,
    Meaning.AFTER_ERROR: Outcome.REFUSED_AFTER_ERROR,
}


class WindowRead:
    """A dataset that is ready, and its rows.

    Attributes:
        run: of the stream.
        petition: that prepared it.
        task: what was asked for.
        outcome: how it ended, once `pages` has.
    """

    def __init__(
        self,
        client: XxlClient,
        pool: ThreadPoolExecutor,
        run: StreamRun,
        petition: Petition,
    ) -> None:
        """Prepare; nothing is asked.

        Args:
            client: whom to ask.
            pool: for slices that are asked for ahead.
            run: of the stream.
            petition: in which its dataset is ready.
        """
        self.run = run
        self.petition = petition
        self.task: Task = petition.tasks[run.stream.name]
        self.outcome = Outcome.UNFINISHED
        self._client = client
        self._pool = pool
        self._switched = False

    def pages(self) -> Generator[Page, None, None]:
        """Yield the window's pages, each with the offset that follows it as bookmark.

        Raises:
            CountMismatchError: the rows are not as many as announced.
            RefusedError: the server refuses for good.
            UpstreamError: all tries failed.
        """
        download = self._download()
        while self.outcome is Outcome.UNFINISHED:
            try:
                with contextlib.closing(download.pages()) as pages:
                    yield from pages
                self.outcome = Outcome.COMPLETE
            except RefusedAnswer as refusal:
                self._judge(refusal, download)

    def _download(self) -> Download:
        stream, values = self.run.stream, self.run.stream.tap.values
        offset = self.run.bookmark.offset
        stream.progress.expect(stream.progress.rows + self._source.rows - offset)
        return Download(
            self._client,
            self._pool,
            self._source,
            offset=offset,
            page_size=values["page_size"],
            ahead=values["download_ahead"],
            holds=stream.stream_schema.holds,
        )

    @property
    def _source(self) -> Source:
        part = self.petition.part(self.task.dataset)
        if part is None or part.rows is None:
            raise UpstreamError(
                f"{self.task.dataset}: the server does not say how many rows it has prepared"
                " (numero_registros), so nothing can be counted. Ask the vendor."
            )
        return Source(self.petition.id, self.task.dataset, part.rows)

    def _judge(self, refusal: RefusedAnswer, download: Download) -> None:
        """Set the outcome, switch the data path, or raise what the refusal is."""
        if not may_concern_petition(refusal):
            raise refusal
        before = self.petition.state
        meaning = meaning_of(
            Attempt(
                refusal.answer.status,
                before,
                self._client.petitions().get(self.petition.id),
                has_served=download.offset > 0,
                path_is_open=self._client.path_is_open and not self._switched,
            )
        )
        if meaning is Meaning.OTHER_PATH:
            self._switched = True
            self._client.switch_path()
            return
        if self._switched and self._client.path_is_open:
            self._client.switch_path()
        if meaning is Meaning.PAST_END:
            raise mismatch(self._source, download.offset, f"then it refuses: {refusal}")
        if meaning is Meaning.FINAL:
            raise RefusedError(
                f"{refusal}. Asked for: {asked_for([self.task])}, petition {self.petition.id}"
            ) from refusal
        self.outcome = _OUTCOMES[meaning]
