"""A running sandbox for tests: real HTTP on loopback, its state in reach of the test."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from erp_sandbox.facturadirecta.app import FacturaDirecta
    from erp_sandbox.serpi.app import Serpi
    from erp_sandbox.winfra.app import Winfra


class RunningSandbox:
    """A sandbox that listens, with the three vendors' state.

    Attributes:
        url: Base address of the server, ``http://127.0.0.1:PORT``.
        serpi_url: What a connector's ``api_url`` is set to.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.url = listener.url
        self.serpi_url = f"{listener.url}/serpi/api/v1"
        self.winfra_url = f"{listener.url}/winfra"
        self.facturadirecta_url = f"{listener.url}/facturadirecta"

    @property
    def serpi(self) -> Serpi:
        return self._listener.sandbox.serpi

    @property
    def winfra(self) -> Winfra:
        return self._listener.sandbox.winfra

    @property
    def facturadirecta(self) -> FacturaDirecta:
        return self._listener.sandbox.facturadirecta

    def down(self) -> AbstractContextManager[None]:
        """Refuse connections inside the block, as a server that died does; then come back."""
        return self._listener.down()


@contextmanager
def running_sandbox(
    *,
    scale: float = 1,
    seed: int = 7,
    data_file: Path | None = None,
    tls: tuple[Path, Path] | None = None,
) -> Iterator[RunningSandbox]:
    """Run a sandbox of its own in a thread, for what the `sandbox` fixture cannot do."""
    with Listener(Sandbox(Setup(scale, seed), data_file), tls=tls) as listener:
        yield RunningSandbox(listener)
