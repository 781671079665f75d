"""A proxy of raw sockets between a connector and the sandbox, with a script for each path and hit.

It passes a request on or does not, and plays the answer as the script says: what no HTTP library
would do. It keeps no data: what happened is asked of the sandbox.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from chaos.faults import ANY, CONNECT, Fault, Stop, Trouble
from support.raw_server import Received, RequestReader

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
HTML = b"<!DOCTYPE html><html><head><title>Login</title></head><body>Un momento...</body></html>"
FAST_DRIP = 40
"""Bytes at the end of an answer that drip; the ones before come at once, or a drip takes minutes."""

SIGNAL_ARRIVES = 0.02
"""Seconds for a signal to be seen before the answer wakes the process."""


@dataclass
class Answer:
    """An answer of the sandbox."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def head(self, length: int | None = None, **changed: str) -> bytes:
        """Write status line and headers.

        Args:
            length: Content-Length; None for the body's own; -1 for chunks.
            changed: other headers, with `_` for `-`.
        """
        others = {name.replace("_", "-").lower(): value for name, value in changed.items()}
        skipped = {"content-length", "transfer-encoding", "connection", *others}
        lines = [f"HTTP/1.1 {self.status} Proxied"]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() not in skipped]
        lines += [f"{name}: {value}" for name, value in others.items()]
        if length == -1:
            lines.append("transfer-encoding: chunked")
        else:
            lines.append(f"content-length: {len(self.body) if length is None else length}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def whole(self) -> bytes:
        """Write all of it."""
        return self.head() + self.body


def answer_of(status: int, body: bytes, kind: str, **headers: str) -> Answer:
    """Make an answer that the sandbox did not give."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(status, [("content-type", kind), *named], body)


@dataclass
class _Script:
    """What one run of a connector meets."""

    troubles: dict[tuple[str, int], list[Trouble]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    struck: list[Trouble] = field(default_factory=list)
    stop: Callable[[Stop], None] = lambda _stop: None
    open: int = 0
    most_at_once: int = 0


class Proxy:
    """Listens on loopback while it is entered, for one sandbox.

    Attributes:
        url: scheme, host and port.
        passed: how many requests the sandbox was given.
    """

    def __init__(self, upstream: str, name_of: Callable[[Received], str]) -> None:
        """Bind a port.

        Args:
            upstream: host and port of the sandbox.
            name_of: gives the path under which a request is counted.
        """
        self._upstream = upstream
        self._name_of = name_of
        self._script = _Script()
        self._lock = threading.Lock()
        self._closed_all = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._listener = _listener()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._listens = True
        self._open_again = 0.0
        self._peers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._late: list[threading.Thread] = []
        self.passed = 0

    def __enter__(self) -> Self:
        self._start(self._threads, self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with self._lock:
            if self._listens:
                self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in [*self._threads, *self._late]:
            thread.join(10)

    def begin(self, troubles: Iterable[Trouble], stop: Callable[[Stop], None]) -> None:
        """Take the script of the next run.

        Args:
            troubles: that it meets.
            stop: called for a `Stop` among them, from a thread of the proxy.
        """
        script = _Script(stop=stop)
        for trouble in troubles:
            script.troubles.setdefault((trouble.path, trouble.hit), []).append(trouble)
        with self._lock:
            self._script = script
        for trouble in script.troubles.get((CONNECT, 0), ()):
            if isinstance(trouble.what, Fault) and trouble.what.kind == "refuse":
                script.struck.append(trouble)
                self.refuse(trouble.what.seconds)

    @property
    def most_at_once(self) -> int:
        """The most requests of this run that were open at once.

        What a process that was killed has left under way is none of the next one's.
        """
        with self._lock:
            return self._script.most_at_once

    def struck(self) -> list[Trouble]:
        """Give the troubles that the run has met so far."""
        with self._lock:
            return list(self._script.struck)

    def settled(self) -> None:
        """Wait until the sandbox has done all that it was given, late too."""
        with self._lock:
            # A thread that has just ended the process may still be about to hand its request on.
            assert self._closed_all.wait_for(lambda: not self._script.open, 10), "a request hangs"
        for thread in self._late:
            thread.join(10)
            assert not thread.is_alive(), "a late request hangs"
        self._late.clear()

    def hang_up(self) -> None:
        """End all connections in an orderly way."""
        for peer in tuple(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def refuse(self, seconds: float) -> None:
        """Refuse connections for a time; those that are open stay."""
        with self._lock:
            self._open_again = time.monotonic() + seconds
            if self._listens:
                self._listens = False
                # Linux keeps a port that was asked for by its number, and `listen` opens it again;
                # a second `shutdown` would spoil it for good.
                self._listener.shutdown(socket.SHUT_RDWR)

    # Threads

    def _start(
        self, where: list[threading.Thread], work: Callable[..., None], *given: object
    ) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        where.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            if not self._listens and not self._listen_again():
                return
            try:
                peer, _ = self._listener.accept()
            except OSError:
                continue
            self._peers.add(peer)
            trouble = self._take(CONNECT)
            if trouble:
                _reset(peer)
                self._peers.discard(peer)
                continue
            self._start(self._threads, self._serve, peer, self._script)

    def _listen_again(self) -> bool:
        """Wait until connections are taken again; tell whether they are."""
        while not self._stopping.wait(max(0.0, self._open_again - time.monotonic())):
            with self._lock:
                if time.monotonic() >= self._open_again:
                    self._listener.listen(64)
                    self._listens = True
                    return True
        return False

    def _take(self, path: str) -> list[Trouble]:
        """Count a hit and give what it meets."""
        with self._lock:
            script = self._script
            script.hits[path] += 1
            found = script.troubles.get((path, script.hits[path]), [])
            script.struck += found
            return list(found)

    def _serve(self, peer: socket.socket, script: _Script) -> None:
        upstream = http.client.HTTPConnection(self._upstream, timeout=30)
        reader = RequestReader(peer, 0)
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := reader.read()) is not None:
                with self._counted(script):
                    if not _Exchange(self, peer, upstream, request).play():
                        return
        except OSError:
            pass  # one of the two went away
        finally:
            upstream.close()
            self._peers.discard(peer)
            peer.close()

    @contextlib.contextmanager
    def _counted(self, script: _Script) -> Iterator[None]:
        with self._lock:
            script.open += 1
            script.most_at_once = max(script.most_at_once, script.open)
        try:
            yield
        finally:
            with self._lock:
                script.open -= 1
                self._closed_all.notify_all()

    # What an exchange asks of it

    def meets(self, request: Received) -> tuple[list[Fault], list[Stop]]:
        """Count a request and give what it meets."""
        found = self._take(self._name_of(request)) + self._take(ANY)
        whats = [trouble.what for trouble in found]
        return (
            [what for what in whats if isinstance(what, Fault)],
            [what for what in whats if isinstance(what, Stop)],
        )

    def stop(self, stop: Stop) -> None:
        """Stop the process that runs."""
        self._script.stop(stop)

    def ask(self, upstream: http.client.HTTPConnection, request: Received) -> Answer:
        """Have the sandbox do a request."""
        with self._lock:
            self.passed += 1
        upstream.request(request.method, request.target, request.body, dict(request.headers))
        response = upstream.getresponse()
        return Answer(response.status, response.getheaders(), response.read())

    def ask_later(self, request: Received, seconds: float) -> None:
        """Have the sandbox do a request some time later; nobody waits for the answer."""

        def work() -> None:
            time.sleep(seconds)
            with contextlib.closing(http.client.HTTPConnection(self._upstream, timeout=30)) as own:
                self.ask(own, request)

        self._start(self._late, work)

    def wait_for_close(self, peer: socket.socket) -> None:
        """Stay silent until the client closes."""
        while not self._stopping.is_set() and peer.recv(1 << 16):
            pass


class _Exchange:
    """One request, and what is made of its answer."""

    def __init__(
        self,
        proxy: Proxy,
        peer: socket.socket,
        upstream: http.client.HTTPConnection,
        request: Received,
    ) -> None:
        self._proxy = proxy
        self._peer = peer
        self._upstream = upstream
        self._request = request

    def play(self) -> bool:
        """Answer; tell whether the connection may carry a further request."""
        faults, stops = self._proxy.meets(self._request)
        self._stop(stops, "before")
        if any(stop.kind == "SIGKILL" and stop.phase == "before" for stop in stops):
            return False
        for fault in faults:
            handler = getattr(self, f"_{fault.kind}", None)
            if handler is not None:
                self._stop(stops, "after", "middle")
                handler(fault)
                return False
        if faults and faults[0].kind in _OWN_ANSWERS:
            self._peer.sendall(_OWN_ANSWERS[faults[0].kind](faults[0], self._request).whole())
            return True
        answer = self._proxy.ask(self._upstream, self._request)
        self._stop(stops, "after")
        if not faults:
            return self._give(answer, stops)
        return self._spoil(faults[0], answer)

    def _stop(self, stops: list[Stop], *phases: str) -> None:
        for stop in stops:
            if stop.phase in phases:
                self._proxy.stop(stop)
                if stop.kind != "SIGKILL":
                    time.sleep(SIGNAL_ARRIVES)

    def _give(self, answer: Answer, stops: list[Stop]) -> bool:
        whole = answer.whole()
        middle = any(stop.phase == "middle" for stop in stops)
        half = (len(answer.head()) + len(answer.body) // 2) if middle else 0
        self._peer.sendall(whole[:half])
        self._stop(stops, "middle")
        self._peer.sendall(whole[half:])
        return True

    # The server never hears of it

    def _reset(self, _fault: Fault) -> None:
        _reset(self._peer)

    def _close(self, _fault: Fault) -> None:
        self._peer.shutdown(socket.SHUT_RDWR)

    def _stall(self, _fault: Fault) -> None:
        self._proxy.wait_for_close(self._peer)

    def _late(self, fault: Fault) -> None:
        self._proxy.ask_later(self._request, fault.seconds)
        _reset(self._peer)

    # The server does it

    def _lost_reset(self, _fault: Fault) -> None:
        self._proxy.ask(self._upstream, self._request)
        _reset(self._peer)

    def _lost_close(self, _fault: Fault) -> None:
        self._proxy.ask(self._upstream, self._request)
        self._peer.shutdown(socket.SHUT_RDWR)

    def _hang_up(self, fault: Fault) -> None:
        answer = self._proxy.ask(self._upstream, self._request)
        # Refused first: the client may come back before this thread goes on.
        self._proxy.refuse(fault.seconds)
        self._peer.sendall(answer.whole())
        self._peer.shutdown(socket.SHUT_RDWR)

    def _spoil(self, fault: Fault, answer: Answer) -> bool:
        """Send an answer with a fault; tell whether the connection may carry a further request."""
        head, body = answer.head(), answer.body
        half = len(body) // 2
        match fault.kind:
            case "cut_head":
                self._peer.sendall(head[: len(head) // 2])
            case "cut_body" if body:
                self._peer.sendall(head + body[:half])
            case "reset_body" if body:
                self._peer.sendall(head + body[:half])
                # A reset drops what the other side has not read yet.
                time.sleep(SIGNAL_ARRIVES)
                _reset(self._peer)
            case "cut_chunk" if body:
                self._peer.sendall(answer.head(-1) + b"%x\r\n%b\r\n" % (len(body), body))
            case "stall_body" if body:
                self._peer.sendall(head + body[:half])
                self._proxy.wait_for_close(self._peer)
            case "drip":
                fast = max(0, len(head) + len(body) - FAST_DRIP)
                whole = answer.whole()
                self._peer.sendall(whole[:fast])
                for byte in whole[fast:]:
                    time.sleep(fault.seconds)
                    self._peer.sendall(bytes([byte]))
                return True
            case "charset":
                self._peer.sendall(_in_latin_1(answer).whole())
                return True
            case "status_after" | "html_after" | "garbage_after" | "empty_after":
                self._peer.sendall(_own_answer_after(fault, self._request, answer).whole())
                return True
            case _:
                self._peer.sendall(answer.whole())
                return True
        return False


def _listener() -> socket.socket:
    """Listen on a free port, bound by its number: see `Proxy.refuse`."""
    with socket.socket() as keeper:
        # While it is bound nobody else is given the port, and who asks for it by number gets it.
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        return socket.create_server(keeper.getsockname(), backlog=64)


def _in_latin_1(answer: Answer) -> Answer:
    """Give an answer in Latin-1 whose header names no charset; the same where Latin-1 cannot say it."""
    try:
        body = answer.body.decode().encode("latin-1")
    except UnicodeError:
        return answer
    headers = [(name, value.partition(";")[0]) for name, value in answer.headers]
    return Answer(answer.status, headers, body)


def _reset(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        peer.close()


def _status(fault: Fault, request: Received) -> Answer:
    headers = {"Retry_After": fault.retry_after} if fault.retry_after else {}
    words = "Un momento"
    if fault.status < 500:
        # As some servers do, to be of help.
        words = f"No se acepta {request.headers.get('authorization')}"
    body = json.dumps({"success": False, "code": fault.status, "message": words}).encode()
    return answer_of(fault.status, body, "application/json", **headers)


def _html(_fault: Fault, _request: Received) -> Answer:
    return answer_of(200, HTML, "text/html; charset=utf-8")


def _garbage(_fault: Fault, request: Received) -> Answer:
    if ".xml" in request.target:
        return answer_of(200, b"<?xml version='1.0'?><providers><prov", "application/xml")
    return answer_of(
        200, b'{"success": true, "code": 200, "result": [{"id": 1, "co', "application/json"
    )


def _own_answer_after(fault: Fault, request: Received, answer: Answer) -> Answer:
    match fault.kind:
        case "status_after":
            return _status(fault, request)
        case "html_after":
            return _html(fault, request)
        case "empty_after":
            return Answer(answer.status, answer.headers, b"")
    return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


_OWN_ANSWERS: Mapping[str, Callable[[Fault, Received], Answer]] = {
    "status": _status,
    "html": _html,
    "garbage": _garbage,
}
