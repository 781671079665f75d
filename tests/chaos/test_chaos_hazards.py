"""One hazard at a time, each against each connector it can meet; README.md here lists them.

The property (`test_chaos_property.py`) mixes them at random; here each is met for certain.
"""

from __future__ import annotations

import functools
import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chaos.faults import ANY, PROCESS, Fault, FaultKind, Stop, StopKind, Trouble
from chaos.nursery import Nursery
from chaos.plans import READ_FAULTS, WRITE_FAULTS, made
from chaos.playing import Game
from chaos.tap_game import TapChaos
from chaos.tap_scenarios import TAPS
from chaos.target_game import TargetChaos
from erp_sandbox.running import Listener
from support.meltano_projects import REPOSITORY

MOST_SEEDS = 2000
HAZARDS = Path(__file__).parent / "README.md"

SIGNALLED = {"SIGKILL": 137, "SIGTERM": 143, "SIGINT": 130, "SIGTERM twice": 143}


def cases() -> Iterator[tuple[str, str, FaultKind]]:
    """Give connector, path and kind of each fault that a connector can meet."""
    for tap in TAPS:
        for path, kind in itertools.product(dict.fromkeys(tap.reads), dict.fromkeys(READ_FAULTS)):
            yield tap.connector, path, kind
    for kind in dict.fromkeys(READ_FAULTS):
        yield TargetChaos.connector, ANY, kind
    writes = ("articulos.post", "articulos.put", "documentos.post", "documentos.delete")
    for path, kind in itertools.product(writes, dict.fromkeys(WRITE_FAULTS)):
        yield TargetChaos.connector, path, kind


class Arena:
    """Makes games of one connector whose scenario has what is to be struck."""

    def __init__(self, listener: Listener, nursery: Nursery, folder: Path) -> None:
        self._listener = listener
        self._nursery = nursery
        self._folder = folder

    def game(self, connector: str) -> TapChaos | TargetChaos:
        """Make a game."""
        for seed in range(_first_seed(connector), MOST_SEEDS):
            folder = self._folder / str(seed)
            folder.mkdir()
            game = self._made(connector, seed, folder)
            if _is_rich(game):
                _note_seed(connector, seed)
                return game
        raise AssertionError(f"no seed up to {MOST_SEEDS} suits {connector}")

    def _made(self, connector: str, seed: int, folder: Path) -> TapChaos | TargetChaos:
        if connector == TargetChaos.connector:
            return TargetChaos(seed, self._listener, self._nursery, folder)
        (kind,) = (tap for tap in TAPS if tap.connector == connector)
        return TapChaos(seed, self._listener, self._nursery, folder, kind)


_SEEDS: dict[str, int] = {}


def _first_seed(connector: str) -> int:
    return _SEEDS.get(connector, 1)


def _note_seed(connector: str, seed: int) -> None:
    _SEEDS[connector] = seed


def _is_rich(game: Game) -> bool:
    """Whether a scenario has rows enough, and of every kind, for each path to be asked for."""
    if isinstance(game, TapChaos):
        scenario = game.scenario
        streams = {"tap_serpi": 3, "tap_winfra_xxl": 3, "tap_facturadirecta": 1}
        rows = all(scenario.truth(stream).total() > 3 for stream in scenario.streams)
        return rows and len(scenario.streams) >= streams[scenario.connector]
    assert isinstance(game, TargetChaos)
    return game.scenario.has_everything


@pytest.fixture
def arena(sandbox_listener: Listener, nursery: Nursery, tmp_path: Path) -> Arena:
    return Arena(sandbox_listener, nursery, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("connector", "path", "kind"), list(cases()))
def test_one_fault(arena: Arena, connector: str, path: str, kind: FaultKind) -> None:
    """RST, drip, silence, cuts, HTML, garbage, charsets, lost and late answers, refusals."""
    game = arena.game(connector)
    chance = game.chance
    game.play([Trouble(run, path, run + 1, made(chance, kind)) for run in (0, 1)])
    if path not in OPTIONAL_PATHS:
        assert game.ended[0].struck, f"{path} was never asked for"


OPTIONAL_PATHS = frozenset({"detail", "lista"})
"""What is asked for by some scenarios alone: details of a full list, the list of petitions."""


@pytest.mark.parametrize(
    "value",
    [
        "1000000000",
        *(
            pytest.param(value, marks=pytest.mark.long)
            for value in ("1", "Fri, 20 Nov 2020 12:00:00 GMT", "-5", "abc")
        ),
    ],
)
@pytest.mark.parametrize("connector", [*(tap.connector for tap in TAPS), TargetChaos.connector])
def test_retry_after(arena: Arena, connector: str, value: str) -> None:
    """Seconds, a date that is past, nonsense, and a wait that nobody would live to see the end of."""
    game = arena.game(connector)
    game.play([Trouble(0, ANY, 2, Fault("status", 503, value))])
    waited = game.ended[0].seconds
    assert waited >= (0.5 if value in {"1", "1000000000"} else 0)


STOPS: tuple[tuple[StopKind, Trouble], ...] = (
    *(
        (kind, Trouble(0, ANY, 2, Stop(kind, "before")))
        for kind in ("SIGKILL", "SIGTERM", "SIGINT", "SIGTERM twice")
    ),
    ("closed stdout", Trouble(0, ANY, 2, Stop("closed stdout"))),
    ("full", Trouble(0, PROCESS, 0, Stop("full"))),
    ("fsize", Trouble(0, PROCESS, 0, Stop("fsize", size=0))),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "trouble"), STOPS, ids=[kind for kind, _ in STOPS])
@pytest.mark.parametrize("connector", [*(tap.connector for tap in TAPS), TargetChaos.connector])
def test_one_end(arena: Arena, connector: str, kind: StopKind, trouble: Trouble) -> None:
    """Kill -9, SIGTERM, SIGINT, a second signal, a reader that ends, a disk that is full."""
    game = arena.game(connector)
    game.play([trouble])
    first = game.ended[0]
    if kind in SIGNALLED:
        assert first.stopped, "it ended before the signal came"
        assert first.exit_code == SIGNALLED[kind], first.stderr[-2000:]
    else:
        assert first.exit_code not in {0, 4}, first.stderr[-2000:]
        assert "Traceback" not in first.stderr
    assert game.ended[-1].exit_code in {0, 4}


def test_a_clock_that_was_put_back_makes_no_wait_longer(arena: Arena) -> None:
    """A row of the ledger from tomorrow: the second look comes after `settle_time`, not tomorrow."""
    game = arena.game(TargetChaos.connector)
    assert isinstance(game, TargetChaos)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    def put_back(run: int) -> None:
        if run:
            return
        with closing(sqlite3.connect(game.folder / "ledger.sqlite3")) as ledger:
            changed = ledger.execute(
                "UPDATE attempts SET updated = ? WHERE state IN ('SENDING', 'UNKNOWN')", (tomorrow,)
            )
            assert changed.rowcount
            ledger.commit()

    game.after_run = put_back
    game.play([Trouble(0, "documentos.post", 1, Stop("SIGKILL", "before"))])


# The table


def _rows() -> list[list[str]]:
    """Give the cells of the table's rows: hazard, and one for each connector."""
    text = HAZARDS.read_text(encoding="utf-8").partition("| hazard |")[2]
    lines = text.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]


@functools.cache
def _text_of(path: str) -> str:
    return (REPOSITORY / "tests" / path).read_text(encoding="utf-8")


def test_every_test_that_the_table_names_is_there() -> None:
    named = [
        (row[0], path, name)
        for row in _rows()
        for cell in row[1:]
        for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", cell)
    ]
    assert len(named) > 100
    missing = [
        (hazard, f"{path}::{name}")
        for hazard, path, name in named
        if f"def {name}(" not in _text_of(path)
    ]
    assert missing == []


def test_every_hazard_names_a_test_for_each_connector_or_says_why_not() -> None:
    for row in _rows():
        assert len(row) == 5, row[0]
        for cell in row[1:]:
            assert "::" in cell or cell.startswith("cannot occur: "), (row[0], cell)
