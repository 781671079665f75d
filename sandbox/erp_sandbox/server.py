"""The sandbox as one ASGI application: three vendors and the control routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse

from erp_sandbox.control import Control
from erp_sandbox.exchange import Exchange
from erp_sandbox.facturadirecta.app import FacturaDirecta
from erp_sandbox.journal import Journal
from erp_sandbox.serpi.app import Serpi
from erp_sandbox.vendor import Setup, Vendor
from erp_sandbox.winfra.app import Winfra

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send


class Sandbox:
    """The three vendors' APIs.

    Attributes:
        vendors: By name, which is also the first segment of their paths.
        serpi, winfra, facturadirecta: The same, each with its own type.
    """

    def __init__(self, setup: Setup | None = None, data_file: Path | None = None) -> None:
        """Make the data, and repeat the writes of `data_file` if there is one.

        Args:
            setup: What the data are made from.
            data_file: Where writes are kept; None keeps them in memory.
        """
        setup = setup or Setup()
        header = {"scale": str(setup.scale), "seed": setup.seed}
        journal = Journal(data_file, header) if data_file else None
        self.serpi = Serpi(setup, journal)
        self.winfra = Winfra(setup, journal)
        self.facturadirecta = FacturaDirecta(setup, journal)
        self.vendors: dict[str, Vendor[Any]] = {
            "serpi": self.serpi,
            "winfra": self.winfra,
            "facturadirecta": self.facturadirecta,
        }
        if journal is not None:
            for name, entry in journal.entries():
                self.vendors[name].replay(entry)
        self._apps: dict[str, ASGIApp] = {
            name: Exchange(vendor) for name, vendor in self.vendors.items()
        }
        self._apps["_control"] = Control(self.vendors).router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the vendor that its path names."""
        name = scope["path"].split("/", 2)[1]
        app = self._apps.get(name, PlainTextResponse("no such API\n", 404))
        await app({**scope, "root_path": f"/{name}"}, receive, send)
