"""WINFRA's XXL API: the auth server's token call and the domain server's data calls.

Source: the vendor's page `xxldefinition` with its sample program; what it leaves open is a switch.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, ClassVar, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from erp_sandbox import exact
from erp_sandbox.faults import Fault
from erp_sandbox.vendor import Vendor
from erp_sandbox.winfra.access import Access
from erp_sandbox.winfra.clock import Clock, text_of
from erp_sandbox.winfra.download import Download
from erp_sandbox.winfra.petitions import Petition, Petitions
from erp_sandbox.winfra.refusal import Refusal
from erp_sandbox.winfra.rendering import (
    JSON_ERROR_STATUSES,
    JSON_TOKEN_ERROR_STATUSES,
    error_body,
    html_page,
    is_plain,
    styled,
)
from erp_sandbox.winfra.rules import Rules
from erp_sandbox.winfra.state import Data, records_of
from erp_sandbox.winfra.switches import WinfraSwitches
from erp_sandbox.winfra.tokens import Tokens
from erp_sandbox.winfra.webhooks import WebhookCall, Webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from erp_sandbox.winfra.invented import Record

API_VERSION: Final = "1.20260301"
"""Major version as in the URL, minor version by date of publication (vendor's rules page)."""

TOKEN_CALL: Final = "token.post"  # noqa: S105 - the name of a call

_DOWNLOAD: Final = "(?P<version>/api_v1)?/datos_xxl/(?P<petition>[^/]+)/(?P<dataset>[^/]+)"

_ROUTES: Final = tuple(
    (method, re.compile(pattern), kind)
    for method, pattern, kind in (
        ("POST", "/api_token/", TOKEN_CALL),
        ("POST", "/api_token", "token.redirect"),
        ("POST", "/api_v1/generar_xxl", "generar.post"),
        ("GET", "/api_v1/estado_xxl", "estado.list"),
        ("GET", "/api_v1/estado_xxl/(?P<petition>[^/]+)", "estado.get"),
        (
            "GET",
            rf"{_DOWNLOAD}/(?P<offset>\d+)/(?P<limit>\d+)",
            "datos.slice",
        ),
        (
            "GET",
            _DOWNLOAD,
            "datos.whole",
        ),
        ("GET", "/api_v1/info/", "info.get"),
        (None, "/api_v1/diario/confirmar(/.*)?", "diario.confirmar"),
    )
)

_KNOWN_PREFIX: Final = "/winfra3"
"""Where the public installations serve."""


class Winfra(Vendor[WinfraSwitches]):
    """WINFRA on loopback: both servers, which may answer at ports of their own.

    Requests count as token.post, generar.post, estado.get, estado.list, datos.slice, datos.whole,
    info.get, diario.confirmar and other.

    Attributes:
        clock: The vendor's clock, which tests move.
        petitions: Every petition, in order, those that are gone too.
        tokens: Every token.
        webhooks: The webhooks' calls, and a way to wait for them.
        downloads_at_once: The most downloads that were served at once.
    """

    name: ClassVar[str] = "winfra"

    def make_switches(self) -> WinfraSwitches:
        """Return the switches at their defaults."""
        return WinfraSwitches()

    def load(self) -> None:
        """Begin anew: the clock at its start, no petitions, tables made when asked for."""
        self.clock = Clock()
        if self.setup.moment is not None:
            self.clock.set(self.setup.moment)
        self.tokens = Tokens(self.switches, self.clock)
        self.webhooks = Webhooks()
        self._access = Access(self.switches, self.clock)
        self._rules = Rules(self.switches, self.clock)
        self._tables = Data(self.setup, self.switches, self.clock)
        self.petitions = Petitions(
            self._tables, self.switches, self.clock, at_end=self._call_webhooks
        )
        self._downloads = 0
        self.downloads_at_once = 0
        self.clock.on_move(self._settle)

    def date(self) -> str:
        """Return the answers' ``Date``: the movable clock's."""
        return self.clock.http_date()

    @property
    def webhooks_called(self) -> list[WebhookCall]:
        """The calls of webhooks so far."""
        return list(self.webhooks.called)

    def rows(self, dataset: str, **parameters: object) -> list[bytes]:
        """Return what a petition with these parameters would get now, each record's exact JSON."""
        with self.lock:
            return list(self._tables.select(dataset, parameters))

    def records(self, dataset: str, **parameters: object) -> list[Record]:
        """Return the same as JSON values, fractions as `exact.Number`."""
        with self.lock:
            return list(records_of(self._tables.select(dataset, parameters)))

    def add(self, dataset: str, *records: Mapping[str, object] | bytes) -> None:
        """Add records at the end of a dataset, as JSON values or as their very JSON text."""
        with self.lock:
            self._tables.add(dataset, *records)

    def change(self, dataset: str, *key: object, **fields: object) -> None:
        """Set fields of the record with this key; its date of change follows the clock."""
        with self.lock:
            self._tables.change(dataset, *key, **fields)

    def remove(self, dataset: str, *key: object) -> None:
        """Take the record with this key away."""
        with self.lock:
            self._tables.remove(dataset, *key)

    def expire_tokens(self) -> None:
        """End every token issued so far."""
        with self.lock:
            self.tokens.expire()

    def forget(self, petition: Petition | str) -> None:
        """Delete a petition, as the vendor does after 12 hours."""
        with self.lock:
            self.petitions.forget(petition if isinstance(petition, str) else petition.id)

    def lose_petition_answers(self, times: int = 1) -> Fault:
        """Take the next petitions and lose the answers to them."""
        return self.faults.add(
            Fault("lost_answer", method="POST", path="/generar_xxl$", times=times)
        )

    def data(self, kind: str) -> object:
        """Return all records of a dataset, whatever petitions leave out."""
        with self.lock:
            return list(records_of(self._tables.table(kind).rows))

    def routes(self) -> Sequence[BaseRoute]:
        """Return one route for everything; `_ROUTES` tells what it is."""
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [Route("/{path:path}", self._answer, methods=methods)]

    def kind_of(self, method: str, path: str) -> str:
        """Name a request for counting, with the prefix or without."""
        kind, _ = _find_route(method, path.removeprefix(_KNOWN_PREFIX))
        return kind

    async def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(request.scope["root_path"])
        kind, found = "other", None
        if path.startswith(self.switches.prefix):
            kind, found = _find_route(request.method, path.removeprefix(self.switches.prefix))
        with_json = JSON_TOKEN_ERROR_STATUSES if kind == TOKEN_CALL else JSON_ERROR_STATUSES
        try:
            with self.lock:
                self._access.throttle()
            if found is None or not self._is_at_its_port(request, kind):
                return self._html(404, "The requested URL was not found on the server.")
            return await self._answer_found(request, kind, found.groupdict())
        except Refusal as refusal:
            return self._refused(refusal, with_json)

    async def _answer_found(
        self, request: Request, kind: str, segments: dict[str, str | None]
    ) -> Response:
        body = await request.body()
        if kind == "token.redirect":
            return RedirectResponse(f"{request.url.path}/", 308)
        if kind.startswith("datos."):
            with self.lock:
                self._let_in(request)
            return await self._serve_rows(segments)
        with self.lock:
            return self._json(self._value(request, kind, segments, body))

    def _value(
        self, request: Request, kind: str, segments: dict[str, str | None], body: bytes
    ) -> object:
        """Return the JSON value that answers a request for other than rows."""
        if kind == TOKEN_CALL:
            return self._issue_token(request, body)
        self._let_in(request)
        match kind:
            case "generar.post":
                return self.petitions.view(self.petitions.make(self._rules.read(body)))
            case "estado.get":
                petition = self.petitions.find(str(segments["petition"]))
                return self.petitions.view(self.petitions.look(petition))
            case "estado.list":
                there = self.petitions.present()
                return [self.petitions.view(self.petitions.look(petition)) for petition in there]
            case "info.get":
                return [{"version": API_VERSION, "fecha": text_of(self.clock.local())}]
            case _:
                return {"confirmado": True}

    def _issue_token(self, request: Request, body: bytes) -> dict[str, str]:
        self._access.check_third_party(request.headers)
        try:
            asked = exact.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise Refusal(555, "Tiene que indicar domain y api.")
        return {"WINFRA-API-TOKEN": self.tokens.issue(asked.get("domain"), asked.get("api")).text}

    def _let_in(self, request: Request) -> None:
        """Check both the domain's pair and the token of a data call."""
        self._access.check_domain_user(request.headers)
        self.tokens.use(request.headers.get("winfra-api-token"))

    async def _serve_rows(self, segments: dict[str, str | None]) -> Response:
        paths = {"api_v1": ("/api_v1",), "bare": (None,), "both": ("/api_v1", None)}
        if segments["version"] not in paths[self.switches.data_path]:
            return self._html(404, "The requested URL was not found on the server.")
        self._downloads += 1
        try:
            if 0 < self.switches.maximum_downloads < self._downloads:
                raise Refusal(self.switches.busy_status, "Demasiadas descargas a la vez.")
            self.downloads_at_once = max(self.downloads_at_once, self._downloads)
            if self.switches.download_latency_ms:
                await asyncio.sleep(self.switches.download_latency_ms / 1000)
            with self.lock:
                return self._rows_of(segments)
        finally:
            self._downloads -= 1

    def _rows_of(self, segments: dict[str, str | None]) -> Response:
        petition = self.petitions.find(str(segments["petition"]))
        dataset = str(segments["dataset"])
        rows = self.petitions.rows(petition, dataset)
        if "offset" in segments:
            offset, limit = int(segments["offset"] or 0), int(segments["limit"] or 0)
            if self.switches.past_end == "404" and offset >= len(rows):
                raise Refusal(404, "No hay datos.")
            petition.downloads.append((dataset, offset, limit))
            most = self.switches.maximum_limit
            part = rows.slice(offset, min(limit, most) if most else limit)
        else:
            petition.downloads.append((dataset, None, None))
            part = rows.slice(0, len(rows))
        if is_plain(self.switches):
            return Download(part, self.switches.content_type)
        text = styled(b"".join((b"[", part, b"]")), self.switches)
        return Response(text, media_type=self.switches.content_type)

    def _call_webhooks(self, petition: Petition) -> None:
        for url in petition.webhooks:
            body = exact.dumps(self.petitions.view(petition)).encode()
            self.webhooks.call(url, body)

    def _settle(self) -> None:
        with self.lock:
            self.petitions.settle_all()

    def _is_at_its_port(self, request: Request, kind: str) -> bool:
        is_auth = kind.startswith("token.")
        port = self.switches.auth_port if is_auth else self.switches.domain_port
        return port in (0, request.scope["server"][1])

    def _json(self, value: object) -> Response:
        text = styled(exact.dumps(value).encode(), self.switches)
        return Response(text, media_type=self.switches.content_type)

    def _refused(self, refusal: Refusal, with_json: frozenset[int]) -> Response:
        if refusal.status not in with_json or self.switches.error_form == "html":
            return self._html(refusal.status, refusal.error)
        body = error_body(refusal, self.switches)
        return Response(body, refusal.status, media_type=self.switches.content_type)

    def _html(self, status: int, detail: str) -> Response:
        headers = {}
        if status in (429, 503) and self.switches.retry_after:
            headers["retry-after"] = self.switches.retry_after
        page = html_page(status, detail)
        return Response(page, status, headers, media_type="text/html; charset=utf-8")


def _find_route(method: str, path: str) -> tuple[str, re.Match[str] | None]:
    for route_method, pattern, kind in _ROUTES:
        found = pattern.fullmatch(path)
        if found is not None and route_method in (None, method):
            return kind, found
    return "other", None
