"""A TCP server that does what a script says, byte by byte: what no HTTP library would do.

Each request takes the next act of the script; when the script is over, `rest` is played for ever.
What came is kept in `received`, so that tests assert on the server's side of the truth.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from support.certificates import SelfSigned

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: `close` sends RST in place of FIN."""


def answer(
    body: bytes = b"",
    status: int = 200,
    *,
    content_type: str | None = "application/json",
    headers: Mapping[str, str] | None = None,
    length: int | None = -1,
) -> bytes:
    """Write an answer.

    Args:
        body: as it is.
        status: the HTTP status.
        content_type: None leaves the header out.
        headers: further ones.
        length: Content-Length; -1 the right one, None leaves it out and promises to close.
    """
    lines = [f"HTTP/1.1 {status} As Scripted"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length is None:
        lines.append("Connection: close")
    else:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def json_answer(body: bytes = b"[]", status: int = 200, **headers: str) -> bytes:
    """Write a JSON answer; header names are given with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(body, status, headers=named)


def chunked_answer(*chunks: bytes, whole: bool = True) -> bytes:
    """Write an answer in chunks; without its last chunk unless it is `whole`."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + pieces + (b"0\r\n\r\n" if whole else b"")


def gzip_answer(body: bytes) -> bytes:
    """Write a JSON answer whose body is compressed."""
    return json_answer(gzip.compress(body), Content_Encoding="gzip")


def head_length(data: bytes) -> int:
    """Count the bytes of an answer before its body."""
    return data.index(b"\r\n\r\n") + 4


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """The how many-th connection it came on, from 1."""

    @property
    def path(self) -> str:
        """The target without its query string."""
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Act:
    """What the server does with one request.

    Attributes:
        data: the whole answer.
        at: where the fault begins, counted in bytes of `data`; None: there is none.
        fault: what happens there.
        delay: seconds before each byte of a drip, or before the answer.
    """

    data: bytes = b""
    at: int | None = None
    fault: str = ""
    delay: float = 0.0


def send(data: bytes, delay: float = 0.0) -> Act:
    """Answer, after `delay` seconds."""
    return Act(data, delay=delay)


def cut(data: bytes, at: int = 0) -> Act:
    """Send the first bytes, then close in an orderly way."""
    return Act(data, at, "cut")


def reset(data: bytes = b"", at: int = 0) -> Act:
    """Send the first bytes, then reset the connection."""
    return Act(data, at, "reset")


def stall(data: bytes = b"", at: int = 0) -> Act:
    """Send the first bytes, then nothing more, until the client gives up."""
    return Act(data, at, "stall")


def drip(data: bytes, delay: float, at: int = 0) -> Act:
    """Send the first bytes at once and the others one by one."""
    return Act(data, at, "drip", delay)


RESET_AT_ACCEPT = Act(fault="reset at accept")
"""Reset the connection before anything is read from it. Takes the next act's place at connect."""


@dataclass
class RawServer:
    """Listens on loopback while it is entered.

    Attributes:
        script: the acts to come, one a request.
        rest: the act after the script's end.
        by_path: scripts of their own for some paths (without query), taken first.
        tls: certificate to speak TLS with.
        deaf: accept connections and read nothing.
        commit: called with each request before its act, to keep what it asks for.
        received: the requests that came, in order.
        connections: how many connections were accepted.
    """

    script: list[Act] = field(default_factory=list)
    rest: Act = field(default_factory=lambda: send(json_answer()))
    by_path: dict[str, list[Act]] = field(default_factory=dict)
    tls: SelfSigned | None = None
    deaf: bool = False
    commit: Callable[[Received], None] | None = None
    received: list[Received] = field(default_factory=list, init=False)
    connections: int = field(default=0, init=False)
    port: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._peers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def play(self, *acts: Act) -> None:
        """Add acts to the script."""
        with self._lock:
            self.script.extend(acts)

    def await_requests(self, count: int) -> None:
        """Wait until so many requests have come, where nobody waits for their answers."""
        until = time.monotonic() + 5
        while len(self.received) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.received) == count

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        # Linux does not wake `accept` by closing alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in tuple(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._take_reset_at_accept():
                _reset(peer)
                continue
            self._start(self._serve, peer, self.connections)

    def _take_reset_at_accept(self) -> bool:
        with self._lock:
            if self.script and self.script[0] is RESET_AT_ACCEPT:
                self.script.pop(0)
                return True
        return False

    def _serve(self, plain: socket.socket, number: int) -> None:
        self._peers.add(plain)
        peer: socket.socket = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                peer = _server_side(self.tls, plain)
                self._peers.add(peer)
            if self.deaf:
                self._stopping.wait()
            reader = RequestReader(peer, number)
            while (request := reader.read()) is not None:
                act = self._next_act(request)
                if self.commit is not None:
                    self.commit(request)
                if not self._perform(act, peer):
                    return
        except OSError:
            pass  # the client went away
        finally:
            self._peers -= {plain, peer}
            peer.close()

    def _next_act(self, request: Received) -> Act:
        with self._lock:
            self.received.append(request)
            own = self.by_path.get(request.path)
            script = own or self.script
            return script.pop(0) if script else self.rest

    def _perform(self, act: Act, peer: socket.socket) -> bool:
        """Play an act; tell whether the connection may carry a further request."""
        if act.at is None:
            self._stopping.wait(act.delay)
            peer.sendall(act.data)
            return b"\r\nConnection: close\r\n" not in act.data
        peer.sendall(act.data[: act.at])
        match act.fault:
            case "reset":
                _reset(peer)
            case "stall":
                # Ends when the client closes.
                while not self._stopping.is_set() and peer.recv(1 << 16):
                    pass
            case "drip":
                for byte in act.data[act.at :]:
                    if self._stopping.wait(act.delay):
                        return False
                    peer.sendall(bytes([byte]))
                return True
        return False


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    peer.close()


def _server_side(tls: SelfSigned, plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    return context.wrap_socket(plain, server_side=True)


class RequestReader:
    """Reads requests from a socket without `makefile`, which would keep it open after a close."""

    def __init__(self, peer: socket.socket, number: int) -> None:
        self._peer = peer
        self._number = number
        self._buffer = b""

    def read(self) -> Received | None:
        """Read the next request; None when the client has closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Received(method, target, headers, body, self._number)

    def _more(self) -> bytes:
        piece = self._peer.recv(1 << 16)
        self._buffer += piece
        return piece


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """Give a port of loopback on which nobody listens, and nobody else will meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
