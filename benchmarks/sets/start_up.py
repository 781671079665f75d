"""Start-up: discovery and a run without rows, against the smallest tap on singer-sdk."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from environments import HERE, program_of, python_of
from measuring import Command, Sample, run
from ours import facturadirecta_command, serpi_command, winfra_command, written
from plan import Plan
from report import Bar, Section, shown
from servers import Server, running_server

MOST = 1.15
ROUNDS_MORE = 10
BARE = "the bare tap"
TEXT = """\
The bare tap has one stream, asks nobody anything and has no rows. Ours ask a server in their run
without rows: for a list's end, or for a token, a petition and its state (which includes a wait of
some hundredths of a second)."""


def _commands(server: Server) -> dict[str, tuple[Command, Command]]:
    bare = [python_of("sdk"), str(HERE / "contenders" / "bare_tap.py")]
    bare_run = [*bare, "--config", written("bare", {})]
    return {
        BARE: (Command([*bare, "--discover"]), Command(bare_run)),
        "tap-serpi": (_discovery("tap-serpi"), serpi_command(server, 0, "start")),
        "tap-facturadirecta": (
            _discovery("tap-facturadirecta"),
            facturadirecta_command(server, 0, "start"),
        ),
        "tap-winfra-xxl": (_discovery("tap-winfra-xxl"), winfra_command(server, 0, "start")),
    }


def _discovery(tap: str) -> Command:
    return Command([program_of("ours", tap), "--discover"])


def measure(plan: Plan) -> list[Section]:
    """Measure more rounds than elsewhere: a start takes a quarter of a second."""
    samples: dict[str, list[tuple[Sample, Sample]]] = {}
    with running_server(articles=1200) as server:
        commands = _commands(server)
        for _ in range(plan.rounds + ROUNDS_MORE):
            for name, (discovery, empty) in commands.items():
                samples.setdefault(name, []).append((run(discovery), run(empty)))
    bare = samples.pop(BARE)

    def ratio(runs: list[tuple[Sample, Sample]], kind: int, of: Callable[[Sample], float]) -> float:
        return median(of(a[kind]) / of(b[kind]) for a, b in zip(runs, bare, strict=True))

    def wall(sample: Sample) -> float:
        return sample.wall

    def cpu(sample: Sample) -> float:
        return sample.cpu

    rows = [
        [name, *(shown(ratio(runs, kind, of)) for kind in (0, 1) for of in (wall, cpu))]
        for name, runs in samples.items()
    ]
    heads = ["connector", "discovery", "by CPU", "run without rows", "by CPU"]
    return [
        Section(
            "Start-up",
            TEXT,
            [(f"Times {BARE}", heads, rows)],
            [
                Bar(f"{name}: {what}, against {BARE}", ratio(runs, kind, wall), MOST, at_most=True)
                for name, runs in samples.items()
                for kind, what in enumerate(("discovery", "a run without rows"))
            ],
        )
    ]
