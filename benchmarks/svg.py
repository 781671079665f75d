"""A bar chart as SVG, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

WIDTH, LABELS, FIGURES = 900, 340, 70
BAR, GAP, TOP = 22, 8, 56
OURS, OTHERS, LIMIT = "#1f6f4a", "#8a94a6", "#c9a227"


def bar_chart(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Draw groups of horizontal bars.

    Args:
        title: above the chart.
        groups: heading -> label -> value above 0. Labels that begin with `tap-` of ours or with
            `limit` have colours of their own.

    Returns:
        the picture.
    """
    values = [value for group in groups.values() for value in group.values()]
    low = min(0.5, *values) if values else 0.5
    high = max(2.0, *values) if values else 2.0
    span = WIDTH - LABELS - FIGURES

    def length(value: float) -> float:
        return span * math.log(value / low) / math.log(high / low)

    y = TOP
    parts: list[str] = []
    one = LABELS + length(1)
    for heading, group in groups.items():
        parts.append(_text(8, y + 16, heading, weight="bold"))
        y += BAR + GAP
        for label, value in sorted(group.items(), key=lambda item: -item[1]):
            parts.append(_text(LABELS - 8, y + 16, label, anchor="end"))
            parts.append(
                f'<rect x="{LABELS}" y="{y}" width="{max(length(value), 1):.1f}" height="{BAR}"'
                f' fill="{_colour(label)}"/>'
            )
            parts.append(_text(LABELS + length(value) + 6, y + 16, f"{value:.3g}", halo=True))
            y += BAR + GAP
        y += GAP
    line = f'<line x1="{one:.1f}" y1="{TOP}" x2="{one:.1f}" y2="{y}" stroke="#333"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}"'
        f' font-family="sans-serif" font-size="13">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{_text(8, 26, title, size=17, weight='bold')}\n"
        + "\n".join([line, *parts])
        + "\n</svg>\n"
    )


def _colour(label: str) -> str:
    if label.startswith("limit"):
        return LIMIT
    return OURS if label.startswith(("tap-winfra", "tap-serpi", "tap-factura")) else OTHERS


def _text(  # noqa: PLR0913 - what SVG says of a text
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    weight: str = "normal",
    halo: bool = False,
) -> str:
    # A figure may stand on the line of 1.
    around = ' stroke="#fff" stroke-width="4" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-size="{size}"'
        f' font-weight="{weight}"{around}>{escape(text)}</text>'
    )
