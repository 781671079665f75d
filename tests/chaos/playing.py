"""One seed: its scenario is played with its plan; a plan that fails is made smaller and told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chaos.faults import Fault, Trouble
from chaos.plans import shrunk, written

MACHINE = 20.0
"""Seconds that a machine with better things to do may take for what is done in one."""


class Game(ABC):
    """A scenario made from a seed: the same seed makes the same one."""

    @abstractmethod
    def plan(self) -> list[Trouble]:
        """Make the seed's plan; asked once, before `play`."""

    @abstractmethod
    def play(self, plan: Sequence[Trouble]) -> None:
        """Run until all is done, and assert the property after each run."""


Maker = Callable[[Path], Game]


def longest(config: Mapping[str, Any], troubles: Sequence[Trouble]) -> float:
    """Tell how long a run may take by its own settings.

    Args:
        config: of the connector; seconds.
        troubles: that it meets.

    Returns:
        seconds: each fault may cost a whole silence, all retries, and the wait before a second look.
    """
    faults = sum(isinstance(trouble.what, Fault) for trouble in troubles)
    cost = config["request_timeout"] + config["retry_time"] + config.get("settle_time", 0)
    return float(MACHINE + cost + faults * cost)


def play_seed(make: Maker, seed: int, folder: Path, *, makes_smaller: bool) -> None:
    """Play a seed; where it fails, find the smallest plan that does.

    Args:
        make: makes the game in a folder.
        seed: of the scenario and the plan.
        folder: for files, a new one below it for each try.
        makes_smaller: whether a plan that fails is made smaller.
    """

    def attempt(plan: Sequence[Trouble] | None) -> tuple[list[Trouble], AssertionError | None]:
        own = folder / f"try-{sum(1 for _ in folder.iterdir())}"
        own.mkdir()
        game = make(own)
        made = game.plan()
        try:
            game.play(made if plan is None else plan)
        except AssertionError as error:
            return made, error
        return made, None

    plan, error = attempt(None)
    if error is None:
        return
    if makes_smaller:
        plan = shrunk(plan, lambda fewer: attempt(fewer)[1] is not None)
        error = attempt(plan)[1] or error
    pytest.fail(
        f"{error}\n\nseed {seed}; the smallest plan that fails: {written(plan)}\n"
        f"again: make chaos CHAOS_ARGS='--seed {seed}'",
        pytrace=False,
    )
