"""A sandbox that listens: uvicorn in a thread of its own, on a loopback port."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import uvicorn

from erp_sandbox.connection import SandboxProtocol

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path
    from types import TracebackType

    from starlette.types import Receive, Scope, Send

    from erp_sandbox.server import Sandbox

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """uvicorn's server; its signal handlers belong to the main thread, which is not ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """A server on loopback whose sandbox can be changed for a fresh one while it listens.

    Attributes:
        sandbox: What answers; a request keeps the one it began with.
        port: Where it listens.
        url: Its base address.
    """

    def __init__(
        self, sandbox: Sandbox, port: int = 0, tls: tuple[Path, Path] | None = None
    ) -> None:
        """Bind the port; `start` (or a ``with`` block) begins to answer.

        Args:
            sandbox: What answers.
            port: 0 takes any free one.
            tls: Certificate and key files for HTTPS.
        """
        self.sandbox = sandbox
        self._socket = _bind(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{HOST}:{self.port}"
        config = uvicorn.Config(
            self._answer,
            http=SandboxProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            interface="asgi3",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,  # each vendor has its own, by its own clock
            timeout_keep_alive=600,
            timeout_graceful_shutdown=1,
            ssl_certfile=tls[0] if tls else None,
            ssl_keyfile=tls[1] if tls else None,
        )
        self._server = _Server(config)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="erp-sandbox", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer; returns when it does."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Close every connection and the port."""
        self._loop.call_soon_threadsafe(self._hang_up)
        self._server.should_exit = True
        self._thread.join()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections inside the block, as a server that died does; then come back."""
        self._in_loop(self._stop_listening())
        try:
            yield
        finally:
            self._in_loop(self._listen_again())

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.sandbox(scope, receive, send)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._loop.call_soon(self._started.set)
        await self._server.serve(sockets=[self._socket])

    def _in_loop(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _hang_up(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    async def _stop_listening(self) -> None:
        for server in self._server.servers:
            server.close()
        self._hang_up()

    async def _listen_again(self) -> None:
        config, state = self._server.config, self._server.server_state
        self._socket = _bind(self.port)
        server = await self._loop.create_server(
            lambda: SandboxProtocol(config, state, {}), sock=self._socket, ssl=config.ssl
        )
        self._server.servers = [server]


def _bind(port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only for sockets that name their protocol.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    return listening
