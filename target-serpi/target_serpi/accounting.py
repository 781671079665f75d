"""Where every record's fate is put down: counts, report, rejects file, ledger."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from target_serpi.comparing import FieldChange
from target_serpi.items import Item
from target_serpi.ledger import Action, Attempt, Ledger, State
from target_serpi.outcomes import Entry, Outcome, Outcomes
from target_serpi.rejects import RejectsFile

LOGGED_REJECTS = 10
"""So many rejected records are told in the log; all are in the file."""

NOTED_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a record is rejected.

    Attributes:
        reason: for a person.
        words: SERPI's own.
        state: REJECTED or CONFLICT.
        attempt: the row in the ledger, None where nothing was sent.
        body: as sent; the record as it came is shown where there is none.
    """

    reason: str
    words: str = ""
    state: State = State.REJECTED
    attempt: Attempt | None = None
    body: bytes = b""

    @property
    def said(self) -> str:
        """Reason and words in one line."""
        return f"{self.reason}: {self.words}" if self.words else self.reason


class Accounting:
    """Puts down what became of records, once for each."""

    def __init__(
        self,
        outcomes: Outcomes,
        ledger: Ledger | None,
        rejects: RejectsFile | None,
        logger: logging.Logger,
    ) -> None:
        """Take the books.

        Args:
            outcomes: of this run.
            ledger: None in a dry run.
            rejects: None in a dry run.
            logger: for the first few rejected records.
        """
        self.outcomes = outcomes
        self._ledger = ledger
        self._rejects = rejects
        self._logger = logger
        self._unnoted: list[Attempt] = []

    def done(
        self,
        item: Item[Any],
        outcome: Outcome,
        *,
        reason: str = "",
        changes: Sequence[FieldChange] = (),
        body: bytes = b"",
    ) -> None:
        """Put down a record that was dealt with.

        Args:
            item: the record.
            outcome: what became of it.
            reason: why, where that needs saying.
            changes: of an update.
            body: as sent, or as it would be sent.
        """
        for source in item.sources[:-1]:
            self.outcomes.add(Entry(source.stream, item.label, Outcome.MERGED))
        self.outcomes.add(Entry(item.stream, item.label, outcome, reason, tuple(changes), body))

    def rejected(self, item: Item[Any], resource: str, rejection: Rejection) -> None:
        """Put down a record that SERPI does not hold as it came.

        Args:
            item: the record.
            resource: SERPI's name of its stream.
            rejection: why.
        """
        number = self._note(item, resource, rejection)
        said = rejection.said
        for source in item.sources:
            body = rejection.body or source.raw
            self.outcomes.add(Entry(source.stream, item.label, Outcome.REJECTED, said, (), body))
            if self._rejects is not None:
                self._rejects.add(
                    source.raw_stream,
                    source.schema_line,
                    source.raw,
                    {
                        "key": item.label,
                        "reason": rejection.reason,
                        "serpi": rejection.words or None,
                        "state": rejection.state,
                        "attempt": number,
                        "time": datetime.now(UTC).isoformat(timespec="seconds"),
                    },
                )
        if self.outcomes.count(Outcome.REJECTED) <= LOGGED_REJECTS:
            self._logger.warning("%s: %s is rejected: %s", item.stream, item.label, said)

    def _note(self, item: Item[Any], resource: str, rejection: Rejection) -> int:
        """Keep the rejection for the ledger and return how often this record was rejected so far."""
        if self._ledger is None:
            return 1
        number = self._ledger.rejections(resource, item.label) + 1
        if rejection.attempt is not None:
            self._ledger.note([rejection.attempt], rejection.state, rejection.said)
            return number
        # Nothing was sent, so there is no hurry: these rows share a commit.
        self._unnoted.append(
            Attempt(
                resource, item.stream, item.label, Action.NONE, rejection.state,
                reason=rejection.said,
            )
        )  # fmt: skip
        if len(self._unnoted) >= NOTED_TOGETHER:
            self._note_all()
        return number

    def _note_all(self) -> None:
        if self._ledger is not None and self._unnoted:
            self._ledger.add(self._unnoted)
            self._unnoted = []

    def flush(self) -> None:
        """Return when every rejected record is on the disk; state may leave after that.

        Raises:
            ConnectorError: the ledger or the file cannot be written.
        """
        self._note_all()
        if self._rejects is not None:
            self._rejects.flush()
