"""SERPI's reads on loopback: data, paging, filters, and the forms of an empty answer."""

from __future__ import annotations

import re
import time
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY, DocumentType
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from support.serpi_caller import SerpiCaller, body_of, rows_of
from support.servers import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox


@pytest.fixture
def caller(sandbox: RunningSandbox) -> Iterator[SerpiCaller]:
    with SerpiCaller(sandbox.serpi_url) as made:
        yield made


def codes(answer: requests.Response) -> list[str]:
    return [row["codigo"] for row in rows_of(answer)]


class TestData:
    def test_the_seed_and_the_scale_decide_it(self) -> None:
        first, again = Sandbox(Setup(0.2, 5)).serpi, Sandbox(Setup(0.2, 5)).serpi
        assert (len(first.articles), len(first.documents)) == (240, 120)
        assert first.articles.rows() == again.articles.rows()
        assert first.documents.rows() == again.documents.rows()
        assert Sandbox(Setup(0.2, 6)).serpi.articles.rows() != first.articles.rows()

    def test_articles_hold_what_is_easily_spoilt(self, sandbox: RunningSandbox) -> None:
        articles = sandbox.serpi.articles
        assert len(articles) == len(set(articles.all_keys())) == 1200
        held = set(articles.all_keys())
        assert {"0", "00123", "123", "7701234567890", "abc", "ABC", "ñandú-01"} <= held
        assert articles.only("7701234567890")["costo"].text == "12345678901234.56789"
        rows = articles.all()
        assert any(row["descripcion"].endswith("   ") for row in rows)
        assert any(row["barras"].startswith("000") and len(row["barras"]) == 13 for row in rows)
        assert any(row["camposPersonalizados"] is None for row in rows)
        assert all(re.fullmatch(r"\d+\.\d{5}", row["peso"].text) for row in rows)
        for nullable in ("costou", "stockMinimoUnidades", "idgrupocontableAiu"):
            assert {row[nullable] is None for row in rows} == {True, False}

    def test_documents_balance_over_fourteen_months(self, sandbox: RunningSandbox) -> None:
        documents = sandbox.serpi.documents
        rows = documents.all()
        assert len(rows) == len(set(documents.all_keys())) == 600
        days = [date.fromisoformat(row["fechaDocumento"]) for row in rows]
        assert FIRST_DAY <= min(days) < max(days) <= LAST_DAY
        assert (max(days) - min(days)).days > 400
        assert days != sorted(days), "some are back-dated"
        for row in rows:
            assert row["categoriaDocumento"], row["prefijo"]
            assert _balance(row) == 0
        amounts = {line["valor"].text for row in rows for line in row["detalles"]}
        assert "12345678901234.56789" in amounts

    def test_tests_change_the_data(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        serpi = sandbox.serpi
        serpi.articles.clear()
        serpi.documents.clear()
        first = serpi.articles.add(codigo="B", costo=Decimal("0.10"))
        serpi.articles.add(first=True, codigo="A", nuevo="x")
        assert codes(caller.articles()) == ["A", "B"]
        assert '"costo":0.10,' in caller.articles(codigo="B").text
        assert serpi.articles.change(first["id"], codigo="C", costo=7)["costo"] == 7
        assert not serpi.articles.has("B")
        assert codes(caller.articles(codigo="C")) == ["C"]
        serpi.articles.remove(first["id"])
        assert codes(caller.articles()) == ["A"]
        with pytest.raises(LookupError):
            serpi.articles.only("C")
        made = serpi.documents.add(numeroDoc=9, prefijo="COM", fechaDocumento="2026-02-03")
        assert rows_of(caller.documents()) == [made]
        assert _balance(made) == 0
        serpi.document_types.append(DocumentType(99, "X", "Y", "Z"))
        assert {"id": 99, "categoriaDocumento": "X", "prefijo": "Y", "descripcion": "Z"} in (
            rows_of(caller.types())
        )

    def test_two_hundred_thousand_articles_are_no_bottleneck(self) -> None:
        with running_sandbox(scale=20) as big, SerpiCaller(big.serpi_url) as caller:
            caller.articles(limite=1)
            began = time.monotonic()
            got = sum(
                len(caller.articles(limite=1000, pagina=page).content) for page in range(1, 25)
            )
            # 24,000 records of about 900 bytes; measured 0.05 s: only a disaster is seen.
            assert time.monotonic() - began < 30
            assert got > 20_000_000


class TestPaging:
    def test_pages_follow_on_another(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        pages = [rows_of(caller.articles(limite=500, pagina=page)) for page in (1, 2, 3)]
        assert [len(page) for page in pages] == [500, 500, 200]
        assert [row for page in pages for row in page] == sandbox.serpi.articles.all()
        assert rows_of(caller.articles()) == sandbox.serpi.articles.all()
        assert codes(caller.articles(limite=2)) == codes(caller.articles(LIMITE=2, Pagina=1))
        assert body_of(caller.articles(limite=500, pagina=4))["code"] == 204
        assert caller.articles(limite="many").status_code == 400

    def test_a_silent_maximum(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.page_maximum = 7
        assert len(codes(caller.articles(limite=500))) == 7
        assert len(codes(caller.articles())) == 7
        assert (
            codes(caller.articles(limite=500, pagina=2)) == sandbox.serpi.articles.all_keys()[7:14]
        )
        assert len(codes(caller.articles(limite=5))) == 5

    def test_a_default_limit(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.default_limit = 10
        assert len(codes(caller.articles())) == 10
        assert len(codes(caller.articles(limite=20))) == 20

    def test_pagina_ignored_with_and_without_a_maximum(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.switches.ignore_pagina = True
        first = codes(caller.articles(limite=6))
        assert codes(caller.articles(limite=6, pagina=2)) == first
        assert codes(caller.articles(limite=3, pagina=2)) == first[:3]
        sandbox.serpi.switches.page_maximum = 4
        assert codes(caller.articles(limite=6, pagina=300)) == first[:4]

    def test_limite_ignored(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.ignore_limite = True
        assert len(codes(caller.articles(limite=6))) == 1200

    def test_past_the_end(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        switches = sandbox.serpi.switches
        switches.past_end = "last_page"
        last = codes(caller.articles(limite=500, pagina=3))
        assert codes(caller.articles(limite=500, pagina=4)) == last
        assert codes(caller.articles(limite=500, pagina=44)) == last
        assert body_of(caller.articles(codigo="none", pagina=2))["code"] == 204
        switches.past_end = "http404"
        assert caller.articles(limite=500, pagina=4).status_code == 404
        assert caller.articles(limite=500, pagina=3).status_code == 200
        assert body_of(caller.articles(codigo="none"))["code"] == 204

    def test_the_message_counts_rows_or_all(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        assert body_of(caller.articles(limite=30))["message"] == "30 registro(s) encontrados"
        sandbox.serpi.switches.message_count = "total"
        assert body_of(caller.articles(limite=30))["message"] == "1200 registro(s) encontrados"

    @pytest.mark.parametrize("order", ["reversed", "shuffled"])
    def test_another_order_is_the_same_for_all_pages(
        self, sandbox: RunningSandbox, caller: SerpiCaller, order: Any
    ) -> None:
        sandbox.serpi.switches.row_order = order
        seen = [
            code for page in (1, 2, 3) for code in codes(caller.articles(limite=500, pagina=page))
        ]
        assert seen != sandbox.serpi.articles.all_keys()
        assert sorted(seen) == sorted(sandbox.serpi.articles.all_keys())

    def test_rows_move_between_pages(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        serpi = sandbox.serpi
        serpi.switches.insert_before_page = 2
        first = codes(caller.articles(limite=100))
        assert codes(caller.articles(limite=100, pagina=2))[0] == first[-1]
        assert codes(caller.articles(limite=1)) == ["INTERCALADO"]
        serpi.switches.delete_before_page = 3
        second = codes(caller.articles(limite=100, pagina=2))
        assert codes(caller.articles(limite=100, pagina=3))[0] != second[-1]
        assert len(serpi.articles) == 1200

    def test_something_happens_once_before_a_page(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        documents = sandbox.serpi.documents
        sandbox.serpi.before_page(
            "documentos_contables", 2, lambda: documents.remove(documents.first_id())
        )
        caller.documents(limite=10)
        assert len(documents) == 600
        for _ in range(2):
            caller.documents(limite=10, pagina=2)
            assert len(documents) == 599


class TestEmptyAnswers:
    @pytest.mark.parametrize(
        ("form", "status", "body"),
        [
            ("code204", 200, {"success": True, "code": 204}),
            ("code201", 200, {"success": True, "code": 201, "errors": None, "result": []}),
            ("null_result", 200, {"success": True, "code": 200, "errors": None, "result": None}),
            ("empty_list", 200, {"success": True, "code": 200, "errors": None, "result": []}),
            ("http204", 204, None),
            ("http404", 404, {"success": False, "code": 404}),
        ],
    )
    def test_each_form(
        self, sandbox: RunningSandbox, caller: SerpiCaller, form: Any, status: int, body: Any
    ) -> None:
        sandbox.serpi.switches.empty_answer = form
        sandbox.serpi.documents.clear()
        for answer in (
            caller.articles(codigo="none"),
            caller.articles(pagina=2),
            caller.documents(),
        ):
            assert answer.status_code == status
            if body is None:
                assert answer.content == b""
                continue
            got = body_of(answer)
            assert got.pop("message") or True
            assert body.items() <= got.items()
            assert ("result" in got) == ("result" in body)
        assert caller.articles(limite=1).status_code == 200


class TestCodeFilter:
    @pytest.mark.parametrize(
        ("how", "asked", "found"),
        [
            ("exact", "123", ["123"]),
            ("exact", "00123", ["00123"]),
            ("exact", "A/B & C+1%", ["A/B & C+1%"]),
            ("exact", "abc", ["abc"]),
            ("exact", "0", ["0"]),
            ("number", "123", ["00123", "123"]),
            ("number", "0123", ["00123", "123"]),
            ("number", "abc", None),
            ("prefix", "ab", ["abc"]),
            ("prefix", "00123", ["00123"]),
            ("exact", "Abc", None),
        ],
    )
    def test_how_it_compares(
        self, sandbox: RunningSandbox, caller: SerpiCaller, how: Any, asked: str, found: Any
    ) -> None:
        sandbox.serpi.switches.codigo_filter = how
        answer = caller.articles(codigo=asked)
        assert body_of(answer).get("result") is None if found is None else codes(answer) == found

    def test_ignored(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.codigo_filter = "ignored"
        assert len(codes(caller.articles(codigo="123"))) == 1200

    def test_a_code_held_twice(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.articles.add(codigo="123")
        assert codes(caller.articles(codigo="123")) == ["123", "123"]


def _balance(document: dict[str, Any]) -> Decimal:
    signs = {"D": 1, "C": -1}
    lines = document["detalles"]
    return sum((signs[line["naturaleza"]] * line["valor"] for line in lines), Decimal(0))
