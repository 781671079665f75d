"""Answers that are lost, late, partial or contradictory: each record is there exactly once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_target import (
    ARTICLES,
    DOCUMENTS,
    Target,
    article,
    document,
    line,
    record,
    schema,
    state,
    stream_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 23
DOCUMENT_POST = r"Contable(\?|$)"


def documents() -> list[dict[str, Any]]:
    """Documents whose amounts tell them apart."""
    return [document(n, line("D", f"{n}.50"), line("C", f"{n}.50")) for n in range(1, COUNT + 1)]


def assert_each_once(target: Target, expected: list[dict[str, Any]]) -> None:
    """SERPI holds each document once, with its own amount."""
    held = {one["numeroDoc"]: one for one in target.held_documents()}
    assert len(target.held_documents()) == len(held) == len(expected)
    for one in expected:
        amounts = [line["valor"] for line in held[one["numeroDoc"]]["detalles"]]
        assert amounts == [line["valor"] for line in one["detalles"]]
    assert target.serpi.count("documento.put_delete") == 0
    assert target.serpi.most_at_once == 1


def assert_articles_once(target: Target, codes: list[str]) -> None:
    """SERPI holds each code once."""
    held = Counter(one["codigo"] for one in target.serpi.articles)
    assert {code: held[code] for code in codes} == dict.fromkeys(codes, 1)
    assert target.serpi.most_at_once == 1


@pytest.mark.parametrize("doubles", ["refuse", "store"])
@pytest.mark.parametrize("lost", ["all", "some", "first"])
def test_documents_whose_answers_are_lost(target: Target, lost: str, doubles: str) -> None:
    target.serpi.switches.set_text("lose_write_answers", lost)
    target.serpi.switches.set_text("duplicate_documents", doubles)
    run = target.run(stream_of(documents(), DOCUMENTS), batch_size=5).ok(created=COUNT)
    assert run.states == [{"records": COUNT}]
    assert_each_once(target, documents())
    assert target.states() == {"CONFIRMED": COUNT}
    assert target.serpi.count("documento.post") == 5


@pytest.mark.parametrize("doubles", ["refuse", "store"])
@pytest.mark.parametrize("lost", ["all", "some", "first"])
def test_articles_whose_answers_are_lost(target: Target, lost: str, doubles: str) -> None:
    target.serpi.switches.set_text("lose_write_answers", lost)
    target.serpi.switches.set_text("duplicate_articles", doubles)
    known = [held["codigo"] for held in target.serpi.articles][10:20]
    new = [f"N-{number}" for number in range(10)]
    records = [{"codigo": code, "costo": Decimal("7.77")} for code in known]
    records += [article(code, costo=Decimal("7.77")) for code in new]
    target.run(stream_of(records), batch_size=8).ok(created=10, updated=10)
    assert_articles_once(target, [*known, *new])
    for code in (*known, *new):
        assert target.serpi.articles.only(code)["costo"] == Decimal("7.77")


@pytest.mark.parametrize("doubles", ["refuse", "store"])
@pytest.mark.parametrize("stored", [0, 1, 3])
def test_x_of_y(target: Target, stored: int, doubles: str) -> None:
    """Of each batch only some are stored, with success; alone each one is."""
    target.serpi.switches.set_text("duplicate_documents", doubles)
    target.serpi.switches.store_at_most = stored

    def all_again(received: Any) -> bool:
        # The first record that is sent alone shows that the batch was looked at.
        if received.kind == "documento.post" and len(received.json) == 1:
            target.serpi.switches.store_at_most = None
        return False

    target.serpi.faults.add(Fault("drop", "POST", when=all_again))
    target.run(stream_of(documents(), DOCUMENTS), batch_size=COUNT).ok(created=COUNT)
    assert_each_once(target, documents())
    assert target.serpi.count("documento.post") == 1 + COUNT - stored


def test_one_record_that_is_stored_never(target: Target) -> None:
    target.serpi.switches.store_at_most = 0
    run = target.run(stream_of(documents()[:2], DOCUMENTS)).ended(4, rejected=2)
    assert run.states == []
    (first, _) = [m["rejected"] for m in target.rejects() if m["type"] == "RECORD"]
    assert "Se crearon 0 de 1" in first["serpi"]


@pytest.mark.parametrize("beside", ["http", "body"])
@pytest.mark.parametrize("shape", ["strings", "objects", "object_of_lists"])
@pytest.mark.parametrize("atomic", [True, False])
def test_one_bad_record_in_a_batch(target: Target, beside: str, shape: str, atomic: bool) -> None:
    target.serpi.switches.unknown_fields = "refuse"
    target.serpi.switches.set_text("write_refusal", beside)
    target.serpi.switches.set_text("error_shape", shape)
    target.serpi.switches.atomic_batches = atomic
    given = documents()
    given[7]["campoNuevo"] = 1
    run = target.run(stream_of(given, DOCUMENTS), unknown_fields="send", batch_size=10)
    run.ended(4, created=COUNT - 1, rejected=1)
    assert_each_once(target, given[:7] + given[8:])
    (rejected,) = [m for m in target.rejects() if m["type"] == "RECORD"]
    assert rejected["record"]["numeroDoc"] == given[7]["numeroDoc"]
    assert "campoNuevo" in rejected["rejected"]["serpi"]
    assert run.states == []


@pytest.mark.parametrize("trouble", ["success_false", "errors", "body_500", "html", "broken_json"])
def test_answers_that_contradict_what_was_done(target: Target, trouble: str) -> None:
    target.serpi.switches.set_text("write_trouble", trouble)
    target.run(stream_of(documents(), DOCUMENTS), batch_size=10).ok(created=COUNT)
    assert_each_once(target, documents())
    known = [held["codigo"] for held in target.serpi.articles][10:13]
    records = [{"codigo": code, "costo": 5} for code in known] + [article("N-1")]
    target.run(stream_of(records)).ok(created=1, updated=3)
    assert_articles_once(target, [*known, "N-1"])


@pytest.mark.parametrize("kind", ["drop", "reset", "cut_body", "html", "garbage", "latin1"])
@pytest.mark.parametrize(("every", "times"), [(1, 3), (2, 4)])
def test_writes_that_fail_before_or_after(
    target: Target, kind: str, every: int, times: int
) -> None:
    """The first writes, or every other one, fail so; some were done and some were not."""
    fault = Fault(kind, "POST", DOCUMENT_POST, every=every, times=times)  # type: ignore[arg-type]
    target.serpi.faults.add(fault)
    target.run(stream_of(documents(), DOCUMENTS), batch_size=10).ok(created=COUNT)
    assert fault.hits > 1
    assert_each_once(target, documents())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_statuses_that_say_nothing(target: Target, status: int) -> None:
    target.serpi.faults.add(Fault("status", "POST", DOCUMENT_POST, status=status, times=2))
    target.serpi.faults.add(
        Fault("status", "POST", DOCUMENT_POST, status=status, after_commit=True, times=2, skip=1)
    )
    target.run(stream_of(documents(), DOCUMENTS), batch_size=10).ok(created=COUNT)
    assert_each_once(target, documents())


def test_retry_after_is_waited_for_before_a_write_is_repeated(target: Target) -> None:
    headers = {"Retry-After": "1"}
    fault = Fault("status", "POST", DOCUMENT_POST, status=429, headers=headers)
    target.serpi.faults.add(fault)
    target.run(stream_of(documents()[:1], DOCUMENTS), retry_time=5).ok(created=1)
    first, second = [r.time for r in target.serpi.requests if r.kind == "documento.post"]
    assert second - first >= 1


def test_an_absurd_retry_after_is_capped(target: Target) -> None:
    headers = {"Retry-After": "1000000000"}
    target.serpi.faults.add(Fault("status", "POST", DOCUMENT_POST, status=503, headers=headers))
    started = time.monotonic()
    target.run(stream_of(documents()[:1], DOCUMENTS), retry_time=0.4).ok(created=1)
    assert 0.4 <= time.monotonic() - started < 10


def test_a_server_that_stores_after_the_read_timeout(target: Target) -> None:
    """The client gave up waiting; the server works on and stores within the settle time."""
    target.serpi.faults.add(Fault("delay", "POST", DOCUMENT_POST, delay=0.4, times=2))
    target.serpi.switches.duplicate_documents = "store"
    run = target.run(
        stream_of(documents(), DOCUMENTS), batch_size=12, request_timeout=0.15, settle_time=0.6
    )
    run.ok(created=COUNT)
    assert_each_once(target, documents())
    assert target.serpi.count("documento.post") == 2


def test_a_server_that_never_says_what_happened(target: Target) -> None:
    """After three records without an end nothing more is sent, and no state leaves."""
    target.serpi.faults.add(Fault("drop", "POST", DOCUMENT_POST, times=None))
    run = target.run(stream_of(documents(), DOCUMENTS), batch_size=10, settle_time=0.01)
    run.ended(3, "known outcome")
    assert run.states == []
    assert target.held_documents() == []
    assert target.serpi.count("documento.post") == 1 + 3 * 3
    assert run.counts(DOCUMENTS)["unknown"] == 3
    # The next run looks first and then sends each once.
    target.serpi.faults.clear()
    target.run(stream_of(documents(), DOCUMENTS)).ok(created=COUNT)
    assert_each_once(target, documents())
    assert target.states() == {"ABSENT": 10, "CONFIRMED": COUNT}


def test_one_record_that_breaks_the_server_does_not_hold_up_the_others(target: Target) -> None:
    given = documents()[:6]
    poison = str(given[2]["numeroDoc"]).encode()
    fault = Fault(
        "status", "POST", DOCUMENT_POST, status=500, times=None, when=lambda r: poison in r.body
    )
    target.serpi.faults.add(fault)
    run = target.run(stream_of(given, DOCUMENTS), settle_time=0.01)
    run.ended(3, "not known", created=5, unknown=1)
    assert run.states == []
    assert_each_once(target, given[:2] + given[3:])
    assert target.states() == {"CONFIRMED": 5, "UNKNOWN": 1}
    assert fault.hits == 4


def test_what_stands_there_with_another_content_is_a_conflict(target: Target) -> None:
    """Somebody enters the same number while our own answer is lost."""
    given = documents()[:3]

    def somebody(_: Any) -> bool:
        if not fault.hits:
            target.serpi.documents.add(numeroDoc=given[1]["numeroDoc"], nitTerceroEnc="52123456")
        return True

    fault = target.serpi.faults.add(Fault("drop", "POST", DOCUMENT_POST, when=somebody))
    run = target.run(stream_of(given, DOCUMENTS)).ended(4, created=2, rejected=1)
    assert "another content" in run.stderr
    assert target.states() == {"CONFIRMED": 2, "CONFLICT": 1}
    held = target.serpi.documents.only(("CCO", "COM", given[1]["numeroDoc"]))
    assert held["nitTerceroEnc"] == "52123456"


def test_an_article_that_somebody_changes_while_the_answer_is_lost(target: Target) -> None:
    held = target.serpi.articles.only("100009")

    def somebody(_: Any) -> bool:
        target.serpi.articles.change(held["id"], costo=3)
        return True

    target.serpi.faults.add(Fault("drop", "PUT", "Articulo", when=somebody))
    target.run(stream_of([{"codigo": "100009", "costo": 2}])).ended(4, rejected=1)
    assert target.serpi.articles.only("100009")["costo"] == 3


def test_an_article_whose_change_never_arrived_is_sent_again(target: Target) -> None:
    target.serpi.faults.add(Fault("drop", "PUT", "Articulo"))
    target.run(stream_of([{"codigo": "100009", "costo": 2}])).ok(updated=1)
    assert target.serpi.articles.only("100009")["costo"] == 2
    assert target.serpi.count("articulo.put") == 2


def _in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("posts", [0, 1, 3])
def test_a_server_that_dies_and_comes_back(target: Target, posts: int, sandbox: Any) -> None:
    """Dead before the first write or between two: reads and unsent writes wait for it."""
    came_back: list[float] = []

    def die() -> None:
        while target.serpi.count("documento.post") < posts or not target.serpi.requests:
            time.sleep(0.001)
        with sandbox.down():
            time.sleep(0.3)
        came_back.append(time.monotonic())

    thread = _in_background(die)
    run = target.run(
        stream_of(documents(), DOCUMENTS), batch_size=4, retry_time=20, retry_wait=0.05
    )
    thread.join()
    run.ok(created=COUNT)
    assert came_back
    assert_each_once(target, documents())


def test_a_server_that_stays_away(target: Target, sandbox: Any) -> None:
    with sandbox.down():
        run = target.run(stream_of(documents(), DOCUMENTS)).ended(3, "no connection")
    assert run.states == []
    assert target.ledger() == []
    target.run(stream_of(documents(), DOCUMENTS)).ok(created=COUNT)


def test_a_server_that_goes_between_writes_without_a_look(target: Target, sandbox: Any) -> None:
    """New articles need no look between their batches, so it is a write that finds nobody."""

    def die() -> None:
        while target.serpi.count("articulo.post") < 3:
            time.sleep(0.001)
        with sandbox.down():
            time.sleep(0.3)

    codes = [f"N-{number}" for number in range(30)]
    thread = _in_background(die)
    run = target.run(
        stream_of([article(code) for code in codes]), batch_size=1, retry_time=20, retry_wait=0.05
    )
    thread.join()
    run.ok(created=30)
    assert_articles_once(target, codes)


def test_wrong_credentials_end_the_run_before_anything_is_sent(target: Target) -> None:
    for wrong in ({"token": "wrong-token-123"}, {"secret_key": "wrong-secret-123"}):
        lines = [schema(), schema(DOCUMENTS), record(article("N-1"))]
        lines += [record(documents()[0], DOCUMENTS), state(1)]
        run = target.run(lines, **wrong).ended(2, "credentials")
        assert run.states == []
        (value,) = wrong.values()
        assert value not in run.stderr
    assert target.serpi.count("articulo.post") == target.serpi.count("documento.post") == 0
    assert target.ledger() == []


@pytest.mark.parametrize("where", ["http", "body"])
def test_a_token_that_expires_between_two_writes(target: Target, where: str) -> None:
    target.serpi.switches.set_text("credential_refusal", where)
    target.serpi.switches.token_expires_after = 6
    run = target.run(stream_of(documents(), DOCUMENTS), batch_size=5).ended(2, "token")
    assert run.states == []
    held = len(target.held_documents())
    assert target.states() == Counter(CONFIRMED=held, NOT_SENT=target.states()["NOT_SENT"])
    target.serpi.switches.token_expires_after = 0
    target.run(stream_of(documents(), DOCUMENTS)).ok(created=COUNT - held, unchanged=held)
    assert_each_once(target, documents())


def test_a_redirect_ends_the_run(target: Target) -> None:
    target.serpi.faults.add(Fault("redirect", "POST", DOCUMENT_POST, status=307, times=None))
    run = target.run(stream_of(documents(), DOCUMENTS)).ended(2, "elsewhere.invalid")
    assert run.states == []
    assert target.held_documents() == []
    # A redirect may come after the write was done, so the next run looks.
    assert set(target.states()) == {"UNKNOWN"}
    target.serpi.faults.clear()
    target.run([]).ok()
    assert set(target.states()) == {"ABSENT"}


def test_both_streams_under_random_faults(target: Target) -> None:
    """One fault of each kind, at different writes of one run."""
    for place, kind in enumerate(("lost_answer", "drop", "reset", "cut_body", "html", "garbage")):
        skip = 3 * place
        target.serpi.faults.add(
            Fault(kind, "POST", r"(Contable|Articulo)(\?|$)", skip=skip)  # type: ignore[arg-type]
        )
    target.serpi.switches.duplicate_documents = "store"
    target.serpi.switches.duplicate_articles = "store"
    codes = [f"N-{number}" for number in range(40)]
    lines = [schema(), schema(DOCUMENTS)]
    lines += [record(article(code)) for code in codes]
    lines += [record(one, DOCUMENTS) for one in documents()]
    run = target.run([*lines, state(9)], batch_size=4).ok()
    assert run.counts(ARTICLES) == {"created": 40}
    assert run.counts(DOCUMENTS) == {"created": COUNT}
    assert run.states == [9]
    assert_articles_once(target, codes)
    assert_each_once(target, documents())
