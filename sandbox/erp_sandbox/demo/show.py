"""Tables of text for a person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 34


def line(text: str = "") -> None:
    """Write a line at once: the next step may take seconds."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows under a header, columns of numbers to the right."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numbers = [
        all(isinstance(value, int | float) for value in column)
        for column in zip(*rows, strict=True)
    ] or [False] * len(header)
    for cells in (header, ["-" * width for width in widths], *texts):
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, numbers, strict=True)
        ]
        line("  " + "  ".join(padded).rstrip())


def _cell(value: Any) -> str:  # noqa: ANN401 - a value of a row
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
