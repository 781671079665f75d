"""Articles: created, changed, left alone, and what SERPI receives for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_target import Target, article, record, schema, stream_of


def test_creates_unknown_codes_and_writes_the_state(target: Target) -> None:
    run = target.run(stream_of([article("N-1"), article("N-2")])).ok(created=2)
    assert run.states == [{"records": 2}]
    assert target.serpi.articles.only("N-1")["descripcion"] == "Artículo N-1"
    assert target.serpi.count("articulo.post") == 1
    assert target.states() == {"CONFIRMED": 2}


def test_amounts_arrive_byte_for_byte(target: Target) -> None:
    amounts = {
        "costo": Decimal("67900.00000"),
        "peso": Decimal("0.1"),
        "costou": Decimal("12345678901234.56789"),
        "volumen": Decimal("-0.00"),
        "ubicacion": 7,
    }
    target.serpi.switches.decimals = "as_sent"
    target.run(stream_of([article("N-1", **amounts)])).ok(created=1)
    (body,) = target.bodies("articulo.post")
    for text in (
        b'"costo":67900.00000,',
        b'"peso":0.1,',
        b'"costou":12345678901234.56789,',
        b'"volumen":-0.00,',
        b'"ubicacion":7',
    ):
        assert text in body
    assert target.serpi.articles.only("N-1")["costou"].text == "12345678901234.56789"


def test_numbers_with_many_noughts_or_an_exponent_go_out_with_digits_alone(target: Target) -> None:
    raw = (
        b'{"type":"RECORD","stream":"articulos","record":{"codigo":"N-1","descripcion":"x",'
        b'"idgrupocontable":1,"idlinea":1,"idcategoria":1,"idpresentacion":1,"idmarca":1,'
        b'"idunidadmedida":1,"activo":true,"peso":0.0000000,"costo":1.5e3}}\n'
    )
    target.run([schema(), raw]).ok(created=1)
    (body,) = target.bodies("articulo.post")
    assert b'"peso":0.0000000,"costo":1500}' in body


def test_a_price_list_of_two_fields_changes_nothing_else(target: Target) -> None:
    before = target.serpi.articles.only("100009")
    target.run(stream_of([{"codigo": "100009", "costo": Decimal("12.5")}])).ok(updated=1)
    after = target.serpi.articles.only("100009")
    assert after == {**before, "costo": Decimal("12.5")}
    assert target.serpi.count("articulo.post") == 0


@pytest.mark.parametrize("absent", ["keep", "null"])
@pytest.mark.parametrize("custom", ["merge", "replace"])
def test_custom_fields_merge_name_by_name_whatever_the_server_does(
    target: Target, absent: str, custom: str
) -> None:
    target.serpi.switches.set_text("put_absent", absent)
    target.serpi.switches.set_text("put_custom", custom)
    held = target.serpi.articles.only("100009")
    target.run(
        stream_of([{"codigo": "100009", "camposPersonalizados": {"AUTOR": "Íñigo", "NUEVO": 1}}])
    ).ok(updated=1)
    after = target.serpi.articles.only("100009")
    merged = {**held["camposPersonalizados"], "AUTOR": "Íñigo", "NUEVO": 1}
    assert after == {**held, "camposPersonalizados": merged}


def test_what_changes_nothing_is_not_written(target: Target) -> None:
    held = target.serpi.articles.only("100009")
    same = {
        "codigo": "100009",
        "costo": Decimal(held["costo"]).normalize(),
        "descripcion": held["descripcion"].rstrip(),
        "DiasMaximo": held["diasMaximo"],
        "camposPersonalizados": {"AUTOR": held["camposPersonalizados"]["AUTOR"]},
        "id": 999_999,
        "_sdc_batched_at": "2026-01-01T00:00:00",
    }
    target.run(stream_of([same])).ok(unchanged=1)
    assert target.serpi.count("articulo.put") == 0


def test_an_explicit_null_is_a_change_and_an_absent_field_is_none(target: Target) -> None:
    assert target.serpi.articles.only("100009")["referencia"] is not None
    target.run(stream_of([{"codigo": "100009", "referencia": None}])).ok(updated=1)
    assert target.serpi.articles.only("100009")["referencia"] is None


def test_null_for_a_required_field_is_rejected(target: Target) -> None:
    target.run(stream_of([{"codigo": "100009", "descripcion": None}])).ended(4, rejected=1)
    assert target.reasons() == ["descripcion: missing"]
    assert target.serpi.count("articulo.put") == 0


def test_articles_are_read_right_before_they_are_changed(target: Target) -> None:
    """A field that somebody changed after the catalogue was read is not written back."""
    records = [article(f"N-{number}") for number in range(12)]
    articles = target.serpi.articles
    held = articles.only("100009")

    def change_meanwhile() -> None:
        articles.change(held["id"], descripcion="CHANGED AT SERPI")

    # The catalogue is read for the first batch; the second one asks again.
    target.serpi.before_page("articulos", 3, change_meanwhile)
    target.run(stream_of([*records, {"codigo": "100009", "costo": 1}]), batch_size=12).ok(
        created=12, updated=1
    )
    assert articles.only("100009")["descripcion"] == "CHANGED AT SERPI"
    assert articles.only("100009")["costo"] == 1


def test_codes_are_exact_text(target: Target) -> None:
    codes = ("00123", "123", "abc", "ABC", "0", "A/B & C+1%", "ñandú-01")
    before = {code: target.serpi.articles.only(code) for code in codes}
    target.run(stream_of([{"codigo": "00123", "costo": 1}, {"codigo": "abc", "costo": 2}]))
    for code, cost in {"00123": 1, "abc": 2}.items():
        assert target.serpi.articles.only(code) == {**before[code], "costo": cost}
    for code in ("123", "ABC", "0"):
        assert target.serpi.articles.only(code) == before[code]


@pytest.mark.parametrize("how", ["exact", "number", "prefix", "ignored"])
def test_whatever_the_filter_does_no_code_is_taken_for_another(target: Target, how: str) -> None:
    target.serpi.switches.set_text("codigo_filter", how)
    codes = ["00123", "0123", "1", "ABC", "Abc", "7701234567890", "770"]
    known = {code: target.has_article(code) for code in codes}
    assert set(known.values()) == {True, False}
    count = len(target.serpi.articles)
    records = [article(code, costo=Decimal("1.25")) for code in codes]
    run = target.run(stream_of(records), batch_size=2)
    run.ok(created=list(known.values()).count(False), updated=list(known.values()).count(True))
    assert len(target.serpi.articles) == count + 4
    for code in codes:
        assert target.serpi.articles.only(code)["costo"] == Decimal("1.25")
    target.run(stream_of(records), batch_size=2).ok(unchanged=len(codes))


def test_a_filter_that_refuses_text_is_no_obstacle(target: Target) -> None:
    refusal = '{"success":false,"code":400,"errors":["codigo debe ser un numero"],"message":"no"}'
    target.serpi.faults.add(Fault("status", "GET", "codigo=", status=400, body=refusal, times=None))
    target.run(stream_of([article("N-1"), {"codigo": "ABC", "costo": 5}])).ok(created=1, updated=1)


@pytest.mark.parametrize("kind", ["leading zeros", "letters", "many digits"])
def test_a_filter_that_is_a_number_hides_codes_and_none_is_created_twice(
    target: Target, kind: str
) -> None:
    """`codigo=00123` finds nothing, as if the filter were the number 123; so with letters."""
    hidden = {"leading zeros": "00123", "letters": "ABC", "many digits": "7701234567890"}[kind]
    nothing = '{"success":true,"code":204,"message":"No se encontraron registros"}'
    target.serpi.switches.duplicate_articles = "store"
    target.serpi.faults.add(
        Fault("status", "GET", f"codigo={hidden}$", status=200, body=nothing, times=None)
    )
    # A plain number is found before, which proves nothing for another look.
    records = [{"codigo": "100009", "costo": 1}, article(hidden, costo=1)]
    target.run(stream_of(records)).ok(updated=2)
    assert len(target.serpi.articles.ids(hidden)) == 1


def test_few_codes_are_asked_for_one_by_one(target: Target) -> None:
    records = [{"codigo": code, "costo": 1} for code in ("100009", "100011", "100012")]
    target.run(stream_of(records)).ok(updated=3)
    asked = [r.query.get("codigo") for r in target.serpi.requests if r.kind == "articulo.get"]
    # The last one is the reading back of custom fields.
    assert asked == ["100009", "100011", "100012", "100009"]


def test_many_codes_are_read_from_the_catalogue(target: Target) -> None:
    codes = [held["codigo"] for held in target.serpi.articles][100:400]
    records = [{"codigo": code, "costo": Decimal("3.00")} for code in codes]
    target.run(stream_of(records), batch_size=150).ok(updated=300)
    asked = [r for r in target.serpi.requests if r.kind == "articulo.get"]
    # Two batches of three calls, and the reading back.
    assert len(asked) == 7


def test_new_articles_cost_the_catalogue_and_one_call_a_batch(target: Target) -> None:
    records = [article(f"N-{number:04d}") for number in range(1000)]
    target.run(stream_of(records)).ok(created=1000)
    calls = target.serpi.counts()
    assert calls == {"articulo.get": 3, "articulo.post": 10}


@pytest.mark.parametrize(
    ("mode", "counts"),
    [
        ("upsert", {"created": 2, "updated": 2}),
        ("create", {"created": 2, "skipped": 2}),
        ("update", {"updated": 2, "skipped": 2}),
    ],
)
def test_write_modes(target: Target, mode: str, counts: dict[str, int]) -> None:
    codes = ("N-1", "100009", "N-2", "100011")
    run = target.run(stream_of([article(code) for code in codes]), write_mode=mode, batch_size=2)
    run.ok(**counts)
    assert target.has_article("N-1") is (mode != "update")
    assert (target.serpi.count("articulo.put") > 0) is (mode != "create")


def test_two_stored_articles_with_one_code_are_a_conflict(target: Target) -> None:
    target.serpi.articles.add(codigo="100009", descripcion="THE OTHER")
    before = target.serpi.articles.find("100009")
    target.run(stream_of([{"codigo": "100009", "costo": 1}, article("N-1")])).ended(
        4, created=1, rejected=1
    )
    assert target.serpi.articles.find("100009") == before
    assert target.states() == {"CONFIRMED": 1, "CONFLICT": 1}


def test_the_last_record_of_a_code_wins_field_by_field(target: Target) -> None:
    first = article("N-1", costo=1, camposPersonalizados={"A": 1, "B": 1})
    last = {"codigo": "N-1", "costo": 3, "camposPersonalizados": {"B": 2}}
    run = target.run(stream_of([first, {"codigo": "N-1", "costo": 2}, last]))
    run.ok(created=1, merged=2)
    held = target.serpi.articles.only("N-1")
    assert (held["costo"], held["camposPersonalizados"]) == (3, {"A": 1, "B": 2})
    assert target.serpi.count("articulo.post") == 1


def test_a_code_that_comes_again_in_a_later_batch_is_changed(target: Target) -> None:
    records = [article("N-1", costo=1), article("N-2"), {"codigo": "N-1", "costo": 2}]
    target.run(stream_of(records), batch_size=2).ok(created=2, updated=1)
    assert target.serpi.articles.only("N-1")["costo"] == 2


def test_the_other_key_of_custom_fields_stops_the_run_after_one_article(target: Target) -> None:
    target.serpi.switches.put_custom_key = "camposcliente"
    codes = [held["codigo"] for held in target.serpi.articles][20:25]
    records = [{"codigo": c, "costo": 1, "camposPersonalizados": {"AUTOR": "X"}} for c in codes]
    run = target.run(stream_of(records)).ended(2, "custom_fields_key", "camposcliente")
    assert run.states == []
    assert target.serpi.count("articulo.put") == 1
    assert target.states() == {"CONFLICT": 1}
    target.run(stream_of(records), custom_fields_key="camposcliente").ok(updated=5)
    for code in codes:
        assert target.serpi.articles.only(code)["camposPersonalizados"]["AUTOR"] == "X"


def test_custom_fields_that_were_lost_by_a_change_of_others_stop_the_run(target: Target) -> None:
    target.serpi.switches.put_custom_key = "camposcliente"
    target.serpi.switches.put_absent = "null"
    codes = [held["codigo"] for held in target.serpi.articles][20:25]
    run = target.run(stream_of([{"codigo": code, "costo": 1} for code in codes]))
    run.ended(2, "custom_fields_key")
    assert target.serpi.count("articulo.put") == 1


@pytest.mark.parametrize("form", ["list", "mixed", "null", "absent"])
@pytest.mark.parametrize("spelling", ["json", "table", "mixed"])
def test_whatever_form_articles_are_read_in(target: Target, form: str, spelling: str) -> None:
    target.serpi.switches.set_text("custom_fields", form)
    target.serpi.switches.set_text("key_spelling", spelling)
    target.serpi.switches.padded_text = True
    held = [target.serpi.articles.get(number) for number in range(20, 24)]
    records = [{"codigo": one["codigo"], "costo": Decimal("9.00")} for one in held]
    target.run(stream_of(records)).ok(updated=4)
    for one in held:
        after = target.serpi.articles.get(one["id"])
        for name in ("diasMaximo", "diasminimo", "pedidoMinimo", "idmarca", "activo"):
            assert after[name] == one[name]
        assert after["descripcion"].rstrip() == one["descripcion"].rstrip()
        assert after["costo"] == 9
    target.run(stream_of(records)).ok(unchanged=4)


def test_keys_of_any_case_arrive_in_the_spelling_of_the_examples(target: Target) -> None:
    target.serpi.switches.write_keys = "exact"
    target.serpi.switches.unknown_fields = "refuse"
    odd = article("N-1", DiasMaximo=7, Diasminimo=1, PEDIDOMINIMO=Decimal("2.5"))
    odd["CODIGO"] = odd.pop("codigo")
    target.run(stream_of([odd])).ok(created=1)
    held = target.serpi.articles.only("N-1")
    assert (held["diasMaximo"], held["diasminimo"], held["pedidoMinimo"]) == (7, 1, Decimal("2.5"))


def test_a_batch_that_is_refused_is_sent_one_by_one(target: Target) -> None:
    codes = [f"N-{number}" for number in range(5)]
    records = [article(code) for code in codes]
    target.serpi.switches.unknown_fields = "refuse"
    records[2]["campoNuevo"] = 1
    run = target.run(stream_of(records), unknown_fields="send").ended(4, created=4, rejected=1)
    assert "campoNuevo" in run.stderr
    (rejected,) = [m for m in target.rejects() if m["type"] == "RECORD"]
    assert "campoNuevo no es un campo" in rejected["rejected"]["serpi"]
    assert [target.has_article(code) for code in codes] == [True, True, False, True, True]
    assert target.serpi.count("articulo.post") == 6


def test_unknown_fields(target: Target) -> None:
    odd = article("N-1", color="red", _sdc_sequence=1)
    target.run([schema(), record(odd)]).ended(4, rejected=1)
    assert "color" in target.reasons()[0]
    target.run([schema(), record(odd)], unknown_fields="drop").ok(created=1)
    assert b"color" not in target.bodies("articulo.post")[0]
    target.serpi.switches.unknown_fields = "store"
    target.run([schema(), record({**odd, "codigo": "N-2"})], unknown_fields="send").ok(created=1)
    assert target.serpi.articles.only("N-2")["color"] == "red"
    for body in target.bodies("articulo.post"):
        assert b"_sdc" not in body


def test_a_code_that_somebody_creates_meanwhile_is_a_conflict_and_changed_by_the_next_run(
    target: Target,
) -> None:
    def somebody(_: Any) -> bool:
        if not target.has_article("N-1"):
            target.serpi.articles.add(codigo="N-1", descripcion="THEIRS")
        return False

    target.serpi.faults.add(Fault("drop", "POST", "Articulo", when=somebody))
    records = [article("N-0"), article("N-1"), article("N-2")]
    run = target.run(stream_of(records)).ended(4, created=2, rejected=1)
    assert run.states == []
    assert target.serpi.articles.only("N-1")["descripcion"] == "THEIRS"
    target.run(stream_of(records)).ok(unchanged=2, updated=1)


def test_known_articles_wait_for_one_look_and_are_sent_by_the_batch(target: Target) -> None:
    codes = [held["codigo"] for held in target.serpi.articles][100:1100]
    records = [{"codigo": code, "costo": Decimal("3.00")} for code in codes]
    target.run(stream_of([article("N-1"), *records]), batch_size=50).ok(created=1, updated=1000)
    asked = target.serpi.count("articulo.get")
    # 50 of the first batch, then 150, 150, ... : seven looks of three calls, and one reading back.
    assert asked <= 8 * 3 + 1
    assert all(len(batch) <= 50 for batch in target.sent("articulo.put"))
    assert target.serpi.count("articulo.put") <= 1000 / 50 + 8


def test_a_row_that_goes_while_the_catalogue_is_read(target: Target) -> None:
    """A server that counts all rows shows that one slipped through: the catalogue is read again."""
    target.serpi.switches.message_count = "total"
    target.serpi.switches.page_maximum = 300
    target.serpi.switches.delete_before_page = 3
    codes = [held["codigo"] for held in target.serpi.articles][550:650]
    records = [{"codigo": code, "costo": Decimal("3.00")} for code in codes]
    target.run(stream_of(records), write_mode="update").ok(updated=100)


@pytest.mark.parametrize("past_end", ["empty", "last_page", "http404"])
@pytest.mark.parametrize("empty", ["code204", "code201", "http204", "null_result", "http404"])
def test_whatever_the_end_of_the_catalogue_looks_like(
    target: Target, past_end: str, empty: str
) -> None:
    target.serpi.switches.set_text("past_end", past_end)
    target.serpi.switches.set_text("empty_answer", empty)
    target.serpi.switches.page_maximum = 500
    codes = [held["codigo"] for held in target.serpi.articles][-20:]
    records = [{"codigo": code, "costo": Decimal("3.00")} for code in codes]
    target.run(stream_of([*records, article("N-1")])).ok(updated=20, created=1)


def test_a_server_that_ignores_pagina_stops_the_run(target: Target) -> None:
    target.serpi.switches.ignore_pagina = True
    target.serpi.switches.page_maximum = 100
    records = [article(f"N-{number}") for number in range(20)]
    target.run(stream_of(records)).ended(3, "pagina")
    assert target.serpi.count("articulo.post") == 0
