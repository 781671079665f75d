"""What was measured, as Markdown: bars, tables, and how to read them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contests import (
    Measured,
    Results,
    start_ratio,
    times_as_cheap,
    times_as_fast,
    times_as_fast_in_all,
)

WHOLE_RUN = 200_000
"""Rows of the whole run that the column with the start included speaks of."""

INTRODUCTION = """\
Written by `make bench`; the picture is `results.svg`. Every figure but memory and processor time
is a ratio of runs that took turns in one session (A B C, A B C, ...), the median of the rounds'
ratios: a ratio holds on other machines far better than a rate does. Still, a machine that does
other things meanwhile moves them by a tenth or two.

- A contender is a process of its own, in an environment of its own; versions stand in
  `constraints/`.
- The server is the project's sandbox, a process on a core of its own; contenders have the other
  cores. Its pages are made once. *Download alone* shows how far it is from being what is
  measured.
- A slow contender is given fewer rows. *start* is a run without rows: it is left out of the
  columns that compare reading, and part of *whole run*, which is a run of 200,000 rows at the
  rate measured.
- *CPU* is seconds of processor, user and system, for 100,000 rows, without the start; *peak* is
  the largest resident set.
- WINFRA prepares data before they can be read: every contender is given a petition that is ready.
"""


@dataclass(frozen=True)
class Bar:
    """A promise of the project, and what was measured.

    Attributes:
        what: is compared with what.
        measured: the figure.
        limit: it must reach, or (`at_most`) not pass.
        at_most: whether smaller is better.
        unit: behind the figures.
    """

    what: str
    measured: float
    limit: float
    at_most: bool = False
    unit: str = " x"

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit

    def cells(self) -> list[str]:
        """Return the row of the bars' table."""
        sign = "at most" if self.at_most else "at least"
        return [
            self.what,
            f"{sign} {self.limit:g}{self.unit}",
            f"{shown(self.measured)}{self.unit}",
            "holds" if self.holds else "**does not hold**",
        ]


@dataclass
class Section:
    """What one set measured.

    Attributes:
        title: heading.
        text: paragraphs above the tables.
        tables: heading, column names, rows.
        bars: promises that the set speaks of.
        picture: label -> times the ordinary tap, for the chart.
    """

    title: str
    text: str = ""
    tables: list[tuple[str, Sequence[str], list[list[str]]]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    picture: dict[str, float] = field(default_factory=dict)


def shown(value: float) -> str:
    """Return a figure with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def comparison(results: Results, base: Measured, limit: Measured | None = None) -> list[list[str]]:
    """Return the rows of a table that compares contenders.

    Args:
        results: of a contest.
        base: what the first columns compare with.
        limit: what another column compares with.
    """
    return [
        [
            one.name,
            shown(times_as_fast(one, base)),
            *([shown(times_as_fast(one, limit))] if limit else []),
            shown(times_as_cheap(one, base)),
            shown(times_as_fast_in_all(one, base, WHOLE_RUN)),
            shown(start_ratio(one, base)),
            shown(one.cpu),
            f"{one.peak_mb:.0f}",
        ]
        for one in results.values()
    ]


def columns(base: str, limit: str | None = None) -> list[str]:
    """Return the names of `comparison`'s columns."""
    return [
        "contender",
        f"x {base}",
        *([f"x {limit}"] if limit else []),
        "the same by CPU",
        "whole run",
        "start",
        "CPU s / 100,000",
        "peak MB",
    ]


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; all columns but the first are aligned to the right."""
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown(sections: Sequence[Section], *, quick: bool) -> str:
    """Return RESULTS.md.

    Args:
        sections: what was measured.
        quick: whether the run was too short to be cited.
    """
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    parts = ["# Results", INTRODUCTION]
    parts.append(f"Measured on {datetime.now(UTC):%Y-%m-%d} ({machine}).")
    if quick:
        parts.append("**A quick run: fewer rounds and contenders than stand behind a promise.**")
    bars = [bar for section in sections for bar in section.bars]
    if bars:
        heads = ("what", "promised", "measured", "")
        parts += ["## Promises", table(heads, (bar.cells() for bar in bars))]
        parts.append("![Times as fast as an ordinary singer-sdk tap](results.svg)")
    for section in sections:
        parts.append(f"## {section.title}")
        if section.text:
            parts.append(section.text)
        for title, names, rows in section.tables:
            if title:
                parts.append(f"### {title}")
            parts.append(table(names, rows))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
