"""When a call is tried again, how long to wait before it, and what is said when it is given up."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import backoff

from connector_kit.errors import UpstreamError
from connector_kit.redaction import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

T = TypeVar("T")

LONGEST_WAIT = 30.0
"""Seconds; only `Retry-After` may ask for more."""

UNREADABLE_TRIES = 3
"""So often in all an answer that cannot be read is asked for."""

logger = logging.getLogger(__name__)


class Retryable(Exception):
    """A failed try that may be repeated; its message is half a sentence without secrets."""

    retry_after: float | None = None


class UnreadableAnswer(Retryable):
    """A body that broke off, is not what it says, or cannot be decoded. Asked for three times."""


class RetryLater(Retryable):
    """The other side cannot serve this now.

    Attributes:
        retry_after: seconds that it asks to wait, None where it does not say.
        status: its status, HTTP's or one in the body.
    """

    def __init__(
        self, reason: str, retry_after: float | None = None, *, status: int | None = None
    ) -> None:
        """Keep what the other side said.

        Args:
            reason: half a sentence without secrets.
            retry_after: seconds.
            status: HTTP's or one in the body.
        """
        super().__init__(reason)
        self.retry_after = retry_after
        self.status = status


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`: seconds, or a date, which is compared with the answer's own `Date`.

    Args:
        headers: of the answer.

    Returns:
        seconds above 0, or None where it is absent, past or not to be understood.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # An absurd one is capped later; as a float it may have any size.
        seconds = float(value)
    else:
        at = _http_date(value)
        if at is None:
            return None
        now = _http_date(headers.get("date", "")) or datetime.now(UTC)
        seconds = (at - now).total_seconds()
    return seconds if seconds > 0 else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long.

    Attributes:
        first_wait: seconds before the second try; doubled for each further one.
        total: seconds from the first failure within which tries may begin.
    """

    first_wait: float = 0.5
    total: float = 300.0

    def waits(self, now: Callable[[], float] = time.monotonic) -> Generator[float, Retryable, None]:
        """Tell the wait after each failure, as `backoff` asks for it.

        Args:
            now: the clock, monotonic.

        Yields:
            seconds; `Retry-After` as it is, else an exponential wait of which up to half is taken
            off at random, and never more than what is left of `total`. The end of the generator
            is the end of the tries.
        """
        failure = yield 0.0
        started = now()
        wait = self.first_wait
        unreadable = 0
        while True:
            left = self.total - (now() - started)
            if isinstance(failure, UnreadableAnswer):
                unreadable += 1
                if unreadable >= UNREADABLE_TRIES:
                    return
                left = max(left, LONGEST_WAIT)
            if left <= 0:
                return
            seconds = failure.retry_after or wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            wait = min(2 * wait, LONGEST_WAIT)
            failure = yield min(seconds, left)


class Retrier:
    """Repeats calls by a policy; its waits end when it is stopped."""

    def __init__(
        self,
        policy: RetryPolicy,
        what: str,
        notice: Callable[[Retryable], None] | None = None,
    ) -> None:
        """Make a retrier.

        Args:
            policy: how often and how long.
            what: who is asked, for messages.
            notice: told of each failure before the wait.
        """
        self._policy = policy
        self._what = what
        self._notice = notice
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the waits of all threads; their calls raise the failure they waited for."""
        self._stopped.set()

    def run(self, attempt: Callable[[], T], where: str) -> T:
        """Call until it succeeds or the policy ends it.

        Args:
            attempt: raises a `Retryable` for what may be repeated; anything else is final.
            where: for messages ("stream articulos").

        Returns:
            what `attempt` returns.

        Raises:
            UpstreamError: given up.
        """
        effort = _Effort()

        def tried() -> T:
            effort.tries += 1
            return attempt()

        try:
            return self._repeated(tried, where, effort)
        except Retryable as failure:
            raise UpstreamError(self._given_up(where, failure, effort)) from failure

    def _repeated(self, tried: Callable[[], T], where: str, effort: _Effort) -> T:
        try:
            return tried()
        except Retryable as failure:
            # backoff is only set up for a call that failed: most do not.
            first: list[Retryable] = [failure]
        effort.failed_at = time.monotonic()

        @backoff.on_exception(lambda: self._waited(where), Retryable, jitter=None, logger=None)
        def again() -> T:
            if first:
                raise first.pop()
            return tried()

        return again()

    def _waited(self, where: str) -> Generator[float, Retryable, None]:
        """Wait for each of the policy's waits here, where another thread can end it."""
        waits = self._policy.waits()
        next(waits)
        failure = yield 0.0
        while True:
            try:
                seconds = waits.send(failure)
            except StopIteration:
                return
            if self._notice is not None:
                self._notice(failure)
            logger.warning(
                "%s: %s: %s; again in %.1f s",
                self._what,
                where,
                REDACTOR.clean(str(failure)),
                seconds,
            )
            if self._stopped.wait(seconds):
                return
            failure = yield 0.0

    def _given_up(self, where: str, failure: Retryable, effort: _Effort) -> str:
        seconds = time.monotonic() - effort.failed_at if effort.failed_at else 0.0
        tries = "1 try" if effort.tries == 1 else f"{effort.tries} tries in {seconds:.0f} s"
        return REDACTOR.clean(
            f"{self._what}: {where}: given up after {tries}: {failure}. "
            "Run it again later; if it stays so, ask those who run the server."
        )


@dataclass(slots=True)
class _Effort:
    tries: int = 0
    failed_at: float = 0.0
