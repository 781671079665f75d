"""The next part of the list is asked for while the rows before it are on their way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from connector_kit.errors import UpstreamError
from connector_kit.http import HttpSettings
from support.facturadirecta_tap import config, ids
from support.raw_server import Act, RawServer, answer, cut, reset, send, stall
from support.singer import started
from tap_facturadirecta.client import FacturaDirectaClient

if TYPE_CHECKING:
    from support.servers import RunningSandbox

WHERE = "stream providers"
PATIENCE = HttpSettings(request_timeout=0.3, retry_wait=0.01, retry_time=5)


def listed(*ids: int) -> bytes:
    rows = "".join(f"<provider><id>{number}</id></provider>" for number in ids)
    body = f"<providers>{rows}</providers>".encode()
    return answer(body, content_type="application/xml")


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(rest=send(listed())) as running:
        yield running


def client_of(server: RawServer, longest_unread: float = 60.0) -> FacturaDirectaClient:
    """A client that has read the first part."""
    client = FacturaDirectaClient(
        server.url, "canary-of-ahead", PATIENCE, user_agent="test/1", longest_unread=longest_unread
    )
    server.play(send(listed(1, 2)))
    assert client.list_providers(0, 2, where=WHERE).identities() == [1, 2]
    return client


def asked(server: RawServer) -> list[str]:
    return [request.target.partition("?")[2] for request in server.received]


def test_what_was_asked_ahead_is_not_asked_again(server: RawServer) -> None:
    client = client_of(server)
    server.play(send(listed(2, 3)))
    client.ask_ahead(1, 2)
    server.await_requests(2)
    assert client.list_providers(1, 2, where=WHERE).identities() == [2, 3]
    assert client.list_providers(2, 2, where=WHERE).identities() == []
    assert asked(server) == ["start=0&limit=2", "start=1&limit=2", "start=2&limit=2"]
    assert server.connections == 1
    client.close()


def test_another_part_is_asked_for_by_itself(server: RawServer) -> None:
    client = client_of(server)
    server.play(send(listed(8, 9)), send(listed(1, 2, 3)))
    client.ask_ahead(1, 2)
    server.await_requests(2)
    assert client.list_providers(0, 3, where=WHERE).identities() == [1, 2, 3]
    assert asked(server)[1:] == ["start=1&limit=2", "start=0&limit=3"]
    client.close()


def test_an_answer_that_waited_too_long_is_asked_for_anew(server: RawServer) -> None:
    client = client_of(server, longest_unread=0.0)
    server.play(send(listed(8, 9)), send(listed(2, 3)))
    client.ask_ahead(1, 2)
    server.await_requests(2)
    assert client.list_providers(1, 2, where=WHERE).identities() == [2, 3]
    assert len(server.received) == 3
    client.close()


@pytest.mark.parametrize(
    "act",
    [
        cut(listed(2, 3), 0),
        cut(listed(2, 3), len(listed(2, 3)) - 1),
        reset(),
        stall(listed(2, 3), 10),
        send(answer(b"<html>", 502, content_type="text/html")),
        send(answer(b"<providers><provider>", content_type="application/xml")),
    ],
    ids=["no answer", "cut", "reset", "silence", "502", "no XML"],
)
def test_a_failure_ahead_is_a_failed_try(server: RawServer, act: Act) -> None:
    client = client_of(server)
    server.play(act, send(listed(2, 3)))
    client.ask_ahead(1, 2)
    assert client.list_providers(1, 2, where=WHERE).identities() == [2, 3]
    assert len(server.received) == 3
    client.close()


def test_failures_ahead_end_as_others_do(server: RawServer) -> None:
    client = client_of(server)
    server.rest = send(answer(b"<providers>", content_type="application/xml"))
    client.ask_ahead(1, 2)
    with pytest.raises(UpstreamError, match="3 tries"):
        client.list_providers(1, 2, where=WHERE)
    assert len(server.received) == 4
    client.close()


def test_the_server_works_while_the_loader_takes_the_rows(sandbox: RunningSandbox) -> None:
    api = sandbox.facturadirecta
    with started("tap_facturadirecta", config(sandbox, details="never")) as tap:
        # Nobody reads: the pipe is full before the first page is through.
        until = time.monotonic() + 10
        while len(api.requests) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert [received.query_string for received in api.requests] == [
            "start=0&limit=250",
            "start=245&limit=250",
        ]
        assert tap.process.poll() is None
        assert ids(tap.ended()) == list(api.providers)
