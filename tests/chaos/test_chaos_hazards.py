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
from chaos.tap_scenarios import TAPS, FacturaDirectaTap, SerpiTap, WinfraTap
from chaos.target_game import TargetChaos
from erp_sandbox.running import Listener
from support.meltano_projects import REPOSITORY
from support.raw_server import Received
from target_serpi.protocol import MOST_TRIES

CONNECTORS = [*(tap.connector for tap in TAPS), TargetChaos.connector]
MOST_SEEDS = 2000
HAZARDS = Path(__file__).parent / "README.md"

UPSTREAM = 3
OUTLAST = 40
"""So many failures in a row outlast `retry_time` for every stream."""

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
@pytest.mark.parametrize(
    ("connector", "path", "hit"),
    [
        *((connector, ANY, 2) for connector in CONNECTORS),
        (TargetChaos.connector, "documentos.post", 1),
    ],
)
def test_retry_after(arena: Arena, connector: str, path: str, hit: int, value: str) -> None:
    """Seconds, a date that is past, nonsense, and a wait that nobody would live to see the end of."""
    game = arena.game(connector)
    game.play([Trouble(0, path, hit, Fault("status", 503, value))])
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
@pytest.mark.parametrize("connector", CONNECTORS)
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


@pytest.mark.parametrize("path", ["articulos.post", "documentos.post"])
def test_a_record_whose_outcome_stays_unknown_is_no_success(arena: Arena, path: str) -> None:
    """One record fails as often as it is tried; the others are stored, and no state leaves it behind."""
    game = arena.game(TargetChaos.connector)
    game.scenario.settings["batch_size"] = 1
    game.play([Trouble(0, path, hit, Fault("reset")) for hit in range(1, MOST_TRIES + 1)])
    first = game.ended[0]
    assert first.exit_code == UPSTREAM, first.stderr[-2000:]
    assert "+ unknown 1\n" in first.stderr


@pytest.mark.parametrize(
    ("path", "settled"),
    [
        ("articulos.post", "CONFIRMED"),
        ("documentos.post", "CONFIRMED"),
        ("documentos.delete", "CONFLICT"),
    ],
)
def test_what_the_server_does_when_the_process_is_dead(
    arena: Arena, path: str, settled: str
) -> None:
    """SERPI still works on a write when the next run begins: that one waits, then looks again."""
    game = arena.game(TargetChaos.connector)
    assert isinstance(game, TargetChaos)
    switches = game.scenario.sandbox.serpi.switches
    switches.duplicate_articles = switches.duplicate_documents = "store"
    switches.batch_maximum, switches.store_at_most = 0, None
    game.scenario.settings["settle_time"] = 2
    game.leaves_late = True
    late = Fault("late", seconds=0.8)
    game.play([Trouble(0, path, 1, what) for what in (late, Stop("SIGKILL", "after"))])
    assert re.search(rf"are settled: \d+ {settled}\n", game.ended[1].stderr)


@pytest.mark.parametrize(
    ("connector", "path", "since"),
    [
        *((connector, ANY, 1) for connector in CONNECTORS),
        (SerpiTap.connector, "articulos", 2),
        (WinfraTap.connector, "datos", 2),
        (FacturaDirectaTap.connector, "list", 2),
        *((TargetChaos.connector, path, 1) for path in ("articulos.post", "documentos.post")),
    ],
)
def test_a_server_that_stays_down_is_given_up(
    arena: Arena, connector: str, path: str, since: int
) -> None:
    """Failures that outlast `retry_time`: the run ends, says so, and a later one brings the rest."""
    game = arena.game(connector)
    if isinstance(game, TapChaos):
        game.scenario.settings["page_size"] = 2
    if connector == WinfraTap.connector:
        # What is asked for ahead would use the failures up.
        game.scenario.settings["download_ahead"] = 0
    hits = range(since, since + OUTLAST)
    game.play([Trouble(0, path, hit, Fault("status", 503)) for hit in hits])
    first = game.ended[0]
    assert first.exit_code == UPSTREAM, first.stderr[-2000:]
    assert len(first.struck) < OUTLAST, "it never gave up"


@pytest.mark.parametrize("connector", CONNECTORS)
def test_answers_that_stay_unreadable_are_given_up(arena: Arena, connector: str) -> None:
    """A page of HTML beside 200, whatever is asked for."""
    game = arena.game(connector)
    game.play([Trouble(0, ANY, hit, Fault("html")) for hit in range(1, OUTLAST + 1)])
    first = game.ended[0]
    assert first.exit_code == UPSTREAM, first.stderr[-2000:]
    assert len(first.struck) < OUTLAST, "it never gave up"


@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_drip_that_never_pauses_for_long_ends(arena: Arena, connector: str) -> None:
    """No byte takes as long as `request_timeout`, and all of them take longer than 20 times that."""
    game = arena.game(connector)
    game.waits = {**game.waits, "request_timeout": 0.1}
    game.play([Trouble(0, ANY, 1, Fault("drip", seconds=0.06))])
    assert "took too long" in game.ended[0].stderr


def test_a_petition_that_never_ends_is_given_up(arena: Arena) -> None:
    """WINFRA says PENDING for longer than `generation_timeout`."""
    game = arena.game(WinfraTap.connector)
    assert isinstance(game, TapChaos)
    scenario = game.scenario
    patience, switches = scenario.settings["generation_timeout"], scenario.sandbox.winfra.switches
    looks = switches.pending_looks, switches.dataset_looks

    def prepare_it_at_last() -> None:
        scenario.settings["generation_timeout"] = patience
        switches.pending_looks, switches.dataset_looks = looks

    scenario.settings["generation_timeout"] = 0.3
    switches.pending_looks, switches.dataset_looks = 10**9, {}
    game.after_run = lambda _: prepare_it_at_last()
    game.play([Trouble(0, ANY, 1, Fault("reset"))])
    first = game.ended[0]
    assert first.exit_code == UPSTREAM, first.stderr[-2000:]
    assert "generation_timeout" in first.stderr


def test_a_window_that_was_cut_off_goes_on_behind_its_last_row(arena: Arena) -> None:
    """SIGTERM between two slices of a dataset: the state names the rows that left, and no others."""
    game = arena.game(WinfraTap.connector)
    assert isinstance(game, TapChaos)
    game.scenario.settings |= {"page_size": 1, "download_ahead": 0}
    game.scenario.between_runs = lambda: None  # type: ignore[method-assign]  # the petition stays
    offsets: list[int] = []

    def note_offsets(run: int) -> None:
        if run == 0:
            bookmarks = game.loaders.state["bookmarks"].values()
            offsets.extend(filter(None, (bookmark.get("offset") for bookmark in bookmarks)))

    game.after_run = note_offsets
    game.play([Trouble(0, "datos", 3, Stop("SIGTERM", "before"))])
    assert offsets, "no window was cut off"


def test_a_petition_that_goes_between_two_slices_leaves_no_row_twice(arena: Arena) -> None:
    """A snapshot without keys is begun anew, and a loader drops what it has of the first beginning."""
    game = arena.game(WinfraTap.connector)
    assert isinstance(game, TapChaos)
    scenario, winfra = game.scenario, game.scenario.sandbox.winfra
    scenario.streams = ("articulos", "empleados")
    winfra.switches.row_counts = dict.fromkeys(scenario.streams, 5)
    scenario.settings |= {"page_size": 2, "download_ahead": 0, "key_properties": {}}
    slices = itertools.count(1)

    def name_of(request: Received) -> str:
        name = WinfraTap.name_of(request)
        if name == "datos" and next(slices) == 2:
            for petition in list(winfra.petitions):
                winfra.forget(petition)
        return name

    scenario.name_of = name_of  # type: ignore[method-assign]
    game.play([])
    assert "is gone" in game.ended[0].stderr


@pytest.mark.parametrize("page_size", [5, 20])
def test_providers_that_go_while_the_list_is_read_hide_no_others(
    arena: Arena, page_size: int
) -> None:
    """A row of the first page is gone when the second one is asked for, and back after that."""
    game = arena.game(FacturaDirectaTap.connector)
    assert isinstance(game, TapChaos)
    vendor = game.scenario.sandbox.facturadirecta
    vendor.switches.order, vendor.switches.silent_cap = "id", 0
    # A detail that is gone has the list read once more, which would find what a page has hidden.
    vendor.switches.list_items = "full"
    game.scenario.settings["details"] = "never"
    while len(vendor.providers) < 3 * page_size:
        vendor.add()
    game.scenario.settings["page_size"] = page_size
    identifier = min(vendor.providers)
    first = vendor.providers[identifier]

    def come_and_go(lists: int) -> None:
        if lists == 1:
            vendor.remove(identifier)
        if lists == 2:
            vendor.put_provider(first)

    vendor.on_list_request = come_and_go
    game.play([])
    assert identifier in vendor.providers


def test_a_document_that_is_nowhere_is_put_back_before_anything_is_written(arena: Arena) -> None:
    """Killed between the deletion and the new document; the next run ends with its first write."""
    game = arena.game(TargetChaos.connector)
    assert isinstance(game, TargetChaos)
    scenario = game.scenario
    gone: list[int] = []

    def look(run: int) -> None:
        if run < 2:
            gone.append(len(scenario.changed_documents()))

    game.after_run = look
    game.play(
        [
            Trouble(0, "documentos.delete", 1, Stop("SIGKILL", "after")),
            Trouble(1, "documentos.post", 1, Stop("SIGKILL", "after")),
        ]
    )
    assert gone == [1, 0]


def test_a_document_whose_successor_is_refused_stands_again(arena: Arena) -> None:
    """SERPI takes the deletion and not the new document, and rejected records let state pass."""
    game = arena.game(TargetChaos.connector)
    assert isinstance(game, TargetChaos)
    switches = game.scenario.sandbox.serpi.switches
    switches.batch_maximum, switches.store_at_most = 0, None
    game.scenario.allows_rejects = True
    game.scenario.settings |= {"max_rejects": 1000, "batch_size": 1000}
    # The first call creates what is new; the second one is the first successor.
    game.play([Trouble(0, "documentos.post", 2, Fault("status", 400))])
    assert "the old one was put back" in game.ended[0].stderr


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
