"""Accounting documents: created once, left alone when equal, and never changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

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


def test_creates_documents(target: Target) -> None:
    documents = [document(number) for number in range(5)]
    run = target.run(stream_of(documents, DOCUMENTS)).ok(created=5)
    assert run.states == [{"records": 5}]
    assert len(target.held_documents()) == 5
    assert target.serpi.counts() == {
        "tipo_documento.get": 2,
        "documento.query": 1,
        "documento.post": 1,
    }


def test_amounts_arrive_byte_for_byte(target: Target) -> None:
    texts = ("67900.00000", "0.1", "12345678901234.56789")
    lines = [line("D", text) for text in texts] + [line("C", text) for text in texts]
    target.run(stream_of([document(1, *lines)], DOCUMENTS)).ok(created=1)
    (body,) = target.bodies("documento.post")
    for text in texts:
        assert body.count(b'"valor":%b,' % text.encode()) == 2


def test_the_same_input_again_changes_nothing(target: Target) -> None:
    documents = [document(number, fechaDocumento=f"2026-03-0{number}") for number in range(1, 6)]
    target.run(stream_of(documents, DOCUMENTS)).ok(created=5)
    held = target.held_documents()
    (target.folder / "ledger.sqlite3").unlink()
    target.serpi.switches.dates = "datetime"
    target.run(stream_of(documents, DOCUMENTS)).ok(unchanged=5)
    assert target.held_documents() == held
    assert target.serpi.count("documento.post") == 1
    assert target.serpi.count("documento.put_delete") == 0


def test_equal_is_meant_as_serpi_stores(target: Target) -> None:
    """Lines in another order, amounts in other digits, dates with a time, fields left out."""
    stored = document(
        1,
        line("D", "10.00000", idProyecto=None, cuota=0, fechaVencimiento="2026-04-01"),
        line("D", "20.5"),
        line("C", "30.5"),
    )
    target.run(stream_of([stored], DOCUMENTS)).ok(created=1)
    bare = dict.fromkeys(("nitTerceroDet",), "1234567890")
    again = document(
        1,
        {"cuenta": 23359501, "naturaleza": "C", "valor": Decimal("30.50000"), **bare},
        line("D", "20.50", baseImpuesto=None),
        line("D", "10", fechaVencimiento="2026-04-01T00:00:00", nombreTerceroDet="X"),
        fechaDocumento="2026-03-01T23:59:59-05:00",
        nombreTerceroEnc="whoever",
        id=7,
    )
    target.run(stream_of([again], DOCUMENTS)).ok(unchanged=1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nitTerceroEnc": "900123456"}, "another third party"),
        ({"fechaDocumento": "2026-03-02"}, "another day"),
        ({"detalles": [line("D"), line("C", cuenta=11050501)]}, "another account"),
        ({"detalles": [line("D", "67900.00001"), line("C", "67900.00001")]}, "another amount"),
        ({"detalles": [line("D"), line("C"), line("D", "1"), line("C", "1")]}, "more lines"),
        ({"detalles": [line("D", detalle="OTHER"), line("C")]}, "another remark"),
    ],
)
@pytest.mark.parametrize("policy", ["skip", "fail"])
def test_a_document_that_differs_is_left_alone(
    target: Target, change: dict[str, object], why: str, policy: str
) -> None:
    target.run(stream_of([document(1)], DOCUMENTS)).ok(created=1)
    held = target.held_documents()
    run = target.run(
        stream_of([document(1, **change), document(2)], DOCUMENTS), on_existing_document=policy
    )
    if policy == "skip":
        run.ok(created=1, skipped=1)
    else:
        run.ended(4, "another content", created=1, rejected=1)
        assert target.states()["CONFLICT"] == 1
    assert target.held_documents()[: len(held)] == held, why
    assert target.serpi.count("documento.put_delete") == 0


def test_an_unknown_pair_is_rejected_with_the_known_ones(target: Target) -> None:
    documents = [document(1), document(2, prefijo="XXX")]
    target.run(stream_of(documents, DOCUMENTS)).ended(4, created=1, rejected=1)
    (reason,) = target.reasons()
    assert "'CCO'" in reason
    assert "'XXX'" in reason
    for known in ("CCO COM", "NC RCA", "FV FE"):
        assert known in reason


def test_equal_documents_in_one_input_are_one_and_differing_ones_an_error(target: Target) -> None:
    documents = [document(1), document(2), document(1), document(2, nitTerceroEnc="900123456")]
    target.run(stream_of(documents, DOCUMENTS)).ended(4, created=2, merged=1, rejected=1)
    assert "same key and another content" in target.reasons()[0]
    # In different batches, where SERPI holds the first one meanwhile.
    documents = [document(n + 10) for n in (0, 0, 1, 1)]
    documents += [document(10, nitTerceroEnc="900123456")]
    run = target.run(stream_of(documents, DOCUMENTS), batch_size=1, on_existing_document="replace")
    run.ended(4, created=2, unchanged=2, rejected=1)
    assert target.serpi.count("documento.put_delete") == 0


def test_a_pair_with_two_types_is_asked_under_both(target: Target) -> None:
    target.serpi.switches.double_type = True
    documents = [document(number) for number in range(4)]
    target.run(stream_of(documents, DOCUMENTS)).ok(created=4)
    changed = [document(number, nitTerceroEnc="900123456") for number in range(4)]
    run = target.run(
        stream_of([*documents[:2], *changed[2:]], DOCUMENTS), on_existing_document="replace"
    )
    run.ended(4, "none is deleted", unchanged=2, rejected=2)
    assert target.serpi.count("documento.put_delete") == 0


def test_far_numbers_are_asked_for_apart(target: Target) -> None:
    documents = [document(0), document(1), document(900_000), document(901_000_000)]
    target.run(stream_of(documents, DOCUMENTS)).ok(created=4)
    asked = [body[0] if isinstance(body, list) else body for body in target.sent("documento.query")]
    ranges = [(query["numeroDesde"], query["numeroHasta"]) for query in asked]
    assert ranges == [(700_000, 700_001), (1_600_000, 1_600_000), (901_700_000, 901_700_000)]
    assert {query["fechaDesde"] for query in asked} == {"1900-01-01"}


def test_short_pages_and_any_order(target: Target) -> None:
    documents = [document(number) for number in range(40)]
    target.run(stream_of(documents, DOCUMENTS)).ok(created=40)
    target.serpi.switches.page_maximum = 7
    target.serpi.switches.row_order = "shuffled"
    target.serpi.switches.past_end = "last_page"
    target.run(stream_of(documents, DOCUMENTS)).ok(unchanged=40)


def test_an_unbalanced_document_is_rejected_unless_that_is_switched_off(target: Target) -> None:
    odd = document(1, line("D", "0.1"), line("D", "0.2"), line("C", "0.30000000000000001"))
    target.run(stream_of([odd], DOCUMENTS)).ended(4, rejected=1)
    assert target.reasons() == ["detalles: debits are 0.3 and credits 0.30000000000000001"]
    even = document(2, line("D", "0.1"), line("D", "0.2"), line("C", "0.3"))
    target.run(stream_of([even], DOCUMENTS)).ok(created=1)
    target.run(stream_of([odd], DOCUMENTS), check_balance=False).ok(created=1)


def test_many_lines_that_look_alike_balance_and_pair_up(target: Target) -> None:
    lines = [line("D", "0.1") for _ in range(1000)] + [line("C", "100.0")]
    target.run(stream_of([document(1, *lines)], DOCUMENTS)).ok(created=1)
    target.run(stream_of([document(1, *reversed(lines))], DOCUMENTS)).ok(unchanged=1)


def test_both_streams_in_one_input(target: Target) -> None:
    lines = [schema(), schema(DOCUMENTS)]
    for number in range(30):
        lines += [record(article(f"N-{number}")), record(document(number), DOCUMENTS)]
    run = target.run([*lines, state(1)], batch_size=7).ok()
    assert run.counts(ARTICLES) == {"created": 30}
    assert run.counts(DOCUMENTS) == {"created": 30}
    assert run.states == [1]
    assert target.serpi.overlaps == 0
    assert target.serpi.most_at_once == 1
