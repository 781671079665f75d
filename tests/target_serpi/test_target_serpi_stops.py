"""Killed, told to stop, and started again: each document is in SERPI once."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.quick_target import QuickTarget
from support.serpi_target import (
    DOCUMENTS,
    Target,
    article,
    document,
    line,
    state,
    stream_of,
)
from support.singer import StartedProcess, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT_COUNT = 500
KILLS = 50


def _documents(count: int) -> list[dict[str, Any]]:
    return [
        document(n, line("D", f"{n}.{n:03d}"), line("C", f"{n}.{n:03d}"))
        for n in range(1, count + 1)
    ]


def test_killed_at_fifty_random_moments(target: Target) -> None:
    seed = random.randrange(1 << 30)  # noqa: S311 - no secret
    chance = random.Random(seed)  # noqa: S311 - no secret
    target.serpi.switches.duplicate_documents = "store"
    given = _documents(DOCUMENT_COUNT)
    stdin = target.folder / "input.jsonl"
    stdin.write_bytes(b"".join(stream_of(given, DOCUMENTS)))
    stdout = target.folder / "states.jsonl"
    config = target.config_file(batch_size=10, settle_time=0.02, lock_timeout=20)
    quick = QuickTarget(config, stdin, stdout)
    kills = 0
    ends = []
    while kills < KILLS:
        posts = target.serpi.count("documento.post")
        process = quick.start()
        # A little after the next write is under way, or at any time where none is left.
        deadline = time.monotonic() + 3
        wanted = posts + chance.choice((0, 1, 1, 2))
        while (
            process.is_alive()
            and target.serpi.count("documento.post") < wanted
            and time.monotonic() < deadline
        ):
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            kills += 1
        else:
            # All is there already: the rest of the kills hit runs that only look.
            ends.append(process.exitcode)
    process = quick.start()
    process.join(60)
    assert process.exitcode == 0, f"seed {seed}: {quick.log.read_text()[-3000:]}"
    assert ends == [0] * len(ends), f"seed {seed}"
    held = {one["numeroDoc"]: one for one in target.held_documents()}
    assert len(target.held_documents()) == len(held) == DOCUMENT_COUNT, f"seed {seed}"
    for one in given:
        stored = held[one["numeroDoc"]]
        assert [entry["valor"] for entry in stored["detalles"]] == [
            entry["valor"] for entry in one["detalles"]
        ], f"seed {seed}"
    assert target.serpi.count("documento.put_delete") == 0
    assert target.states()["CONFIRMED"] >= DOCUMENT_COUNT - 10 * KILLS
    assert not {"SENDING", "UNKNOWN"} & target.states().keys()
    states = stdout.read_text(encoding="utf-8").split()
    assert set(states) == {'{"records":500}'}


@contextmanager
def _running(target: Target, **further: Any) -> Iterator[StartedProcess]:
    config = target.config_file(**further)
    with started("target_serpi", args=["--config", str(config)]) as process:
        yield process


def _give(process: StartedProcess, lines: list[bytes], *, close: bool = False) -> None:
    stdin = process.process.stdin
    assert stdin is not None
    stdin.write(b"".join(lines))
    stdin.flush()
    if close:
        stdin.close()
        process.process.stdin = None


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_write_is_under_way_waits_for_its_row(target: Target, number: int) -> None:
    """The batch in flight is confirmed, the next one is not sent, and no state leaves."""
    target.serpi.faults.add(Fault("delay", "POST", r"Contable$", delay=0.5))
    given = _documents(10)
    lines = [*stream_of(given[:5], DOCUMENTS), *stream_of(given[5:], DOCUMENTS)]
    with _running(target, batch_size=5) as process:
        _give(process, lines, close=True)
        _until(lambda: target.serpi.count("documento.post") == 1)
        process.send(number)
        run = process.ended()
    assert run.exit_code == 128 + number
    assert run.stdout == b""
    assert len(target.held_documents()) == 5
    assert target.states() == {"CONFIRMED": 5}
    assert target.ledger("SELECT exit_code FROM runs") == [{"exit_code": 128 + number}]
    assert target.report().exit_code == 128 + number


def test_a_signal_while_waiting_for_input_writes_nothing_that_is_not_confirmed(
    target: Target,
) -> None:
    given = _documents(7)
    with _running(target, batch_size=5) as process:
        # Five are confirmed, two wait for their batch, and a state that speaks of all has come.
        _give(process, [*stream_of(given, DOCUMENTS), state("unconfirmed")])
        _until(lambda: target.states().get("CONFIRMED", 0) == 5)
        process.send(signal.SIGTERM)
        run = process.ended()
    assert (run.exit_code, run.stdout) == (143, b"")
    assert len(target.held_documents()) == 5
    target.run(stream_of(given, DOCUMENTS)).ok(created=2, unchanged=5)


def test_a_signal_during_a_replacement_waits_until_one_document_stands(target: Target) -> None:
    target.run(stream_of([document(1)], DOCUMENTS)).ok(created=1)
    target.serpi.faults.add(Fault("delay", "PUT", "Contable$", delay=0.3))
    new = [document(1, nitTerceroEnc="900123456"), document(2, nitTerceroEnc="900123456")]
    with _running(target, on_existing_document="replace", batch_size=1) as process:
        _give(process, stream_of(new, DOCUMENTS), close=True)
        _until(lambda: target.serpi.count("documento.put_delete") == 1)
        process.send(signal.SIGTERM)
        run = process.ended()
    assert (run.exit_code, run.stdout) == (143, b"")
    (held,) = target.held_documents()
    assert held["nitTerceroEnc"] == "900123456"
    assert target.states() == {"CONFIRMED": 2}


def test_a_second_signal_ends_at_once_and_the_next_run_settles(target: Target) -> None:
    target.serpi.faults.add(Fault("delay", "POST", r"Contable$", delay=30, after_commit=True))
    with _running(target) as process:
        _give(process, stream_of(_documents(3), DOCUMENTS), close=True)
        _until(lambda: target.serpi.count("documento.post") == 1)
        process.send(signal.SIGTERM)
        time.sleep(0.2)
        assert process.process.poll() is None
        process.send(signal.SIGTERM)
        assert process.ended(timeout=5).exit_code == 143
    assert target.states() == {"SENDING": 3}
    run = target.run([]).ok()
    assert "3 CONFIRMED" in run.stderr
    assert target.states() == {"CONFIRMED": 3}


def test_a_reader_of_the_states_that_has_gone_is_an_error(target: Target) -> None:
    config = target.config_file()
    reading, writing = os.pipe()
    os.close(reading)
    with started("target_serpi", args=["--config", str(config)], stdout=writing) as process:
        os.close(writing)
        run = process.ended(b"".join(stream_of(_documents(3), DOCUMENTS)))
    assert run.exit_code == 1
    assert "standard output" in run.stderr
    assert len(target.held_documents()) == 3


def test_new_articles_do_not_wait_for_more_than_their_batch(target: Target) -> None:
    """Known ones wait for a common look; a new one is nobody's look."""
    with _running(target, batch_size=5) as process:
        _give(process, stream_of([article(f"N-{number}") for number in range(11)]))
        _until(lambda: target.serpi.count("articulo.post") == 2)
        assert [len(batch) for batch in target.sent("articulo.post")] == [5, 5]
        _give(process, [], close=True)
        assert process.ended().exit_code == 0
    assert target.serpi.count("articulo.post") == 3
