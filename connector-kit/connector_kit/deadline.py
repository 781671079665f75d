"""Bounded waits for an answer: the longest silence, and a limit for the whole of it.

`requests` and urllib3 bound each `recv` alone: a server that sends a byte now and then holds them
for ever, in the headers as well as in the body. Here the reader under `http.client` gives each
`recv` what is left. No thread is needed for it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer

WHOLE_ANSWER = 20
"""An answer may take so many times the longest silence (`request_timeout`)."""

LONGEST_CONNECT = 30.0
"""Seconds: a server that does not even accept is not worth a whole `request_timeout`."""

_SEND_PIECE = 1 << 16


class Exchange:
    """One request and its answer: how long it may still take, and what is known of it.

    Attributes:
        silence: the longest wait for the next bytes, in seconds.
        left: seconds that the other side may still take. Only waiting counts: a caller that takes
            its time between two pieces of a body uses nothing up.
        once: whether the request must not be sent twice, so that a connection which has been idle
            is not trusted.
        sent: whether bytes of the request may have left.
        heard: when bytes last came, by the monotonic clock.
        stopped: whether another thread ended it.
    """

    __slots__ = ("_peer", "_response", "heard", "left", "once", "sent", "silence", "stopped")

    def __init__(self, silence: float, *, once: bool = False) -> None:
        self.silence = silence
        self.left = silence * WHOLE_ANSWER
        self.once = once
        self.sent = False
        self.heard = 0.0
        self.stopped = False
        self._peer: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None

    @property
    def expired(self) -> bool:
        """Whether the time for the whole answer is used up."""
        return self.left <= 0

    def wait_limit(self) -> float:
        """Tell how long the next `recv` may take.

        Returns:
            seconds, above 0.

        Raises:
            TimeoutError: nothing is left.
        """
        if self.stopped or self.left <= 0:
            raise TimeoutError("the whole answer took too long")
        return min(self.silence, self.left)

    def send(self, peer: socket.socket, data: bytes) -> None:
        """Send bytes so that the silence limit holds for each piece of them.

        Args:
            peer: the connected socket.
            data: part of the request.

        Raises:
            OSError: the connection broke, or nothing could be sent for too long.
        """
        self._peer = peer
        self.sent = True
        for start in range(0, len(data), _SEND_PIECE):
            started = time.monotonic()
            peer.settimeout(self.wait_limit())
            peer.sendall(data[start : start + _SEND_PIECE])
            self.left -= time.monotonic() - started

    def receive(self, peer: socket.socket, raw: io.RawIOBase, buffer: Buffer) -> int | None:
        """Read what has come, or wait for it as long as the limits allow.

        Args:
            peer: the connected socket.
            raw: its raw reader.
            buffer: where the bytes go.

        Returns:
            how many bytes came, 0 at the end.

        Raises:
            TimeoutError: nothing came for too long, or the whole takes too long.
        """
        limit = self.wait_limit()
        if peer.gettimeout() != limit:
            peer.settimeout(limit)
        started = time.monotonic()
        try:
            return raw.readinto(buffer)
        finally:
            self.heard = time.monotonic()
            self.left -= self.heard - started

    def receives(self, response: http.client.HTTPResponse) -> None:
        """Take note of the answer that is read for this exchange.

        Args:
            response: as `http.client` makes it.
        """
        self._response = response

    def give_up(self) -> None:
        """Let go of an answer that cannot be used: urllib3 forgets some of them half read."""
        if self._response is not None:
            self._response.close()

    def stop(self) -> None:
        """End the exchange from another thread: what it waits for never comes."""
        self.stopped = True
        if self._peer is not None:
            with contextlib.suppress(OSError):
                # Not the TLS socket's own method: that one is not made for two threads.
                socket.socket.shutdown(self._peer, socket.SHUT_RDWR)


class _Current(threading.local):
    exchange: Exchange | None = None


_CURRENT = _Current()


class Exchanging:
    """Makes an exchange the one that connections used by this thread belong to."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._outer: Exchange | None = None

    def __enter__(self) -> Exchange:
        self._outer, _CURRENT.exchange = _CURRENT.exchange, self._exchange
        return self._exchange

    def __exit__(self, *_: object) -> None:
        _CURRENT.exchange = self._outer


def current_exchange() -> Exchange:
    """Return the exchange of this thread."""
    exchange = _CURRENT.exchange
    if exchange is None:
        raise RuntimeError("a connection is used outside of an exchange")
    return exchange


class _BoundedReader(io.RawIOBase):
    """The raw reader of a socket; each `recv` gets what is left of the time."""

    def __init__(self, raw: io.RawIOBase, peer: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._peer = peer
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int | None:
        return self._exchange.receive(self._peer, self._raw, buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


def bounded_reader(peer: socket.socket, exchange: Exchange) -> io.BufferedReader:
    """Return a reader of a socket whose every `recv` keeps to the exchange's limits."""
    raw: Any = peer.makefile("rb", buffering=0)
    return io.BufferedReader(_BoundedReader(raw, peer, exchange))


class _BoundedSocket:
    """What `http.client` asks of a socket to read an answer from it."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return self._reader


class BoundedResponse(http.client.HTTPResponse):
    """An answer whose status line, headers and body keep to the exchange's limits."""

    def __init__(
        self,
        sock: socket.socket,
        *args: Any,  # noqa: ANN401 - as http.client's
        reader: io.BufferedReader | None = None,
        **kwargs: Any,  # noqa: ANN401 - as http.client's
    ) -> None:
        """Read an answer; where something of it was looked at already, with the reader that holds it."""
        exchange = current_exchange()
        bounded: Any = _BoundedSocket(reader or bounded_reader(sock, exchange))
        super().__init__(bounded, *args, **kwargs)
        exchange.receives(self)
