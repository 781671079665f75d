"""The control routes: switches, faults, counts and server-side truth over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from erp_sandbox import exact
from erp_sandbox.switches import SwitchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from erp_sandbox.vendor import Vendor


class Control:
    """What a person or a test in another process may ask of a running sandbox.

    GET  ready                  {"ready": true}
    POST reset                  everything back to the beginning
    GET  <vendor>/switches      all switches and their values
    POST <vendor>/switches      set some (a JSON object)
    POST <vendor>/faults        queue one (an object) or several (a list); DELETE forgets all
    GET  <vendor>/counts        requests by kind, and how many overlapped
    GET  <vendor>/data/<kind>   the data of one kind, numbers exactly as held
    """

    def __init__(self, vendors: Mapping[str, Vendor[Any]]) -> None:
        self._vendors = vendors
        self.router = Router(
            routes=[
                Route("/ready", self._ready),
                Route("/reset", self._reset, methods=["POST"]),
                Route("/{vendor}/switches", self._switches, methods=["GET", "POST"]),
                Route("/{vendor}/faults", self._faults, methods=["POST", "DELETE"]),
                Route("/{vendor}/counts", self._counts),
                Route("/{vendor}/data/{kind}", self._data),
            ],
            redirect_slashes=False,
        )

    async def _ready(self, _: Request) -> Response:
        return JSONResponse({"ready": True})

    async def _reset(self, _: Request) -> Response:
        for vendor in self._vendors.values():
            vendor.reset()
        return Response(status_code=204)

    async def _switches(self, request: Request) -> Response:
        vendor = self._named(request)
        if vendor is None:
            return _refuse(404, "there is no such vendor")
        if request.method == "POST":
            try:
                vendor.switches.update(json.loads(await request.body()))
            except (SwitchError, ValueError, AttributeError) as error:
                return _refuse(400, str(error))
        return JSONResponse(vendor.switches.values())

    async def _faults(self, request: Request) -> Response:
        vendor = self._named(request)
        if vendor is None:
            return _refuse(404, "there is no such vendor")
        if request.method == "DELETE":
            vendor.faults.clear()
            return Response(status_code=204)
        try:
            given = json.loads(await request.body())
            for values in given if isinstance(given, list) else [given]:
                vendor.faults.add_json(values)
        except (ValueError, TypeError) as error:
            return _refuse(400, str(error))
        return Response(status_code=204)

    async def _counts(self, request: Request) -> Response:
        vendor = self._named(request)
        if vendor is None:
            return _refuse(404, "there is no such vendor")
        return JSONResponse({**vendor.counts(), "overlaps": vendor.overlaps})

    async def _data(self, request: Request) -> Response:
        vendor = self._named(request)
        kind = request.path_params["kind"]
        try:
            values = vendor.data(kind) if vendor is not None else None
        except KeyError:
            values = None
        if values is None:
            return _refuse(404, "there is no such vendor or kind of data")
        return Response(exact.dumps(values), media_type="application/json")

    def _named(self, request: Request) -> Vendor[Any] | None:
        return self._vendors.get(request.path_params["vendor"])


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
