"""Answers that come well: what is sent for them, and how their bodies are read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

import pytest
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connector_kit.errors import SettingsError, UpstreamError
from connector_kit.http import Action, Answer, HttpSettings, RefusedAnswer
from support.http_clients import (
    QUICK,
    ClientMaker,
    get,
    quick_client,
    quick_client_of,
    standing_client,
)
from support.raw_server import (
    Act,
    RawServer,
    answer,
    chunked_answer,
    gzip_answer,
    json_answer,
    send,
)

ROWS = json.dumps([{"id": 1, "nombre": "Ñandú", "costo": "67900.00000"}], ensure_ascii=False)
BODY = ROWS.encode()


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/", "/api/v1//"])
@pytest.mark.parametrize("path", ["Articulo", "/Articulo"])
def test_base_address_and_path_are_joined(server: RawServer, base: str, path: str) -> None:
    get(quick_client(server.url + base), path)
    assert [r.target for r in server.received] == ["/api/v1/Articulo"]


def test_parts_of_a_request(server: RawServer) -> None:
    client = quick_client(server.url, headers={"secretkey": "llave"})
    client.call(
        "POST",
        "a b/ñ?#%C3%B1",
        params={"limite": 5, "código": "x&y"},
        raw_query="customAttributeName:Zona=Norte%20",
        json=b'{"valor": 67900.00000}',
        headers={"Accept": "application/xml"},
        read=lambda answer: answer.body,
        where="x",
    )
    [request] = server.received
    assert request.method == "POST"
    assert request.path == "/a%20b/%C3%B1%3F%23%C3%B1"
    assert request.target.partition("?")[2] == (
        "limite=5&c%C3%B3digo=x%26y&customAttributeName:Zona=Norte%20"
    )
    assert request.body == b'{"valor": 67900.00000}'
    sent = dict(request.headers)
    assert sent["content-type"] == "application/json"
    assert sent["accept"] == "application/xml"
    assert sent["secretkey"] == "llave"
    assert sent["user-agent"] == "test/1"
    assert sent["authorization"] == requests.auth._basic_auth_str("user", "canary-password")
    assert sent["host"] == f"127.0.0.1:{server.port}"


def test_credentials_of_one_call_and_in_the_query(server: RawServer) -> None:
    class QueryKey(AuthBase):
        def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
            r.prepare_url(r.url, {"api_token": "canary"})
            return r

    client = quick_client(server.url, auth=QueryKey())
    get(client, params={"a": 1})
    get(client, auth=HTTPBasicAuth("other", "one"))
    first, second = server.received
    assert first.target == "/things?a=1&api_token=canary"
    assert "authorization" not in first.headers
    assert second.target == "/things"
    assert second.headers["authorization"].startswith("Basic ")


def test_netrc_and_environment_do_not_change_the_credentials(
    server: RawServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="ascii") as file:  # noqa: PTH123 - a text path is at hand
        file.write("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", netrc)
    get(quick_client(server.url))
    assert server.received[0].headers["authorization"] == requests.auth._basic_auth_str(
        "user", "canary-password"
    )


def test_one_connection_is_kept(server: RawServer) -> None:
    client = quick_client(server.url)
    for _ in range(5):
        get(client)
    assert server.connections == 1


@pytest.mark.parametrize("make", [quick_client_of, standing_client])
@pytest.mark.parametrize(
    "data",
    [
        json_answer(BODY),
        answer(BODY, length=None),
        chunked_answer(BODY[:7], BODY[7:20], BODY[20:]),
        gzip_answer(BODY),
        json_answer(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), Content_Encoding="gzip"),
        json_answer(gzip.compress(BODY) + b"\0" * 20, Content_Encoding="x-gzip"),
        json_answer(zlib.compress(BODY), Content_Encoding="deflate"),
        json_answer(zlib.compress(BODY)[2:-4], Content_Encoding="deflate"),
        json_answer(BODY, Content_Encoding="identity"),
        json_answer(b"\xef\xbb\xbf" + BODY),
        answer(BODY, content_type="text/plain"),
        answer(BODY, content_type=None),
        answer(BODY, content_type='application/json; charset="utf8"'),
        answer(ROWS.encode("latin-1"), content_type="application/json; charset=iso-8859-1"),
        answer(ROWS.encode("utf-16"), content_type="application/json;charset=UTF-16"),
        answer(b"\r\n\t " + BODY),
    ],
    ids=lambda data: data.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2].decode("latin-1"),
)
def test_json_in_every_wrapping(server: RawServer, data: bytes, make: ClientMaker) -> None:
    client = make(server)
    server.play(send(data))
    assert get(client).strip() == BODY
    assert len(server.received) == 1
    # What follows is not mixed with what came.
    assert get(client) == b"[]"


@pytest.mark.parametrize("make", [quick_client_of, standing_client])
@pytest.mark.parametrize(
    "data",
    [
        json_answer(ROWS.encode("latin-1")),
        answer(BODY, content_type="application/json; charset=ascii"),
        answer(BODY, content_type="application/json; charset=klingon"),
        answer(BODY.hex().encode(), content_type="application/json; charset=hex"),
        answer(b"<!DOCTYPE html><p>Sign in</p>", content_type="text/html"),
        answer(b"<!DOCTYPE html><p>Sign in</p>"),
        json_answer(b""),
        json_answer(b"  \n "),
        json_answer(b"\xef\xbb\xbf"),
        answer(b"Service is up", content_type="text/plain"),
        json_answer(BODY, Content_Encoding="br"),
        json_answer(BODY, Content_Encoding="gzip"),
        json_answer(gzip.compress(BODY)[:-9], Content_Encoding="gzip"),
        json_answer(gzip.compress(BODY) + b"more", Content_Encoding="gzip"),
        json_answer(zlib.compress(BODY)[:-5], Content_Encoding="deflate"),
    ],
    ids=range(15),
)
def test_what_cannot_be_read_is_asked_for_three_times(
    server: RawServer, data: bytes, make: ClientMaker
) -> None:
    client = make(server)
    server.rest = send(data)
    with pytest.raises(UpstreamError, match=r"the test server: stream things.*3 tries"):
        get(client)
    assert len(server.received) == 3


def test_an_answer_that_can_be_read_the_third_time(server: RawServer) -> None:
    server.play(send(answer(b"<html>")), send(json_answer(b"\xff")), send(json_answer(BODY)))
    assert get(quick_client(server.url)) == BODY


def test_no_replacement_character_ever(server: RawServer) -> None:
    server.play(send(json_answer(b'["\xf1"]')), send(json_answer(b'["\xc3\xb1"]')))
    assert get(quick_client(server.url)) == '["ñ"]'.encode()


def bomb(size: int) -> Act:
    return send(gzip_answer(b"[" + b" " * size + b"]"))


@pytest.mark.parametrize(
    "act",
    [
        bomb(2_000_000),
        send(json_answer(b"[" + b" " * 2_000_000 + b"]")),
        send(chunked_answer(b"[", *[b" " * 100_000] * 20, b"]")),
        send(answer(b"[" + b" " * 2_000_000 + b"]", length=None)),
        send(answer(b"[", length=10**15)),
    ],
    ids=["gzip", "length", "chunked", "close", "promised"],
)
def test_byte_cap_holds_for_the_decoded_body(server: RawServer, act: Act) -> None:
    server.rest = act
    small = HttpSettings(request_timeout=5, retry_wait=0.01, byte_cap=1_500_000)
    with pytest.raises(UpstreamError, match=r"stream things.*larger than 1500000 bytes"):
        get(quick_client(server.url, small))
    assert len(server.received) == 1


def test_a_large_compressed_body_comes_whole(server: RawServer) -> None:
    rows = b"[" + b",".join(b'{"id": %d}' % n for n in range(300_000)) + b"]"
    server.play(send(gzip_answer(rows)), send(json_answer(rows)))
    client = quick_client(server.url)
    assert get(client) == rows
    assert get(client) == rows


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "credentials"),
        (403, "credentials"),
        (404, "address"),
        (422, "parameters"),
        (555, "refuses"),
    ],
)
def test_refusals_are_final(server: RawServer, status: int, error: str) -> None:
    server.rest = send(json_answer(b'{"error": "dominio\\ninexistente"}', status))
    with pytest.raises(Exception, match=error) as raised:
        get(quick_client(server.url))
    assert len(server.received) == 1
    assert f"HTTP {status}" in str(raised.value)
    assert "dominio" in str(raised.value)
    assert getattr(raised.value, "exit_code", None) == 2
    refused = raised.value
    assert getattr(refused, "answer").status == status  # noqa: B009 - one of two classes


def test_statuses_can_differ_for_a_call(server: RawServer) -> None:
    server.rest = send(json_answer(b"{}", 404))
    assert get(quick_client(server.url), statuses={404: Action.OK}) == b"{}"
    with pytest.raises(RefusedAnswer):
        get(quick_client(server.url))


def test_read_may_judge_every_status_but_a_redirect(server: RawServer) -> None:
    client = quick_client(server.url)
    server.play(send(json_answer(b"{}", 500)), send(json_answer(b"{}", 301, Location="/x")))
    read_status: int = client.call(
        "GET", "x", read=lambda a: a.status, where="x", every_status=True
    )
    assert read_status == 500
    with pytest.raises(RefusedAnswer):
        client.call("GET", "x", read=lambda a: a.status, where="x", every_status=True)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://other.example/v2/x?token=canary#y", "https://other.example/v2/x"),
        ("http://me:canary@other.example/", "http://other.example/"),
        ("/v2/things?canary", "/v2/things"),
        (None, "no address"),
        ("http://[", "cannot be read"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(
    server: RawServer, method: str, location: str | None, shown: str
) -> None:
    headers = {} if location is None else {"Location": location}
    server.rest = send(json_answer(b"{}", 302, **headers))
    with pytest.raises(RefusedAnswer) as raised:
        quick_client(server.url).call(method, "x", json=b"{}", read=Answer.json_bytes, where="w")
    assert shown in str(raised.value)
    assert "canary" not in str(raised.value)
    assert len(server.received) == 1


def test_renewed_credentials_are_tried_once(server: RawServer) -> None:
    server.play(send(json_answer(b"{}", 401)), send(json_answer(BODY)))
    asked: list[int] = []

    def renew(answer: Answer) -> bool:
        asked.append(answer.status)
        return True

    assert get(quick_client(server.url), renew=renew) == BODY
    server.rest = send(json_answer(b"{}", 555))
    with pytest.raises(RefusedAnswer):
        get(quick_client(server.url), renew=renew)
    assert asked == [401, 555]
    assert len(server.received) == 4


def test_streamed_answer_in_pieces(server: RawServer) -> None:
    rows = b"[" + b" " * 3_000_000 + b"]"
    server.play(send(gzip_answer(rows)), send(json_answer(rows)))
    client = quick_client(server.url)
    for length in (len(gzip.compress(rows)), len(rows)):
        with client.stream("GET", "things", where="x") as streamed:
            assert streamed.status == 200
            assert streamed.length == pytest.approx(length, abs=20)
            pieces = list(iter(streamed.read_piece, b""))
        assert b"".join(pieces) == rows
        assert max(map(len, pieces)) <= 1 << 20
    assert server.connections == 1


def test_streamed_answer_that_is_left_unread(server: RawServer) -> None:
    client = quick_client(server.url)
    server.play(send(json_answer(b" " * 5_000_000)))
    with client.stream("GET", "things", where="x") as streamed:
        assert streamed.headers["content-type"] == "application/json"
    assert get(client) == b"[]"
    assert server.connections == 2


def test_streamed_refusal_is_an_error(server: RawServer) -> None:
    server.play(send(json_answer(b"{}", 422)))
    with pytest.raises(RefusedAnswer), quick_client(server.url).stream("GET", "x", where="x"):
        pytest.fail("a refusal was given as an answer")


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "//x", "x", "http://", "http://u:canary@x/", "http://x/?a", "http://x/#b", ""],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        quick_client(url, QUICK)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("value", ["canary\nX-Evil: 1", "canary\r", "canary€", "canary\0"])
def test_a_header_that_cannot_be_sent_is_not_shown(server: RawServer, value: str) -> None:
    with pytest.raises(SettingsError, match="secretkey") as raised:
        get(quick_client(server.url, headers={"secretkey": value}))
    assert "canary" not in str(raised.value)
    assert server.received == []
