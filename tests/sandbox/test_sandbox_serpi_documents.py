"""SERPI's documents on loopback: creation, and the PUT that deletes a range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox import exact
from erp_sandbox.serpi.writes import Commit
from support.serpi_caller import SerpiCaller, body_of, new_document, rows_of

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


class TestCreateDocuments:
    def test_a_document_is_stored_with_names(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        answer = caller.create_documents(new_document(900))
        assert answer.status_code == 201
        assert body_of(answer)["message"] == "Se crearon 1 de 1 documentos contables"
        held = sandbox.serpi.documents.only(DOCUMENT)
        assert list(held) == list(sandbox.serpi.documents.get(111))
        assert list(held["detalles"][0]) == list(sandbox.serpi.documents.get(111)["detalles"][0])
        assert held["nombreTerceroEnc"] == "ALEJANDRA LOPEZ LOPEZ"
        one = {"tiposDocumentos": [15], "numeroDesde": 900, "numeroHasta": 900}
        assert rows_of(caller.documents(one)) == [held]
        assert sandbox.serpi.history == [
            Commit("created", "documentos_contables", DOCUMENT, held["id"])
        ]

    @pytest.mark.parametrize("amount", ["67900.00000", "0.10000", "12345678901234.56789"])
    def test_amounts_are_exact(
        self, sandbox: RunningSandbox, caller: SerpiCaller, amount: str
    ) -> None:
        caller.create_documents(new_document(900, amount))
        held = sandbox.serpi.documents.only(DOCUMENT)
        assert [line["valor"].text for line in held["detalles"]] == [amount, amount]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("prefijo", "XXX"),
            ("numeroDoc", "900"),
            ("numeroDoc", None),
            ("fechaDocumento", "2026-02-30"),
            ("fechaDocumento", "01/03/2026"),
            ("nitTerceroEnc", 1234567890),
            ("detalles", []),
            ("detalles", [5]),
            ("detalles", [{"cuenta": 1, "nitTerceroDet": "1", "naturaleza": "X", "valor": 1}]),
            ("detalles", [{"cuenta": 1, "nitTerceroDet": "1", "naturaleza": "C"}]),
        ],
    )
    def test_what_is_refused(
        self, sandbox: RunningSandbox, caller: SerpiCaller, field: str, value: object
    ) -> None:
        answer = caller.create_documents({**new_document(900), field: value})
        assert field in refusal_of(answer)[0]
        assert len(sandbox.serpi.documents) == 600

    def test_a_number_that_is_there(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        assert "1 ya existe" in refusal_of(caller.create_documents(new_document(1)))[0]
        twice = caller.create_documents(new_document(900), new_document(900))
        assert "900 ya existe" in refusal_of(twice)[0]
        sandbox.serpi.switches.duplicate_documents = "store"
        for _ in range(2):
            assert caller.create_documents(new_document(900)).status_code == 201
        first, second = sandbox.serpi.documents.find(DOCUMENT)
        assert first["id"] != second["id"]

    def test_balance_is_checked_by_switch(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        unequal = new_document(900)
        unequal["detalles"][0]["valor"] = exact.Number("67900.00001")
        assert caller.create_documents(unequal).status_code == 201
        sandbox.serpi.switches.check_balance = True
        unequal["numeroDoc"] = 901
        assert "detalles" in refusal_of(caller.create_documents(unequal))[0]
        assert caller.create_documents(new_document(901)).status_code == 201


class TestDeleteDocuments:
    def test_a_range_is_deleted_and_counted(
        self, sandbox: RunningSandbox, caller: SerpiCaller
    ) -> None:
        documents = sandbox.serpi.documents
        for number, day in ((901, "2026-05-01"), (902, "2026-05-02"), (903, "2026-05-03")):
            documents.add(numeroDoc=number, fechaDocumento=day)
        answer = caller.delete_documents(
            idTipoDocumento=15,
            numeroDesde=901,
            numeroHasta=903,
            fechaDesde="2026-05-01",
            fechaHasta="2026-05-02",
        )
        assert answer.status_code == 200
        assert body_of(answer)["message"].startswith("Se eliminaron 2 de 2 documentos contables")
        assert {key[2] for key in documents.all_keys() if key[2] > 900} == {903}
        assert len(documents) == 601
        assert sandbox.serpi.count("documento.put_delete") == 1
        assert [commit.action for commit in sandbox.serpi.history] == ["deleted", "deleted"]

    def test_all_five_are_needed(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        whole = {
            "idTipoDocumento": 15,
            "numeroDesde": 1,
            "numeroHasta": 9,
            "fechaDesde": "2025-01-01",
            "fechaHasta": "2027-01-01",
        }
        for name in whole:
            answer = caller.delete_documents(**{key: whole[key] for key in whole if key != name})
            assert name in refusal_of(answer)[0]
        assert refusal_of(caller.call("PUT", "DocumentoContable", "[]"))
        assert len(sandbox.serpi.documents) == 600

    def test_fewer_than_matched(self, sandbox: RunningSandbox, caller: SerpiCaller) -> None:
        sandbox.serpi.switches.delete_at_most = 0
        day = sandbox.serpi.documents.only(("CCO", "COM", 1))["fechaDocumento"]
        answer = caller.delete_documents(
            idTipoDocumento=15, numeroDesde=1, numeroHasta=1, fechaDesde=day, fechaHasta=day
        )
        assert body_of(answer)["message"].startswith("Se eliminaron 0 de 1 ")
        assert sandbox.serpi.documents.has(("CCO", "COM", 1))
