"""Peak memory: slices of any size, and everything in one answer."""

from __future__ import annotations

from statistics import median

from measuring import run
from ours import winfra_command
from plan import Plan
from report import Bar, Section
from servers import running_server
from sets.reads_winfra import ROWS

MOST_MB = 100
SIZES = {100: "slices of 100", 1000: "slices of 1,000", 10_000: "slices of 10,000",
         0: "200,000 records in one answer of about 270 MB"}  # fmt: skip
TEXT = """\
The largest resident set of tap-winfra-xxl (default settings but the slices' size), median of the
rounds."""


def measure(plan: Plan) -> list[Section]:
    """Measure each size."""
    peaks: dict[int, list[float]] = {}
    with running_server(articles=1200, sales=ROWS) as server:
        for _ in range(plan.rounds):
            for size in SIZES:
                command = winfra_command(server, ROWS, f"memory-{size}", page_size=size)
                peaks.setdefault(size, []).append(run(command).peak_mb)
    figures = {size: median(values) for size, values in peaks.items()}
    rows = [[SIZES[size], f"{peak:.0f}"] for size, peak in figures.items()]
    return [
        Section(
            "Memory",
            TEXT,
            [("", ["", "peak MB"], rows)],
            [
                Bar(f"peak memory, {SIZES[size]}", peak, MOST_MB, at_most=True, unit=" MB")
                for size, peak in figures.items()
            ],
        )
    ]
