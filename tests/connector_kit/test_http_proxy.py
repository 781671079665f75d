"""Proxies: taken from the environment once, when the client is made."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from connector_kit.errors import SettingsError
from connector_kit.http import Answer, NotSent
from connector_kit.redaction import REDACTOR
from support.http_clients import get, impatient, quick_client
from support.raw_server import RawServer, json_answer, send

HIDDEN = "proxy-canary"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with RawServer() as running:
        address = f"user:{HIDDEN}@127.0.0.1:{running.port}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv("http_proxy", f"http://{address}")
        monkeypatch.setenv("https_proxy", address)
        yield running


def test_plain_http_goes_through_the_proxy(proxy: RawServer) -> None:
    assert get(quick_client("http://erp.invalid/api"), params={"a": 1}) == b"[]"
    [request] = proxy.received
    assert request.target == "http://erp.invalid/api/things?a=1"
    assert request.headers["host"] == "erp.invalid"
    pair = base64.b64encode(f"user:{HIDDEN}".encode()).decode()
    assert request.headers["proxy-authorization"] == f"Basic {pair}"
    assert REDACTOR.clean(f"{pair} {HIDDEN}") == "*** ***"


def test_every_call_goes_through_the_proxy_in_its_form(proxy: RawServer) -> None:
    client = quick_client("http://erp.invalid/api")
    get(client)
    assert client.send("things") is None
    get(client)
    first, second = proxy.received
    assert (second.target, second.headers) == (first.target, first.headers)


def test_the_environment_is_asked_once(proxy: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = quick_client("http://erp.invalid/api")
    monkeypatch.delenv("http_proxy")
    assert get(client) == b"[]"
    assert len(proxy.received) == 1


def test_hosts_that_need_no_proxy(proxy: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,.invalid")
    with RawServer() as server:
        assert get(quick_client(server.url)) == b"[]"
        assert len(server.received) == 1
    assert proxy.received == []


def test_a_tunnel_that_is_refused_sends_nothing(proxy: RawServer) -> None:
    proxy.rest = send(json_answer(b"{}", 403))
    client = quick_client("https://erp.invalid/", impatient(2))
    with pytest.raises(NotSent) as raised:
        client.call("POST", "x", json=b"[]", read=Answer.json_bytes, where="w", retry=False)
    assert "proxy" in str(raised.value)
    assert HIDDEN not in str(raised.value)
    assert [(r.method, r.target) for r in proxy.received] == [("CONNECT", "erp.invalid:443")]


@pytest.mark.parametrize("address", ["socks5://x:1", "http://[", "ftp://x"])
def test_a_proxy_that_cannot_be_used(
    proxy: RawServer, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("http_proxy", address)
    with pytest.raises(SettingsError, match="proxy"):
        quick_client("http://erp.invalid/")
    assert proxy.received == []
