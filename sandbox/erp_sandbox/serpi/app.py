"""SERPI's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from starlette.responses import JSONResponse
from starlette.routing import Route

from erp_sandbox.serpi import BASE_PATH
from erp_sandbox.serpi.switches import SerpiSwitches
from erp_sandbox.vendor import Vendor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


class Serpi(Vendor[SerpiSwitches]):
    """SERPI on loopback."""

    name: ClassVar[str] = "serpi"

    def make_switches(self) -> SerpiSwitches:
        """Return the switches at their defaults."""
        return SerpiSwitches()

    def load(self) -> None:
        """Make the data anew."""

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes."""
        return [Route(f"{BASE_PATH}/Articulo", self._list_articles)]

    def kind_of(self, method: str, path: str) -> str:
        """Name a request."""
        return "articulo.get" if (method, path) == ("GET", f"{BASE_PATH}/Articulo") else "other"

    def data(self, kind: str) -> object:
        """Return the data of one kind."""
        return {"articulos": []}[kind]

    async def _list_articles(self, _: Request) -> Response:
        return JSONResponse({"success": True, "code": 200, "errors": None, "result": []})
