"""A run: petitions for all streams together, each dataset downloaded as soon as it is ready.

None of that is documented as allowed, so each refusal has an answer here: a download refused before
the petition has ended waits for it, one refused after an ERROR is asked for again without what failed,
and where a second petition is refused there is one at a time.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connector_kit.errors import UpstreamError
from connector_kit.signals import GUARD
from connector_kit.windows import today_there
from tap_winfra_xxl.asking import Asker, look_in_time
from tap_winfra_xxl.client import XxlClient
from tap_winfra_xxl.downloads import CountMismatchError
from tap_winfra_xxl.estado import PetitionState
from tap_winfra_xxl.moments import ZONE
from tap_winfra_xxl.petitions import Patience, Petition, Task, asked_for
from tap_winfra_xxl.planner import Planner
from tap_winfra_xxl.stream_run import StreamRun
from tap_winfra_xxl.window_read import Outcome, WindowRead

if TYPE_CHECKING:
    from tap_winfra_xxl.stream import XxlStream
    from tap_winfra_xxl.tap import TapWinfraXxl

MOST_PETITIONS = 2
"""The one that is downloaded, and the one with the next windows."""

MOST_TRIES = 3
"""So often a window is asked for in one run when the server keeps losing or refusing it."""

logger = logging.getLogger(__name__)


def run_streams(
    tap: TapWinfraXxl,
    streams: Sequence[XxlStream],
    failed: Callable[[XxlStream, Exception], None],
) -> None:
    """Read the selected streams and pass their pages on.

    Args:
        tap: whose they are.
        streams: the selected ones.
        failed: told of each stream that does not become complete; may raise to end the run.
    """

    def ended(stream: XxlStream) -> None:
        stream.complete()
        stream.logger.info("%s: complete, %s", stream.name, stream.progress.summary())

    with contextlib.closing(Run(tap, streams, failed=failed, ended=ended)) as run:
        for read in run.reads():
            try:
                with contextlib.closing(read.pages()) as pages:
                    read.run.stream.pass_on(pages)
            except Exception as error:  # noqa: BLE001 - one failing stream does not stop the others
                run.fail(read.run, error)


class Run:
    """The streams of one run, and the petitions that are not done with."""

    def __init__(
        self,
        tap: TapWinfraXxl,
        streams: Sequence[XxlStream],
        *,
        failed: Callable[[XxlStream, Exception], None],
        ended: Callable[[XxlStream], None],
    ) -> None:
        """Prepare; nothing is asked.

        Args:
            tap: with settings and state.
            streams: to read.
            failed: told of each stream that does not become complete.
            ended: told of each stream whose rows have all been given.
        """
        values = tap.values
        self._tap = tap
        self._failed = failed
        self._ended = ended
        self._client: XxlClient = tap.new_client()
        self._pool = ThreadPoolExecutor(values["download_ahead"] + 1, "download")
        self._patience = Patience(
            values["poll_interval"], values["poll_max_interval"], values["generation_timeout"]
        )
        self._runs = {stream.name: StreamRun(stream) for stream in streams}
        self._petitions: list[Petition] = []
        self._asker = Asker(self._client, self._patience, values.get("webhook"))
        self._strange_words: set[str] = set()
        self._failures = 0
        self._completions = 0

    def close(self) -> None:
        """End all threads and connections."""
        self._client.close()
        self._pool.shutdown(cancel_futures=True)

    def reads(self) -> Iterator[WindowRead]:
        """Yield each window when it can be downloaded; go on when its pages have been taken.

        Raises:
            RefusedError: the credentials or a petition are refused.
            UpstreamError: the server does not answer any more.
        """
        self._planner = Planner(self._tap.values, today_there(self._client.start(), ZONE))
        self._begin()
        while True:
            self._drop_failed()
            self._end_what_is_done()
            self._ask_for_next()
            read = self._next_ready()
            if read is not None:
                yield read
                self._settle(read)
            elif self._petitions:
                self._wait_and_look()
            else:
                break
        self._finish()

    # Beginning and ending

    def _begin(self) -> None:
        """Plan every stream before anything but the token is asked for."""
        self._tell_keyless()
        for run in self._runs.values():
            run.check_bookmark(self._planner)
            if run.bookmark.has_ended:
                logger.info("%s: ended in the run that this one goes on with", run.name)
                run.leave()
        self._resume()
        for run in self._runs.values():
            if not run.is_over:
                run.plan(self._planner)
                run.stream.begin()

    def _tell_keyless(self) -> None:
        keyless = [run for run in self._runs.values() if not run.reader.has_key]
        dated = [run.name for run in keyless if run.reader.dataset.is_dated]
        others = [run.name for run in keyless if not run.reader.dataset.is_dated]
        for names, how in (
            (others, "read as a whole each time"),
            (dated, "read in whole past days, each once; later changes are not seen"),
        ):
            if names:
                logger.info(
                    "No key is known for %s: %s. The setting key_properties names the fields that"
                    " identify a record.",
                    ", ".join(names),
                    how,
                )

    def _resume(self) -> None:
        """Find the petitions of an unfinished run that the server still knows."""
        wanted: dict[str, dict[str, Task]] = {}
        for run in self._runs.values():
            task = None if run.is_over else run.resumed_task()
            if task is not None:
                tasks = wanted.setdefault(str(run.bookmark.petition), {})
                tasks[run.name] = run.fill(task, self._planner)
        for petition_id, tasks in wanted.items():
            state = self._client.look(petition_id)
            if state is None:
                logger.info(
                    "Petition %s is gone: asked for anew: %s", petition_id, ", ".join(tasks)
                )
                for name in tasks:
                    self._runs[name].drop_petition()
                continue
            logger.info("Going on with petition %s: %s", petition_id, ", ".join(tasks))
            petition = Petition(state, tasks, self._patience, time.monotonic())
            self._petitions.append(petition)
            for name in tasks:
                self._runs[name].asked.append(petition)

    def _end_what_is_done(self) -> None:
        for run in self._runs.values():
            if run.is_done:
                self._end(run)

    def _end(self, run: StreamRun) -> None:
        with GUARD.guarded():
            run.bookmark.end()
            run.leave()
            self._ended(run.stream)
        self._completions += 1

    def _finish(self) -> None:
        """Let the next run begin anew where every stream ended, or where going on is of no use."""
        if self._failures and self._completions:
            return
        for run in self._runs.values():
            if run.bookmark.has_ended:
                run.bookmark.forget_end()

    def fail(self, run: StreamRun, error: Exception) -> None:
        """Take a stream out of the run.

        Args:
            run: of the stream.
            error: why.
        """
        self._failures += 1
        if isinstance(error, CountMismatchError):
            run.drop_petition()
        run.leave()
        self._forget_empty()
        self._failed(run.stream, error)

    # Asking

    def _ask_for_next(self) -> None:
        """Send one petition with every stream's next window, while the last one is downloaded."""
        self._forget_empty()
        if self._petitions and (
            self._asker.one_at_a_time
            or len(self._petitions) >= MOST_PETITIONS
            or not all(petition.is_settled for petition in self._petitions)
        ):
            return
        runs = [run for run in self._runs.values() if run.waiting and len(run.asked) < 2]
        if not runs:
            return
        tasks = [run.fill(run.waiting[0], self._planner) for run in runs]
        petition = self._asker.ask(tasks, is_further=bool(self._petitions))
        if petition is None:
            return
        self._petitions.append(petition)
        for run in runs:
            run.waiting.popleft()
            run.asked.append(petition)
            run.note_asked()
        logger.info("Petition %s is sent: %s", petition.id, ", ".join(map(str, tasks)))
        self._tap.state_lines.write()

    # Waiting

    def _wait_and_look(self) -> None:
        now = time.monotonic()
        petition = min(
            (each for each in self._petitions if not each.is_settled),
            key=lambda each: each.seconds_to_look(now),
        )
        state = look_in_time(self._client, petition)
        if state is None:
            logger.warning("Petition %s is gone, so it is asked for anew", petition.id)
            self._ask_again(petition, list(petition.tasks), "the server keeps losing it")
            return
        self._look_at(petition, state)

    def _look_at(self, petition: Petition, state: PetitionState) -> None:
        """Take what the server says of a petition."""
        now = time.monotonic()
        petition.looked(state, now)
        for word in sorted(state.unknown_words() - self._strange_words):
            self._strange_words.add(word)
            logger.warning("Petition %s: %r is no documented estado; waiting", petition.id, word)
        logger.info("Petition %s: %s", petition.id, petition.progress())
        if petition.is_overdue(now):
            self._give_up(petition)

    def _drop_failed(self) -> None:
        """Fail the streams whose next dataset will never be ready, or ask for it again."""
        for petition in list(self._petitions):
            failed = petition.failed_datasets
            for name, task in list(petition.tasks.items()):
                run, why = self._runs[name], petition.error_of(name)
                if why is None or run.asked[0] is not petition:
                    continue
                if failed and name not in failed:
                    logger.warning("%s: %s; asked for again without what failed", name, why)
                    self._ask_again(petition, [name], why)
                    continue
                run.bookmark.drop_petition()
                self.fail(
                    run,
                    UpstreamError(
                        f"WINFRA: {name}: {why}. Petition {petition.id}, asked for:"
                        f" {asked_for([task])}. Run it again later; if it stays so, ask those who"
                        " run the server."
                    ),
                )

    def _give_up(self, petition: Petition) -> None:
        for name in [name for name in petition.tasks if not petition.is_ready(name)]:
            part = petition.part(name)
            self.fail(
                self._runs[name],
                UpstreamError(
                    f"WINFRA: {name}: not ready after generation_timeout"
                    f" ({self._patience.total:g} s); estado of the dataset:"
                    f" {part.word if part else 'not listed'}, of the petition:"
                    f" {petition.state.word}. The next run goes on with petition {petition.id}."
                ),
            )

    # Downloading

    def _next_ready(self) -> WindowRead | None:
        for petition in self._petitions:
            for name in petition.tasks:
                run = self._runs[name]
                if run.asked[0] is petition and petition.is_ready(name):
                    return WindowRead(self._client, self._pool, run, petition)
        return None

    def _settle(self, read: WindowRead) -> None:
        """Take how a window's reading ended."""
        petition, name = read.petition, read.run.name
        if read.run.is_over:
            return
        match read.outcome:
            case Outcome.COMPLETE:
                # No state may leave in between: it would have the last window read again.
                with GUARD.guarded():
                    read.run.finish_window(read.task, self._planner)
                    if read.run.is_done:
                        self._end(read.run)
                self._tap.state_lines.write()
            case Outcome.NOT_YET:
                logger.info("Nothing is served before the whole petition has ended: waiting")
                petition.whole_only = True
            case Outcome.GONE:
                logger.warning("Petition %s is gone, so it is asked for anew", petition.id)
                self._ask_again(petition, list(petition.tasks), "the server keeps losing it")
            case Outcome.REFUSED_AFTER_ERROR:
                failed = ", ".join(petition.failed_datasets) or "what failed"
                logger.warning("%s: refused after an ERROR: asked again without %s", name, failed)
                self._ask_again(petition, [name], "the server refuses what it has prepared")
            case Outcome.UNFINISHED:
                # The consumer stopped taking pages.
                read.run.leave()

    def _ask_again(self, petition: Petition, names: list[str], why: str) -> None:
        for name in names:
            run = self._runs[name]
            task = run.ask_again(petition)
            task.tries += 1
            if task.tries >= MOST_TRIES:
                self.fail(
                    run,
                    UpstreamError(
                        f"WINFRA: {name}: asked for {task.tries} times and still not to be had:"
                        f" {why}. Run it again later."
                    ),
                )

    def _forget_empty(self) -> None:
        self._petitions = [petition for petition in self._petitions if petition.tasks]
