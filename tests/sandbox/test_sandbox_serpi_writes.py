"""SERPI's writes on loopback: articles, batches, and answers that mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox import exact
from erp_sandbox.serpi.writes import Commit
from support.serpi_caller import SerpiCaller, body_of, new_article, new_document, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox

DOCUMENT = ("CCO", "COM", 900)


@pytest.fixture
def caller(sandbox: RunningSandbox) -> Iterator[SerpiCaller]:
    with SerpiCaller(sandbox.serpi_url) as made:
        yield made


def refusal_of(answer: requests.Response) -> Any:
    """Return what a refused write complains of."""
    body = body_of(answer)
    assert (body["success"], body["code"]) == (False, 400)
    return body["errors"]


class TestCreateArticles:
    def test_an_article_is_stored_with_all_its_fields(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        answer = caller.create_articles(new_article("N1", camposPersonalizados={"A": 1}))
        assert answer.status_code == 201
        assert body_of(answer) == {
            "success": True,
            "code": 201,
            "errors": [],
            "message": "Se crearon 1 de 1 articulos",
        }
        held = sandbox.serpi.articles.only("N1")
        assert held["id"] == 1201
        assert held["camposPersonalizados"] == {"A": 1}
        assert set(held) == set(sandbox.serpi.articles.get(1))
        assert rows_of(caller.articles(codigo="N1")) == [held]
        assert sandbox.serpi.history == [Commit("created", "articulos", "N1", 1201)]

    @pytest.mark.parametrize(
        ("decimals", "sent", "held"),
        [
            ("five_places", "0", "0.00000"),
            ("five_places", "0.1", "0.10000"),
            ("five_places", "67900.00", "67900.00000"),
            ("five_places", "12345678901234.56789", "12345678901234.56789"),
            ("five_places", "1.000005", "1.00001"),
            ("five_places", "1e2", "100.00000"),
            ("as_sent", "0", "0"),
            ("as_sent", "67900.00", "67900.00"),
            ("as_sent", "12345678901234.56789", "12345678901234.56789"),
        ],
    )
    def test_how_decimals_are_held(
        self, sandbox: RunningSandbox, caller: SerpiCaller, decimals: Any, sent: str, held: str
    ) -> None:
        sandbox.serpi.switches.decimals = decimals
        caller.create_articles(new_article("N1", costo=exact.Number(sent)))
        assert f'"costo":{held},' in sandbox.serpi.articles.text(1201)
        assert f'"costo":{sent}}}' in sandbox.serpi.requests[-1].body.decode()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("codigo", None),
            ("codigo", "  "),
            ("codigo", 5),
            ("descripcion", ...),
            ("idmarca", "5"),
            ("idmarca", 5_000_000_000),
            ("activo", "true"),
            ("costo", "1.0"),
            ("costo", exact.Number("1e30")),
            ("diasMaximo", 40_000),
            ("tipoPlaneacion", 2),
            ("camposPersonalizados", "x"),
            ("aplicaKit", 1),
        ],
    )
    def test_what_is_refused(
        self, sandbox: RunningSandbox, caller: SerpiCaller, field: str, value: object
    ) -> None:
        record = {**new_article("N1"), field: value}
        answer = caller.create_articles(
            {name: held for name, held in record.items() if held is not ...}
        )
        assert answer.status_code == 400
        assert f"Registro 1: {field} " in refusal_of(answer)[0]
        assert len(sandbox.serpi.articles) == 1200

    @pytest.mark.parametrize("body", ["", "{}", "[]", "[1]", '[{"codigo":NaN}]', b"[\xff]", "[{"])
    def test_a_body_that_is_no_batch(
        self, sandbox: RunningSandbox, caller: SerpiCaller, body: bytes | str
    ) -> None:
        assert refusal_of(caller.call("POST", "Articulo", body))
        assert len(sandbox.serpi.articles) == 1200

    def test_a_code_that_is_there(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        assert "123 ya existe" in refusal_of(caller.create_articles(new_article("123")))[0]
        twice = caller.create_articles(new_article("N1"), new_article("N1"))
        assert "N1 ya existe" in refusal_of(twice)[0]
        sandbox.serpi.switches.duplicate_articles = "store"
        assert caller.create_articles(new_article("123")).status_code == 201
        assert len(sandbox.serpi.articles.find("123")) == 2

    def test_case_of_keys(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        caller.create_articles(new_article("N1", DIASMAXIMO=7, PedidoMinimo=3))
        held = sandbox.serpi.articles.only("N1")
        assert (held["diasMaximo"], held["pedidoMinimo"]) == (7, 3)
        sandbox.serpi.switches.write_keys = "exact"
        caller.create_articles(new_article("N2", DIASMAXIMO=7, pedidoMinimo=3))
        held = sandbox.serpi.articles.only("N2")
        assert (held["diasMaximo"], held["pedidoMinimo"]) == (None, 3)

    def test_unknown_fields(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        caller.create_articles(new_article("N1", color="rojo"))
        assert "color" not in sandbox.serpi.articles.only("N1")
        sandbox.serpi.switches.unknown_fields = "refuse"
        assert "color" in refusal_of(caller.create_articles(new_article("N2", color="rojo")))[0]
        sandbox.serpi.switches.unknown_fields = "store"
        caller.create_articles(new_article("N2", color="rojo"))
        assert sandbox.serpi.articles.only("N2")["color"] == "rojo"


class TestUpdateArticles:
    def test_by_id(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        before = sandbox.serpi.articles.get(3)
        answer = caller.update_articles({"id": 3, "costo": exact.Number("1.5")})
        assert answer.status_code == 200
        assert body_of(answer)["message"] == "Se modificaron 1 de 1 articulos"
        after = sandbox.serpi.articles.get(3)
        assert after == {**before, "costo": exact.Number("1.50000")}
        assert sandbox.serpi.articles.all()[2] == after, "it keeps its place"
        assert sandbox.serpi.history == [Commit("updated", "articulos", "123", 3)]

    def test_absent_fields_become_null(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.put_absent = "null"
        assert "descripcion" in str(refusal_of(caller.update_articles({"id": 3, "costo": 1})))
        assert caller.update_articles({"id": 3, **new_article("123")}).status_code == 200
        held = sandbox.serpi.articles.get(3)
        assert (held["id"], held["codigo"]) == (3, "123")
        assert held["costo"] is held["camposPersonalizados"] is held["barras"] is None

    def test_an_id_is_needed_and_known(self, caller: SerpiCaller) -> None:
        assert "id es requerido" in refusal_of(caller.update_articles(new_article("123")))[0]
        assert "77777 no existe" in refusal_of(caller.update_articles({"id": 77777}))[0]

    def test_a_code_can_change_but_not_to_anothers(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        assert caller.update_articles({"id": 3, "codigo": "NEW"}).status_code == 200
        assert sandbox.serpi.articles.only("NEW")["id"] == 3
        assert not sandbox.serpi.articles.has("123")
        assert refusal_of(caller.update_articles({"id": 3, "codigo": "00123"}))

    @pytest.mark.parametrize(
        ("how", "expected"),
        [("merge", {"A": 1, "B": 3, "C": 4}), ("replace", {"B": 3, "C": 4})],
    )
    def test_custom_fields_merge_or_replace(
        self, sandbox: RunningSandbox, caller: SerpiCaller, how: Any, expected: dict[str, int]
    ) -> None:
        sandbox.serpi.switches.put_custom = how
        sandbox.serpi.articles.change(3, camposPersonalizados={"A": 1, "B": 2})
        caller.update_articles({"id": 3, "camposPersonalizados": {"B": 3, "C": 4}})
        assert sandbox.serpi.articles.get(3)["camposPersonalizados"] == expected

    @pytest.mark.parametrize(
        ("obeyed", "expected"),
        [("camposPersonalizados", "one"), ("camposcliente", "two"), ("both", "two")],
    )
    def test_which_key_is_obeyed(
        self, sandbox: RunningSandbox, caller: SerpiCaller, obeyed: Any, expected: str
    ) -> None:
        sandbox.serpi.switches.put_custom_key = obeyed
        both = {"camposPersonalizados": {"K": "one"}, "camposcliente": {"K": "two"}}
        caller.update_articles({"id": 3, **both})
        held = sandbox.serpi.articles.get(3)
        assert held["camposPersonalizados"]["K"] == expected
        assert "camposcliente" not in held

    def test_the_wrong_key_changes_nothing(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.switches.put_custom_key = "camposcliente"
        before = sandbox.serpi.articles.get(3)
        answer = caller.update_articles({"id": 3, "camposPersonalizados": {"K": "one"}})
        assert answer.status_code == 200
        assert sandbox.serpi.articles.get(3) == before


class TestBatches:
    def test_one_bad_record_refuses_all(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        answer = caller.create_articles(new_article("N1"), new_article("N2", costo="x"))
        assert refusal_of(answer) == ["Registro 2: costo debe ser decimal"]
        assert len(sandbox.serpi.articles) == 1200

    def test_or_only_itself(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.atomic_batches = False
        answer = caller.create_articles(new_article("N1", costo="x"), new_article("N2"))
        body = body_of(answer)
        assert (answer.status_code, body["success"]) == (201, True)
        assert body["message"] == "Se crearon 1 de 2 articulos"
        assert body["errors"] == ["Registro 1: costo debe ser decimal"]
        assert [sandbox.serpi.articles.has(code) for code in ("N1", "N2")] == [False, True]
        assert refusal_of(caller.create_articles(new_article("N1", costo="x")))

    def test_some_are_stored_with_success(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        sandbox.serpi.switches.store_at_most = 2
        answer = caller.create_documents(*(new_document(number) for number in range(900, 905)))
        assert body_of(answer) == {
            "success": True,
            "code": 201,
            "errors": [],
            "message": "Se crearon 2 de 5 documentos contables",
        }
        assert {key[2] for key in sandbox.serpi.documents.all_keys() if key[2] >= 900} == {900, 901}

    def test_a_largest_batch(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.batch_maximum = 2
        three = [new_article(f"N{number}") for number in range(3)]
        assert "mas de 2" in refusal_of(caller.create_articles(*three))[0]
        assert caller.create_articles(*three[:2]).status_code == 201

    @pytest.mark.parametrize(
        ("shape", "errors"),
        [
            ("strings", ["Registro 2: costo debe ser decimal"]),
            ("objects", [{"registro": 2, "campo": "costo", "mensaje": "debe ser decimal"}]),
            ("object_of_lists", {"[1].costo": ["debe ser decimal"]}),
        ],
    )
    @pytest.mark.parametrize(("refusal", "status"), [("http", 400), ("body", 200)])
    def test_how_a_refusal_looks(  # noqa: PLR0917 - pytest gives them by name
        self,
        sandbox: RunningSandbox,
        caller: SerpiCaller,
        shape: Any,
        errors: Any,
        refusal: Any,
        status: int,
    ) -> None:
        sandbox.serpi.switches.error_shape = shape
        sandbox.serpi.switches.write_refusal = refusal
        answer = caller.create_articles(new_article("N1"), new_article("N2", costo="x"))
        assert answer.status_code == status
        assert refusal_of(answer) == errors

    def test_status_of_a_creation(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.created_http = 200
        answer = caller.create_articles(new_article("N1"))
        assert (answer.status_code, body_of(answer)["code"]) == (200, 201)


class TestTrouble:
    @pytest.mark.parametrize(
        ("trouble", "sign"),
        [
            ("success_false", b'"success":false'),
            ("errors", b'"success":true,"code":201,"errors":["Error interno"]'),
            ("body_500", b'"code":500'),
            ("html", b"<html>"),
        ],
    )
    def test_the_write_is_done_all_the_same(
        self, sandbox: RunningSandbox, caller: SerpiCaller, trouble: Any, sign: bytes
    ) -> None:
        sandbox.serpi.switches.write_trouble = trouble
        answer = caller.create_documents(new_document(900))
        assert answer.ok
        assert sign in answer.content
        assert sandbox.serpi.documents.has(DOCUMENT)

    def test_unreadable(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.write_trouble = "broken_json"
        answer = caller.create_documents(new_document(900))
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
        assert sandbox.serpi.documents.has(DOCUMENT)

    @pytest.mark.parametrize(
        ("which", "lost"),
        [
            ("none", [False] * 6),
            ("first", [True, *[False] * 5]),
            ("some", [False, False, True, False, False, True]),
            ("all", [True] * 6),
        ],
    )
    def test_lost_answers(
        self, sandbox: RunningSandbox, caller: SerpiCaller, which: Any, lost: list[bool]
    ) -> None:
        sandbox.serpi.switches.lose_write_answers = which
        outcomes = []
        for number in range(900, 906):
            caller.types()
            try:
                caller.create_documents(new_document(number))
            except requests.ConnectionError:
                outcomes.append(True)
            else:
                outcomes.append(False)
        assert outcomes == lost
        for number in range(900, 906):
            assert len(sandbox.serpi.documents.find(("CCO", "COM", number))) == 1
