"""Requests that are under way together without threads, and what becomes of their answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_kit.answers import ClosedClient
from connector_kit.http import (
    HttpClient,
    HttpSettings,
    NoAnswer,
    RefusedAnswer,
    SentRequest,
    UnreadableAnswer,
)
from support.certificates import self_signed
from support.http_clients import QUICK, get, impatient, quick_client, standing_client, untrusting
from support.raw_server import (
    Act,
    RawServer,
    answer,
    chunked_answer,
    cut,
    gzip_answer,
    json_answer,
    send,
    stall,
)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


def sent(client: HttpClient, path: str) -> SentRequest:
    request = client.send(path)
    assert request is not None
    return request


def body_of(client: HttpClient, request: SentRequest) -> bytes:
    with client.stream("GET", "", where="stream things", sent=request) as streamed:
        return streamed.read_rest().json_bytes()


def with_connections(server: RawServer, count: int, settings: HttpSettings = QUICK) -> HttpClient:
    """A client that has so many connections."""
    client = quick_client(server.url, settings)
    with client.stream("GET", "one", where="x") as one:
        if count > 1:
            get(client, "two")
        one.read_rest()
    server.received.clear()
    return client


def test_without_a_standing_connection_nothing_is_sent(server: RawServer) -> None:
    client = quick_client(server.url)
    assert client.send("things") is None
    assert server.received == []
    assert get(client) == b"[]"


def test_two_are_under_way_before_either_answer_is_read(server: RawServer) -> None:
    client = with_connections(server, 2)
    server.by_path = {f"/{n}": [send(json_answer(b"[%d]" % n))] for n in range(3)}
    first, second = sent(client, "0"), sent(client, "1")
    # Both connections are taken.
    assert client.send("2") is None
    server.await_requests(2)
    assert {request.path for request in server.received} == {"/0", "/1"}
    assert body_of(client, second) == b"[1]"
    assert body_of(client, first) == b"[0]"
    # Both stand again.
    third = sent(client, "2")
    assert body_of(client, third) == b"[2]"
    assert server.connections == 2


def test_it_is_the_same_request_as_in_the_usual_way(server: RawServer) -> None:
    client = quick_client(server.url + "/prefix", headers={"X-Further": "ñ"})
    get(client, "a b/%2F", params={"año": "1 2"})
    get(client, "a b/%2F", params={"año": "1 2"})
    body_of(client, sent(client, "a b/%2F"))
    usual, short, ahead = server.received
    assert usual.connection == short.connection == ahead.connection
    assert (short.method, short.target, short.headers) == (
        usual.method,
        usual.target,
        usual.headers,
    )
    assert (ahead.method, ahead.path, ahead.headers) == (usual.method, usual.path, usual.headers)


@pytest.mark.parametrize(
    "data",
    [
        json_answer(b"[1]"),
        gzip_answer(b"[1]"),
        chunked_answer(b"[", b"1]"),
        answer(b"[1]", length=None),
        answer(b"[1]", headers={"Connection": "close"}),
        b"HTTP/1.1 100 Continue\r\n\r\n" + json_answer(b"[1]"),
    ],
    ids=["plain", "gzip", "chunked", "until closed", "closing", "interim"],
)
def test_an_answer_in_any_form_is_read_without_asking_again(server: RawServer, data: bytes) -> None:
    client = with_connections(server, 1)
    server.play(send(data))
    assert body_of(client, sent(client, "things")) == b"[1]"
    assert get(client) == b"[]"
    assert len(server.received) == 2


def test_a_connection_that_is_to_close_is_not_used_again(server: RawServer) -> None:
    client = with_connections(server, 1)
    # The server says so, and leaves it to the client.
    server.play(send(json_answer(b"[1]", connection="close")))
    assert body_of(client, sent(client, "things")) == b"[1]"
    assert client.send("things") is None
    assert get(client) == b"[]"
    assert server.connections == 2


def test_a_large_answer_comes_in_pieces(server: RawServer) -> None:
    body = b"[" + b" " * (6 << 20) + b"]"
    client = with_connections(server, 1)
    server.play(send(json_answer(body)))
    with client.stream("GET", "", where="x", sent=sent(client, "things")) as streamed:
        assert streamed.length == len(body)
        pieces = list(iter(streamed.read_piece, b""))
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 1 << 20
    assert get(client) == b"[]"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (cut(json_answer(b"[1]"), 0), NoAnswer),
        (cut(json_answer(b"[1]"), 30), UnreadableAnswer),
        (cut(json_answer(b"[1]"), len(json_answer(b"[1]")) - 1), UnreadableAnswer),
        (stall(json_answer(b"[1]"), 0), NoAnswer),
        (stall(json_answer(b"[1]"), len(json_answer(b"[1]")) - 1), NoAnswer),
        (send(b"SSH-2.0-OpenSSH_9.6\r\n"), UnreadableAnswer),
        (send(json_answer(b"{}", 404)), RefusedAnswer),
    ],
    ids=["no answer", "cut head", "cut body", "silence", "silence in body", "no HTTP", "404"],
)
def test_a_failure_is_told_and_leaves_the_client_usable(
    server: RawServer, act: Act, error: type[Exception]
) -> None:
    client = with_connections(server, 1, impatient(0.3))
    server.play(act)
    with pytest.raises(error):
        body_of(client, sent(client, "things"))
    assert get(client) == b"[]"
    assert len(server.received) == 2


def test_an_answer_that_is_given_up_is_taken_for_no_other(server: RawServer) -> None:
    client = with_connections(server, 1)
    server.play(send(json_answer(b"[1]")))
    request = sent(client, "things")
    server.await_requests(1)
    request.give_up()
    assert get(client, "others") == b"[]"
    assert server.connections == 2


def test_a_body_that_is_not_read_is_taken_for_no_other_answer(server: RawServer) -> None:
    client = with_connections(server, 1)
    server.play(send(json_answer(b"[1]")))
    with client.stream("GET", "", where="x", sent=sent(client, "things")):
        """Its body is left."""
    assert get(client, "others") == b"[]"
    assert server.connections == 2


def test_close_ends_the_wait_for_it(server: RawServer) -> None:
    client = with_connections(server, 1)
    server.play(stall())
    request = sent(client, "things")
    timer = threading.Timer(0.1, client.close)
    timer.start()
    with pytest.raises(ClosedClient):
        body_of(client, request)
    timer.join()
    with pytest.raises(ClosedClient):
        client.send("things")


def test_over_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with RawServer(tls=certificate) as server:
        client = standing_client(server, untrusting(fingerprints=(certificate.sha256,)))
        server.play(send(json_answer(b"[1]")), send(json_answer(b"[2]")))
        assert body_of(client, sent(client, "things")) == b"[1]"
        assert get(client) == b"[2]"
        assert server.connections == 1
