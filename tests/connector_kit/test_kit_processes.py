"""What only a process shows: signals, pipes that close, disks that are full."""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_kit.signals import StopGuard, StopSignal
from support.dummy_vendor import Dummy
from support.singer import PATH_OF_TESTS, Output, Run, StartedProcess, run_process, started

PACKAGE = "support.dummy_tap"
MOST_OF_A_PIPE = 50_000
"""Bytes; a pipe takes 65,536 at most, a little less in writes of odd sizes."""
ROW = b'{"id":%d,"text":"' + b"x" * 1000 + b'"}'


def page(first: int, rows: int) -> bytes:
    return b"[" + b",".join(ROW % number for number in range(first, first + rows)) + b"]"


@pytest.fixture
def held(dummy: Dummy) -> Iterator[threading.Event]:
    """Two pages come, the third is kept back until the event is set."""
    dummy.server.reset(events=[page(1, 2), page(3, 2), page(5, 2)], items=[page(1, 1)])
    dummy.server.held["/events", 3] = event = threading.Event()
    yield event
    event.set()


def resumed(dummy: Dummy, run: Run) -> list[int]:
    """Read on from the last state and give the ids of the events in both runs."""
    again = dummy.run("events", state=run.output.state).ok()
    return [record["id"] for output in (run.output, again) for record in output.records("events")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_vendor_is_waited_for_ends_at_once(
    dummy: Dummy, held: threading.Event, number: int
) -> None:
    with started(PACKAGE, dummy.config(), catalog=dummy.catalog("events", "items")) as process:
        dummy.server.wait_for("/events", 3)
        process.send(number)
        run = process.ended(timeout=30)
    assert not held.is_set(), "it did not wait for the answer"
    run.failed(128 + number, f"stopped by {signal.Signals(number).name}")
    assert run.output.messages[-1]["type"] == "STATE"
    assert run.output.bookmark("events")["page"] == 3
    assert "/items" not in dummy.server.counts()
    dummy.server.held.clear()
    assert resumed(dummy, run) == [1, 2, 3, 4, 5, 6]


SIGNALLED_AT_ONCE = """
import os, signal, sys
take = signal.signal
def take_and_be_signalled(number, handler):
    before = take(number, handler)
    if number == int(sys.argv[1]):
        os.kill(os.getpid(), number)
    return before
signal.signal = take_and_be_signalled
from support.dummy_tap import DummyTap
DummyTap.cli(["--about"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_as_soon_as_there_is_a_handler(number: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SIGNALLED_AT_ONCE, str(int(number))],
        env={**os.environ, **PATH_OF_TESTS}, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert run.returncode == 128 + number, run.stderr.decode()
    assert b"Traceback" not in run.stderr


def pipe_is_full(process: StartedProcess, reader: int) -> None:
    """Wait until the process has filled the pipe, so that it stands in the middle of a page."""
    before = -1
    while (waiting := _bytes_in(reader)) < MOST_OF_A_PIPE or waiting != before:
        before = waiting
        with pytest.raises(subprocess.TimeoutExpired):
            process.process.wait(0.2)


def _bytes_in(reader: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(reader, termios.FIONREAD, count)
    return count[0]


@pytest.fixture(params=["", "1"])
def slow_reader(
    dummy: Dummy, request: pytest.FixtureRequest
) -> Iterator[tuple[StartedProcess, int]]:
    """A tap whose page does not fit into the pipe that nobody reads yet, with a buffer and without."""
    dummy.server.reset(events=[page(1, 400), page(401, 400)])
    environment = {"PYTHONUNBUFFERED": request.param}
    config, catalog = dummy.config(), dummy.catalog("events")
    reader, writer = os.pipe()
    with started(
        PACKAGE, config, catalog=catalog, stdout=writer, environment=environment
    ) as process:
        os.close(writer)
        pipe_is_full(process, reader)
        yield process, reader


def test_a_signal_in_the_middle_of_a_page_lets_it_go_out_whole(
    dummy: Dummy, slow_reader: tuple[StartedProcess, int]
) -> None:
    process, reader = slow_reader
    process.send(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.process.wait(0.3)
    with os.fdopen(reader, "rb") as pipe:
        stdout = pipe.read()
    end = process.ended(timeout=30)
    run = Run(end.exit_code, Output(stdout), end.stderr)
    assert run.exit_code == 128 + signal.SIGTERM
    assert len(run.output.records("events")) == 400, "the page that was begun, and no other"
    assert run.output.bookmark("events")["page"] == 2
    assert resumed(dummy, run) == list(range(1, 801))


def test_a_second_signal_ends_at_once(slow_reader: tuple[StartedProcess, int]) -> None:
    process, reader = slow_reader
    process.send(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.process.wait(0.3)
    process.send(signal.SIGINT)
    assert process.process.wait(5) == 128 + signal.SIGINT
    os.close(reader)


def test_a_signal_while_a_batch_fills_keeps_the_state_of_the_last_batch(
    dummy: Dummy, held: threading.Event, tmp_path: Path
) -> None:
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 3,
    }
    config, catalog = dummy.config(batch_config=batches), dummy.catalog("events")
    with started(PACKAGE, config, catalog=catalog) as process:
        dummy.server.wait_for("/events", 3)
        process.send(signal.SIGTERM)
        run = process.ended(timeout=30)
    assert not held.is_set()
    assert run.exit_code == 128 + signal.SIGTERM
    [batch] = run.output.of_type("BATCH")
    assert [record["id"] for record in run.output.batch(batch)] == [1, 2, 3]
    assert run.output.bookmark("events")["page"] == 2, "row 4 of page 2 is in no batch"


# Standard output


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_ends_early_is_told_and_no_traceback(dummy: Dummy, unbuffered: str) -> None:
    dummy.server.reset(events=[page(1, 400), page(401, 400)], items=[page(1, 1)])
    config, catalog = dummy.config(), dummy.catalog("events", "items")
    environment = {"PYTHONUNBUFFERED": unbuffered}
    reader, writer = os.pipe()
    with started(
        PACKAGE, config, catalog=catalog, stdout=writer, environment=environment
    ) as process:
        os.close(writer)
        os.read(reader, 100)
        os.close(reader)
        run = process.ended(timeout=20)
    assert run.exit_code == 1
    assert "standard output cannot be written" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr
    assert "/items" not in dummy.server.counts(), "no other stream would fare better"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told(dummy: Dummy, unbuffered: str) -> None:
    dummy.server.reset(events=[page(1, 2)])
    config, catalog = dummy.config(), dummy.catalog("events")
    environment = {"PYTHONUNBUFFERED": unbuffered}
    with (
        Path("/dev/full").open("wb") as full,
        started(PACKAGE, config, catalog=catalog, stdout=full, environment=environment) as process,
    ):
        run = process.ended(timeout=20)
    assert run.exit_code == 1
    assert "standard output cannot be written (No space left on device)" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr


def test_standard_output_that_was_never_open(dummy: Dummy, tmp_path: Path) -> None:
    dummy.server.reset(events=[page(1, 2)])
    config = tmp_path / "config.json"
    config.write_text(json.dumps(dummy.config()))
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", PACKAGE, "--config", config],
        stderr=subprocess.PIPE,
        env={**os.environ, **PATH_OF_TESTS},
        check=False,
    )
    assert run.returncode == 1
    assert b"standard output cannot be written" in run.stderr
    assert b"Traceback" not in run.stderr


def test_a_process_runs_as_the_command_does(dummy: Dummy) -> None:
    dummy.server.reset(items=[page(1, 2)])
    run = run_process(PACKAGE, dummy.config(), catalog=dummy.catalog("items"))
    assert len(run.ok().records("items")) == 2
    assert run_process(PACKAGE, dummy.config(page_size=0)).exit_code == 2


# The guard alone


def test_a_guarded_part_is_ended_before_the_signal_is_obeyed() -> None:
    guard = StopGuard()
    done = []

    def part() -> None:
        with guard.guarded():
            with guard.guarded():
                guard._handle(signal.SIGTERM, None)
                done.append("inner")
            assert guard.stopping
            done.append("outer")

    with pytest.raises(StopSignal) as stop:
        part()
    assert done == ["inner", "outer"]
    assert stop.value.exit_code == 143


def test_a_guarded_part_that_fails_says_so_and_the_next_one_stops() -> None:
    guard = StopGuard()

    def failing_part() -> None:
        with guard.guarded():
            guard._handle(signal.SIGTERM, None)
            raise LookupError

    def next_part() -> None:
        with guard.guarded():
            pass

    with pytest.raises(LookupError):
        failing_part()
    with pytest.raises(StopSignal):
        next_part()
