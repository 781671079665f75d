"""What became of each record: counted for the summary, a part of it kept for the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from target_serpi.comparing import FieldChange


class Outcome(StrEnum):
    """What became of a record; the words of the summary."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    MERGED = "merged"
    """Its article came again in the same batch; both were written as one."""
    SKIPPED = "skipped"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


KEPT_PER_OUTCOME = 500
"""So many of each kind are shown in the report; the counts are of all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record in the report.

    Attributes:
        stream: as it came in.
        key: of the record, for people.
        outcome: what became of it.
        reason: why it was rejected or skipped, or what is not known.
        changes: field by field, for an update.
        body: as sent, or as it would be sent.
    """

    stream: str
    key: str
    outcome: Outcome
    reason: str = ""
    changes: tuple[FieldChange, ...] = ()
    body: bytes = b""


@dataclass
class StreamCounts:
    """The counts of one incoming stream."""

    read: int = 0
    by_outcome: Counter[Outcome] = field(default_factory=Counter)

    @property
    def accounted(self) -> int:
        """How many records have an outcome; all that were read, unless the run was cut short."""
        return sum(self.by_outcome.values())

    @property
    def waiting(self) -> int:
        """How many records were read and then not dealt with, because the run ended before."""
        return self.read - self.accounted

    def summary(self) -> str:
        """Write the counts in a line."""
        parts = " + ".join(f"{outcome} {self.by_outcome[outcome]:,}" for outcome in Outcome)
        rest = f" + not dealt with {self.waiting:,}" if self.waiting else ""
        return f"read {self.read:,} = {parts}{rest}"


class Outcomes:
    """The outcomes of a run."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.streams: dict[str, StreamCounts] = {}
        self.entries: dict[Outcome, list[Entry]] = {outcome: [] for outcome in Outcome}

    def opened(self, stream: str) -> StreamCounts:
        """Return a stream's counts, new ones when it is seen for the first time."""
        return self.streams.setdefault(stream, StreamCounts())

    def add(self, entry: Entry) -> None:
        """Count an outcome, and keep it for the report while there is room."""
        self.opened(entry.stream).by_outcome[entry.outcome] += 1
        kept = self.entries[entry.outcome]
        if len(kept) < KEPT_PER_OUTCOME:
            kept.append(entry)

    def count(self, outcome: Outcome) -> int:
        """Return how many records of all streams had an outcome."""
        return sum(counts.by_outcome[outcome] for counts in self.streams.values())

    @property
    def read(self) -> int:
        """How many records of all streams were read."""
        return sum(counts.read for counts in self.streams.values())
