"""Plans of troubles: made at random from a seed, and made smaller when one of them has failed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.faults import (
    ANY,
    CONNECT,
    PROCESS,
    STDIN,
    STDOUT,
    Fault,
    FaultKind,
    Phase,
    Stop,
    StopKind,
    Trouble,
)

MOST_RUNS = 3
"""Runs with troubles; those after them have none."""

STATUSES = (429, 429, 500, 502, 503, 504, 408, 425, 401, 403, 400)
"""The last three end a run for good, or reject a record."""
GATEWAY = (500, 502, 503, 504)
PAST = "Fri, 20 Nov 2020 12:00:00 GMT"
SOON = "Fri, 20 Nov 2099 12:00:00 GMT"
RETRY_AFTER = ("", "", "0", "1", PAST, SOON, "-5", "1000000000", "9" * 40, "abc", "1.5", "tomorrow")

PHASES: tuple[Phase, ...] = ("before", "after", "middle")
SIGNALS: tuple[StopKind, ...] = (
    *("SIGKILL",) * 3, *("SIGTERM",) * 2, "SIGINT", "SIGTERM twice",
)  # fmt: skip

READ_FAULTS: tuple[FaultKind, ...] = (
    "reset", "close", "stall", "status", "status", "html", "garbage", "cut_head", "cut_body",
    "reset_body", "cut_chunk", "stall_body", "drip", "garbage_after", "empty_after", "charset",
    "hang_up",
)  # fmt: skip
WRITE_FAULTS: tuple[FaultKind, ...] = (
    "reset", "close", "stall", "status", "html", "lost_reset", "lost_reset", "lost_close",
    "cut_head", "cut_body", "reset_body", "stall_body", "drip", "status_after", "status_after",
    "html_after", "garbage_after", "empty_after", "late", "hang_up",
)  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What a plan can strike.

    Attributes:
        reads: paths of requests that change nothing.
        writes: paths of those that do.
        lines: about how many lines pass through standard input (a target) or output (a tap).
        is_target: whether it is a target.
        refused: a status that ends a run for good (401), where that is part of the plan.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    lines: int
    is_target: bool = False


def random_plan(chance: random.Random, ground: Ground) -> list[Trouble]:
    """Make a plan: up to three runs with a few troubles each, most of them stopped half-way."""
    plan: list[Trouble] = []
    for run in range(chance.choice((1, 1, 2, 2, MOST_RUNS))):
        count = chance.choice((0, 1, 1, 2, 3, 5))
        plan += [_fault(chance, ground, run) for _ in range(count)]
        if chance.random() < 0.7:
            plan.append(_stop(chance, ground, run))
    return plan


def _hit(chance: random.Random) -> int:
    return chance.choice((1, 1, 1, 2, 2, 3, 4, 5, 7, 10, 15))


def _fault(chance: random.Random, ground: Ground, run: int) -> Trouble:
    if chance.random() < 0.08:
        kind: FaultKind = chance.choice(("reset_at_accept", "refuse"))
        hit = 0 if kind == "refuse" else chance.choice((1, 1, 2, 3))
        return Trouble(run, CONNECT, hit, Fault(kind, seconds=0.15))
    is_write = bool(ground.writes) and chance.random() < 0.65
    path = chance.choice(ground.writes if is_write else (*ground.reads, ANY))
    kind = chance.choice(WRITE_FAULTS if is_write else READ_FAULTS)
    return Trouble(run, path, _hit(chance), made(chance, kind))


def made(chance: random.Random, kind: FaultKind) -> Fault:
    """Make a fault of a kind, what it leaves open at random."""
    match kind:
        case "status":
            return Fault(kind, chance.choice(STATUSES), chance.choice(RETRY_AFTER))
        case "status_after":
            return Fault(kind, chance.choice(GATEWAY), chance.choice(RETRY_AFTER))
        case "drip":
            return Fault(kind, seconds=0.004)
        case "late":
            return Fault(kind, seconds=chance.choice((0.02, 0.1)))
        case "hang_up":
            return Fault(kind, seconds=0.1)
    return Fault(kind)


def _stop(chance: random.Random, ground: Ground, run: int) -> Trouble:
    signal = chance.choice(SIGNALS)
    where = chance.random()
    if where < 0.15:
        what = Stop("full") if chance.random() < 0.3 else Stop("fsize", size=_size(chance, ground))
        return Trouble(run, PROCESS, 0, what)
    if where < 0.45:
        path = STDIN if ground.is_target else STDOUT
        if not ground.is_target and chance.random() < 0.3:
            signal = "closed stdout"
        return Trouble(run, path, chance.randint(1, max(2, ground.lines)), Stop(signal))
    paths = ground.writes * 3 + ground.reads if ground.writes else (*ground.reads, ANY)
    return Trouble(run, chance.choice(paths), _hit(chance), Stop(signal, chance.choice(PHASES)))


def _size(chance: random.Random, ground: Ground) -> int:
    return chance.choice((0, 200, 3000, 9000, 20_000, 30_000, 40_000, 60_000) if ground.is_target
                         else (0, 100, 1000, 5000, 20_000))  # fmt: skip


def shrunk(plan: Sequence[Trouble], fails: Callable[[Sequence[Trouble]], bool]) -> list[Trouble]:
    """Leave out what a failure does not need.

    Args:
        plan: that failed.
        fails: plays a plan anew and tells whether it fails.

    Returns:
        a plan that still fails, and does not without any one of its troubles.
    """
    smallest = list(plan)
    place = 0
    while place < len(smallest):
        without = [*smallest[:place], *smallest[place + 1 :]]
        if fails(without):
            smallest = without
        else:
            place += 1
    return smallest


def written(plan: Sequence[Trouble]) -> str:
    """Write a plan so that a person can read it, and a test can take it over."""
    return "[\n" + "".join(f"    {trouble!r},\n" for trouble in plan) + "]"
