"""The server's side of one TCP connection: what only the socket can do (break off, reset)."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import MutableMapping

    from uvicorn.config import Config
    from uvicorn.server import ServerState

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class SandboxProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, reachable from a request as ``scope["state"]["connection"]``."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)

    @property
    def is_open(self) -> bool:
        """Whether the client may still be waiting for an answer."""
        return not self.transport.is_closing()

    def reset(self) -> None:
        """Close by RST, as a process that dies with unread data does."""
        peer = self.transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.transport.abort()


def connection_of(scope: MutableMapping[str, Any]) -> SandboxProtocol:
    """Return the connection that a request came on."""
    connection = scope["state"]["connection"]
    if not isinstance(connection, SandboxProtocol):
        raise TypeError("the sandbox runs on its own server only (erp_sandbox.running)")
    return connection
