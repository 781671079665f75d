"""Stops before harm: limits, and two targets on one token."""

from __future__ import annotations

import threading
import time

import pytest

from serpi_client.locks import TokenLocks
from support.quick_target import QuickTarget
from support.serpi_target import DOCUMENTS, Target, article, document, record, schema, stream_of


def test_the_batch_that_would_pass_max_creates_is_not_sent(target: Target) -> None:
    records = [article(f"N-{number}") for number in range(12)]
    run = target.run(stream_of(records), batch_size=5, max_creates=9)
    run.ended(4, "'max_creates' allows 9")
    assert run.counts() == {"created": 5, "not dealt with": 5}
    assert run.states == []
    assert target.serpi.count("articulo.post") == 1
    # What is there already does not count again.
    target.run(stream_of(records), batch_size=5, max_creates=7).ok(created=7, unchanged=5)


def test_a_batch_of_creates_and_updates_is_all_or_nothing(target: Target) -> None:
    records = [article("N-1"), {"codigo": "100009", "costo": 1}, {"codigo": "100011", "costo": 1}]
    run = target.run(stream_of(records), max_updates=1).ended(4, "'max_updates' allows 1")
    assert run.counts() == {"not dealt with": 3}
    assert not {"articulo.post", "articulo.put"} & target.serpi.counts().keys()
    target.run(stream_of(records), max_updates=2).ok(created=1, updated=2)


def test_nought_allows_none(target: Target) -> None:
    target.run(stream_of([article("N-1")]), max_creates=0).ended(4)
    target.run(stream_of([{"codigo": "100009", "costo": 1}]), max_creates=0).ok(updated=1)


def test_documents_count_too_and_replacements_are_changes(target: Target) -> None:
    target.run(stream_of([document(1), document(2)], DOCUMENTS), max_creates=2).ok(created=2)
    changed = [document(number, nitTerceroEnc="52123456") for number in (1, 2)]
    run = target.run(stream_of(changed, DOCUMENTS), on_existing_document="replace", max_updates=1)
    run.ended(4, "max_updates")
    assert target.serpi.count("documento.put_delete") == 0


def test_the_limits_are_of_the_run_not_of_a_stream(target: Target) -> None:
    lines = [schema(), record(article("N-1")), schema(DOCUMENTS), record(document(1), DOCUMENTS)]
    target.run(lines, max_creates=1).ended(4)
    assert target.serpi.count("articulo.post") + target.serpi.count("documento.post") == 1


@pytest.fixture
def locks(target: Target) -> TokenLocks:
    settings = target.settings()
    return TokenLocks(settings["api_url"] + "/", settings["token"], request_wait=1)


def test_a_second_target_says_why_it_does_not_start(target: Target, locks: TokenLocks) -> None:
    with locks.writer(1):
        started = time.monotonic()
        run = target.run(stream_of([article("N-1")]), lock_timeout=0.3)
        run.ended(3, "another target-serpi", "lock_timeout")
        assert time.monotonic() - started > 0.3
    assert target.serpi.requests == []
    assert run.states == []
    target.run(stream_of([article("N-1")]), lock_timeout=0).ok(created=1)


def test_a_second_target_waits_for_the_first(target: Target, locks: TokenLocks) -> None:
    taken = threading.Event()

    def first() -> None:
        with locks.writer(1):
            taken.set()
            time.sleep(0.4)

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait()
    target.run(stream_of([article("N-1")]), lock_timeout=10).ok(created=1)
    thread.join()


def test_two_targets_at_once_end_up_with_each_document_once(target: Target) -> None:
    target.serpi.switches.duplicate_documents = "store"
    target.serpi.switches.simultaneous_use = "429"
    stdin = target.folder / "input.jsonl"
    stdin.write_bytes(b"".join(stream_of([document(n) for n in range(40)], DOCUMENTS)))
    config = target.config_file(batch_size=5, lock_timeout=30)
    quick = QuickTarget(config, stdin, target.folder / "states")
    processes = [quick.start() for _ in range(3)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0], quick.log.read_text()
    assert len(target.held_documents()) == 40
    assert target.serpi.overlaps == 0
    states = (target.folder / "states").read_text(encoding="utf-8").split()
    assert states == ['{"records":40}'] * 3
