"""Writes: sent once, byte for byte; what the answer says, and what is said when none comes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from connector_kit.errors import CredentialsError
from connector_kit.http import NotSent, OutcomeUnknown
from erp_sandbox.faults import Fault
from serpi_client.client import SerpiClient
from serpi_client.results import Verdict, WriteResult
from support.raw_server import RawServer, json_answer, refused_port, send
from support.servers import RunningSandbox

MakeClient = Callable[..., SerpiClient]
Write = Callable[[SerpiClient], WriteResult]

AMOUNTS = ("67900.00000", "0.1", "12345678901234.56789")


def article(code: str, cost: str = "0.1") -> bytes:
    fields: dict[str, Any] = {
        "codigo": code,
        "descripcion": "Ñandú",
        **dict.fromkeys(
            (
                "idgrupocontable",
                "idlinea",
                "idcategoria",
                "idpresentacion",
                "idmarca",
                "idunidadmedida",
            ),
            1,
        ),
        "activo": True,
    }
    return json.dumps(fields, ensure_ascii=False)[:-1].encode() + f', "costo": {cost}}}'.encode()


def document(number: int) -> bytes:
    line = {"cuenta": 52954501, "nitTerceroDet": "1", "valor": 5}
    return json.dumps(
        {
            "categoriaDocumento": "CCO",
            "prefijo": "COM",
            "numeroDoc": number,
            "nitTerceroEnc": "1",
            "fechaDocumento": "2024-03-01",
            "detalles": [{**line, "naturaleza": "D"}, {**line, "naturaleza": "C"}],
        }
    ).encode()


def create(client: SerpiClient) -> WriteResult:
    return client.crear_articulos([article("Z1"), article("Z2")], where="stream articulos")


def post_document(client: SerpiClient) -> WriteResult:
    return client.crear_documentos([document(987654)], where="stream documentos_contables")


def delete(client: SerpiClient) -> WriteResult:
    return client.borrar_un_documento(1, 987654, date(2024, 3, 1), where="documents")


def change(client: SerpiClient) -> WriteResult:
    return client.modificar_articulos([b'{"id": 1, "costo": 5.50}'], where="stream articulos")


WRITES = pytest.mark.parametrize("write", [create, change, post_document, delete])


def test_bodies_arrive_byte_for_byte(sandbox: RunningSandbox, client: SerpiClient) -> None:
    bodies = [article(f"Z{number}", amount) for number, amount in enumerate(AMOUNTS)]
    result = client.crear_articulos(bodies, where="stream articulos")
    [request] = sandbox.serpi.requests
    assert request.kind == "articulo.post"
    assert request.body == b"[" + b",".join(bodies) + b"]"
    assert request.headers["content-type"] == "application/json"
    assert result == WriteResult(Verdict.ACCEPTED, 3, 3, result.words, 201)
    assert "3 de 3" in result.words


def test_change_and_document_and_delete(sandbox: RunningSandbox, client: SerpiClient) -> None:
    held: Any = sandbox.serpi.data("articulos")
    body = json.dumps({"id": held[0]["id"], "costo": 7}).encode()
    assert client.modificar_articulos([body], where="w").verdict is Verdict.ACCEPTED
    assert post_document(client).verdict is Verdict.ACCEPTED
    stored: Any = sandbox.serpi.data("documentos_contables")
    [document_held] = [d for d in stored if d["numeroDoc"] == 987654]
    kinds: Any = sandbox.serpi.data("tipos_documento")
    [type_id] = [
        k["id"] for k in kinds if (k["categoriaDocumento"], k["prefijo"]) == ("CCO", "COM")
    ]
    result = client.borrar_un_documento(type_id, 987654, date(2024, 3, 1), where="w")
    assert (result.verdict, result.done, result.asked) == (Verdict.ACCEPTED, 1, 1)
    assert sandbox.serpi.requests[-1].kind == "documento.put_delete"
    assert sandbox.serpi.requests[-1].json == {
        "idTipoDocumento": type_id,
        "numeroDesde": 987654,
        "numeroHasta": 987654,
        "fechaDesde": "2024-03-01",
        "fechaHasta": "2024-03-01",
    }
    left: Any = sandbox.serpi.data("documentos_contables")
    assert document_held not in left
    assert len(left) == len(stored) - 1


@pytest.mark.parametrize(
    ("numbers", "days"),
    [((1, 2), (date(2024, 1, 1),) * 2), ((1, 1), (date(2024, 1, 1), date(2024, 1, 2)))],
)
def test_a_range_is_never_deleted(
    sandbox: RunningSandbox, client: SerpiClient, numbers: Any, days: Any
) -> None:
    with pytest.raises(ValueError, match="one number on one day"):
        client.delete_document_range(1, numbers, days, where="w")
    assert sandbox.serpi.requests == []


@pytest.mark.parametrize("write", [create, change, post_document])
@pytest.mark.parametrize("place", ["http", "body"])
@pytest.mark.parametrize("shape", ["strings", "objects", "object_of_lists"])
def test_a_definite_refusal_has_serpis_own_words(
    sandbox: RunningSandbox, client: SerpiClient, *, write: Write, place: Any, shape: Any
) -> None:
    sandbox.serpi.switches.write_refusal = place
    sandbox.serpi.switches.error_shape = shape
    sandbox.serpi.switches.duplicate_articles = "refuse"
    client.crear_articulos([article("Z1"), article("Z2")], where="w")
    client.crear_documentos([document(987654)], where="w")
    sent = len(sandbox.serpi.requests)
    bad = client.modificar_articulos([b'{"id": 999999999}'], where="w") if write is change else None
    result = bad or write(client)
    assert result.verdict is Verdict.REFUSED
    assert result.code == 400
    assert len(result.words) > 40
    assert len(sandbox.serpi.requests) == sent + 1


@WRITES
@pytest.mark.parametrize("place", ["http", "body"])
def test_credentials(
    sandbox: RunningSandbox, make_client: MakeClient, write: Write, place: Any
) -> None:
    sandbox.serpi.switches.credential_refusal = place
    with pytest.raises(CredentialsError):
        write(make_client(sandbox.serpi_url, token="canary-wrong"))
    assert len(sandbox.serpi.requests) == 1


@WRITES
@pytest.mark.parametrize(
    "fault",
    [
        Fault("lost_answer", times=None),
        Fault("reset", times=None),
        Fault("drop", times=None),
        Fault("status", status=500, times=None),
        Fault("status", status=503, headers={"retry-after": "9"}, times=None),
        Fault("status", status=429, times=None),
        Fault("html", times=None),
        Fault("garbage", times=None),
        Fault("cut_body", times=None),
        Fault("delay", delay=0.4, times=None),
    ],
    ids=lambda fault: fault.kind + str(fault.status or ""),
)
def test_unknown_is_sent_once(
    sandbox: RunningSandbox, make_client: MakeClient, write: Write, fault: Fault
) -> None:
    sandbox.serpi.faults.add(fault)
    client = make_client(sandbox.serpi_url, silence=0.2 if fault.kind == "delay" else 5)
    with pytest.raises(OutcomeUnknown) as raised:
        write(client)
    assert len(sandbox.serpi.requests) == 1
    assert raised.value.status == fault.status
    assert raised.value.retry_after == (9 if fault.status == 503 else None)


@pytest.mark.parametrize("trouble", ["body_500", "html", "broken_json"])
def test_unreadable_success_is_unknown(
    sandbox: RunningSandbox, client: SerpiClient, trouble: Any
) -> None:
    sandbox.serpi.switches.write_trouble = trouble
    with pytest.raises(OutcomeUnknown):
        create(client)
    assert sandbox.serpi.count("articulo.post") == 1


@pytest.mark.parametrize("trouble", ["success_false", "errors"])
def test_a_success_that_contradicts_itself(
    sandbox: RunningSandbox, client: SerpiClient, trouble: Any
) -> None:
    sandbox.serpi.switches.write_trouble = trouble
    result = create(client)
    assert result.verdict is Verdict.UNCLEAR
    assert "Error interno" in result.words


def test_partial_success(sandbox: RunningSandbox, client: SerpiClient) -> None:
    sandbox.serpi.switches.store_at_most = 1
    result = create(client)
    assert (result.verdict, result.done, result.asked) == (Verdict.UNCLEAR, 1, 2)


def test_nothing_listens(make_client: MakeClient) -> None:
    with refused_port() as port, pytest.raises(NotSent):
        create(make_client(f"http://127.0.0.1:{port}"))


OK = '{"success": true, "code": 201, "errors": [], "message": "%s"}'


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("Se crearon 2 de 2 articulos", Verdict.ACCEPTED),
        ("SE CREARON 2  DE  2 ARTÍCULOS", Verdict.ACCEPTED),
        ("2/2", Verdict.ACCEPTED),
        ("2 of 2 created", Verdict.ACCEPTED),
        ("Articulos creados", Verdict.ACCEPTED),
        ("Se crearon 1 de 2 articulos", Verdict.UNCLEAR),
        ("Se crearon 1 de 1 articulos", Verdict.UNCLEAR),
        ("Se crearon 3 de 3 articulos", Verdict.UNCLEAR),
        ("Se crearon 0 de 2", Verdict.UNCLEAR),
    ],
)
def test_counts_are_compared_with_what_was_sent(
    make_client: MakeClient, message: str, verdict: Verdict
) -> None:
    with RawServer(rest=send(json_answer((OK % message).encode()))) as server:
        assert create(make_client(server.url)).verdict is verdict


def test_a_delete_without_counts_is_unclear(make_client: MakeClient) -> None:
    with RawServer(rest=send(json_answer((OK % "Listo").encode()))) as server:
        assert delete(make_client(server.url)).verdict is Verdict.UNCLEAR


def test_one_request_at_a_time_from_all_threads(
    sandbox: RunningSandbox, make_client: MakeClient
) -> None:
    sandbox.serpi.switches.simultaneous_use = "503"
    clients = [make_client(sandbox.serpi_url) for _ in range(3)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                code = f"T{number}-{turn}"
                clients[number].articulos_page(50, 1, where="read")
                clients[number].crear_articulos([article(code)], where="write")
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sandbox.serpi.most_at_once == 1
    assert sandbox.serpi.overlaps == 0
    assert len(sandbox.serpi.requests) == 30
