"""A request that is sent now, on a connection that stands, and whose answer is read later.

So a caller has several small answers under way without threads: each waits in its own connection, where
the network has put it. For a small page a thread, and all that urllib3 does around a call, take as long
as the page itself. Only the plain case is handled here: urllib3 makes the connections, and reads every
answer that is not plain.
"""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING

from urllib3 import HTTPHeaderDict, HTTPResponse, exceptions

from connector_kit.deadline import BoundedResponse, Exchange, Exchanging, bounded_reader
from connector_kit.heads import PlainHead, plain_head

if TYPE_CHECKING:
    import io

    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool

    from connector_kit.body import Unread
    from connector_kit.requesting import Request


class Lease:
    """A standing connection of a pool, for one request and its answer.

    Attributes:
        connection: it.
        reader: of the answer, once somebody waits for it.
    """

    def __init__(self, pool: HTTPConnectionPool, connection: HTTPConnection) -> None:
        """Keep what `taken` has taken."""
        self._pool = pool
        self.connection = connection
        self.reader: io.BufferedReader | None = None
        self._has_ended = False

    @classmethod
    def taken(cls, pool: HTTPConnectionPool) -> Lease | None:
        """Take a connection out of a pool; None where none stands idle."""
        connection = pool._get_conn()  # noqa: SLF001 - urllib3 has no public way to send without waiting
        lease = cls(pool, connection)  # type: ignore[arg-type]  # a protocol of the same methods
        # The pool has closed it if the server had.
        if not connection.is_closed:
            return lease
        lease.end(reusable=True)
        return None

    def end(self, *, reusable: bool) -> None:
        """Give the connection back; a second call does nothing.

        Args:
            reusable: whether the answer was read to its end, so that the next one is not mixed with it.
        """
        if self._has_ended:
            return
        self._has_ended = True
        if self.reader is not None:
            # It holds the socket open.
            self.reader.close()
        if not reusable:
            self.connection.close()
        self._pool._put_conn(self.connection)  # noqa: SLF001 - as above

    def answer_of_urllib3(self, request: Request) -> Unread:
        """Let `http.client` and urllib3 read an answer, as `urlopen` would; the lease is theirs then.

        Args:
            request: that is answered; the reader stands before the status line.

        Raises:
            OSError: it stopped coming.
            http.client.HTTPException: it is no HTTP.
        """
        # The reader is the response's from here on, which its exchange closes if it cannot be used.
        reader, self.reader = self.reader, None
        parsed = BoundedResponse(self.connection.sock, method=request.method, reader=reader)
        parsed.begin()
        response = HTTPResponse(
            parsed,
            HTTPHeaderDict(parsed.headers.items()),
            parsed.status,
            parsed.version,
            preload_content=False,
            decode_content=False,
            original_response=parsed,
            pool=self._pool,
            connection=self.connection,
            request_method=request.method,
            request_url=request.target,
        )
        self._has_ended = True
        if parsed.will_close:
            # The body can still be read: the reader keeps the socket.
            self.connection.close()
        return response

    def failure(self, error: Exception) -> exceptions.HTTPError:
        """End the lease, and give an error of the connection as urllib3 would have given it."""
        self.end(reusable=False)
        match error:
            case TimeoutError():
                return exceptions.ReadTimeoutError(self._pool, "", "Read timed out.")
            case ssl.SSLError():
                return exceptions.SSLError(error)
            case _:
                return exceptions.ProtocolError("Connection aborted.", error)


class SentRequest:
    """A request under way.

    Attributes:
        request: it.
        exchange: its limits.
    """

    def __init__(self, request: Request, exchange: Exchange, lease: Lease) -> None:
        """Send it.

        Args:
            request: without a body.
            exchange: its limits.
            lease: of the connection; it ends with the answer's last byte.

        Raises:
            urllib3.exceptions.HTTPError: it was not sent.
        """
        self.request = request
        self.exchange = exchange
        self._lease = lease
        try:
            with Exchanging(exchange):
                lease.connection.send(_head_of(request, lease.connection))
        except OSError as error:
            raise lease.failure(error) from error

    def answer(self) -> Unread:
        """Wait for the headers.

        Returns:
            the answer, its body unread.

        Raises:
            urllib3.exceptions.HTTPError: no answer.
        """
        lease = self._lease
        try:
            reader = bounded_reader(lease.connection.sock, self.exchange)
            lease.reader = reader
            head = plain_head(reader.peek())
            if head is None:
                with Exchanging(self.exchange):
                    return lease.answer_of_urllib3(self.request)
            reader.read(head.size)
        except (OSError, http.client.HTTPException) as error:
            raise lease.failure(error) from error
        except BaseException:
            # A signal ends the wait: the answer may still come.
            self.give_up()
            raise
        return PlainAnswer(head, reader, lease)

    def give_up(self) -> None:
        """Close the connection: nobody wants the answer any more."""
        self._lease.end(reusable=False)


class PlainAnswer:
    """An answer of known length, as `BodyReader` reads it.

    Attributes:
        status: of HTTP.
        headers: names in any case.
        length_remaining: bytes of the body that were not read.
    """

    def __init__(self, head: PlainHead, reader: io.BufferedReader, lease: Lease) -> None:
        """Begin before the body."""
        self.status = head.status
        self.headers = HTTPHeaderDict(head.headers)
        self.length_remaining = head.length
        self._reader = reader
        self._lease = lease
        self._end_if_read()

    def read(self, at_most: int | None, *, decode_content: bool) -> bytes:  # noqa: ARG002 - as urllib3's
        """Read some of the body, or (None) all that is left of it.

        Raises:
            urllib3.exceptions.HTTPError: it broke off, or stopped coming.
        """
        left = self.length_remaining
        wanted = left if at_most is None else min(at_most, left)
        try:
            data = self._reader.read(wanted) if wanted else b""
        except OSError as error:
            raise self._lease.failure(error) from error
        self.length_remaining = left - len(data)
        if len(data) < wanted:
            raise self._lease.failure(http.client.IncompleteRead(data, left - len(data)))
        self._end_if_read()
        return data

    def _end_if_read(self) -> None:
        if not self.length_remaining:
            self._lease.end(reusable=True)

    def close(self) -> None:
        """End an answer that may not have been read to its end."""
        self._lease.end(reusable=False)


def _head_of(request: Request, connection: HTTPConnection) -> bytes:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    place = host if connection.port == connection.default_port else f"{host}:{connection.port}"
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {place}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
