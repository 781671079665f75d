"""The protocol of a write: ledger row, send once, classify, look, and only then say what happened.

SERPI has no idempotency key, and its answer to a batch says only "X of Y". So a write is never repeated
blindly: what no answer settles is looked up by its business key, and only what is surely not there is
sent again, one record a call, so that each refusal has its own reason.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from connector_kit.errors import CredentialsError, RefusedError, UpstreamError
from connector_kit.http import NotSent, OutcomeUnknown, RefusedAnswer, Retryable
from connector_kit.retry import Retrier, RetryPolicy
from connector_kit.signals import GUARD
from serpi_client.locks import LockHeldError
from serpi_client.results import Verdict, WriteResult
from target_serpi.accounting import Accounting, Rejection
from target_serpi.comparing import FieldChange
from target_serpi.items import Item
from target_serpi.ledger import Attempt, Ledger, State
from target_serpi.outcomes import Outcome

Key = TypeVar("Key", bound=Hashable)
Record = Mapping[str, Any]

MOST_TRIES = 3
"""So often one record is sent in all, each time after a look that it is not there."""

MOST_UNKNOWN_IN_A_ROW = 3
"""After so many records without an outcome SERPI is not asked for more."""

logger = logging.getLogger("target-serpi")


class Finding(Enum):
    """What a look at SERPI says about one write."""

    STORED = "stored"
    ABSENT = "absent"
    """Not there; of an update: still as before."""
    DIFFERENT = "different"


@dataclass(slots=True)
class Write(Generic[Key]):
    """One record on its way.

    Attributes:
        item: the record.
        payload: what the body says.
        outcome: what the record's outcome is once it is stored.
        attempt: its row in the ledger, with the body and what SERPI held before.
        changes: of an update.
    """

    item: Item[Key]
    payload: dict[str, Any]
    outcome: Outcome
    attempt: Attempt
    changes: Sequence[FieldChange] = ()

    @property
    def body(self) -> bytes:
        """What is sent."""
        return self.attempt.payload


class Resource(Protocol[Key]):
    """What differs between articles and documents."""

    @property
    def stream(self) -> str:
        """SERPI's name of it."""

    def look_up(self, writes: Sequence[Write[Key]]) -> Mapping[Key, Sequence[Record]]:
        """Ask SERPI, now, for what it holds under the writes' keys."""

    def finding(self, write: Write[Key], found: Sequence[Record]) -> Finding:
        """Compare what was found with what was sent."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A write whose answer, if any, does not say what happened.

    Attributes:
        reason: for a person.
        pause: seconds before an absent record is believed to be absent.
    """

    reason: str
    pause: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What the rows of a call say while it is under way.

    Attributes:
        sending: before it is sent.
        unknown: when no answer says what happened.
        not_sent: when it was surely not sent.
    """

    sending: State
    unknown: State
    not_sent: State


PLAIN = Steps(State.SENDING, State.UNKNOWN, State.NOT_SENT)


class _NotSentYet(Retryable):
    """Not sent for sure, so it may be sent again."""


Call = Callable[[Sequence[bytes]], WriteResult]


class Deliverer:
    """Delivers writes by the protocol."""

    def __init__(
        self,
        ledger: Ledger,
        accounting: Accounting,
        *,
        settle_time: float,
        policy: RetryPolicy,
    ) -> None:
        """Prepare.

        Args:
            ledger: of this run.
            accounting: told what became of each record.
            settle_time: seconds before an unknown outcome is looked up again.
            policy: how long a write that was not sent is tried again.
        """
        self._ledger = ledger
        self._accounting = accounting
        self._settle_time = settle_time
        self._policy = policy
        self._unknown_in_a_row = 0

    def deliver(self, resource: Resource[Key], writes: Sequence[Write[Key]], call: Call) -> None:
        """Bring records to SERPI, each exactly once.

        Args:
            resource: what they are.
            writes: for one call; their rows are not in the ledger yet.
            call: sends bodies.

        Raises:
            ConnectorError: the run must end; the ledger says what is open.
        """
        if not writes:
            return
        attempts = [write.attempt for write in writes]
        answer = self.send(attempts, call, PLAIN, lambda: self._confirm(writes))
        if isinstance(answer, WriteResult) and answer.verdict is Verdict.ACCEPTED:
            return
        if len(writes) == 1:
            self._deliver_alone(resource, writes[0], call, answer)
            return
        # A refusal says that nothing was done, but that is SERPI's word and looking is cheap.
        for write in self.settle(resource, writes, as_unclear(answer)):
            self._deliver_alone(resource, write, call, None)

    def _deliver_alone(
        self,
        resource: Resource[Key],
        write: Write[Key],
        call: Call,
        answer: WriteResult | Unclear | None,
    ) -> None:
        """Bring one record, which is surely not there where there is no answer yet."""
        tries = 0 if answer is None else 1
        while True:
            if answer is None:
                answer = self.send([write.attempt], call, PLAIN, lambda: self._confirm([write]))
                tries += 1
            if isinstance(answer, WriteResult) and answer.verdict is Verdict.ACCEPTED:
                return
            unclear = as_unclear(answer)
            if not refuses(answer) and not self.settle(resource, [write], unclear):
                return
            if isinstance(answer, WriteResult):
                # An answer that contradicts itself, and nothing stored, is a refusal too.
                self._reject(resource, write, answer)
                return
            if tries >= MOST_TRIES:
                self.give_up(resource, write, unclear)
                return
            answer = None

    def send(
        self,
        attempts: Sequence[Attempt],
        call: Call,
        steps: Steps,
        accepted: Callable[[], None],
    ) -> WriteResult | Unclear:
        """Send once, the rows in the ledger before; what was surely not sent may be sent again.

        A signal waits for the answer and for the rows that say so.

        Args:
            attempts: whose payloads are sent.
            call: sends them.
            steps: what the rows say meanwhile.
            accepted: called when SERPI's answer leaves no doubt.

        Returns:
            SERPI's answer, or what is known without one.

        Raises:
            UpstreamError: it could not be sent.
            RefusedError: SERPI refuses for good.
            LedgerError: the rows could not be written, so nothing was sent; or they do not say yet
                what was done.
        """
        bodies = [attempt.payload for attempt in attempts]

        def once() -> WriteResult | Unclear:
            with GUARD.guarded():
                self._put_down(attempts, steps.sending)
                try:
                    answer = call(bodies)
                except (NotSent, LockHeldError, CredentialsError) as error:
                    self._put_down(attempts, steps.not_sent, str(error))
                    if isinstance(error, NotSent):
                        raise _NotSentYet(str(error)) from error
                    raise
                except RefusedError as error:
                    # A redirect may come after the write was done; all else comes before it.
                    was_asked = isinstance(error, RefusedAnswer)
                    state = steps.unknown if was_asked else steps.not_sent
                    self._put_down(attempts, state, str(error))
                    raise
                except UpstreamError as error:
                    self._put_down(attempts, steps.unknown, str(error))
                    return Unclear(str(error), self._pause(error))
                if answer.verdict is Verdict.ACCEPTED:
                    accepted()
                return answer

        return Retrier(self._policy, "SERPI").run(once, f"stream {attempts[0].stream}")

    def _pause(self, error: UpstreamError) -> float:
        """Return how long to wait before an absent record is believed to be absent."""
        asked = error.retry_after if isinstance(error, OutcomeUnknown) else None
        return max(self._settle_time, min(asked or 0.0, self._policy.total))

    def _put_down(self, attempts: Sequence[Attempt], state: State, reason: str = "") -> None:
        if not attempts[0].id:
            for attempt in attempts:
                attempt.state = state
            self._ledger.add(attempts)
        elif reason or any(attempt.state is not state for attempt in attempts):
            self._ledger.note(attempts, state, reason)

    def settle(
        self, resource: Resource[Key], writes: Sequence[Write[Key]], unclear: Unclear
    ) -> list[Write[Key]]:
        """Look up what became of writes.

        Args:
            resource: what they are.
            writes: whose answer does not say.
            unclear: why, and how long to wait before an absent record is believed to be absent.

        Returns:
            those that SERPI does not hold; the others are settled.
        """
        self._put_down([write.attempt for write in writes], State.UNKNOWN, unclear.reason)
        sent = time.monotonic()
        open_writes = self._confirm_stored(resource, writes)
        if open_writes and unclear.pause > 0:
            logger.warning(
                "%s: the outcome of %d writes is not known (%s); looking again in %g s",
                resource.stream,
                len(open_writes),
                unclear.reason,
                unclear.pause,
            )
            time.sleep(max(0.0, unclear.pause - (time.monotonic() - sent)))
            open_writes = self._confirm_stored(resource, [write for write, _ in open_writes])
        absent = []
        for write, finding in open_writes:
            if finding is Finding.ABSENT:
                absent.append(write)
            else:
                self.conflict(resource, write, "SERPI holds another content than what was sent")
        return absent

    def _confirm_stored(
        self, resource: Resource[Key], writes: Sequence[Write[Key]]
    ) -> list[tuple[Write[Key], Finding]]:
        """Look, confirm what is stored, and return the rest."""
        found = resource.look_up(writes)
        findings = [(w, resource.finding(w, found.get(w.item.key, ()))) for w in writes]
        self._confirm([write for write, finding in findings if finding is Finding.STORED])
        return [(write, finding) for write, finding in findings if finding is not Finding.STORED]

    def _confirm(self, writes: Sequence[Write[Key]]) -> None:
        if not writes:
            return
        self._unknown_in_a_row = 0
        self._ledger.note([write.attempt for write in writes], State.CONFIRMED)
        for write in writes:
            self._accounting.done(write.item, write.outcome, changes=write.changes, body=write.body)

    def confirm(self, write: Write[Key]) -> None:
        """Note that SERPI holds a record."""
        self._confirm([write])

    def doubt(self, write: Write[Key], reason: str) -> None:
        """Note that a look at a confirmed record showed something else."""
        self._ledger.note([write.attempt], State.CONFLICT, reason)

    def _reject(self, resource: Resource[Key], write: Write[Key], answer: WriteResult) -> None:
        self._unknown_in_a_row = 0
        self._accounting.rejected(
            write.item,
            resource.stream,
            Rejection("SERPI refuses it", answer.words, attempt=write.attempt, body=write.body),
        )

    def conflict(self, resource: Resource[Key], write: Write[Key], reason: str) -> None:
        """Note that SERPI holds something else under a record's key, which is left as it is."""
        self._accounting.rejected(
            write.item,
            resource.stream,
            Rejection(reason, state=State.CONFLICT, attempt=write.attempt, body=write.body),
        )

    def give_up(self, resource: Resource[Key], write: Write[Key], unclear: Unclear) -> None:
        """Leave a record whose outcome stays unknown, and end the run where that goes on.

        Args:
            resource: what it is.
            write: that was sent as often as may be.
            unclear: what the last try left open.

        Raises:
            UpstreamError: too many records one after the other end so.
        """
        reason = f"sent {MOST_TRIES} times, and SERPI does not hold it: {unclear.reason}"
        self._ledger.note([write.attempt], State.UNKNOWN, reason)
        self._accounting.done(write.item, Outcome.UNKNOWN, reason=reason, body=write.body)
        logger.error("%s: %s: %s", resource.stream, write.item.label, reason)
        self._unknown_in_a_row += 1
        if self._unknown_in_a_row >= MOST_UNKNOWN_IN_A_ROW:
            raise UpstreamError(
                f"SERPI, stream {resource.stream}: {MOST_UNKNOWN_IN_A_ROW} records one after the other"
                " could not be brought to a known outcome, so no more are sent. Run again later; if it"
                " stays so, ask SERPI. The ledger has a row for each."
            )


def refuses(answer: WriteResult | Unclear) -> bool:
    """Whether an answer is a refusal that says of nothing that it was done."""
    return isinstance(answer, WriteResult) and answer.verdict is Verdict.REFUSED and not answer.done


def as_unclear(answer: WriteResult | Unclear) -> Unclear:
    """Tell what an answer leaves open; who has answered is not working on the call any more."""
    if isinstance(answer, Unclear):
        return answer
    return Unclear(f"code {answer.code} ({answer.words})", 0.0)
