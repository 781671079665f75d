"""A tap played with a plan: what it brings in all its runs is what the server holds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaos.canaries import leaks
from chaos.faults import Trouble
from chaos.nursery import Nursery
from chaos.plans import random_plan
from chaos.playing import Game, longest
from chaos.proxy import Proxy
from chaos.running import Ended, Workshop
from chaos.tap_scenarios import CALM, TAPS, WAITS, TapScenario
from chaos.warehouse import Loaders, difference, messages_of
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup

CALM_RUNS = 2
"""Runs without troubles after the others: the first completes, the second changes nothing."""


class TapChaos(Game):
    """One seed's scenario, played with a plan.

    Attributes:
        ended: the runs so far.
        waits: limits of the runs that meet troubles.
        loaders: what came out so far, and the state for the next run.
        after_run: called with the number of each run that has ended.
    """

    def __init__(
        self,
        seed: int,
        listener: Listener,
        nursery: Nursery,
        folder: Path,
        kind: type[TapScenario] | None = None,
    ) -> None:
        """Make the scenario.

        Args:
            seed: of all that is random.
            listener: where the sandbox answers.
            nursery: starts the tap.
            folder: where it runs.
            kind: the tap, None for any.
        """
        self.chance = random.Random(seed)  # noqa: S311 - a predictable one is the point
        listener.sandbox = Sandbox(Setup(scale=self.chance.choice((0.02, 0.06)), seed=seed))
        any_kind = self.chance.choice(TAPS)
        self.scenario: TapScenario = (kind or any_kind)(listener.sandbox, self.chance)
        self.ended: list[Ended] = []
        self.waits: Mapping[str, Any] = WAITS
        self.after_run: Callable[[int], None] = lambda _number: None
        self.loaders = Loaders(merges=self.chance.random() < 0.5)
        self.is_unbuffered = self.chance.random() < 0.2
        self._address = listener.url.removeprefix("http://")
        self._nursery = nursery
        self._folder = folder

    def plan(self) -> list[Trouble]:
        """Make this seed's plan."""
        return random_plan(self.chance, self.scenario.ground)

    def play(self, plan: Sequence[Trouble]) -> None:
        """Run until all is done; the property is asserted after each run."""
        troubled = max((trouble.run for trouble in plan), default=-1) + 1
        with Proxy(self._address, self.scenario.name_of) as proxy:
            shop = Workshop(self._nursery, proxy, self._folder)
            for number in range(troubled + CALM_RUNS):
                is_calm = number >= troubled
                config = {
                    **self.scenario.settings,
                    **self.scenario.addresses(proxy.url),
                    **(CALM if is_calm else self.waits),
                }
                troubles = [trouble for trouble in plan if trouble.run == number]
                shop.longest = longest(config, troubles)
                ended = shop.run(
                    self.scenario.connector,
                    config,
                    catalog=self.scenario.catalog(),
                    state=self.loaders.state,
                    troubles=troubles,
                    unbuffered=self.is_unbuffered,
                )
                if is_calm and self.scenario.connector == "tap_serpi":
                    assert proxy.most_at_once <= 1, "one token, two requests at once"
                self.ended.append(ended)
                self._judge(ended, is_calm=is_calm)
                self.after_run(number)
                self.scenario.between_runs()

    def _judge(self, ended: Ended, *, is_calm: bool) -> None:
        leaked = list(leaks(self.scenario.secrets, self._folder))
        assert not leaked, f"(d) {leaked}"
        assert "Traceback" not in ended.stderr or ended.exit_code == 1, ended.stderr[-3000:]
        assert ended.exit_code != 1 or ended.reader_left or ended.stopped, (
            f"an error that was not foreseen:\n{ended.stderr[-3000:]}"
        )
        assert ended.exit_code == 0 or not is_calm, (
            f"exit code {ended.exit_code} without troubles:\n{ended.stderr[-3000:]}"
        )
        self.loaders.take(ended.stdout, ended.exit_code)
        for message in messages_of(ended.stdout):
            # A loader drops what has no such version, so the rows before it are the whole table.
            if message["type"] == "ACTIVATE_VERSION":
                self._compare_eager(message["stream"], f"exit code {ended.exit_code}")
        if ended.exit_code == 0 and not ended.reader_left:
            self._compare(ended)

    def _compare(self, ended: Ended) -> None:
        for stream in self.scenario.streams:
            truth = self.scenario.truth(stream)
            careful = self.scenario.seen(stream, self.loaders.careful.rows(stream))
            if stream in self.scenario.whole_windows and any(each.exit_code for each in self.ended):
                careful = Counter(set(careful))
            assert (text := difference(stream, careful, truth)) == "", (
                f"(a) exit code 0, and a loader that commits with the state holds\n{text}"
                f"\n{ended.stderr[-2000:]}"
            )
            self._compare_eager(stream, "exit code 0")

    def _compare_eager(self, stream: str, ending: str) -> None:
        truth = self.scenario.truth(stream)
        eager = self.scenario.seen(stream, self.loaders.eager.rows(stream))
        text = difference(stream, Counter(set(eager)), Counter(set(truth)))
        assert text == "", f"(a) {ending}, and a loader that keeps every row holds\n{text}"
