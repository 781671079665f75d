"""A server before the sandbox that answers from memory what the sandbox has answered once.

Making a page, and a web framework's work for each request, would be measured otherwise: with small pages
that is more than a contender's own. What only reads is kept; every other call goes to the sandbox.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import cast

SLICE = re.compile(r"/winfra/api_v1/datos_xxl/(?P<petition>[^/]+)(?P<rest>/[^/]+/\d+/\d+)")
ARTICLES = re.compile(r"/serpi/api/v1/Articulo\?(?:(?:limite|pagina)=\d+&?)+")
PROVIDERS = re.compile(
    r"/facturadirecta/api/providers(?:\.xml\?(?:(?:start|limit)=\d+&?)+|/\d+\.xml)"
)
SWITCHES = re.compile(r"/_control/(?P<vendor>\w+)/switches")
PETITION = "/winfra/api_v1/generar_xxl"
TOKEN = "/winfra/api_token/"

MOST_KEPT = 600_000_000
DROPPED = frozenset({"connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True)
class Request:
    """What came.

    Attributes:
        method: of HTTP.
        target: path and query, of the sandbox's own.
        headers: all lines.
        body: of the request.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Memory:
    """Answers by what was asked, and what a petition asked for."""

    def __init__(self) -> None:
        self._answers: dict[str, bytes] = {}
        self._bytes = 0
        self._petitions: dict[str, str] = {}
        self._latencies: dict[str, float] = {}

    def key(self, request: Request) -> str | None:
        """Return the name under which an answer is kept, None where it is not.

        Every run makes a petition of its own; those that ask for the same have the same slices.
        """
        if request.method != "GET":
            return None
        if (found := SLICE.fullmatch(request.target)) is not None:
            asked = self._petitions.get(found["petition"])
            return None if asked is None else f"{asked}{found['rest']}"
        is_list = ARTICLES.fullmatch(request.target) or PROVIDERS.fullmatch(request.target)
        return request.target if is_list else None

    def answer(self, key: str) -> bytes | None:
        """Return a kept answer."""
        return self._answers.get(key)

    def delay(self, request: Request) -> float:
        """Return the seconds that the vendor takes before each answer."""
        return self._latencies.get(request.target.split("/", 2)[1], 0.0)

    def note(self, request: Request, key: str | None, answer: bytes, body: bytes) -> None:
        """Keep an answer of the sandbox, or what follows from it."""
        if key is not None:
            if self._bytes > MOST_KEPT:
                self._forget()
            self._answers[key] = answer
            self._bytes += len(answer)
        elif request.target == PETITION:
            asked = json.dumps(json.loads(request.body), sort_keys=True)
            self._petitions[json.loads(body)["peticion_id"]] = asked
        elif request.method != "GET" and request.target != TOKEN:
            # It may have changed what the lists hold. A token, which every run of ours takes, has not.
            self._forget()
            if (found := SWITCHES.fullmatch(request.target)) is not None:
                self._latencies[found["vendor"]] = json.loads(body)["latency_ms"] / 1000
            elif request.target == "/_control/reset":
                self._latencies.clear()

    def _forget(self) -> None:
        self._answers.clear()
        self._bytes = 0


class Front(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, memory: Memory, sandbox_port: int, executor: ThreadPoolExecutor) -> None:
        """Serve from a memory, and from a sandbox what is not in it."""
        self._memory = memory
        self._port = sandbox_port
        self._executor = executor
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Answer when a request is whole; a client sends the next one after its answer."""
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if len(rest) < int(headers.get("content-length", "0")):
            return
        self._received = b""
        method, target, _ = first.split(" ")
        self._answer(Request(method, translated(target), headers, rest))

    def _answer(self, request: Request) -> None:
        key = self._memory.key(request)
        answer = None if key is None else self._memory.answer(key)
        loop = asyncio.get_running_loop()
        if answer is None:
            forwarded = loop.run_in_executor(self._executor, self._forwarded, request, key)
            forwarded.add_done_callback(lambda done: self._transport.write(done.result()))
        elif (delay := self._memory.delay(request)) > 0:
            loop.call_later(delay, partial(self._transport.write, answer))
        else:
            self._transport.write(answer)

    def _forwarded(self, request: Request, key: str | None) -> bytes:
        """Ask the sandbox, in a thread of the executor."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        headers = {name: value for name, value in request.headers.items() if name not in DROPPED}
        connection.request(request.method, request.target, request.body or None, headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [
            f"{name}: {value}"
            for name, value in response.getheaders()
            if name.lower() not in DROPPED
        ]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1")
        answer = head + body
        self._memory.note(request, key if response.status == 200 else None, answer, body)
        return answer


LIST_SLICE = re.compile(r"(?P<list>.*/datos_xxl/[^/]+/[^/]+)/(?P<offset>\d+)/(?P<limit>\d+)")
NUMBER = re.compile(r"(?P<name>pagina|limite|start|limit|offset)=(?P<value>\d+)")
BEYOND = 10**9
DEFAULT_LIMIT = 100


def translated(target: str) -> str:
    """Return the sandbox's own address for one of ours.

    `/first/N/<address>` is a list that ends after N rows, whatever there is: so a slow contender reads
    fewer rows, and a run without rows shows what starting up costs. `/by_query/<address>?offset=O` (and
    `limit=L`) is `<address>/O/L`, for tools that cannot put an offset into the path.

    Args:
        target: path and query.
    """
    rows = None
    if target.startswith("/first/"):
        _, _, count, rest = target.split("/", 3)
        target, rows = f"/{rest}", int(count)
    numbers = {found["name"]: int(found["value"]) for found in NUMBER.finditer(target)}
    if target.startswith("/by_query/"):
        path = target.removeprefix("/by_query").partition("?")[0]
        target = f"{path}/{numbers.get('offset', 0)}/{numbers.get('limit', DEFAULT_LIMIT)}"
    return target if rows is None else _ended_after(rows, target, numbers)


def _ended_after(rows: int, target: str, numbers: Mapping[str, int]) -> str:
    """Ask for what is beyond the end where a part of a list begins after so many rows."""
    if (found := LIST_SLICE.fullmatch(target)) is not None:
        is_beyond = int(found["offset"]) >= rows
        return f"{found['list']}/{BEYOND}/{found['limit']}" if is_beyond else target
    if "start" in numbers:
        name, before = "start", numbers["start"]
    elif "pagina" in numbers:
        name = "pagina"
        before = (numbers["pagina"] - 1) * numbers.get("limite", DEFAULT_LIMIT)
    else:
        # Some tools begin without the number of the first page.
        return f"{target}&pagina={BEYOND}" if "limite" in numbers and rows == 0 else target
    if before < rows:
        return target
    return target.replace(f"{name}={numbers[name]}", f"{name}={BEYOND}")
