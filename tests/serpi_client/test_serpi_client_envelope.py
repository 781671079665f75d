"""Envelopes that no documentation shows: judged by one table, never taken for an empty page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from connector_kit.errors import ConnectorError, CredentialsError, RefusedError, UpstreamError
from serpi_client.client import SerpiClient
from support.raw_server import RawServer, answer, json_answer, send

MakeClient = Callable[..., SerpiClient]


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


def page(client: SerpiClient, pagina: int = 1) -> list[bytes]:
    return [bytes(row) for row in client.articulos_page(5, pagina, where="stream articulos").rows]


ROWS = '"result":[{"id":1,"costo":5.00000},{"id":2}]'


@pytest.mark.parametrize(
    "body",
    [
        '{"success":true,"code":200,%s}',
        '{"success":true,"code":"200","errors":null,"message":null,%s}',
        '{"success":true,"code":" 200 ","errors":{},"message":7,%s}',
        '{%s,"success":true,"code":201,"errors":"","message":"","nuevo":{"a":[1]}}',
        '{\n "success": true,\n "code": 200,\n "errors": [],\n %s\n}\n',
        '{"success":true,"code":204,%s}',
        '{"success":true,"code":302,%s}',
    ],
)
def test_success_in_every_dress(server: RawServer, make_client: MakeClient, body: str) -> None:
    server.rest = send(json_answer((body % ROWS).encode()))
    assert page(make_client(server.url)) == [b'{"id":1,"costo":5.00000}', b'{"id":2}']


@pytest.mark.parametrize(
    ("body", "tries"),
    [
        (b"[]", 3),
        (b"{}", None),
        (b"null", 3),
        (b'"ok"', 3),
        (b"", 3),
        (b'{"success":true,"code":200}', 3),
        (b'{"success":true,"code":200,"message":"OK"}', 3),
        (b'{"success":true,"code":200,"result":{}}', 3),
        (b'{"success":true,"code":200,"result":"x"}', 3),
        (b'{"success":true,"code":200,"result":[{"id":NaN}]}', 3),
        (b'{"success":true,"code":200,"result":[{"id":1},]}', 3),
        (b'{"success":true,"code":200,"result":[{"id":1}]', 3),
        (b'{"success":true,"code":200,"result":[{"id":1}]}}', 3),
        (b'{"success":true,"code":200,"result":[{"id":"\xf1"}]}', 3),
        (b'{"success":true,"code":true,"result":[]}', None),
        (b'{"success":true,"result":[]}', None),
        (b'{"success":"true","code":200,"result":[]}', None),
        (b'{"success":1,"code":200,"result":[]}', None),
        (b'{"success":null,"code":200,"result":[]}', None),
        (b'{"success":false,"code":204}', None),
        (b'{"success":true,"code":200,"errors":["x"],"result":[]}', None),
        (b'{"success":true,"code":200,"errors":{"a":["x"]},"result":[]}', None),
        (b'{"success":true,"code":200,"errors":"x","result":[]}', None),
    ],
)
def test_never_taken_for_an_empty_page(
    server: RawServer, make_client: MakeClient, body: bytes, tries: int | None
) -> None:
    server.rest = send(json_answer(body))
    with pytest.raises(UpstreamError) as raised:
        page(make_client(server.url, retry_time=0.05))
    assert raised.value.exit_code == 3
    assert len(server.received) == tries if tries else len(server.received) > 1


BODY = '{"success":false,"code":%s,"errors":["Palabras de SERPI"],"message":"No"}'


@pytest.mark.parametrize(
    ("status", "code", "error", "once"),
    [
        (200, 401, CredentialsError, True),
        (200, 403, CredentialsError, True),
        (401, 200, CredentialsError, True),
        (403, 500, CredentialsError, True),
        (500, 401, CredentialsError, True),
        (404, 401, CredentialsError, True),
        (401, "null", CredentialsError, True),
        (200, 422, RefusedError, True),
        (422, 200, RefusedError, True),
        (200, 400, UpstreamError, True),
        (400, 200, UpstreamError, True),
        (500, 400, UpstreamError, True),
        (404, 404, UpstreamError, True),
        (200, 409, UpstreamError, True),
        (200, 429, UpstreamError, False),
        (429, 200, UpstreamError, False),
        (200, 500, UpstreamError, False),
        (503, 200, UpstreamError, False),
        (500, 429, UpstreamError, False),
        (200, 200, UpstreamError, False),
        (200, "null", UpstreamError, False),
    ],
)
def test_the_worse_of_status_and_code_counts(
    server: RawServer,
    make_client: MakeClient,
    *,
    status: int,
    code: object,
    error: type[ConnectorError],
    once: bool,
) -> None:
    server.rest = send(json_answer((BODY % code).encode(), status))
    with pytest.raises(error) as raised:
        page(make_client(server.url, retry_time=0.05))
    assert "Palabras de SERPI" in str(raised.value)
    assert (len(server.received) == 1) is once
    assert raised.value.exit_code == (3 if error is UpstreamError else 2)


@pytest.mark.parametrize(
    "data",
    [
        json_answer((BODY % 404).encode(), 404),
        json_answer((BODY % 404).encode(), 200),
        answer(b"<html>Not found</html>", 404, content_type="text/html"),
        answer(b"", 404, content_type=None),
    ],
)
def test_a_404_is_the_end_for_later_pages_only(
    server: RawServer, make_client: MakeClient, data: bytes
) -> None:
    server.rest = send(data)
    client = make_client(server.url)
    assert page(client, 2) == []
    assert list(client.articulos_page(5, 1, codigo="x", where="w").rows) == []
    with pytest.raises(UpstreamError):
        page(client, 1)
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [400, 401, 500])
def test_html_beside_a_failure_keeps_the_statuss_meaning(
    server: RawServer, make_client: MakeClient, status: int
) -> None:
    server.rest = send(answer(b"<html>Un momento</html>", status, content_type="text/html"))
    with pytest.raises(ConnectorError, match="Un momento") as raised:
        page(make_client(server.url, retry_time=0.05))
    assert raised.value.exit_code == (2 if status == 401 else 3)
    assert (len(server.received) == 1) is (status < 500)


@pytest.mark.parametrize(
    "errors",
    [
        '["uno", "dos"]',
        '[{"campo": "uno", "mensaje": "dos"}]',
        '{"uno": ["dos", "tres"]}',
        '"uno, dos"',
        '[["uno"], {"a": {"b": ["dos"]}}]',
    ],
)
def test_words_in_every_shape_of_errors(
    server: RawServer, make_client: MakeClient, errors: str
) -> None:
    body = f'{{"success":false,"code":400,"message":"cero","errors":{errors}}}'
    server.rest = send(json_answer(body.encode()))
    with pytest.raises(UpstreamError, match=r"cero.*uno.*dos"):
        page(make_client(server.url))


def test_words_are_short_and_without_secrets(server: RawServer, make_client: MakeClient) -> None:
    body = '{"success":false,"code":400,"message":"%s serpi-sandbox-token"}' % (
        "x" * 100 + " " * 9000
    )
    server.rest = send(json_answer(body.encode()))
    with pytest.raises(UpstreamError) as raised:
        page(make_client(server.url))
    assert "serpi-sandbox-token" not in str(raised.value)
    assert len(str(raised.value)) < 600


def test_retry_after_beside_a_bodys_code(server: RawServer, make_client: MakeClient) -> None:

    server.play(send(json_answer((BODY % 503).encode(), Retry_After="1")))
    server.rest = send(json_answer(f'{{"success":true,"code":200,{ROWS}}}'.encode()))
    started = time.monotonic()
    assert len(page(make_client(server.url, retry_time=5))) == 2
    assert time.monotonic() - started >= 1
