"""Runs that were cut off: what came before a STATE line and what a run from it gives is everything."""

from __future__ import annotations

import gzip
import os
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    TYPES,
    held,
    held_between,
    ids,
    run,
    selection,
    settings,
    texts,
    windows,
)
from support.singer import Output, started

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox
    from support.singer import Json

DAYS: dict[str, Any] = {"start_date": "2026-01-01", "end_date": "2026-03-31"}
SMALL: dict[str, Any] = {**DAYS, "window_days": 10, "page_size": 7}


def wanted(sandbox: RunningSandbox) -> set[bytes]:
    return set(held_between(sandbox.serpi, DAYS["start_date"], DAYS["end_date"]))


def up_to_states(output: Output) -> list[tuple[list[bytes], Json]]:
    """For each STATE line: the lines before it, and its value."""
    found = []
    for place, message in enumerate(output.messages):
        if message["type"] == "STATE":
            found.append((output.lines[:place], message["value"]))
    return found


def rows(lines: list[bytes], stream: str) -> set[bytes]:
    return set(texts(Output(b"".join(line + b"\n" for line in lines)), stream))


def test_resume_from_every_state(sandbox: RunningSandbox) -> None:
    whole = run(sandbox, DOCUMENTS, **SMALL).ok()
    states = up_to_states(whole)
    assert len(states) == 9
    for before, state in states:
        sandbox.serpi.requests.clear()
        rest = run(sandbox, DOCUMENTS, **SMALL, state=state, lookback_days=0).ok()
        assert rows(before, DOCUMENTS) | set(texts(rest, DOCUMENTS)) == wanted(sandbox)
        # Only the bookmark's own day is read again.
        assert windows(sandbox.serpi)[0][0] == state["bookmarks"][DOCUMENTS]["until"]


def test_resume_from_every_state_without_a_key(sandbox: RunningSandbox) -> None:
    keyless = {**SMALL, "key_properties": {DOCUMENTS: []}}
    whole = run(sandbox, DOCUMENTS, **keyless).ok()
    for before, state in up_to_states(whole):
        rest = texts(run(sandbox, DOCUMENTS, **keyless, state=state).ok(), DOCUMENTS)
        assert rows(before, DOCUMENTS) | set(rest) == wanted(sandbox)
        assert rows(before, DOCUMENTS).isdisjoint(rest)


@pytest.mark.parametrize("failing", [1, 2, 5, 11, 25])
def test_a_run_that_fails_in_the_middle(sandbox: RunningSandbox, failing: int) -> None:
    fault = Fault("status", "POST", "Consultar", status=400, skip=failing - 1, times=None)
    sandbox.serpi.faults.add(fault)
    run_ = run(sandbox, **SMALL)
    output = run_.failed(3, DOCUMENTS)
    assert set(texts(output, ARTICLES)) == set(held(sandbox.serpi, ARTICLES))
    assert texts(output, TYPES) == held(sandbox.serpi, TYPES)
    sandbox.serpi.faults.clear()
    state = output.state
    before = next(lines for lines, value in reversed(up_to_states(output)) if value == state)
    rest = run(sandbox, DOCUMENTS, **SMALL, state=state, lookback_days=0).ok()
    assert rows(before, DOCUMENTS) | set(texts(rest, DOCUMENTS)) == wanted(sandbox)
    assert run_.stderr.count(": not complete: ") == 1


def test_a_full_read_that_was_cut_off_goes_on(sandbox: RunningSandbox) -> None:
    state = run(sandbox, DOCUMENTS, **SMALL).ok().state
    earlier = {**SMALL, "start_date": "2025-12-01"}
    fault = Fault("status", "POST", "Consultar", status=400, skip=20, times=None)
    sandbox.serpi.faults.add(fault)
    output = run(sandbox, DOCUMENTS, **earlier, state=state).failed(3)
    sandbox.serpi.faults.clear()
    reached = output.bookmark(DOCUMENTS)["until"]
    assert "2025-12-01" < reached < "2026-03-31"
    sandbox.serpi.requests.clear()
    rest = run(sandbox, DOCUMENTS, **earlier, state=output.state, lookback_days=0).ok()
    assert windows(sandbox.serpi)[0][0] == reached
    found = set(texts(output, DOCUMENTS)) | set(texts(rest, DOCUMENTS))
    assert found == set(held_between(sandbox.serpi, "2025-12-01", "2026-03-31"))


def test_a_lookback_that_was_cut_off_is_read_again(sandbox: RunningSandbox) -> None:
    state = run(sandbox, DOCUMENTS, **SMALL).ok().state
    back_dated = sandbox.serpi.documents.add(numeroDoc=999, fechaDocumento="2026-03-30")
    fault = Fault("status", "POST", "Consultar", status=400, skip=8, times=None)
    sandbox.serpi.faults.add(fault)
    output = run(sandbox, DOCUMENTS, **SMALL, state=state).failed(3)
    assert back_dated["id"] not in ids(texts(output, DOCUMENTS))
    assert output.bookmark(DOCUMENTS) == state["bookmarks"][DOCUMENTS]
    sandbox.serpi.faults.clear()
    again = run(sandbox, DOCUMENTS, **SMALL, state=output.state).ok()
    assert back_dated["id"] in ids(texts(again, DOCUMENTS))


def test_a_state_merged_key_by_key_as_meltano_does(sandbox: RunningSandbox) -> None:
    first = run(sandbox, DOCUMENTS, **SMALL).ok().state
    changed = {**SMALL, "document_types": [1, 2], "end_date": "2026-01-10"}
    second = run(sandbox, DOCUMENTS, **changed, state=first).ok().state
    merged = {**first["bookmarks"][DOCUMENTS], **second["bookmarks"][DOCUMENTS]}
    assert merged == second["bookmarks"][DOCUMENTS]


def test_bookmarks_of_other_streams_stay(sandbox: RunningSandbox) -> None:
    state = {"bookmarks": {"something_else": {"until": "2020-01-01"}, ARTICLES: {"version": 5}}}
    output = run(sandbox, DOCUMENTS, **SMALL, state=state).ok()
    assert output.state["bookmarks"]["something_else"] == {"until": "2020-01-01"}
    assert output.state["bookmarks"][ARTICLES] == {"version": 5}


# Signals, in a process of its own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_state_to_go_on_from(sandbox: RunningSandbox, number: int) -> None:
    sandbox.serpi.switches.latency_ms = 20
    given = {**settings(sandbox, **SMALL)}
    with started("tap_serpi", given, catalog=selection(DOCUMENTS)) as process:
        for _ in range(3):
            process.read_until("STATE")
        process.send(number)
        stopped = process.ended()
    assert stopped.exit_code == 128 + number
    sandbox.serpi.switches.latency_ms = 0
    state = stopped.output.state
    assert state["bookmarks"][DOCUMENTS]["until"] < "2026-03-31"
    rest = run(sandbox, DOCUMENTS, **SMALL, state=state).ok()
    assert set(texts(stopped.output, DOCUMENTS)) | set(texts(rest, DOCUMENTS)) == wanted(sandbox)


def test_killed_in_the_middle(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.latency_ms = 10
    with started("tap_serpi", settings(sandbox, **SMALL), catalog=selection(DOCUMENTS)) as process:
        for _ in range(4):
            process.read_until("STATE")
        process.read_until("RECORD")
        process.send(signal.SIGKILL)
        killed = process.ended()
    assert killed.exit_code == 128 + signal.SIGKILL
    sandbox.serpi.switches.latency_ms = 0
    whole_lines = Output(b"".join(line + b"\n" for line in killed.output.lines))
    rest = run(sandbox, DOCUMENTS, **SMALL, state=whole_lines.state).ok()
    assert set(texts(whole_lines, DOCUMENTS)) | set(texts(rest, DOCUMENTS)) == wanted(sandbox)


def test_the_reader_goes_away(sandbox: RunningSandbox) -> None:
    reader, writer = os.pipe()
    with started("tap_serpi", settings(sandbox, **ALL_DOCUMENTS), stdout=writer) as process:
        os.close(writer)
        os.read(reader, 100)
        os.close(reader)
        stopped = process.ended()
    assert stopped.exit_code == 1
    assert "standard output cannot be written" in stopped.stderr
    assert "Traceback" not in stopped.stderr


# BATCH


def batches(folder: Path, size: int) -> dict[str, Any]:
    return {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": folder.as_uri()},
            "batch_size": size,
        }
    }


def rows_of_batches(lines: list[bytes], stream: str) -> list[bytes]:
    found: list[bytes] = []
    for message in Output(b"".join(line + b"\n" for line in lines)).of_type("BATCH", stream):
        for address in message["manifest"]:
            with gzip.open(address.removeprefix("file://")) as file:
                found += file.read().splitlines()
    return found


def test_batches_hold_every_row(sandbox: RunningSandbox, tmp_path: Path) -> None:
    sandbox.serpi.switches.insert_before_page = 3
    run_ = run(sandbox, **ALL_DOCUMENTS, page_size=100, **batches(tmp_path, 250))
    output = run_.ok()
    assert output.records() == []
    assert sorted(ids(rows_of_batches(output.lines, ARTICLES))) == list(range(1, 1201))
    assert len(rows_of_batches(output.lines, DOCUMENTS)) == 600
    # A batch's rows have no version, so none may be activated: a loader would drop them.
    assert output.of_type("ACTIVATE_VERSION") == []
    exact = [row for row in rows_of_batches(output.lines, ARTICLES) if ids([row]) == [4]]
    assert b"12345678901234.56789" in exact[0]


def test_resume_from_every_state_between_batches(sandbox: RunningSandbox, tmp_path: Path) -> None:
    given = {**SMALL, **batches(tmp_path, 13)}
    whole = run(sandbox, DOCUMENTS, **given).ok()
    everything = set(ids(wanted(sandbox)))
    states = up_to_states(whole)
    assert len(states) > 5
    for before, state in states[::2]:
        rest = run(sandbox, DOCUMENTS, **given, state=state, lookback_days=0).ok()
        found = set(ids(rows_of_batches(before, DOCUMENTS)))
        assert found | set(ids(rows_of_batches(rest.lines, DOCUMENTS))) == everything


def test_the_day_of_these_tests_has_come() -> None:
    assert datetime.now(UTC).date().isoformat() > DAYS["end_date"]
