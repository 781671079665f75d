"""The head of an answer is read as `http.client` reads it, or left to it."""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_kit.heads import plain_head

TOKEN = st.text(
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=20
)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40).map(
    lambda text: text.replace("\x7f", "").replace("\x85", "").strip()
)
OTHERS = st.lists(
    st.tuples(
        TOKEN.filter(
            lambda name: name.lower() not in {"content-length", "transfer-encoding", "connection"}
        ),
        VALUE,
    ),
    max_size=6,
)


class Scripted:
    """A socket as `http.client` sees one."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(cast("Any", io.BytesIO(self._data)))


def parsed(data: bytes) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(cast("socket.socket", Scripted(data)), method="GET")
    response.begin()
    return response


@given(
    status=st.integers(200, 999).filter(lambda status: status not in {204, 304}),
    reason=st.sampled_from(["", " ", " OK", " Not Found ", " No se encontró"]),
    length=st.integers(0, 10**17),
    others=OTHERS,
    kept=st.sampled_from(["", "Connection: keep-alive\r\n", "connection:Keep-Alive\r\n"]),
)
def test_a_plain_head_is_what_http_client_makes_of_it(
    status: int, reason: str, length: int, others: list[tuple[str, str]], kept: str
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in others)
    text = f"HTTP/1.1 {status}{reason}\r\n{lines}{kept}Content-Length: {length}\r\n\r\n"
    data = text.encode("latin-1")
    head = plain_head(data + b'[{"a":1}]\r\n\r\n')
    assert head is not None
    expected = parsed(data)
    assert (head.size, head.length) == (len(data), expected.length)
    assert (head.status, head.reason) == (expected.status, expected.reason)
    assert head.headers == [(name, value.strip(" \t")) for name, value in expected.getheaders()]
    assert not expected.will_close
    assert not expected.chunked


PLAIN = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"


def test_the_form_that_the_others_differ_from() -> None:
    assert plain_head(PLAIN.encode()) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\r\n\r\n", "\r\n"),
        ("HTTP/1.1", "HTTP/1.0"),
        ("HTTP/1.1", "HTTP/2"),
        ("200", "100"),
        ("200", "204"),
        ("200", "304"),
        ("200", "20"),
        ("200", "2000"),
        ("200 OK", "OK"),
        ("Content-Length: 2\r\n", ""),
        ("Content-Length: 2", "Content-Length: 2\r\nContent-Length: 2"),
        ("Content-Length: 2", "Content-Length: 2, 2"),
        ("Content-Length: 2", "Content-Length: -2"),
        ("Content-Length: 2", "Content-Length: +2"),
        ("Content-Length: 2", "Content-Length: ٢"),
        ("Content-Length: 2", "Content-Length: " + "2" * 19),
        ("Content-Length: 2", "Content-Length:"),
        ("Content-Length: 2", "Content-Length : 2"),
        ("Content-Length: 2", "Content-Length: 2\r\nTransfer-Encoding: chunked"),
        ("Content-Length: 2", "Content-Length: 2\r\ntransfer-encoding: gzip"),
        ("Content-Length: 2", "Content-Length: 2\r\nConnection: close"),
        ("Content-Length: 2", "Content-Length: 2\r\nConnection: keep-alive, close"),
        ("Content-Length: 2", "Content-Length: 2\r\n folded"),
        ("Content-Length: 2", "Content-Length: 2\r\nno colon"),
        ("Content-Length: 2", "Content-Length: 2\r\n: no name"),
        ("Content-Length: 2", "Content-Length: 2\nX: y"),
        ("Content-Length: 2", "Content-Length: 2\r\nX: a\0b"),
        ("HTTP/1.1 200 OK\r\n", ""),
        ("HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\n"),
    ],
)
def test_anything_else_is_left_to_http_client(old: str, new: str) -> None:
    data = PLAIN.replace(old, new)
    assert data != PLAIN
    assert plain_head(data.encode()) is None


@pytest.mark.parametrize("size", range(len(PLAIN)))
def test_a_head_that_has_not_come_whole(size: int) -> None:
    assert plain_head(PLAIN.encode()[:size]) is None
