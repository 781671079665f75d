"""A run that was cut short is gone on with: the same petition, at the offset it had reached."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.servers import RunningSandbox
from support.singer import Output, read_line, started
from support.sql_loader import SqlLoader
from support.winfra_tap import (
    ALL_KEYS,
    START,
    days,
    each_day,
    items,
    keys_of,
    read,
    selecting,
    settings,
    span,
    texts,
    versions,
)

if TYPE_CHECKING:
    from erp_sandbox.winfra.app import Winfra

Json = dict[str, Any]

STREAMS = ("articulos", "stocks", "compras", "interlocutores")


# Killed


class Killed:
    """Runs that are killed at some request, each resumed from the last STATE that left the tap."""

    def __init__(self, sandbox: RunningSandbox, folder: Path, **further: Any) -> None:
        self._vendor = sandbox.winfra
        self._folder = folder
        self._config = settings(
            sandbox, page_size=10, key_properties=keys_of("compras", "interlocutores"), **further
        )
        self.outputs: list[Output] = []
        self.state: Json | None = None

    def run(self, number: int, at: int | None) -> int:
        """Run until the server gets its request number `at`, or to the end.

        Returns:
            the exit code, 128 + n for a process that signal n ended.
        """
        path = self._folder / f"{len(self.outputs)}.jsonl"
        countdown = itertools.count(1)
        with (
            path.open("wb") as file,
            started(
                "tap_winfra_xxl",
                self._config,
                catalog=selecting(*STREAMS),
                state=self.state,
                stdout=file,
            ) as process,
        ):

            def kill(_: Any) -> bool:
                if next(countdown) == at:
                    os.kill(process.process.pid, number)
                return False

            watch = self._vendor.faults.add(Fault("drop", when=kill))
            error = process.process.communicate(timeout=60)[1].decode()
            watch.when = lambda _: False
        code = process.process.returncode
        assert "Traceback" not in error, error
        written = path.read_bytes()
        output = Output(written[: written.rfind(b"\n") + 1])
        self.outputs.append(output)
        if output.states:
            self.state = output.state
        return 128 - code if code < 0 else code

    def texts(self, stream: str) -> list[bytes]:
        return [text for output in self.outputs for text in texts(output, stream)]


def moments(number: int, seed: int) -> Iterator[int]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    # Ten times thirteen requests are too few for the whole: no run comes to its end.
    return iter([chance.randrange(2, 14) for _ in range(number)])


def test_stopped_ten_times_and_resumed_each_record_comes_once(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    killed = Killed(sandbox, tmp_path)
    codes = [killed.run(signal.SIGTERM, at) for at in moments(10, seed=3)]
    last = killed.run(signal.SIGTERM, None)
    assert last == 0
    assert codes == [143] * 10
    for name in STREAMS:
        assert killed.texts(name) == sandbox.winfra.rows(name), name
    for name in ("articulos", "stocks"):
        seen = set().union(*(versions(output, name) for output in killed.outputs))
        activated = [each for output in killed.outputs for each in output.activated(name)]
        assert activated == [*seen], "one version, activated once"
    assert len(sandbox.winfra.petitions) <= 4 + 10


def test_killed_ten_times_and_resumed_no_record_is_missing(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    killed = Killed(sandbox, tmp_path, download_ahead=0)
    codes = [killed.run(signal.SIGKILL, at) for at in moments(10, seed=4)]
    assert killed.run(signal.SIGKILL, None) == 0
    assert codes == [137] * 10
    for name in STREAMS:
        held = sandbox.winfra.rows(name)
        assert set(killed.texts(name)) == set(held), name
        assert list(dict.fromkeys(killed.texts(name))) == held, name


# From every STATE


def after_each_state(output: Output) -> Iterator[tuple[Json, bytes]]:
    """Each state with what had left the tap before it."""
    before = b""
    for line in output.lines:
        before += line + b"\n"
        message = read_line(line)
        if message["type"] == "STATE":
            yield message["value"], before


@pytest.mark.parametrize("keys", [ALL_KEYS, {}], ids=["keys", "no keys"])
@pytest.mark.parametrize("forgets", [False, True])
def test_from_every_state_the_rest_follows(
    sandbox: RunningSandbox, keys: Json, *, forgets: bool
) -> None:
    vendor = sandbox.winfra
    streams = ("stocks", "compras", "interlocutores")
    further: Json = {"key_properties": keys, "page_size": 100}
    whole = read(sandbox, *streams, **further).ok()
    states = list(after_each_state(whole))
    assert len(states) >= 8
    for state, before in states[:-1]:
        if forgets:
            for petition in vendor.petitions:
                vendor.forget(petition)
        rest = read(sandbox, *streams, state=state, **further).ok()
        for name in streams:
            came = texts(Output(before), name) + texts(rest, name)
            held = vendor.rows(name)
            if name == "compras" and not keys:
                held = [row for row in held if b"2026-11-20" not in row]
            assert came == held, "a window or a stream ends with its own STATE"


def test_merging_states_key_by_key_changes_nothing(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "stocks", "compras", page_size=40).ok()
    second = read(sandbox, "stocks", "compras", page_size=40, state=first.state).ok()
    states = [*first.states, *second.states]
    assert len(states) > 6
    for earlier, later in itertools.pairwise(states):
        assert merged(earlier, later) == later


def merged(old: Any, new: Any) -> Any:
    """As Meltano merges a state into the one before it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: merged(old.get(key), new.get(key, old.get(key))) for key in {**old, **new}}
    return new


def test_the_state_stays_small(sandbox: RunningSandbox) -> None:
    output = read(
        sandbox, "diario", "compras", window_days=5, key_properties=ALL_KEYS,
        poll_interval=0.001, poll_max_interval=0.001, start_date="2026-01-01",
    ).ok()  # fmt: skip
    assert len(days(sandbox.winfra, "diario")) == 65
    for state in output.states:
        for bookmark in state["bookmarks"].values():
            schema = bookmark.pop("schema", None)
            assert schema is None or isinstance(schema, str)
            assert len(json.dumps(bookmark)) < 500


# What an unfinished run had finished


def unfinished(sandbox: RunningSandbox, *streams: str, failing: str, **further: Any) -> Json:
    """The state of a run in which one dataset failed."""
    sandbox.winfra.switches.failing_datasets = {failing: "Sin espacio"}
    run = read(sandbox, *streams, **further)
    assert run.exit_code == 3
    sandbox.winfra.switches.failing_datasets = {}
    return run.output.state


def asked(vendor: Winfra, since: int) -> set[str]:
    """The datasets that petitions after the first `since` asked for."""
    return {item.dataset for petition in list(vendor.petitions)[since:] for item in petition.items}


def test_what_had_ended_is_not_asked_for_again(sandbox: RunningSandbox) -> None:
    vendor, streams = sandbox.winfra, ("articulos", "stocks", "compras")
    state = unfinished(sandbox, *streams, failing="stocks", key_properties=ALL_KEYS)
    count = len(vendor.petitions)
    vendor.change("articulos", vendor.records("articulos")[0]["codigo"], descripcion="otra")
    resumed = read(sandbox, *streams, state=state, key_properties=ALL_KEYS)
    assert resumed.exit_code == 0
    assert asked(vendor, count) == {"stocks"}
    assert "articulos: ended in the run that this one goes on with" in resumed.stderr
    count = len(vendor.petitions)
    anew = read(sandbox, *streams, state=resumed.output.state, key_properties=ALL_KEYS).ok()
    assert asked(vendor, count) == set(streams)
    assert texts(anew, "articulos") == vendor.rows("articulos")


def test_a_dataset_that_always_fails_does_not_keep_the_others_old(sandbox: RunningSandbox) -> None:
    vendor, streams = sandbox.winfra, ("articulos", "stocks")
    state = unfinished(sandbox, *streams, failing="stocks")
    count = len(vendor.petitions)
    state = unfinished(sandbox, *streams, failing="stocks", state=state)
    assert asked(vendor, count) == {"stocks"}
    count = len(vendor.petitions)
    unfinished(sandbox, *streams, failing="stocks", state=state)
    assert asked(vendor, count) == {"articulos", "stocks"}


def test_windows_that_were_read_are_not_asked_for_again(sandbox: RunningSandbox) -> None:
    vendor = sandbox.winfra
    further: Json = {"key_properties": keys_of("ventas"), "start_date": str(START)}
    third = iter([False, False, True])

    def fails(_: Any) -> bool:
        if next(third, False):
            vendor.switches.failing_datasets = {"ventas": "Sin espacio"}
        return False

    vendor.faults.add(Fault("drop", path="/generar_xxl", when=fails))
    first = read(sandbox, "ventas", **further)
    first.failed(3, "Sin espacio")
    vendor.switches.failing_datasets = {}
    second = read(sandbox, "ventas", state=first.output.state, **further).ok()
    windows = days(vendor, "ventas")
    assert len(windows) == len(set(windows)) + 1, "the one that failed is asked for twice"
    assert sorted(set(each_day(windows))) == span(START, vendor.clock.today())
    assert texts(first.output, "ventas") + texts(second, "ventas") == vendor.rows("ventas")


def test_a_resumed_run_counts_changes_from_the_run_it_goes_on_with(sandbox: RunningSandbox) -> None:
    vendor, keys = sandbox.winfra, keys_of("interlocutores", "ventas")
    streams = ("interlocutores", "ventas", "stocks")
    state = unfinished(sandbox, *streams, failing="ventas", key_properties=keys)
    begun = state["bookmarks"]["ventas"]["asked"]
    vendor.clock.advance(days=2)
    resumed = read(sandbox, *streams, state=state, key_properties=keys).ok()
    assert resumed.bookmark("ventas")["since"] == begun
    assert resumed.bookmark("interlocutores")["since"] == begun
    # The days that came meanwhile were read too.
    assert resumed.bookmark("ventas")["windows"] == [[str(START), str(vendor.clock.today())]]


# Petitions that are gone, or not ours any more


def stopped_in_mid_window(sandbox: RunningSandbox, stream: str, **further: Any) -> Output:
    """A run whose server goes away after some slices."""
    sandbox.winfra.faults.add(
        Fault("status", status=500, path=r"/datos_xxl/.*/100/50$", times=None)
    )
    run = read(sandbox, stream, page_size=50, retry_time=0, download_ahead=0, **further)
    assert run.exit_code == 3
    assert len(run.output.records()) == 100
    assert run.output.bookmark(stream)["offset"] == 100
    sandbox.winfra.faults.clear()
    return run.output


def test_it_goes_on_at_the_offset(sandbox: RunningSandbox) -> None:
    vendor = sandbox.winfra
    first = stopped_in_mid_window(sandbox, "stocks")
    vendor.requests.clear()
    second = read(sandbox, "stocks", page_size=70, state=first.state).ok()
    assert texts(first, "stocks") + texts(second, "stocks") == vendor.rows("stocks")
    assert vendor.count("generar.post") == 0
    assert vendor.petitions[0].downloads[2][1:] == (100, 70)
    assert (
        second.activated("stocks") == [*versions(first, "stocks")] == [*versions(second, "stocks")]
    )


@pytest.mark.parametrize("status", [404, 422, 555])
def test_a_snapshot_whose_petition_is_gone_begins_anew(
    sandbox: RunningSandbox, status: int
) -> None:
    vendor = sandbox.winfra
    vendor.switches.unknown_petition_status = status
    first = stopped_in_mid_window(sandbox, "stocks")
    vendor.clock.advance(hours=13)
    second = read(sandbox, "stocks", page_size=50, state=first.state)
    assert "is gone" in second.stderr
    assert texts(second.output, "stocks") == vendor.rows("stocks")
    (old,), (new,) = versions(first, "stocks"), versions(second.output, "stocks")
    assert old is not None
    assert new is not None
    assert new > old, "so that a loader drops the first hundred"
    assert second.output.activated("stocks") == [new]


def test_without_a_key_rows_that_come_again_are_told(sandbox: RunningSandbox) -> None:
    first = stopped_in_mid_window(sandbox, "compras")
    sandbox.winfra.clock.advance(hours=13)
    second = read(sandbox, "compras", page_size=50, state=first.state)
    assert "compras: 100 rows come again" in second.stderr
    assert texts(second.output, "compras")[:100] == texts(first, "compras")


def test_other_parameters_leave_the_petition_alone(sandbox: RunningSandbox) -> None:
    first = stopped_in_mid_window(sandbox, "articulos")
    params = {"articulos": {"incluir_ficheros_adjuntos": True}}
    second = read(sandbox, "articulos", state=first.state, dataset_params=params)
    assert "read in full" in second.stderr
    held = sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
    assert texts(second.output, "articulos") == held
    assert len(sandbox.winfra.petitions) == 2
    (old,) = versions(first, "articulos")
    assert old is not None
    assert second.output.activated("articulos") > [old]


def test_a_petition_that_was_left_pending_is_waited_for(sandbox: RunningSandbox) -> None:
    vendor = sandbox.winfra
    vendor.switches.pending_looks = 1000
    first = read(sandbox, "stocks", "compras", generation_timeout=0.05, start_date="2026-01-01")
    assert first.exit_code == 3
    vendor.switches.pending_looks = 0
    second = read(sandbox, "stocks", "compras", state=first.output.state, start_date="2026-01-01")
    assert second.exit_code == 0
    assert len(items(vendor, "stocks")) == 1
    assert [item["fecha_hasta"][:10] for item in items(vendor, "compras")] == ["2026-11-19"]


def test_a_petition_of_an_unfinished_run_that_ended_in_error(sandbox: RunningSandbox) -> None:
    vendor = sandbox.winfra
    vendor.switches.pending_looks = 1000
    first = read(sandbox, "stocks", "tarifas", generation_timeout=0.05)
    vendor.switches.pending_looks = 0
    vendor.switches.failing_datasets = {"stocks": "Sin espacio"}
    second = read(sandbox, "stocks", "tarifas", state=first.output.state)
    second.failed(3, "Sin espacio")
    assert texts(second.output, "tarifas") == vendor.rows("tarifas")
    vendor.switches.failing_datasets = {}
    third = read(sandbox, "stocks", "tarifas", state=second.output.state).ok()
    assert texts(third, "stocks") == vendor.rows("stocks")
    assert third.records("tarifas") == []


# With a loader that honours ACTIVATE_VERSION


def held(sandbox: RunningSandbox) -> list[tuple[Any, ...]]:
    return sorted(
        (row["articulo"], row["cliente_tipo"], str(row["fecha"]).replace("T", " "))
        for row in sandbox.winfra.records("descuentos")
    )


COLUMNS = ("articulo", "cliente_tipo", "fecha")


@pytest.mark.parametrize("keys", [{}, keys_of("descuentos")], ids=["no keys", "keys"])
@pytest.mark.parametrize("forgets", [False, True])
def test_a_loader_drops_what_is_gone_and_keeps_a_resumed_snapshot(
    sandbox: RunningSandbox, tmp_path: Path, keys: Json, *, forgets: bool
) -> None:
    vendor, loader = sandbox.winfra, SqlLoader(tmp_path)
    further: Json = {"key_properties": keys, "page_size": 20, "download_ahead": 0}
    whole = read(sandbox, "descuentos", **further).ok()
    loader.load(whole.stdout)
    assert loader.rows("descuentos", *COLUMNS) == held(sandbox)
    gone = vendor.records("descuentos")[5]
    vendor.remove("descuentos", *(gone[name] for name in COLUMNS))
    vendor.faults.add(Fault("status", status=500, path=r"/datos_xxl/.*/40/20$", times=None))
    cut = read(sandbox, "descuentos", state=whole.state, retry_time=0, **further)
    assert cut.exit_code == 3
    loader.load(cut.stdout)
    vendor.faults.clear()
    if forgets:
        vendor.clock.advance(hours=13)
    rest = read(sandbox, "descuentos", state=cut.output.state, **further).ok()
    loader.load(rest.stdout)
    assert loader.rows("descuentos", *COLUMNS) == held(sandbox)
