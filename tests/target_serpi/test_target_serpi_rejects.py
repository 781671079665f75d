"""Rejected records: kept with their reason in a file that is itself the input of the next run."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import simplejson

from support.serpi_target import (
    ARTICLES,
    DOCUMENTS,
    Target,
    article,
    document,
    line,
    message,
    record,
    schema,
    state,
    stream_of,
)


def test_each_kind_of_fault_is_named_with_its_field(target: Target) -> None:
    faulty: dict[str, dict[str, Any]] = {
        "costo: must be a number": {"costo": "abc"},
        "idmarca: must be from -2147483648 to 2147483647": {"idmarca": 2**31},
        "diasMaximo: must be from -32768 to 32767": {"diasMaximo": 32768},
        "tipoPlaneacion: must be 0 or 1": {"tipoPlaneacion": 2},
        "activo: must be true or false": {"activo": "perhaps"},
        "referencia: must be text, in quotes": {"referencia": 5},
        "idlinea: missing": {"idlinea": None},
        "descripcion: missing": {"descripcion": "  "},
        "camposPersonalizados: must be an object: name -> value": {"camposPersonalizados": "x"},
        "idmarca: must be a whole number": {"idmarca": Decimal("1.5")},
    }
    records = [article(f"N-{n}", **fields) for n, fields in enumerate(faulty.values())]
    records += [article("GOOD"), {"descripcion": "x"}, article(""), {**article("x"), "codigo": 123}]
    run = target.run(stream_of(records)).ended(4, created=1, rejected=13)
    assert target.reasons()[:6] == list(faulty)[:6]
    assert set(faulty) <= set(target.reasons())
    assert "codigo: missing" in target.reasons()
    assert "codigo: must be text, in quotes: its leading zeros count" in target.reasons()
    assert target.has_article("GOOD")
    # No value of a record is in the log, only fields and reasons.
    assert "perhaps" not in run.stderr


def test_all_faults_of_a_record_are_told_at_once(target: Target) -> None:
    wrong = document(
        1,
        line("X", cuenta="no"),
        {"naturaleza": "D", "valor": None},
        numeroDoc="12a",
        fechaDocumento="2026-02-30",
    )
    target.run(stream_of([wrong], DOCUMENTS)).ended(4, rejected=1)
    (reason,) = target.reasons()
    for part in (
        "numeroDoc: must be a whole number",
        "fechaDocumento: must be a real date",
        "detalles[0].cuenta: must be a whole number",
        "detalles[0].naturaleza: must be 'C' or 'D'",
        "detalles[1].cuenta: missing",
        "detalles[1].nitTerceroDet: missing",
        "detalles[1].valor: missing",
    ):
        assert part in reason


def test_the_file_is_mended_and_fed_again(target: Target) -> None:
    mixed_schema = message(
        type="SCHEMA",
        stream="items",
        schema={"properties": {"codigo": {}}},
        key_properties=["codigo"],
    )
    raw = b'{"codigo":"N-2","costo":67900.00000, "idlinea":"uno","descripcion":"dos",' + b",".join(
        b'"%b":1' % name
        for name in (b"idgrupocontable", b"idcategoria", b"idpresentacion", b"idmarca")
    )
    raw += b',"idunidadmedida":1,"activo":true}'
    lines = [
        mixed_schema,
        record(article("N-1"), "items"),
        b'{"type":"RECORD","stream":"items","record":%b,"time_extracted":"x"}\n' % raw,
        schema(DOCUMENTS),
        record(document(1, line("D"), line("C", "1")), DOCUMENTS),
        record(document(2), DOCUMENTS),
        state("all"),
    ]
    aliases = {"items": ARTICLES}
    target.run(lines, stream_aliases=aliases).ended(4, "rejects.jsonl")
    path = target.folder / "rejects.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    kinds = [(m["type"], m["stream"]) for m in target.rejects()]
    assert kinds == [
        ("SCHEMA", "items"), ("RECORD", "items"), ("SCHEMA", DOCUMENTS), ("RECORD", DOCUMENTS),
    ]  # fmt: skip
    assert b'"record":%b,"rejected"' % raw in path.read_bytes()
    rejected = target.rejects()[1]["rejected"]
    assert rejected["key"] == "N-2"
    assert rejected["reason"] == "idlinea: must be a whole number"
    assert (rejected["serpi"], rejected["attempt"], rejected["state"]) == (None, 1, "REJECTED")

    # Fed again without mending: the same two, and they say that it was the second time.
    target.run(args=["--input", str(path)], stream_aliases=aliases).ended(4)
    assert [m["rejected"]["attempt"] for m in target.rejects() if m["type"] == "RECORD"] == [2, 2]

    text = (
        path.read_text(encoding="utf-8")
        .replace('"uno"', "1")
        .replace('"valor": 1', '"valor": 67900')
    )
    path.write_text(text, encoding="utf-8")
    run = target.run(args=["--input", str(path)], stream_aliases=aliases).ok()
    assert run.summary == {"items": {"created": 1}, DOCUMENTS: {"created": 1}}
    assert not path.exists()
    assert len(list(target.folder.glob("rejects.2*Z.jsonl"))) == 2
    assert b'"costo":67900.00000' in target.bodies("articulo.post")[-1]
    target.run(lines, stream_aliases=aliases, max_rejects=2).ok()


def test_the_own_words_of_the_api_are_kept(target: Target) -> None:
    target.serpi.switches.unknown_fields = "refuse"
    target.run(stream_of([article("N-1", campo=1)]), unknown_fields="send").ended(4, rejected=1)
    (rejected,) = [m["rejected"] for m in target.rejects() if m["type"] == "RECORD"]
    assert rejected["reason"] == "SERPI refuses it"
    assert rejected["serpi"].endswith("Registro 1: campo no es un campo")
    (row,) = target.ledger()
    assert row["state"] == "REJECTED"
    assert "campo no es un campo" in row["reason"]


def test_max_rejects_never_holds_back_good_records(target: Target) -> None:
    records = [article(f"N-{n}", **({"costo": "?"} if n % 3 == 0 else {})) for n in range(30)]
    run = target.run(stream_of(records), max_rejects=9, batch_size=4)
    run.ended(4, "`max_rejects` allows 9", created=20, rejected=10)
    assert run.states == []
    run = target.run(stream_of(records), max_rejects=10, batch_size=4)
    run.ok(unchanged=20, rejected=10)
    assert run.states == [{"records": 30}]


def test_what_an_earlier_run_rejected_is_moved_aside_not_lost(target: Target) -> None:
    target.run(stream_of([article("N-1", costo="?")]), max_rejects=1).ok(rejected=1)
    first = (target.folder / "rejects.jsonl").read_bytes()
    target.run(stream_of([article("N-2", costo="?")]), max_rejects=1).ok(rejected=1)
    (aside,) = target.folder.glob("rejects.2*Z.jsonl")
    assert aside.read_bytes() == first
    assert [m["rejected"]["key"] for m in target.rejects() if m["type"] == "RECORD"] == ["N-2"]


def test_a_record_that_was_merged_is_rejected_whole(target: Target) -> None:
    """Two records of one new article that lack a field together: both are in the file."""
    target.run(stream_of([{"codigo": "N-1", "costo": 1}, {"codigo": "N-1", "peso": 2}])).ended(
        4, rejected=2
    )
    records = [m["record"] for m in target.rejects() if m["type"] == "RECORD"]
    assert records == [{"codigo": "N-1", "costo": 1}, {"codigo": "N-1", "peso": 2}]


def test_a_reject_with_line_breaks_between_its_tokens_stays_one_line(target: Target) -> None:
    pretty = simplejson.dumps({"codigo": "N-1", "nota": "a\nb"}, indent=1).replace("\n", "\r")
    line_of_it = b'{"type":"RECORD","stream":"articulos","record":%b}\n' % pretty.encode()
    target.run([schema(), line_of_it]).ended(4, rejected=1)
    lines = (target.folder / "rejects.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["SCHEMA", "RECORD"]
    assert json.loads(lines[1])["record"]["nota"] == "a\nb"
