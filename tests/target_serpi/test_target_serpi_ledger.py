"""The ledger: its tables, its privacy, and what happens when it cannot be written."""

from __future__ import annotations

import resource
import signal
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connector_kit.errors import SettingsError
from erp_sandbox import exact
from support.serpi_target import DOCUMENTS, Target, article, document, stream_of
from support.singer import run_command
from target_serpi.ledger import Action, Attempt, Ledger, LedgerError, State
from target_serpi.target import TargetSerpi

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_documented_tables(target: Target) -> None:
    target.run(stream_of([article("N-1", costo=1), article("N-2", costo="?")])).ended(4)
    target.run(stream_of([article("N-1", costo=2)])).ok(updated=1)
    runs = target.ledger("SELECT * FROM runs ORDER BY id")
    assert [(run["exit_code"], run["read"], run["created"]) for run in runs] == [
        (4, 2, 1),
        (0, 1, 0),
    ]
    assert [(run["updated"], run["rejected"]) for run in runs] == [(0, 1), (1, 0)]
    assert all(run["ended"] >= run["started"] for run in runs)
    latest = target.ledger("SELECT key, action, state, run FROM latest ORDER BY key")
    assert latest == [
        {"key": "N-1", "action": "update", "state": "CONFIRMED", "run": 2},
        {"key": "N-2", "action": "none", "state": "REJECTED", "run": 1},
    ]
    (update,) = target.ledger("SELECT * FROM attempts WHERE action = 'update'")
    assert '"costo":2' in update["payload"]
    assert '"costo":1.00000' in update["stored"]
    assert update["stream"] == update["source"] == "articulos"


def test_files_are_private(target: Target) -> None:
    target.run(stream_of([article("N-1")])).ok()
    for name in ("ledger.sqlite3", "report.html"):
        assert (target.folder / name).stat().st_mode & 0o777 == 0o600
    (target.folder / "ledger.sqlite3").chmod(0o644)
    target.run([]).ok()
    assert (target.folder / "ledger.sqlite3").stat().st_mode & 0o777 == 0o600


def test_no_secret_is_in_any_file_or_line(target: Target) -> None:
    target.serpi.token, target.serpi.secret_key = "canary-token-42", "canary-secret-43"
    secrets = {"token": "canary-token-42", "secret_key": "canary-secret-43"}
    target.serpi.switches.unknown_fields = "refuse"
    run = target.run(
        stream_of([article("N-1"), article("N-2", x=1)]), unknown_fields="send", **secrets
    )
    run.ended(4, created=1, rejected=1)
    (target.folder / "config.json").unlink()
    for path in target.folder.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path
    assert "canary" not in run.stderr


def test_a_row_of_another_account_is_left_alone(target: Target) -> None:
    ledger = Ledger(str(target.folder / "ledger.sqlite3"), "another account")
    ledger.begin_run("1")
    ledger.add(
        [Attempt("articulos", "s", "N-1", Action.CREATE, State.SENDING, b'{"codigo":"N-1"}')]
    )
    ledger.close()
    target.run([]).ok()
    assert target.states() == {"SENDING": 1}
    assert target.serpi.requests == []


def test_open_rows_are_looked_up_before_anything_is_read(target: Target) -> None:
    target.run(stream_of([article("N-1"), article("N-2", costo=2)])).ok(created=2)
    target.run(stream_of([document(1), document(2)], DOCUMENTS)).ok(created=2)
    target.serpi.documents.remove(target.serpi.documents.only(("CCO", "COM", 700_002))["id"])
    target.serpi.articles.change(target.serpi.articles.only("N-2")["id"], costo=3)
    with sqlite3.connect(target.folder / "ledger.sqlite3") as connection:
        connection.execute("UPDATE attempts SET state = 'SENDING'")
    target.serpi.requests.clear()
    run = target.run([]).ok()
    assert "4 writes of an earlier run" in run.stderr
    latest = {row["key"]: row["state"] for row in target.ledger("SELECT * FROM latest")}
    assert latest == {
        "N-1": "CONFIRMED", "N-2": "CONFLICT",
        "CCO/COM/700001": "CONFIRMED", "CCO/COM/700002": "ABSENT",
    }  # fmt: skip
    writes = [r for r in target.serpi.requests if r.method == "PUT" or r.kind.endswith(".post")]
    assert writes == []
    assert "2 CONFIRMED" in target.report().text


def test_an_update_that_never_arrived_is_told_from_one_that_did(target: Target) -> None:
    target.run(stream_of([{"codigo": "100009", "costo": 5}])).ok(updated=1)
    with sqlite3.connect(target.folder / "ledger.sqlite3") as connection:
        connection.execute("UPDATE attempts SET state = 'UNKNOWN'")
    target.run([]).ok()
    assert target.states() == {"CONFIRMED": 1}
    (row,) = target.ledger()
    before = row["stored"]
    with sqlite3.connect(target.folder / "ledger.sqlite3") as connection:
        connection.execute("UPDATE attempts SET state = 'UNKNOWN'")
    target.serpi.articles.put(exact.loads(before))  # type: ignore[arg-type]  # an object
    target.run([]).ok()
    assert target.states() == {"ABSENT": 1}


def test_settling_that_cannot_ask_ends_the_run_before_it_reads(
    target: Target, sandbox: Any
) -> None:
    target.run(stream_of([article("N-1")])).ok(created=1)
    with sqlite3.connect(target.folder / "ledger.sqlite3") as connection:
        connection.execute("UPDATE attempts SET state = 'SENDING'")
    with sandbox.down():
        run = target.run(stream_of([article("N-2")])).ended(3)
    assert run.summary == {}
    assert target.states() == {"SENDING": 1}


def test_without_its_ledger_the_target_is_still_safe(target: Target) -> None:
    records = [article(f"N-{number}") for number in range(5)]
    target.run(stream_of(records)).ok(created=5)
    (target.folder / "ledger.sqlite3").unlink()
    target.run(stream_of(records)).ok(unchanged=5)


@contextmanager
def _small_disk(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond a limit, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("limit", [0, 60_000, 150_000])
def test_a_full_disk_and_nothing_is_sent_without_its_row(target: Target, limit: int) -> None:
    records = [article(f"N-{n}", palabrasClave="x" * 2000) for n in range(60)]
    config = target.config_file(batch_size=5)
    lines = b"".join(stream_of(records))
    with _small_disk(limit):
        run = run_command(TargetSerpi, ["--config", str(config)], lines)
    assert run.exit_code in (1, 2)
    assert "ledger" in run.stderr
    assert run.stdout == b""
    sent = sum(len(batch) for batch in target.sent("articulo.post"))
    rows = target.ledger() if limit else []
    assert sent <= len(rows)
    assert sent < 60
    assert bool(sent) is (limit > 100_000)
    # With room again everything is there once.
    target.run(stream_of(records), batch_size=5).ok()
    codes = [held["codigo"] for held in target.serpi.articles if held["codigo"].startswith("N-")]
    assert sorted(codes) == sorted(record["codigo"] for record in records)


def test_a_change_that_fails_leaves_nothing_half_written(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.sqlite3"), "account")
    ledger.begin_run("1")
    many = [
        Attempt("articulos", "s", f"N-{n}", Action.CREATE, State.SENDING, b"x" * 5000)
        for n in range(50)
    ]
    with _small_disk(100_000), pytest.raises(LedgerError, match="cannot be written"):
        ledger.add(many)
    assert ledger.unsettled() == []
    ledger.add(many[:1])
    assert [attempt.key for attempt in ledger.unsettled()] == ["N-0"]


def test_what_is_no_ledger_is_a_setting_fault(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"this is no SQLite file, and long enough to be read as one" * 100)
    with pytest.raises(SettingsError, match="no SQLite file"):
        Ledger(str(text), "account")
    other = tmp_path / "other.sqlite3"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(SettingsError, match="another program's file"):
        Ledger(str(other), "account")
    with pytest.raises(SettingsError, match="cannot be opened"):
        Ledger(str(tmp_path), "account")


def test_the_ledger_can_be_read_while_the_target_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite3")
    ledger = Ledger(path, "account")
    ledger.begin_run("1")
    reader = sqlite3.connect(path)
    cursor = reader.execute("SELECT * FROM runs")
    cursor.fetchone()
    ledger.add([Attempt("articulos", "s", "N-1", Action.CREATE, State.SENDING, b"{}")])
    reader.close()
    assert len(ledger.unsettled()) == 1
