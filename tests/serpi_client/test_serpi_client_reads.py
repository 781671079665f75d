"""Reads against the sandbox: pages, every form of the empty answer, and every failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector_kit.errors import CredentialsError, RefusedError, UpstreamError
from erp_sandbox.faults import Fault
from serpi_client.client import SerpiClient
from serpi_client.results import ReadPage
from support.servers import RunningSandbox

MakeClient = Callable[..., SerpiClient]
Read = Callable[[SerpiClient, int, int], ReadPage]


def articulos(client: SerpiClient, limite: int, pagina: int) -> ReadPage:
    return client.articulos_page(limite, pagina, where="stream articulos")


def tipos(client: SerpiClient, limite: int, pagina: int) -> ReadPage:
    return client.tipos_documento_page(limite, pagina, where="stream tipos_documento")


def documentos(client: SerpiClient, limite: int, pagina: int) -> ReadPage:
    return client.documentos_page(
        list(range(1, 200)),
        date(2000, 1, 1),
        date(2100, 1, 1),
        limite,
        pagina,
        where="stream documentos_contables",
    )


READS = pytest.mark.parametrize("read", [articulos, tipos, documentos])


def exact(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def test_a_page_of_articles(sandbox: RunningSandbox, client: SerpiClient) -> None:
    answer = client.articulos_page(7, 3, where="stream articulos")
    held = sandbox.serpi.data("articulos")[14:21]  # type: ignore[index]  # a list
    assert [exact(bytes(row)) for row in answer.rows] == held
    assert exact(answer.body) == held
    assert answer.count == 7
    assert answer.date is not None
    [request] = sandbox.serpi.requests
    assert request.kind == "articulo.get"
    assert request.query == {"limite": "7", "pagina": "3"}
    assert request.headers["secretkey"] == "serpi-sandbox-secret-key"
    assert request.headers["authorization"] == "Bearer serpi-sandbox-token"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"] == "test/1"


def test_amounts_keep_their_places(client: SerpiClient) -> None:
    assert b".00000" in articulos(client, 5, 1).body


@pytest.mark.parametrize("code", ["000123", "a b&c=ñ"])
def test_codes_are_sent_as_they_are(
    sandbox: RunningSandbox, client: SerpiClient, code: str
) -> None:
    client.articulos_page(5, 1, codigo=code, where="w")
    assert sandbox.serpi.requests[-1].query["codigo"] == code


def test_a_page_of_types(sandbox: RunningSandbox, client: SerpiClient) -> None:
    answer = tipos(client, 2, 2)
    held = sandbox.serpi.data("tipos_documento")[2:4]  # type: ignore[index]  # a list
    assert [exact(bytes(row)) for row in answer.rows] == held


def test_a_page_of_documents(sandbox: RunningSandbox, client: SerpiClient) -> None:
    answer = client.documentos_page(
        [1, 2], date(2024, 1, 1), date(2024, 12, 31), 3, 1,
        numero_desde=5, numero_hasta=90, where="w",
    )  # fmt: skip
    [request] = sandbox.serpi.requests
    assert request.kind == "documento.query"
    assert request.query == {"limite": "3", "pagina": "1"}
    assert request.json == {
        "tiposDocumentos": [1, 2],
        "numeroDesde": 5,
        "numeroHasta": 90,
        "fechaDesde": "2024-01-01",
        "fechaHasta": "2024-12-31",
    }
    assert all(5 <= exact(bytes(row))["numeroDoc"] <= 90 for row in answer.rows)
    documentos(client, 1, 1)
    body: Any = sandbox.serpi.requests[-1].json
    assert body["numeroDesde"] is None
    assert body["numeroHasta"] is None


@READS
@pytest.mark.parametrize(
    "form", ["code204", "code201", "http204", "null_result", "empty_list", "http404"]
)
def test_every_form_of_the_empty_answer(
    sandbox: RunningSandbox, client: SerpiClient, read: Read, form: Any
) -> None:
    sandbox.serpi.switches.empty_answer = form
    answer = read(client, 1000, 9)
    assert list(answer.rows) == []
    assert exact(answer.body) == []
    assert len(sandbox.serpi.requests) == 1


def test_a_404_for_a_code_is_nothing_found(sandbox: RunningSandbox, client: SerpiClient) -> None:
    sandbox.serpi.switches.empty_answer = "http404"
    assert list(client.articulos_page(5, 1, codigo="no such", where="w").rows) == []


def test_a_404_for_a_first_page_is_an_error(
    make_client: MakeClient, sandbox: RunningSandbox
) -> None:
    client = make_client(f"{sandbox.url}/serpi/api/v9")
    with pytest.raises(UpstreamError, match=r"stream articulos.*404"):
        articulos(client, 5, 1)
    assert len(sandbox.serpi.requests) == 1


@READS
@pytest.mark.parametrize("place", ["http", "body"])
@pytest.mark.parametrize(
    ("given", "code"),
    [({"token": "canary-token"}, "401"), ({"secret_key": "canary-secret"}, "403")],
)
def test_credentials_end_at_once(
    sandbox: RunningSandbox,
    make_client: MakeClient,
    *,
    read: Read,
    place: Any,
    given: dict[str, str],
    code: str,
) -> None:
    sandbox.serpi.switches.credential_refusal = place
    client = make_client(sandbox.serpi_url, **given)
    with pytest.raises(CredentialsError, match=r"token.*secret_key") as raised:
        read(client, 5, 1)
    assert raised.value.exit_code == 2
    assert "canary" not in str(raised.value)
    assert code in str(raised.value)
    assert len(sandbox.serpi.requests) == 1


@READS
@pytest.mark.parametrize(
    ("trouble", "tries", "words"),
    [
        ("success_false", None, "Error interno"),
        ("errors", None, "Error interno"),
        ("body_400", 1, "Error interno"),
        ("body_500", None, "Error interno"),
        ("body_503", None, "503"),
        ("no_code", None, "code"),
        ("html", 3, "HTML"),
        ("broken_json", 3, "JSON"),
    ],
)
def test_troubles_beside_http_200(
    sandbox: RunningSandbox,
    client: SerpiClient,
    *,
    read: Read,
    trouble: Any,
    tries: int | None,
    words: str,
) -> None:
    sandbox.serpi.switches.read_trouble = trouble
    with pytest.raises(UpstreamError, match=words) as raised:
        read(client, 5, 1)
    assert raised.value.exit_code == 3
    seen = len(sandbox.serpi.requests)
    assert seen == tries if tries else seen > 2
    sandbox.serpi.switches.read_trouble = "none"
    assert read(client, 5, 1).rows


@READS
def test_a_trouble_that_passes(sandbox: RunningSandbox, client: SerpiClient, read: Read) -> None:
    for fault in (
        Fault("status", status=503),
        Fault("html"),
        Fault("cut_body"),
        Fault("reset"),
        Fault("drop"),
    ):
        sandbox.serpi.faults.add(fault)
        assert read(client, 3, 1).rows
    assert len(sandbox.serpi.requests) == 10


def test_latin1_is_converted_when_declared_and_refused_when_not(
    sandbox: RunningSandbox, client: SerpiClient
) -> None:
    whole = articulos(client, 100, 1).body
    assert "ñ".encode() in whole.lower()
    sandbox.serpi.switches.charset = "latin1_declared"
    assert articulos(client, 100, 1).body == whole
    sandbox.serpi.switches.charset = "latin1_undeclared"
    with pytest.raises(UpstreamError, match="UTF-8"):
        articulos(client, 100, 1)


def test_hostile_text_is_still_a_page(sandbox: RunningSandbox, client: SerpiClient) -> None:
    plain = articulos(client, 10, 1)
    sandbox.serpi.switches.hostile_text = True
    hostile = articulos(client, 10, 1)
    assert len(hostile.rows) == len(plain.rows) == 10
    assert exact(bytes(hostile.rows[0])) == exact(bytes(plain.rows[0]))
    assert hostile.page.replaced == 2


def test_a_redirect_is_not_followed(sandbox: RunningSandbox, client: SerpiClient) -> None:
    sandbox.serpi.switches.redirect_to = "https://www.apis.example"
    with pytest.raises(RefusedError, match=r"https://www\.apis\.example") as raised:
        articulos(client, 5, 1)
    assert raised.value.exit_code == 2
    assert len(sandbox.serpi.requests) == 1


@pytest.mark.parametrize("total", [True, False])
def test_the_count_of_the_message(
    sandbox: RunningSandbox,
    client: SerpiClient,
    total: bool,
) -> None:
    sandbox.serpi.switches.message_count = "total" if total else "page"
    held: Any = sandbox.serpi.data("articulos")
    assert articulos(client, 5, 1).count == (len(held) if total else 5)
