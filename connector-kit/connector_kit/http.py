"""The HTTP client of all connectors: bounded, strict, and tried again where that may help.

It stands on urllib3 itself. A `requests` session would add as much time again to each small page,
would look into the environment and a .netrc for credentials, follow redirects, and hide whether a
request had left. What is kept of `requests` is its form of credentials (`requests.auth.AuthBase`),
which the SDK's authenticators have too.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from urllib3 import exceptions

from connector_kit.answers import (
    Answer,
    ClosedClient,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    RefusedAnswer,
    RefusedCredentials,
)
from connector_kit.body import BodyReader, Unread
from connector_kit.connections import Opener
from connector_kit.deadline import Exchange
from connector_kit.errors import RefusedError
from connector_kit.judging import Judge
from connector_kit.requesting import Request, RequestBuilder, parsed_base
from connector_kit.retry import (
    Retrier,
    Retryable,
    RetryLater,
    RetryPolicy,
    UnreadableAnswer,
)
from connector_kit.sent_ahead import SentRequest
from connector_kit.statuses import Action, action_for
from connector_kit.tls import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from requests.auth import AuthBase

__all__ = [
    "Action",
    "Answer",
    "ClosedClient",
    "HttpClient",
    "HttpSettings",
    "NoAnswer",
    "NotSent",
    "OutcomeUnknown",
    "RefusedAnswer",
    "RefusedCredentials",
    "RetryLater",
    "Retryable",
    "SentRequest",
    "StreamedAnswer",
    "TlsSettings",
    "UnreadableAnswer",
]

T = TypeVar("T")

NO_HEADERS: Mapping[str, str] = {}
MOST_THREADS = 10


@dataclass(frozen=True)
class HttpSettings:
    """How patient a client is, and whom it trusts. Times are seconds.

    Attributes:
        request_timeout: the longest silence; a whole answer has 20 times that.
        retry_wait: the first wait before a further try.
        retry_time: how long after the first failure tries may begin.
        tls: whom to trust.
        byte_cap: the most bytes of one answer.
    """

    request_timeout: float
    retry_wait: float = 0.5
    retry_time: float = 300.0
    tls: TlsSettings = field(default_factory=TlsSettings)
    byte_cap: int = 2 << 30


class StreamedAnswer:
    """An answer whose body is read in pieces while it arrives."""

    def __init__(self, response: Unread, reader: BodyReader, url_path: str) -> None:
        """Wrap an answer; `HttpClient.stream` does.

        Args:
            response: with its body unread.
            reader: of that body.
            url_path: what was asked for.
        """
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.length = response.length_remaining
        """Bytes still to come over the wire, None where the server does not say."""
        self.url_path = url_path
        self._reader = reader

    def read_piece(self) -> bytes:
        """Read some more of the body.

        Returns:
            at most 1 MiB, decompressed; `b""` at the end of a whole body.

        Raises:
            NoAnswer: it stopped coming, or takes too long.
            UnreadableAnswer: it broke off or cannot be decompressed.
            UpstreamError: it is larger than the cap.
        """
        return self._reader.read_piece()

    def read_rest(self) -> Answer:
        """Read all that is left of the body; errors are those of `read_piece`."""
        return Answer(self.status, self.headers, self._reader.read_all(), self.url_path)


class HttpClient:
    """Asks one server. Several threads may call it at once."""

    def __init__(  # noqa: PLR0913 - keywords, each with its own meaning
        self,
        base_url: str,
        settings: HttpSettings,
        *,
        auth: AuthBase,
        headers: Mapping[str, str] = NO_HEADERS,
        user_agent: str,
        what: str,
        words: Callable[[Answer], str] = Answer.words,
        guard: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        notice: Callable[[Retryable], None] | None = None,
        connections: int = MOST_THREADS,
    ) -> None:
        """Prepare a client; nothing is sent.

        Args:
            base_url: scheme, host, optional port and path prefix, with or without a slash at the
                end.
            settings: patience and trust.
            auth: puts the credentials into each request; called for each try.
            headers: of every request.
            user_agent: who asks.
            what: who is asked, for messages ("SERPI").
            words: gives the server's own words out of an answer that is an error.
            guard: entered around each single request and its answer (a lock), not around waits.
            notice: told of each failure that is tried again, before the wait.
            connections: how many are kept open.

        Raises:
            SettingsError: the address, a proxy's address or a TLS setting cannot be used.
        """
        base = parsed_base(base_url, what)
        self._settings = settings
        self._guard = guard
        self._builder = RequestBuilder(base, auth, headers, user_agent)
        self._opener = Opener(base, settings.tls, settings.request_timeout, connections)
        self._judge = Judge(what, base.url, self._opener.server, settings.request_timeout, words)
        policy = RetryPolicy(settings.retry_wait, settings.retry_time)
        self._retrier = Retrier(policy, what, notice)
        self._running: set[Exchange] = set()
        self._closed = False

    def call(  # noqa: PLR0913 - keywords, each with its own meaning
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        raw_query: str | None = None,
        json: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        read: Callable[[Answer], T],
        where: str,
        retry: bool = True,
        statuses: Mapping[int, Action] | None = None,
        every_status: bool = False,
        auth: AuthBase | None = None,
        renew: Callable[[Answer], bool] | None = None,
        sent: SentRequest | None = None,
    ) -> T:
        """Ask, and read the answer; again where that may help.

        Args:
            method: the HTTP method.
            path: below the base address.
            params: of the query string.
            raw_query: of the query string, sent as it is.
            json: the body, sent byte for byte.
            headers: of this call alone.
            read: makes the result of a good answer. It may raise `UnreadableAnswer` (three tries
                in all), `RetryLater` (tried again within `retry_time`) or a `ConnectorError`,
                which is final.
            where: for messages ("stream articulos").
            retry: False for what must not be done twice: one try, and `NotSent` or
                `OutcomeUnknown` where no answer says what happened.
            statuses: where the status table differs for this call.
            every_status: `read` judges every answer but a redirect.
            auth: credentials in place of the client's.
            renew: asked once, when an answer refuses the call: True if the credentials are new now
                and the call is to be made again at once.
            sent: the same request, where `send` has sent it already.

        Returns:
            what `read` returns.

        Raises:
            CredentialsError: 401 or 403.
            RefusedError: another refusal for good, a redirect, a certificate not trusted.
            UpstreamError: all tries failed, or the answer is too large.
            NotSent: surely not sent (`retry` False).
            OutcomeUnknown: it may have been carried out (`retry` False).
            ClosedClient: `close` was called meanwhile.
        """
        build = partial(
            self._builder.build,
            method,
            path,
            params=params,
            raw_query=raw_query,
            json=json,
            headers=headers,
            auth=auth,
        )
        renewals = [renew] if renew is not None else []
        under_way = [sent] if sent is not None else []

        def attempt() -> T:
            while True:
                first = under_way.pop() if under_way else None
                request = build() if first is None else first.request
                answer = self._exchange(request, where, once=not retry, sent=first)
                action = action_for(answer.status, statuses)
                if action is Action.OK or (every_status and action is not Action.REDIRECT):
                    return read(answer)
                if _is_refusal(action) and renewals and renewals.pop()(answer):
                    continue
                raise self._judge.refusal(answer, action, where)

        if retry:
            return self._retrier.run(attempt, where)
        try:
            return attempt()
        except Retryable as failure:
            raise self._judge.undecided(failure, where) from failure

    def repeat(self, attempt: Callable[[], T], *, where: str) -> T:
        """Repeat something of the caller's own (with `stream`) by the rules of `call`.

        Args:
            attempt: raises a `Retryable` for what may be tried again.
            where: for messages.

        Returns:
            what `attempt` returns.

        Raises:
            UpstreamError: all tries failed.
        """
        return self._retrier.run(attempt, where)

    @contextlib.contextmanager
    def stream(  # noqa: PLR0913 - keywords, each with its own meaning
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        raw_query: str | None = None,
        json: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        where: str,
        statuses: Mapping[int, Action] | None = None,
        auth: AuthBase | None = None,
        sent: SentRequest | None = None,
    ) -> Iterator[StreamedAnswer]:
        """Ask once, and give the answer while its body still arrives.

        Args:
            method: the HTTP method.
            path: below the base address.
            params: of the query string.
            raw_query: of the query string, sent as it is.
            json: the body.
            headers: of this call alone.
            where: for messages.
            statuses: where the status table differs for this call.
            auth: credentials in place of the client's.
            sent: the same request, where `send` has sent it already.

        Yields:
            a good answer. The connection is kept only if the body is read to its end.

        Raises:
            Retryable: the try failed and may be repeated (see `repeat`).
            RefusedError: as `call`.
            ClosedClient: as `call`.
        """
        build = partial(
            self._builder.build,
            method,
            path,
            params=params,
            raw_query=raw_query,
            json=json,
            headers=headers,
            auth=auth,
        )
        request = build() if sent is None else sent.request
        with self._opened(request, where, once=False, sent=sent) as response:
            reader = BodyReader(response, self._settings.byte_cap, self._judge.place(where))
            answer = StreamedAnswer(response, reader, request.path)
            action = action_for(response.status, statuses)
            if action is not Action.OK:
                raise self._judge.refusal(answer.read_rest(), action, where)
            yield answer

    def send(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        raw_query: str | None = None,
    ) -> SentRequest | None:
        """Send a GET that asks for little, and leave its answer where it arrives.

        So a caller has several answers under way without a thread. Not for a client with a `guard`,
        which holds for one request at a time.

        Args:
            path: below the base address.
            params: of the query string.
            raw_query: of the query string, sent as it is.

        Returns:
            the request: `call` or `stream` reads its answer, its own `give_up` drops it. None where
            no connection stands idle.

        Raises:
            Retryable: it was not sent.
            ClosedClient: `close` was called.
        """
        if self._closed:
            raise ClosedClient
        request = self._builder.build("GET", path, params=params, raw_query=raw_query)
        exchange = Exchange(self._settings.request_timeout)
        try:
            return self._opener.send(request, exchange)
        except exceptions.HTTPError as error:
            raise self._judge.failure(error, exchange) from error

    def close(self) -> None:
        """End what other threads wait for and close all connections, for good."""
        self._closed = True
        self._retrier.stop()
        for exchange in tuple(self._running):
            exchange.stop()
        self._opener.close()

    def _exchange(
        self, request: Request, where: str, *, once: bool, sent: SentRequest | None
    ) -> Answer:
        with self._opened(request, where, once=once, sent=sent) as response:
            body = BodyReader(
                response, self._settings.byte_cap, self._judge.place(where)
            ).read_all()
            return Answer(response.status, response.headers, body, request.path)

    @contextlib.contextmanager
    def _opened(
        self, request: Request, where: str, *, once: bool, sent: SentRequest | None = None
    ) -> Iterator[Unread]:
        exchange = sent.exchange if sent else Exchange(self._settings.request_timeout, once=once)
        self._running.add(exchange)
        try:
            with self._guard():
                if self._closed:
                    raise ClosedClient
                response = self._begun(request, where, exchange, sent)
                try:
                    yield response
                finally:
                    # The unread rest of a body would be taken for the next answer.
                    response.close()
        except Retryable as failure:
            if exchange.stopped:
                raise ClosedClient from failure
            raise
        finally:
            self._running.discard(exchange)

    def _begun(
        self, request: Request, where: str, exchange: Exchange, sent: SentRequest | None
    ) -> Unread:
        try:
            return self._opener.open(request, exchange) if sent is None else sent.answer()
        except BaseException as error:
            exchange.give_up()
            if isinstance(error, exceptions.HTTPError):
                raise self._judge.failure(error, exchange) from error
            if isinstance(error, RefusedError):
                raise RefusedError(f"{self._judge.place(where)}: {error}") from error
            raise


def _is_refusal(action: Action) -> bool:
    return action in (Action.CREDENTIALS, Action.REFUSED, Action.NOT_FOUND)
