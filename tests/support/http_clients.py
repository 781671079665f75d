"""HTTP clients of the kit with waits short enough for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from requests.auth import AuthBase, HTTPBasicAuth

from connector_kit.http import Answer, HttpClient, HttpSettings
from connector_kit.tls import TlsSettings
from support.raw_server import RawServer, json_answer, send

SILENCE = 0.15
"""Seconds; a whole answer has 20 times that."""

QUICK = HttpSettings(request_timeout=5, retry_wait=0.01, retry_time=5)


def quick_client(
    url: str,
    settings: HttpSettings = QUICK,
    auth: AuthBase | None = None,
    **further: Any,
) -> HttpClient:
    """Make a client for a test server."""
    return HttpClient(
        url,
        settings,
        auth=auth or HTTPBasicAuth("user", "canary-password"),
        user_agent="test/1",
        what="the test server",
        **further,
    )


ClientMaker = Callable[..., HttpClient]


def quick_client_of(server: RawServer, *arguments: Any, **further: Any) -> HttpClient:
    """Make a client for a test server that has not been asked anything."""
    return quick_client(server.url, *arguments, **further)


def standing_client(server: RawServer, *arguments: Any, **further: Any) -> HttpClient:
    """Make a client that has a connection to a test server already: its reads take the short way.

    The server's `received` is empty afterwards; its script stays for what follows.
    """
    client = quick_client(server.url, *arguments, **further)
    server.by_path["/first"] = [send(json_answer())]
    get(client, "first")
    server.received.clear()
    return client


def impatient(silence: float = SILENCE, retry_time: float = 0.0, **further: Any) -> HttpSettings:
    """Settings of a client that waits `silence` seconds for bytes."""
    return HttpSettings(request_timeout=silence, retry_wait=0.01, retry_time=retry_time, **further)


def get(client: HttpClient, path: str = "things", **further: Any) -> bytes:
    """Ask for JSON and give its bytes."""
    read: Callable[[Answer], bytes] = Answer.json_bytes
    return client.call("GET", path, read=read, where="stream things", **further)


def untrusting(**tls: Any) -> HttpSettings:
    """Settings with TLS settings of their own."""
    return HttpSettings(request_timeout=5, retry_wait=0.01, retry_time=0, tls=TlsSettings(**tls))
