"""Contenders take turns; what comes out are ratios of runs that stood side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from measuring import Command, Sample, run

LEAST_SECONDS = 1e-3
PER = 100_000


@dataclass(frozen=True)
class Contender:
    """Who runs.

    Attributes:
        name: in the tables.
        rows: how many it reads: fewer where it is slow, as a rate is shown.
        command: gives the command line for so many rows; for 0 it shows what starting costs.
    """

    name: str
    rows: int
    command: Callable[[int], Command]


@dataclass
class Measured:
    """A contender's runs, one of each kind a round."""

    name: str
    rows: int
    full: list[Sample] = field(default_factory=list)
    empty: list[Sample] = field(default_factory=list)

    @property
    def start(self) -> float:
        """Seconds that a run without rows takes."""
        return median(sample.wall for sample in self.empty)

    @property
    def rates(self) -> list[float]:
        """Rows a second of each round, the start left out."""
        start = self.start
        return [self.rows / max(sample.wall - start, LEAST_SECONDS) for sample in self.full]

    @property
    def cpu(self) -> float:
        """Seconds of processor for 100,000 rows, the start left out."""
        start = median(sample.cpu for sample in self.empty)
        return median(max(sample.cpu - start, LEAST_SECONDS) for sample in self.full) * (
            PER / self.rows
        )

    @property
    def peak_mb(self) -> float:
        """The largest resident set, in MB."""
        return median(sample.peak_mb for sample in self.full)

    def seconds_for(self, rows: int) -> list[float]:
        """Return the seconds of a whole run, its start included, of each round.

        Args:
            rows: how many it would read, at the rate that was measured.
        """
        start = self.start
        return [start + rows / rate for rate in self.rates]


Results = dict[str, Measured]


def contest(contenders: Sequence[Contender], rounds: int) -> Results:
    """Let contenders run in turns: A B C, A B C, ...

    Args:
        contenders: with different names.
        rounds: how often.

    Returns:
        what was measured, by name.

    Raises:
        ContenderFailedError: one of them failed.
    """
    results = {one.name: Measured(one.name, one.rows) for one in contenders}
    for turn in range(rounds):
        for one in contenders:
            sys.stderr.write(f"  round {turn + 1} of {rounds}: {one.name}\n")
            results[one.name].empty.append(run(one.command(0)))
            results[one.name].full.append(run(one.command(one.rows)))
    return results


def times_as_fast(one: Measured, other: Measured) -> float:
    """Return how many times as many rows a second: the median of the rounds' ratios."""
    return median(a / b for a, b in zip(one.rates, other.rates, strict=True))


def times_as_cheap(one: Measured, other: Measured) -> float:
    """Return how many times as many rows a second of processor."""
    return other.cpu / one.cpu


def times_as_fast_in_all(one: Measured, other: Measured, rows: int) -> float:
    """Return the ratio of whole runs of so many rows, starts included."""
    return median(
        b / a for a, b in zip(one.seconds_for(rows), other.seconds_for(rows), strict=True)
    )


def start_ratio(one: Measured, other: Measured) -> float:
    """Return how many times as long a run without rows takes."""
    return median(a.wall / b.wall for a, b in zip(one.empty, other.empty, strict=True))
