"""Dry runs: everything but the writes, and a report that says what would be done."""

from __future__ import annotations

from decimal import Decimal

import pytest

from erp_sandbox.serpi.app import WRITE_KINDS
from serpi_client.locks import TokenLocks
from support.serpi_target import (
    ARTICLES,
    DOCUMENTS,
    Target,
    article,
    document,
    record,
    schema,
    state,
    stream_of,
)


def _lines(target: Target) -> list[bytes]:
    target.run(stream_of([document(1)], DOCUMENTS)).ok(created=1)
    (target.folder / "ledger.sqlite3").unlink()
    target.serpi.requests.clear()
    return [
        schema(),
        record(article("N-1")),
        record({"codigo": "100009", "costo": Decimal("67900.00000")}),
        record({"codigo": "100011"}),
        record(article("N-2", costo="?")),
        schema(DOCUMENTS),
        record(document(1, nitTerceroEnc="900123456"), DOCUMENTS),
        record(document(2), DOCUMENTS),
        record(document(3, prefijo="XXX"), DOCUMENTS),
        state(1),
    ]


def test_nothing_is_written_anywhere_but_the_report(target: Target) -> None:
    lines = _lines(target)
    before = (list(target.serpi.articles), list(target.serpi.documents))
    run = target.run(lines, dry_run=True, on_existing_document="replace").ended(
        4, "would be rejected"
    )
    assert run.states == []
    assert (list(target.serpi.articles), list(target.serpi.documents)) == before
    assert not set(WRITE_KINDS) & target.serpi.counts().keys()
    left = {path.name for path in target.folder.iterdir() if path.is_file()}
    assert left == {"config.json", "report.html"}
    assert run.counts(ARTICLES) == {"created": 1, "updated": 1, "unchanged": 1, "rejected": 1}
    assert run.counts(DOCUMENTS) == {"created": 1, "updated": 1, "rejected": 1}


def test_the_real_run_does_what_the_dry_run_said(target: Target) -> None:
    lines = _lines(target)
    said = target.run(lines, dry_run=True, on_existing_document="replace")
    rehearsed = target.report()
    done = target.run(lines, on_existing_document="replace", max_rejects=2)
    assert done.ok().summary == said.summary
    assert target.report().records == rehearsed.records


def test_a_dry_run_that_rejects_nothing_ends_well_and_keeps_the_state(target: Target) -> None:
    run = target.run(stream_of([article("N-1")]), dry_run=True).ok(created=1)
    assert run.states == []
    assert not target.has_article("N-1")


def test_a_dry_run_passes_over_max_rejects(target: Target) -> None:
    lines = stream_of([article("N-1", costo="?")])
    target.run(lines, dry_run=True, max_rejects=5).ended(4, rejected=1)


@pytest.mark.parametrize("size", [1, 100])
def test_records_of_one_key_are_seen_as_the_real_run_sees_them(target: Target, size: int) -> None:
    lines = [schema(), record(article("N-1", costo=1)), record({"codigo": "N-1", "costo": 2})]
    lines += [record({"codigo": "N-1", "costo": 2}), schema(DOCUMENTS)]
    lines += [record(document(1), DOCUMENTS), record(document(1), DOCUMENTS)]
    lines += [record(document(1, nitTerceroEnc="52123456"), DOCUMENTS)]
    said = target.run(lines, dry_run=True, batch_size=size)
    done = target.run(lines, batch_size=size)
    assert said.exit_code == done.exit_code == 4
    assert said.summary == done.summary


def test_a_dry_run_needs_neither_ledger_nor_the_other_targets_lock(target: Target) -> None:
    (target.folder / "ledger.sqlite3").mkdir()
    settings = target.settings()
    locks = TokenLocks(settings["api_url"], settings["token"], request_wait=1)
    with locks.writer(1):
        target.run(stream_of([article("N-1")]), dry_run=True).ok(created=1)


def test_limits_are_told_in_a_dry_run(target: Target) -> None:
    run = target.run(stream_of([article("N-1"), article("N-2")]), dry_run=True, max_creates=1)
    run.ended(4, "max_creates")
