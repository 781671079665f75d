"""How thorough a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a set is told.

    Attributes:
        rounds: how often each contender takes its turn.
        page_sizes: rows of a page.
        latencies: milliseconds that the server waits before each answer, beside none.
        quick: whether only the contenders run that a change of ours is judged by.
    """

    rounds: int
    page_sizes: tuple[int, ...]
    latencies: tuple[int, ...]
    quick: bool


FULL = Plan(rounds=5, page_sizes=(100, 1000, 10_000), latencies=(20, 100), quick=False)
QUICK = Plan(rounds=3, page_sizes=(1000,), latencies=(), quick=True)
