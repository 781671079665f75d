"""The comparison: the same plans against our connectors and against ordinary ones of two SDKs.

`make chaos` writes the table into COMPARISON.md; what is asserted is our own column.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.contenders import Program, of_hotglue, of_module, of_sdk
from chaos.contest import READS, WRITES, Plan, ReadContest, Score, WriteContest, totals

HOTGLUE = "hotglue REST sink"
TABLES = Path(__file__).parent / "COMPARISON.md"
AT_ONCE = 6
"""Contests that go on at once: most of their time is the peers' own waiting."""

Player = Callable[[Plan, Path], Score]


def _writer(program: Program, *, ours: bool = False, keeps_own_state: bool = False) -> Player:
    return lambda plan, folder: WriteContest(plan, program, folder).play(
        ours=ours, keeps_own_state=keeps_own_state
    )


def _reader(program: Program, *, ours: bool = False) -> Player:
    return lambda plan, folder: ReadContest(plan, program, folder).play(ours=ours)


def played(
    plans: Sequence[Plan], players: Mapping[str, Player], folder: Path
) -> dict[str, list[Score]]:
    """Play all plans against all contenders."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {
            name: [
                pool.submit(player, plan, folder / f"{place}-{number}")
                for number, plan in enumerate(plans)
            ]
            for place, (name, player) in enumerate(players.items())
        }
        return {name: [each.result() for each in futures] for name, futures in begun.items()}


def table(plans: Sequence[Plan], scores: Mapping[str, Sequence[Score]]) -> str:
    """Write a table in Markdown."""
    lines = [f"| plan | {' | '.join(scores)} |", "|---|" + "---|" * len(scores)]
    for number, plan in enumerate(plans):
        cells = [each[number].words() for each in scores.values()]
        lines.append(f"| {plan.name} | {' | '.join(cells)} |")
    lines.append(f"| **all** | {' | '.join(map(totals, scores.values()))} |")
    return "\n".join(lines)


def unclean(plans: Sequence[Plan], scores: Sequence[Score]) -> list[str]:
    return [
        f"{plan.name}: {score.words()}, exit codes {score.codes}"
        for plan, score in zip(plans, scores, strict=True)
        if not score.is_clean
    ]


@pytest.mark.long
def test_the_same_plans_against_the_peers(tmp_path: Path) -> None:
    writers = {
        "target-serpi": _writer(of_module("target_serpi"), ours=True),
        "singer-sdk `BatchSink`": _writer(of_sdk("sdk_target")),
    }
    with contextlib.suppress(subprocess.CalledProcessError):
        writers[HOTGLUE] = _writer(of_hotglue("hotglue_target"), keeps_own_state=True)
    readers = {
        "tap-serpi": _reader(of_module("tap_serpi"), ours=True),
        "singer-sdk `RESTStream`": _reader(of_sdk("sdk_tap")),
    }
    written = played(WRITES, writers, tmp_path / "writes")
    read = played(READS, readers, tmp_path / "reads")
    assert unclean(WRITES, written["target-serpi"]) == []
    assert unclean(READS, read["tap-serpi"]) == []
    if HOTGLUE not in writers:
        pytest.skip("hotglue-singer-sdk cannot be installed here, so the table was left as it was")
    TABLES.write_text(
        INTRODUCTION
        + WRITE_WORDS
        + table(WRITES, written)
        + READ_WORDS
        + table(READS, read)
        + "\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize("plan", WRITES[2:4], ids=lambda plan: plan.name)
def test_lost_answers_against_ours_alone(plan: Plan, tmp_path: Path) -> None:
    score = _writer(of_module("target_serpi"), ours=True)(plan, tmp_path / "writes")
    assert score.is_clean, (score, score.codes)


INTRODUCTION = """# The same plans against the peers

Made by `make chaos` (`tests/chaos/test_chaos_comparison.py`). Every contender meets the same faults from
the same proxy; what is counted is what the server, or a loader that keeps every row, holds afterwards.
A run that ends with another exit code than 0 is started again, three runs at most, from the last state
that left it. The peers are written as their templates and guides say (`tests/chaos/peers/`), with their
own retries and nothing added.

- lost: never arrived; doubled: arrived more than once; changed: arrived with another content.
- wrong exit code: a run that ended in 0 while records were lost, doubled, changed or refused.
- leaked: places in output, log or files, at DEBUG, where a secret was found. A dash is none of these.

"""
WRITE_WORDS = """## Thirty accounting documents into SERPI

"""
READ_WORDS = """

## SERPI's catalogue of articles

"""
