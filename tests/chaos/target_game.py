"""The target played with a plan: SERPI holds each record of the input once, or the run says why not."""

from __future__ import annotations

import random
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from chaos.canaries import leaks
from chaos.faults import Trouble
from chaos.nursery import Nursery
from chaos.plans import random_plan
from chaos.playing import Game, longest
from chaos.proxy import Proxy
from chaos.running import Ended, Workshop
from chaos.tap_scenarios import CALM, WAITS
from chaos.target_scenario import TargetScenario
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from support.serpi_target import SUMMARY
from support.singer import read_line

CALM_RUNS = 2


class TargetChaos(Game):
    """One seed's scenario, played with a plan.

    Attributes:
        folder: of the target's files.
        ended: the runs so far.
        after_run: called with the number of each run that has ended.
    """

    connector = TargetScenario.connector

    def __init__(self, seed: int, listener: Listener, nursery: Nursery, folder: Path) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a predictable one is the point
        listener.sandbox = Sandbox(Setup(scale=self.chance.choice((0.02, 0.04)), seed=seed))
        self.scenario = TargetScenario(listener.sandbox, self.chance)
        self.is_unbuffered = self.chance.random() < 0.2
        self._address = listener.url.removeprefix("http://")
        self._nursery = nursery
        self.folder = folder
        self._dealt_with = 0
        self.ended: list[Ended] = []
        self.after_run: Callable[[int], None] = lambda _number: None

    def plan(self) -> list[Trouble]:
        """Make this seed's plan."""
        return random_plan(self.chance, self.scenario.ground)

    def play(self, plan: Sequence[Trouble]) -> None:
        """Run until all is done; the property is asserted after each run."""
        troubled = max((trouble.run for trouble in plan), default=-1) + 1
        scenario = self.scenario
        with Proxy(self._address, scenario.name_of) as proxy:
            shop = Workshop(self._nursery, proxy, self.folder)
            for number in range(troubled + CALM_RUNS):
                is_calm = number >= troubled
                # Now and then the input comes anew from its beginning, as with --full-refresh.
                start = 0 if self.chance.random() < 0.3 else self._dealt_with
                config = {
                    **scenario.settings,
                    **scenario.addresses(proxy.url),
                    **(CALM if is_calm else WAITS),
                }
                troubles = [trouble for trouble in plan if trouble.run == number]
                shop.longest = longest(config, troubles)
                ended = shop.run(
                    scenario.connector,
                    config,
                    stdin=scenario.input.lines(start),
                    troubles=troubles,
                    unbuffered=self.is_unbuffered,
                )
                if is_calm:
                    assert proxy.most_at_once <= 1, "one token, two requests at once"
                proxy.settled()
                self.ended.append(ended)
                self._judge(ended, is_calm=is_calm)
                self.after_run(number)

    def _judge(self, ended: Ended, *, is_calm: bool) -> None:
        scenario = self.scenario
        leaked = list(leaks(scenario.secrets, self.folder))
        assert not leaked, f"(d) {leaked}"
        log = ended.stderr[-3000:]
        for name in ("ledger.sqlite3*", "rejects*", "report.html"):
            for path in self.folder.glob(name):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, f"(d) anybody may read {path}"
        assert "Traceback" not in ended.stderr, log
        expected = scenario.expected_exit()
        if is_calm:
            assert ended.exit_code == expected, (
                f"exit code {ended.exit_code}, not {expected}, without troubles:\n{log}"
            )
        said = [read_line(text) for text in ended.stdout.split(b"\n")[:-1]]
        if said:
            self._dealt_with = max(self._dealt_with, said[-1]["bookmarks"]["read"]["records"])
        is_complete = ended.exit_code == expected and not ended.reader_left
        wrong = list(scenario.wrong(self.folder, upto=self._dealt_with, is_complete=is_complete))
        assert not wrong, f"exit code {ended.exit_code}: {wrong[:5]}\n{log}"
        for stream, read, parts in SUMMARY.findall(ended.stderr):
            numbers = [int(part.rpartition(" ")[2].replace(",", "")) for part in parts.split(" + ")]
            assert sum(numbers) == int(read.replace(",", "")), f"(c) {stream}: {read} = {parts}"
        if is_complete:
            self._judge_ledger(log)

    def _judge_ledger(self, log: str) -> None:
        with closing(sqlite3.connect(self.folder / "ledger.sqlite3")) as ledger:
            open_rows = ledger.execute(
                "SELECT key, state FROM attempts WHERE state IN ('SENDING', 'UNKNOWN', 'DELETING',"
                " 'DELETED')"
            ).fetchall()
            assert not open_rows, f"(c) rows without an end: {open_rows}\n{log}"
            counts = ledger.execute(
                "SELECT read, created + updated + unchanged + merged + skipped + rejected + unknown"
                " FROM runs ORDER BY id DESC LIMIT 1"
            ).fetchone()
            assert counts[0] == counts[1], f"(c) {counts}"
