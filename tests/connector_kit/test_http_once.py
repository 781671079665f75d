"""Calls that must not be done twice: one request, and what is known of its outcome."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_kit.errors import ConnectorError, RefusedError, UpstreamError
from connector_kit.http import (
    Answer,
    HttpClient,
    HttpSettings,
    NotSent,
    OutcomeUnknown,
    RetryLater,
    UnreadableAnswer,
)
from support.certificates import self_signed
from support.http_clients import impatient, quick_client
from support.raw_server import (
    RESET_AT_ACCEPT,
    Act,
    RawServer,
    Received,
    answer,
    cut,
    drip,
    head_length,
    json_answer,
    refused_port,
    reset,
    send,
    stall,
)

GOOD = json_answer(b'{"success": true}')
HEAD = head_length(GOOD)
BODY = b'[{"valor": 67900.00000}]'


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(rest=send(GOOD)) as running:
        yield running


def write(client: HttpClient, body: bytes = BODY) -> bytes:
    return client.call("POST", "x", json=body, read=Answer.json_bytes, where="write", retry=False)


def test_a_definite_answer(server: RawServer) -> None:
    assert write(quick_client(server.url)) == b'{"success": true}'
    assert [r.body for r in server.received] == [BODY]


@pytest.mark.parametrize(
    "act",
    [
        reset(),
        cut(GOOD),
        reset(GOOD, 20),
        cut(GOOD, HEAD + 3),
        stall(),
        stall(GOOD, HEAD),
        drip(answer(b" " * 10_000), 0.02, HEAD),
        send(b"garbage\r\n\r\n"),
        send(json_answer(b"{}", 500)),
        send(json_answer(b"{}", 503)),
        send(json_answer(b"{}", 429)),
        send(answer(b"<html>", content_type="text/html")),
        send(json_answer(b"\xff")),
    ],
    ids=range(13),
)
def test_unknown_after_bytes_may_have_left(server: RawServer, act: Act) -> None:
    server.play(act)
    kept: list[Received] = []
    server.commit = kept.append
    with pytest.raises(OutcomeUnknown, match="the test server: write") as raised:
        write(quick_client(server.url, impatient(0.05, retry_time=60)))
    assert len(kept) == 1
    assert raised.value.exit_code == 3


def test_what_the_unknown_says(server: RawServer) -> None:
    server.play(send(json_answer(b"{}", 503, Retry_After="7")), reset())
    client = quick_client(server.url)
    with pytest.raises(OutcomeUnknown) as raised:
        write(client)
    assert (raised.value.status, raised.value.retry_after) == (503, 7)
    with pytest.raises(OutcomeUnknown) as raised:
        write(client)
    assert (raised.value.status, raised.value.retry_after) == (None, None)


def test_refused_connection_is_not_sent() -> None:
    with refused_port() as port, pytest.raises(NotSent):
        write(quick_client(f"http://127.0.0.1:{port}"))


def test_unknown_name_is_not_sent() -> None:
    with pytest.raises(NotSent):
        write(quick_client("http://no-such-host.invalid"))


def test_failed_handshake_is_not_sent(server: RawServer) -> None:
    with pytest.raises(NotSent):
        write(quick_client(server.url.replace("http:", "https:"), impatient(0.3)))
    assert server.received == []


def test_certificate_that_is_not_trusted_is_not_sent(tmp_path: Path) -> None:
    with (
        RawServer(tls=self_signed(tmp_path)) as server,
        pytest.raises(RefusedError),
    ):
        write(quick_client(server.url))
    assert server.received == []


def test_reset_at_accept_is_unknown_or_not_sent(server: RawServer) -> None:
    # The bytes may be on their way when the reset comes: then nobody can know.
    server.play(RESET_AT_ACCEPT)
    with pytest.raises((NotSent, OutcomeUnknown)):
        write(quick_client(server.url))
    assert server.received == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 555, 302])
def test_a_definite_refusal(server: RawServer, status: int) -> None:
    server.play(send(json_answer(b"{}", status)))
    with pytest.raises(ConnectorError) as raised:
        write(quick_client(server.url))
    assert not isinstance(raised.value, UpstreamError)
    assert len(server.received) == 1


@pytest.mark.parametrize("error", [UnreadableAnswer("x"), RetryLater("x", 3, status=429)])
def test_what_read_cannot_judge_is_unknown(server: RawServer, error: Exception) -> None:
    def read(_: Answer) -> None:
        raise error

    with pytest.raises(OutcomeUnknown):
        quick_client(server.url).call("PUT", "x", json=BODY, read=read, where="w", retry=False)
    assert len(server.received) == 1


def test_a_connection_that_was_idle_is_not_trusted(server: RawServer) -> None:
    client = quick_client(server.url)
    write(client)
    write(client)
    assert server.connections == 1
    time.sleep(1.05)
    client.call("GET", "x", read=Answer.json_bytes, where="read")
    assert server.connections == 1
    time.sleep(1.05)
    write(client)
    assert server.connections == 2


def test_a_large_body_goes_out_in_pieces(server: RawServer) -> None:
    body = b"[" + b"1," * 3_000_000 + b"1]"
    write(quick_client(server.url, HttpSettings(request_timeout=2)), body)
    assert server.received[0].body == body


def test_a_server_that_does_not_take_the_body() -> None:
    with RawServer(deaf=True) as deaf, pytest.raises(OutcomeUnknown):
        write(quick_client(deaf.url, impatient(0.2)), b"[" + b" " * 20_000_000 + b"]")
