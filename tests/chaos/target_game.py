"""The target played with a plan: SERPI holds each record of the input once, or the run says why not."""

from __future__ import annotations

import random
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from chaos.canaries import leaks
from chaos.faults import Trouble
from chaos.nursery import Nursery
from chaos.plans import random_plan
from chaos.playing import Game, longest
from chaos.proxy import Proxy
from chaos.running import Ended, Workshop
from chaos.tap_scenarios import CALM, WAITS
from chaos.target_scenario import ARTICLES, DOCUMENTS, TargetScenario, key_text, rejections
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
        leaves_late: whether a run begins though SERPI still works on what the one before sent.
        waits: limits of the runs that meet troubles.
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
        self._commits = 0
        self._dealt_with = 0
        self._goes_on_at = 0
        self.ended: list[Ended] = []
        self.leaves_late = False
        self.waits: Mapping[str, Any] = WAITS
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
                start = 0 if self.chance.random() < 0.3 else self._goes_on_at
                config = {
                    **scenario.settings,
                    **scenario.addresses(proxy.url),
                    **(CALM if is_calm else self.waits),
                }
                troubles = [trouble for trouble in plan if trouble.run == number]
                shop.longest = longest(config, troubles)
                self._commits = len(scenario.sandbox.serpi.history)
                ended = shop.run(
                    scenario.connector,
                    config,
                    stdin=scenario.input.lines(start),
                    troubles=troubles,
                    unbuffered=self.is_unbuffered,
                )
                if is_calm:
                    assert proxy.most_at_once <= 1, "one token, two requests at once"
                if is_calm or not self.leaves_late:
                    proxy.settled()
                self.ended.append(ended)
                self._goes_on_at = start
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
            # Where it began anew and was cut off, older versions of a row are there again until the
            # rest has come, whatever an earlier run had said.
            self._goes_on_at = said[-1]["bookmarks"]["read"]["records"]
            self._dealt_with = max(self._dealt_with, self._goes_on_at)
        is_complete = ended.exit_code == expected and not ended.reader_left
        wrong = list(scenario.wrong(self.folder, upto=self._dealt_with, is_complete=is_complete))
        assert not wrong, f"exit code {ended.exit_code}: {wrong[:5]}\n{log}"
        told = _summary(ended.stderr)
        for stream, counts in told.items():
            read = counts.pop("read")
            assert read == counts.total(), f"(c) {stream}: read {read} = {counts}"
        if is_calm and not self.leaves_late:
            self._judge_summary(told, log)
        if is_complete:
            self._judge_ledger(log)

    def _judge_summary(self, told: Mapping[str, Counter[str]], log: str) -> None:
        """Hold the summary of a run without troubles against what SERPI did and what was kept."""
        history = self.scenario.sandbox.serpi.history
        before, commits = history[: self._commits], history[self._commits :]
        done = Counter[tuple[str, str]]((each.kind, each.action) for each in commits)
        articles, documents = told[ARTICLES], told[DOCUMENTS]
        for action in ("created", "updated"):
            assert articles[action] == done[ARTICLES, action], f"(c) {told} for {done}\n{log}"
        # What a run left deleted is put back by the next one: no record of the input says so.
        last = {each.key: each.action for each in before if each.kind == DOCUMENTS}
        put_back = Counter(last.values())["deleted"]
        claimed = documents["created"] + documents["updated"] + put_back
        assert claimed == done[DOCUMENTS, "created"], f"(c) {told} for {done}\n{log}"
        rejected = articles["rejected"] + documents["rejected"]
        kept = rejections(self.folder / "rejects.jsonl")
        assert rejected == len(kept), f"(c) {told} for {len(kept)} in the file\n{log}"
        rows = self._ledger_rows(
            "SELECT key, state FROM attempts WHERE state IN ('REJECTED', 'CONFLICT')"
            " AND run = (SELECT max(id) FROM runs)"
        )
        assert set(rows) == {(each["key"], each["state"]) for each in kept}, f"(c) {rows}\n{log}"

    def _judge_ledger(self, log: str) -> None:
        open_rows = self._ledger_rows(
            "SELECT key, state FROM attempts"
            " WHERE state IN ('SENDING', 'UNKNOWN', 'DELETING', 'DELETED')"
        )
        assert not open_rows, f"(c) rows without an end: {open_rows}\n{log}"
        ended = self._ledger_rows(
            "SELECT DISTINCT key FROM attempts WHERE state IN ('CONFIRMED', 'CONFLICT', 'REJECTED')"
        )
        stored = {key_text(each.key) for each in self.scenario.sandbox.serpi.history}
        unsaid = stored - {key for (key,) in ended}
        assert not unsaid, f"(c) SERPI stored what no row says: {unsaid}\n{log}"
        (counts,) = self._ledger_rows(
            "SELECT read, created + updated + unchanged + merged + skipped + rejected + unknown"
            " FROM runs ORDER BY id DESC LIMIT 1"
        )
        assert counts[0] == counts[1], f"(c) {counts}"

    def _ledger_rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "ledger.sqlite3")) as ledger:
            return ledger.execute(query).fetchall()


def _summary(log: str) -> dict[str, Counter[str]]:
    """Give the summary's counts by stream, what was read among them."""
    found = {}
    for stream, read, parts in SUMMARY.findall(log):
        named = (part.rpartition(" ") for part in parts.split(" + "))
        found[stream] = Counter({name: int(count.replace(",", "")) for name, _, count in named})
        found[stream]["read"] = int(read.replace(",", ""))
    return found
