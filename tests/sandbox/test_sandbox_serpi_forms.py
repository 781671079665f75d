"""How SERPI's records and answers may look on loopback: spellings, ids that change, trouble."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox import exact
from erp_sandbox.faults import Fault
from support.serpi_caller import ALL_TYPES, SerpiCaller, body_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox


@pytest.fixture
def caller(sandbox: RunningSandbox) -> Iterator[SerpiCaller]:
    with SerpiCaller(sandbox.serpi_url) as made:
        yield made


def codes(answer: requests.Response) -> list[str]:
    return [row["codigo"] for row in rows_of(answer)]


class TestArticleForms:
    @pytest.mark.parametrize("form", ["null", "list", "absent", "mixed"])
    def test_custom_fields(self, sandbox: RunningSandbox, caller: SerpiCaller, form: Any) -> None:
        held = rows_of(caller.articles(limite=4))
        sandbox.serpi.switches.custom_fields = form
        values = [
            row.get("camposPersonalizados", ...) for row in rows_of(caller.articles(limite=4))
        ]
        as_list = [
            [[name, [value]] for name, value in row["camposPersonalizados"].items()] for row in held
        ]
        expected = {
            "null": [None] * 4,
            "list": as_list,
            "absent": [...] * 4,
            "mixed": [held[0]["camposPersonalizados"], None, as_list[2], ...],
        }
        assert values == expected[form]

    def test_key_spelling(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        table = {"DiasMaximo", "Diasminimo", "Diasoptimo", "PedidoMinimo"}
        plain = {"diasMaximo", "diasminimo", "diasoptimo", "pedidoMinimo"}
        assert plain <= set(rows_of(caller.articles(limite=1))[0])
        sandbox.serpi.switches.key_spelling = "table"
        row = rows_of(caller.articles(limite=1))[0]
        assert table <= set(row)
        assert not plain & set(row)
        sandbox.serpi.switches.key_spelling = "mixed"
        odd, even = rows_of(caller.articles(limite=2))
        assert (plain <= set(odd), table <= set(even)) == (True, True)

    def test_padded_and_hostile_text(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        plain = rows_of(caller.articles(limite=6))
        sandbox.serpi.switches.padded_text = True
        padded = rows_of(caller.articles(limite=6))
        assert all(len(row["descripcion"]) == 60 for row in padded)
        assert [row["descripcion"].rstrip() for row in padded] == [
            row["descripcion"].rstrip() for row in plain
        ]
        assert [row["codigo"] for row in padded] == [row["codigo"] for row in plain]
        sandbox.serpi.switches.padded_text = False
        sandbox.serpi.switches.hostile_text = True
        answer = caller.articles(limite=6)
        assert rb"\u0000" in answer.content
        assert rb"\ud83d" in answer.content
        assert rows_of(answer)[3]["descripcion"] == plain[3]["descripcion"] + "\x00"
        assert rows_of(answer)[5]["descripcion"] == plain[5]["descripcion"] + "\ud83d"

    def test_a_field_of_later_rows(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.late_field_from = 103
        rows = rows_of(caller.articles(limite=100)) + rows_of(caller.articles(limite=100, pagina=2))
        assert ["campoNuevo" in row for row in rows] == [False] * 102 + [True] * 98


class TestDocuments:
    def test_the_range_includes_both_days(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        wanted = {
            "fechaDesde": "2026-02-03",
            "fechaHasta": "2026-03-05",
            "tiposDocumentos": [2, 15],
        }
        expected = [
            row
            for row in sandbox.serpi.documents
            if "2026-02-03" <= row["fechaDocumento"] <= "2026-03-05"
            and row["prefijo"] in ("NCC", "COM")
        ]
        edge = sandbox.serpi.documents.add(numeroDoc=70_000, fechaDocumento="2026-03-05")
        assert rows_of(caller.documents(wanted)) == [*expected, edge]
        assert len(expected) > 5

    def test_number_range_and_types(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        one = {"tiposDocumentos": [16], "numeroDesde": 3, "numeroHasta": 3}
        assert rows_of(caller.documents(one)) == sandbox.serpi.documents.find(("FV", "FE", 3))
        assert body_of(caller.documents({"tiposDocumentos": [555]}))["code"] == 204
        some = rows_of(caller.documents({"tiposDocumentos": [16], "numeroDesde": 140}))
        assert min(row["numeroDoc"] for row in some) == 140

    @pytest.mark.parametrize(
        "wrong",
        [
            {"tiposDocumentos": None},
            {"tiposDocumentos": []},
            {"fechaDesde": None},
            {"fechaHasta": "2026-1-2"},
            {"numeroDesde": "3"},
        ],
    )
    def test_a_question_that_is_refused(self, caller: SerpiCaller, wrong: dict[str, Any]) -> None:
        answer = caller.documents(wrong)
        assert (answer.status_code, body_of(answer)["success"]) == (400, False)
        assert next(iter(wrong)) in body_of(answer)["errors"][0]

    def test_days_with_a_time(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        plain = rows_of(caller.documents(limite=1))[0]
        sandbox.serpi.switches.dates = "datetime"
        timed = rows_of(caller.documents(limite=1))[0]
        assert timed == {**plain, "fechaDocumento": f"{plain['fechaDocumento']}T00:00:00"}

    def test_ids_that_change(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.document_ids_change = True
        readings = []
        for _ in range(2):
            pages = (caller.documents(limite=300, pagina=page) for page in (1, 2))
            readings.append([row for page in pages for row in rows_of(page)])
        assert not {row["id"] for row in readings[0]} & {row["id"] for row in readings[1]}
        for first, second in zip(*readings, strict=True):
            assert {**first, "id": 0} == {**second, "id": 0}

    def test_two_ids_for_one_pair(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        whole = rows_of(caller.documents({"tiposDocumentos": [15]}))
        sandbox.serpi.switches.double_type = True
        pairs = [(row["categoriaDocumento"], row["prefijo"]) for row in rows_of(caller.types())]
        assert pairs.count(("CCO", "COM")) == 2
        even = rows_of(caller.documents({"tiposDocumentos": [15]}))
        odd = rows_of(caller.documents({"tiposDocumentos": [115]}))
        assert {row["numeroDoc"] % 2 for row in even} == {0}
        assert sorted(row["id"] for row in even + odd) == sorted(row["id"] for row in whole)

    def test_types_come_in_pages(self, caller: SerpiCaller) -> None:
        pages = [rows_of(caller.types(limite=3, pagina=page)) for page in (1, 2)]
        assert [row["id"] for page in pages for row in page] == ALL_TYPES
        assert body_of(caller.types(limite=3, pagina=3))["code"] == 204


class TestTrouble:
    @pytest.mark.parametrize("code", [400, 500, 503])
    def test_a_code_in_the_body(
        self, sandbox: RunningSandbox, caller: SerpiCaller, code: int
    ) -> None:
        sandbox.serpi.switches.read_trouble = f"body_{code}"  # type: ignore[assignment] # a Literal
        answer = caller.articles()
        assert (answer.status_code, body_of(answer)["code"]) == (200, code)
        assert body_of(answer)["success"] is False

    def test_the_others(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        switches = sandbox.serpi.switches
        switches.read_trouble = "success_false"
        body = body_of(caller.articles(limite=1))
        assert (body["success"], body["code"]) == (False, 200)
        switches.read_trouble = "errors"
        body = body_of(caller.articles(limite=1))
        assert (body["success"], body["errors"], len(body["result"])) == (
            True,
            ["Error interno"],
            1,
        )
        switches.read_trouble = "no_code"
        for answer in (caller.articles(limite=1), caller.articles(codigo="none")):
            assert "code" not in body_of(answer)
        switches.read_trouble = "html"
        page = caller.documents()
        assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
        switches.read_trouble = "broken_json"
        broken = caller.types()
        assert broken.status_code == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            exact.loads(broken.content)

    @pytest.mark.parametrize("declared", [True, False])
    def test_latin1(self, sandbox: RunningSandbox, caller: SerpiCaller, declared: bool) -> None:
        plain = caller.articles().content
        charset = "latin1_declared" if declared else "latin1_undeclared"
        sandbox.serpi.switches.charset = charset  # type: ignore[assignment] # a Literal
        answer = caller.articles()
        assert answer.content.decode("latin-1") == plain.decode()
        assert "ñ".encode("latin-1") in answer.content
        kind = "application/json; charset=iso-8859-1" if declared else "application/json"
        assert answer.headers["Content-Type"] == kind

    def test_one_slow_page(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        slow = sandbox.serpi.faults.add(Fault("delay", path=r"Articulo\?.*pagina=2", delay=0.1))
        spent = []
        for page in (1, 2, 3):
            began = time.monotonic()
            caller.articles(limite=1, pagina=page)
            spent.append(time.monotonic() - began)
        assert spent[1] >= 0.1
        assert slow.hits == 1

    def test_the_clock_can_be_set(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        now = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
        sandbox.serpi.now = lambda: now
        assert caller.types().headers["Date"] == "Sun, 01 Mar 2026 03:30:00 GMT"
        now += timedelta(days=1)
        assert caller.types().headers["Date"] == "Mon, 02 Mar 2026 03:30:00 GMT"
