"""Answers that do not come, or come late, in part or never: what is tried again, and when it ends."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from connector_kit.answers import ClosedClient
from connector_kit.errors import UpstreamError
from connector_kit.http import (
    HttpClient,
    HttpSettings,
    NoAnswer,
    Retryable,
    RetryLater,
    UnreadableAnswer,
)
from connector_kit.redaction import REDACTOR, install
from support.http_clients import (
    QUICK,
    SILENCE,
    ClientMaker,
    get,
    impatient,
    quick_client,
    quick_client_of,
    standing_client,
)
from support.raw_server import (
    RESET_AT_ACCEPT,
    Act,
    RawServer,
    answer,
    chunked_answer,
    cut,
    drip,
    head_length,
    json_answer,
    refused_port,
    reset,
    send,
    stall,
)

GOOD = json_answer(b'[{"id": 1}]')
ROWS = b'[{"id": 1}]'
HEAD = head_length(GOOD)


BOUNDED = 8.0
"""Seconds: what would last for ever without a limit ends well before, on a busy machine too."""


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(rest=send(GOOD)) as running:
        yield running


@pytest.mark.parametrize("make", [quick_client_of, standing_client])
@pytest.mark.parametrize(
    "act",
    [
        RESET_AT_ACCEPT,
        reset(),
        cut(GOOD, 0),
        reset(GOOD, 20),
        reset(GOOD, HEAD),
        cut(GOOD, HEAD),
        reset(GOOD, HEAD + 4),
        cut(GOOD, HEAD + 4),
        cut(answer(ROWS, length=None), head_length(answer(ROWS, length=None))),
        send(chunked_answer(ROWS, whole=False) + b"5\r\n[", 0),
        cut(chunked_answer(ROWS[:4], ROWS[4:]), 90),
        send(b"SSH-2.0-OpenSSH_9.6\r\n"),
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\n[]"),
        send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"),
        send(json_answer(b"{}", 500)),
        send(json_answer(b"{}", 503, Retry_After="0")),
        send(json_answer(b"{}", 429, Retry_After="soon")),
        send(json_answer(b"{}", 408)),
        send(json_answer(b"{}", 425)),
        send(answer(b"<h1>Bad gateway</h1>", 502, content_type="text/html")),
    ],
    ids=[
        "reset-at-accept",
        "reset-before-answer",
        "closed-before-answer",
        "reset-in-headers",
        "reset-after-headers",
        "cut-after-headers",
        "reset-in-body",
        "cut-in-body",
        "empty-without-length",
        "chunked-unfinished",
        "chunked-cut",
        "not-http",
        "two-lengths",
        "many-headers",
        "long-header",
        "500",
        "503",
        "429",
        "408",
        "425",
        "502-html",
    ],
)
def test_one_failure_and_then_the_answer(server: RawServer, act: Act, make: ClientMaker) -> None:
    if act is RESET_AT_ACCEPT and make is standing_client:
        pytest.skip("a connection that stands was accepted")
    failures: list[Retryable] = []
    client = make(server, impatient(0.5, retry_time=5), notice=failures.append)
    server.play(act)
    assert get(client) == ROWS
    assert len(failures) == 1
    asked = 1 if act is RESET_AT_ACCEPT else 2
    assert [r.target for r in server.received] == ["/things"] * asked


def test_a_connection_that_died_while_idle(server: RawServer) -> None:
    # It says that it keeps the connection, and closes it after the answer.
    server.play(Act(GOOD, len(GOOD), "cut"))
    client = quick_client(server.url)
    assert get(client) == ROWS
    assert get(client) == ROWS
    assert server.connections == 2


def ended_after(client: HttpClient, error: type[Exception] = UpstreamError) -> tuple[float, str]:
    started = time.monotonic()
    with pytest.raises(error) as raised:
        get(client)
    return time.monotonic() - started, str(raised.value)


@pytest.mark.parametrize("make", [quick_client_of, standing_client])
@pytest.mark.parametrize("at", [0, 20, HEAD, HEAD + 4])
def test_silence_ends(server: RawServer, at: int, make: ClientMaker) -> None:
    client = make(server, impatient())
    server.rest = stall(GOOD, at)
    seconds, message = ended_after(client)
    assert SILENCE <= seconds < BOUNDED
    assert "1 try" in message


@pytest.mark.parametrize("make", [quick_client_of, standing_client])
@pytest.mark.parametrize("at", [0, HEAD])
def test_a_drip_ends_with_the_whole_answers_time(
    server: RawServer, at: int, make: ClientMaker
) -> None:
    # The silence limit is far above the drip's pauses, or a busy machine would trip it.
    client = make(server, impatient(0.15))
    server.rest = drip(answer(b" " * 10_000), 0.02, at)
    seconds, message = ended_after(client)
    assert 3 <= seconds < 3 + BOUNDED
    assert "longer" in message or "too long" in message


def test_a_slow_reader_does_not_use_up_the_answers_time(server: RawServer) -> None:
    body = b" " * (8 << 20)
    server.play(send(json_answer(body)))
    client = quick_client(server.url, impatient(0.06))
    count = 0
    with client.stream("GET", "x", where="x") as streamed:
        while piece := streamed.read_piece():
            count += len(piece)
            time.sleep(0.17)
    assert count == len(body)


def test_a_long_answer_may_be_tried_again_after_its_time(server: RawServer) -> None:
    server.play(drip(GOOD, 0.02))
    assert get(quick_client(server.url, impatient(0.05, retry_time=5))) == ROWS
    # On a busy machine the second answer may be late too.
    assert len(server.received) >= 2


def test_nobody_listens() -> None:
    with refused_port() as port:
        seconds, message = ended_after(
            quick_client(f"http://127.0.0.1:{port}", impatient(5, retry_time=0.3))
        )
    assert 0.25 <= seconds < 2
    assert f"no connection to http://127.0.0.1:{port}" in message
    assert "tries" in message


def test_an_unknown_name() -> None:
    _, message = ended_after(quick_client("http://no-such-host.invalid/", impatient(5)))
    assert "the name of http://no-such-host.invalid is not known" in message


def test_no_answer_to_the_connection() -> None:
    # A full backlog: the kernel drops what knocks.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        waiting = []
        for _ in range(4):
            knocking = socket.socket()
            knocking.setblocking(False)
            knocking.connect_ex(("127.0.0.1", port))
            waiting.append(knocking)
        seconds, message = ended_after(quick_client(f"http://127.0.0.1:{port}", impatient()))
        for knocking in waiting:
            knocking.close()
    assert seconds < BOUNDED
    assert "does not take the connection" in message


def test_failures_end_with_retry_time(server: RawServer) -> None:
    server.rest = send(json_answer(b'{"message": "mantenimiento"}', 503))
    patient = HttpSettings(request_timeout=5, retry_wait=0.02, retry_time=0.5)
    seconds, message = ended_after(quick_client(server.url, patient))
    assert 0.4 <= seconds < BOUNDED
    assert f"{len(server.received)} tries" in message
    assert len(server.received) >= 4
    assert "HTTP 503" in message
    assert "mantenimiento" in message
    assert "Run it again later" in message


def test_retry_after_is_honoured_and_capped(server: RawServer) -> None:
    server.play(send(json_answer(b"{}", 429, Retry_After="1")))
    client = quick_client(server.url)
    started = time.monotonic()
    assert get(client) == ROWS
    assert 1 <= time.monotonic() - started < BOUNDED
    server.rest = send(json_answer(b"{}", 503, Retry_After="1000000000"))
    seconds, _ = ended_after(quick_client(server.url, impatient(5, retry_time=0.4)))
    assert 0.35 <= seconds < BOUNDED
    assert len(server.received) == 4


def test_what_read_raises(server: RawServer) -> None:
    client = quick_client(server.url)
    raised: list[Exception] = [
        UnreadableAnswer("no list"),
        RetryLater("busy", 0.01, status=429),
        UnreadableAnswer("no list"),
    ]

    def read(_: object) -> str:
        if raised:
            raise raised.pop()
        return "read"

    assert client.call("GET", "x", read=read, where="w") == "read"
    assert len(server.received) == 4


def test_an_error_of_the_callers_own_is_not_tried_again(server: RawServer) -> None:
    def read(_: object) -> None:
        raise KeyError("mine")

    client = quick_client(server.url)
    with pytest.raises(KeyError):
        client.call("GET", "x", read=read, where="w")
    assert len(server.received) == 1
    assert get(client) == ROWS
    assert server.connections == 1


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (cut(answer(b" " * 3_000_000), 2_000_000), UnreadableAnswer),
        (reset(answer(b" " * 3_000_000), 2_000_000), UnreadableAnswer),
        (stall(answer(b" " * 3_000_000), 2_000_000), NoAnswer),
        (cut(chunked_answer(*[b" " * 100_000] * 30), 2_000_000), UnreadableAnswer),
        (send(json_answer(b"{}", 503)), RetryLater),
        (reset(), NoAnswer),
    ],
)
def test_a_stream_that_breaks_is_the_callers_to_repeat(
    server: RawServer, act: Act, error: type[Retryable]
) -> None:
    server.play(act)
    client = quick_client(server.url, impatient(retry_time=5))

    def whole() -> bytes:
        with client.stream("GET", "x", where="w") as streamed:
            return b"".join(iter(streamed.read_piece, b""))

    with pytest.raises(error):
        whole()
    server.play(act)
    assert client.repeat(whole, where="w") == ROWS
    assert len(server.received) == 3


def test_nine_threads_at_once(server: RawServer) -> None:
    for number in range(90):
        server.by_path[f"/{number}"] = [send(json_answer(b"[%d]" % number), 0.005)]
    client = quick_client(server.url)
    got: dict[int, bytes] = {}

    def work(first: int) -> None:
        for number in range(first, 90, 9):
            got[number] = get(client, str(number))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: b"[%d]" % number for number in range(90)}
    assert server.connections == 9


class Stop(BaseException):
    """As the signal handler raises it."""


def test_a_stop_interrupts_a_wait_and_leaves_the_client_usable(server: RawServer) -> None:
    def stop(*_: object) -> None:
        raise Stop

    previous = signal.signal(signal.SIGUSR1, stop)
    try:
        for act in (send(json_answer(b"{}", 503, Retry_After="60")), stall(), stall(GOOD, HEAD)):
            server.play(act)
            client = quick_client(server.url, HttpSettings(request_timeout=60))
            timer = threading.Timer(
                0.1, signal.pthread_kill, [threading.main_thread().ident, signal.SIGUSR1]
            )
            timer.start()
            started = time.monotonic()
            with pytest.raises(Stop):
                get(client)
            timer.join()
            assert time.monotonic() - started < BOUNDED
            assert get(client) == ROWS
            client.close()
    finally:
        signal.signal(signal.SIGUSR1, previous)


@pytest.mark.parametrize(
    "act",
    [
        send(json_answer(b"{}", 503, Retry_After="60")),
        stall(),
        stall(GOOD, HEAD),
        drip(answer(b" " * 10_000), 0.02),
    ],
    ids=["waiting", "no headers", "no body", "drip"],
)
def test_close_ends_what_other_threads_do(server: RawServer, act: Act) -> None:
    server.play(act)
    client = quick_client(server.url, HttpSettings(request_timeout=60))
    ended: list[Exception] = []

    def work() -> None:
        try:
            get(client)
        except (ClosedClient, UpstreamError) as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not server.received:
        time.sleep(0.01)
    time.sleep(0.1)
    started = time.monotonic()
    client.close()
    thread.join(5)
    assert time.monotonic() - started < BOUNDED
    assert len(ended) == 1
    with pytest.raises(ClosedClient):
        get(client)
    assert len(server.received) == 1


def test_no_secret_or_query_string_in_any_line(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.play(
        reset(),
        send(json_answer(b'{"echo": "canary-password"}', 503)),
        send(json_answer(b"\xff canary-password")),
        cut(GOOD, HEAD + 2),
    )
    install()
    REDACTOR.add("canary-password")
    client = quick_client(server.url, QUICK)
    assert get(client, params={"token": "canary-query"}) == ROWS
    server.rest = send(json_answer(b"canary-password", 500))
    with pytest.raises(UpstreamError) as raised:
        get(
            quick_client(server.url, impatient(5, retry_time=0.05)),
            params={"token": "canary-query"},
        )
    told = caplog.text + repr(raised.value) + str(raised.value.__cause__)
    assert "canary" not in told
    assert "again in" in caplog.text
