"""One request from its arrival to its answer: logged, faulted, handled, answered."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from erp_sandbox.connection import SandboxProtocol, connection_of
from erp_sandbox.vendor import Received, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send

    from erp_sandbox.faults import Fault

HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body>Un momento...</body></html>"
)
GARBAGE = b'{"success": true, "code": 200, "result": [{"id": 1, "codi'


class Exchange:
    """The ASGI application of one vendor, around its router."""

    def __init__(self, vendor: Vendor[Any]) -> None:
        self._vendor = vendor
        self._open: dict[SandboxProtocol, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; ``scope["root_path"]`` ends with the vendor's mount."""
        vendor = self._vendor
        connection = connection_of(scope)
        send = _dated(send, vendor)
        body = await _read_body(receive)
        with self._counted(connection, scope) as overlapping:
            received = _received(vendor, scope, body, overlapping=overlapping)
            vendor.requests.append(received)
            fault = vendor.faults.take(received) or vendor.standing_fault(received)
            if vendor.switches.latency_ms:
                await asyncio.sleep(vendor.switches.latency_ms / 1000)
            if fault is None:
                await self._handle(scope, received, send)
            else:
                await self._do_fault(fault, scope, received, receive, send)

    async def _handle(self, scope: Scope, received: Received, send: Send) -> None:
        replay = _Replay(received.body)
        answer = await self._vendor.before(Request(scope, replay), received)
        await (answer or self._vendor.router)(scope, replay, send)

    async def _do_fault(
        self, fault: Fault, scope: Scope, received: Received, receive: Receive, send: Send
    ) -> None:
        connection = connection_of(scope)
        answer = _Captured()
        if fault.handles_first:
            await self._handle(scope, received, _dated(answer, self._vendor))
        if fault.delay and fault.kind != "drip":
            await asyncio.sleep(fault.delay)
        match fault.kind:
            case "delay":
                if fault.handles_first:
                    await answer.send_on(send)
                else:
                    await self._handle(scope, received, send)
            case "drop" | "lost_answer" | "reset" | "cut_body" | "drip":
                await _break_off(connection, answer, fault)
                await _closed(receive)
            case "latin1":
                await _latin1(answer, declared=fault.declared).send_on(send)
            case _:
                await _scripted(fault)(scope, _Replay(b""), send)

    @contextmanager
    def _counted(self, connection: SandboxProtocol, scope: Scope) -> Iterator[bool]:
        """Count requests that are open at once; a client that hung up no longer counts.

        Yields:
            Whether another request with the same credentials is open.
        """
        credentials = dict(scope["headers"]).get(b"authorization", b"")
        others = [held for peer, held in self._open.items() if peer.is_open]
        if credentials in others:
            self._vendor.overlaps += 1
        self._vendor.most_at_once = max(self._vendor.most_at_once, len(others) + 1)
        self._open[connection] = credentials
        try:
            yield credentials in others
        finally:
            self._open.pop(connection, None)


class _Replay:
    """A receive channel that gives a body which was read already."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def __call__(self) -> Message:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


@dataclasses.dataclass
class _Captured:
    """A whole answer, held back; itself a send channel."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = dataclasses.field(default_factory=list)
    body: bytes = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def send_on(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})

    def head(self, *, chunked: bool) -> bytes:
        """The status line and headers as bytes, for what the server library refuses to send."""
        headers = [(name, value) for name, value in self.headers if name != b"content-length"]
        length = b"%d" % len(self.body)
        headers.append(
            (b"transfer-encoding", b"chunked") if chunked else (b"content-length", length)
        )
        reason = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else ""
        lines = [f"HTTP/1.1 {self.status} {reason}".encode()]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _dated(send: Send, vendor: Vendor[Any]) -> Send:
    """Return a send channel that gives answers the vendor's ``Date``, unless they have one."""

    async def send_dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if all(name != b"date" for name, _ in headers):
                headers.append((b"date", vendor.date().encode()))
            message = {**message, "headers": headers}
        await send(message)

    return send_dated


def _received(vendor: Vendor[Any], scope: Scope, body: bytes, *, overlapping: bool) -> Received:
    path = scope["path"].removeprefix(scope["root_path"])
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    return Received(
        kind=vendor.kind_of(scope["method"], path),
        method=scope["method"],
        path=path,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        peer=scope["client"][1],
        overlapping=overlapping,
    )


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _scripted(fault: Fault) -> Response:
    body = fault.body.encode() if isinstance(fault.body, str) else fault.body
    if fault.kind == "redirect":
        return RedirectResponse(fault.location, fault.status or 302, fault.headers)
    if fault.kind == "html":
        return Response(
            body or HTML_PAGE, fault.status or 200, fault.headers, "text/html; charset=utf-8"
        )
    if fault.kind == "garbage":
        return Response(body or GARBAGE, fault.status or 200, fault.headers, "application/json")
    return Response(body, fault.status or 500, fault.headers)


def _latin1(answer: _Captured, *, declared: bool) -> _Captured:
    """Return the answer with its text in Latin-1; what Latin-1 lacks becomes a JSON-safe '?'."""
    body = answer.body.decode().encode("latin-1", errors="replace")
    kind = b"application/json; charset=iso-8859-1" if declared else b"application/json"
    return _Captured(
        answer.status,
        [(b"content-type", kind), (b"content-length", b"%d" % len(body))],
        body,
    )


async def _break_off(connection: SandboxProtocol, answer: _Captured, fault: Fault) -> None:
    if fault.kind == "cut_body":
        _cut(connection, answer, fault)
    elif fault.kind == "drip":
        await _drip(connection, answer, fault)
    elif fault.kind == "reset":
        connection.reset()
    connection.transport.close()


def _cut(connection: SandboxProtocol, answer: _Captured, fault: Fault) -> None:
    at = len(answer.body) // 2 if fault.cut_at is None else fault.cut_at
    part = answer.body[:at]
    if fault.chunked:
        part = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
    connection.transport.write(answer.head(chunked=fault.chunked) + part)


async def _drip(connection: SandboxProtocol, answer: _Captured, fault: Fault) -> None:
    head = answer.head(chunked=False)
    slow = answer.body
    if fault.drip_headers:
        slow = head + slow
    else:
        connection.transport.write(head)
    for byte in slow:
        if not connection.is_open:
            return
        connection.transport.write(bytes((byte,)))
        await asyncio.sleep(fault.delay)


async def _closed(receive: Receive) -> None:
    """Wait until the server library has seen the end, or it would try to answer in our place."""
    while (await receive())["type"] != "http.disconnect":
        pass
