"""The property: random data, random faults, random ends and random re-runs of all four connectors.

(a) what the taps emitted over all runs is the server's data set, every value exact; (b) each article
and document is stored exactly once and equals its input; (c) each input record is confirmed, rejected
with a reason, or still to be sent, and the summary says so; (d) no secret appears anywhere; (e) the exit
code is not 0 while something is missing; (f) no run outlasts its own limits.
"""

from __future__ import annotations

from pathlib import Path

from chaos.nursery import Nursery
from chaos.playing import Game, play_seed
from chaos.tap_game import TapChaos
from chaos.target_game import TargetChaos
from erp_sandbox.running import Listener


def test_whatever_breaks_and_whenever_a_process_dies(
    seed: int,
    sandbox_listener: Listener,
    nursery: Nursery,
    tmp_path: Path,
    *,
    makes_plans_smaller: bool,
) -> None:
    # Even seeds are the target's, odd ones a tap's.
    kind = TapChaos if seed % 2 else TargetChaos

    def make(folder: Path) -> Game:
        return kind(seed, sandbox_listener, nursery, folder)

    play_seed(make, seed, tmp_path, makes_smaller=makes_plans_smaller)
