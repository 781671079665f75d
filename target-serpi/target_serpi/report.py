"""What a run comes to: the exit code, the words for it, and the summary in the log."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector_kit.errors import ConnectorError, ExitCode
from connector_kit.signals import StopSignal
from target_serpi.ledger import State
from target_serpi.outcomes import Outcome, Outcomes


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ends.

    Attributes:
        exit_code: of the process.
        words: for a person.
    """

    exit_code: int
    words: str


class RunEndedError(ConnectorError):
    """The run ended in order and not all is well."""

    def __init__(self, verdict: Verdict) -> None:
        """Take the verdict.

        Args:
            verdict: with another exit code than 0.
        """
        super().__init__(verdict.words)
        self.exit_code = ExitCode(verdict.exit_code)


@dataclass(slots=True)
class RunFacts:
    """What the report of a run tells beside the outcomes.

    Attributes:
        dry_run: whether nothing was written.
        max_rejects: how many rejected records are allowed.
        api_url: where SERPI was asked.
        version: of the target.
        rejects_path: where the rejected records are.
        ledger_path: where the writes are.
        report_path: where the report is.
        started: when the run began.
        settled: what writes of earlier runs came to.
    """

    dry_run: bool
    max_rejects: int
    api_url: str
    version: str
    rejects_path: str
    ledger_path: str
    report_path: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    settled: Counter[State] = field(default_factory=Counter)


def state_is_held(facts: RunFacts, outcomes: Outcomes) -> bool:
    """Whether no state may leave: a later run must see these records again."""
    return (
        facts.dry_run
        or outcomes.count(Outcome.UNKNOWN) > 0
        or outcomes.count(Outcome.REJECTED) > facts.max_rejects
    )


def verdict_of(facts: RunFacts, outcomes: Outcomes) -> Verdict:
    """Decide how a run ends that read its input to the end.

    Args:
        facts: of the run.
        outcomes: of all records.
    """
    rejected, unknown = outcomes.count(Outcome.REJECTED), outcomes.count(Outcome.UNKNOWN)
    if unknown:
        return Verdict(
            ExitCode.UPSTREAM,
            f"Records with an unknown outcome: {unknown}; SERPI did not hold them when it was last"
            " asked. No state is written: run again, which looks them up first.",
        )
    if facts.dry_run and rejected:
        return Verdict(
            ExitCode.RECORDS,
            f"Records that would be rejected: {rejected}; {facts.report_path} says why.",
        )
    if rejected > facts.max_rejects:
        return Verdict(
            ExitCode.RECORDS,
            f"Rejected records: {rejected}, and `max_rejects` allows {facts.max_rejects}. The others are"
            f" in SERPI. Mend {facts.rejects_path} and feed it to the target; no state is written, so"
            " the next run reads them again.",
        )
    return Verdict(ExitCode.DONE, "All records are dealt with.")


def verdict_on(error: BaseException) -> Verdict:
    """Tell how a run ends that did not come to the end of its input.

    Args:
        error: what ended it.
    """
    if isinstance(error, StopSignal):
        return Verdict(error.exit_code, f"The run was {error}.")
    if isinstance(error, ConnectorError):
        return Verdict(error.exit_code, str(error))
    return Verdict(
        ExitCode.UNEXPECTED, "An error that was not foreseen ended the run; see the log."
    )


def log_summary(logger: logging.Logger, facts: RunFacts, outcomes: Outcomes) -> None:
    """Write one line per stream.

    Args:
        logger: of the target.
        facts: of the run.
        outcomes: of all records.
    """
    would_be = " (dry run: nothing was written)" if facts.dry_run else ""
    for stream, counts in outcomes.streams.items():
        logger.info("%s: %s%s", stream, counts.summary(), would_be)
