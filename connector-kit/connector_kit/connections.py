"""urllib3's connections, bounded by the exchange they serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import urllib3
from requests.utils import get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connector_kit.deadline import (
    LONGEST_CONNECT,
    BoundedResponse,
    Exchange,
    Exchanging,
    current_exchange,
)
from connector_kit.errors import SettingsError
from connector_kit.redaction import REDACTOR
from connector_kit.sent_ahead import Lease, SentRequest
from connector_kit.tls import TlsSettings, trust_context

if TYPE_CHECKING:
    from urllib3.util import Url

    from connector_kit.body import Unread
    from connector_kit.requesting import Request

TRUSTED_IDLE = 1.0
"""Seconds: a server may close a connection that is idle for longer, just as the request leaves."""

NO_RETRIES = urllib3.Retry(total=False, redirect=False)
"""urllib3 never tries again by itself: it would not know what has been carried out."""


class _Bounded(HTTPConnection):
    """Sends and receives within the limits of the thread's exchange."""

    response_class = BoundedResponse
    _exchange: Exchange | None = None
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client's
        if self.sock is None:
            self.connect()
        if self._connecting:
            # What opens a proxy's tunnel is no part of the request.
            super().send(data)
            return
        self._exchange = current_exchange()
        self._exchange.send(self.sock, data)

    @property
    def is_connected(self) -> bool:
        if current_exchange().once and self._exchange is not None:
            idle = time.monotonic() - self._exchange.heard
            if idle > TRUSTED_IDLE:
                return False
        return super().is_connected


class _BoundedTls(_Bounded, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        # The trust context has checked it as far as the settings ask, and has warned.
        self.is_verified = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Bounded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


class Opener:
    """Opens requests to one server."""

    def __init__(self, base: Url, tls: TlsSettings, silence: float, connections: int) -> None:
        """Prepare a pool; nothing is connected yet.

        Args:
            base: scheme, host and port of the server.
            tls: whom to trust.
            silence: the longest wait for bytes, in seconds.
            connections: how many are kept open.

        Raises:
            SettingsError: TLS settings or a proxy's address that cannot be used.
        """
        server = urllib3.util.Url(base.scheme, None, base.host, base.port).url
        self.server = server
        self._timeout = urllib3.Timeout(connect=min(silence, LONGEST_CONNECT), read=silence)
        keywords: dict[str, Any] = {"maxsize": connections, "retries": NO_RETRIES}
        if base.scheme == "https":
            keywords["ssl_context"] = trust_context(tls)
        manager = _manager(server, keywords)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._manager = manager
        self._pool = manager.connection_from_url(server)
        # A proxy is told the whole address of what it forwards.
        forwarded = manager.proxy is not None and base.scheme == "http"
        self._prefix = server if forwarded else ""

    def open(self, request: Request, exchange: Exchange) -> Unread:
        """Send a request once and wait for the headers of the answer, no longer than allowed.

        Args:
            request: what is sent.
            exchange: its limits.

        Returns:
            the answer, its body unread and still compressed.

        Raises:
            urllib3.exceptions.HTTPError: no answer.
        """
        # The short way serves every read over a standing connection, sent ahead or not.
        sent = self.send(request, exchange) if request.method == "GET" else None
        if sent is not None:
            return sent.answer()
        with Exchanging(exchange):
            return self._pool.urlopen(
                request.method,
                self._prefix + request.target,
                body=request.body,
                headers=request.headers,
                retries=NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )

    def send(self, request: Request, exchange: Exchange) -> SentRequest | None:
        """Send a request without waiting for its answer.

        Args:
            request: without a body.
            exchange: its limits.

        Returns:
            the request under way; None where no connection stands idle, or a proxy stands between.

        Raises:
            urllib3.exceptions.HTTPError: it was not sent.
        """
        with Exchanging(exchange):
            lease = None if self._manager.proxy else Lease.taken(self._pool)
        return None if lease is None else SentRequest(request, exchange, lease)

    def close(self) -> None:
        """Close the idle connections."""
        self._manager.clear()
        self._pool.close()


def _manager(server: str, keywords: dict[str, Any]) -> urllib3.PoolManager:
    # The environment is asked once, here, not at each call.
    proxy = select_proxy(server, get_environ_proxies(server))
    if proxy is None:
        return urllib3.PoolManager(**keywords)
    try:
        address = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except urllib3.exceptions.LocationParseError:
        address = urllib3.util.Url()
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(["the environment names a proxy that is no http or https address"])
    headers = None
    if address.auth:
        user, _, password = address.auth.partition(":")
        REDACTOR.add_basic(user, password)
        headers = urllib3.make_headers(proxy_basic_auth=address.auth)
    bare = urllib3.util.Url(address.scheme, None, address.host, address.port).url
    return urllib3.ProxyManager(bare, proxy_headers=headers, **keywords)
