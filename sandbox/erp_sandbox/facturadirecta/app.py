"""The routes of FacturaDirecta's XML API."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from erp_sandbox.facturadirecta import TOKEN
from erp_sandbox.facturadirecta.data import LABELS, OWNERS, make_providers
from erp_sandbox.facturadirecta.filters import FilterError
from erp_sandbox.facturadirecta.listing import Listing
from erp_sandbox.facturadirecta.store import Store
from erp_sandbox.facturadirecta.switches import FacturaDirectaSwitches
from erp_sandbox.facturadirecta.writes import (
    InvalidInputError,
    created,
    next_company_code,
    template,
    updated,
)
from erp_sandbox.facturadirecta.xml_reader import UnreadableBodyError, read_provider
from erp_sandbox.facturadirecta.xml_writer import XmlWriter
from erp_sandbox.vendor import Vendor

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from erp_sandbox.facturadirecta.structure import Node, Provider
    from erp_sandbox.vendor import Received

COLLECTION = "/api/providers.xml"
_DETAIL = re.compile(r"/api/providers/[^/]+\.xml")
_SEND = re.compile(r"/api/[^/]+/[^/]+/send\.xml")
_COLLECTION_KINDS = {"GET": "list", "POST": "create", "PUT": "template"}
_DETAIL_KINDS = {"GET": "get", "PUT": "update", "DELETE": "delete"}

INVALID = "INVALID_INPUT_DATA"
HTML_401 = (
    "<!DOCTYPE html><html><head><title>401</title></head><body><h1>No autorizado</h1></body></html>"
)


class FacturaDirecta(Vendor[FacturaDirectaSwitches]):
    """The account: its providers, and what was asked of it.

    Requests are counted as ``provider.list``, ``.get``, ``.create``, ``.update``, ``.delete`` and
    ``.template``, ``send`` (a GET that sends a document to a customer: no tap may ever make it) and
    ``other``; besides, ``unauthorized`` counts 401 answers and ``api_token`` requests with the
    token in their query.

    Attributes:
        token: The API token that is accepted.
        on_list_request: Called with 1 for the first list request, 2 for the second and so on, after
            its answer was made and before it is sent: `add` and `remove` here change what the next
            page shows.
        sent: Ids for which a "send" call was received.
    """

    name: ClassVar[str] = "facturadirecta"

    token: str
    on_list_request: Callable[[int], None] | None
    sent: list[str]

    def make_switches(self) -> FacturaDirectaSwitches:
        """Return the switches at their defaults."""
        return FacturaDirectaSwitches()

    def load(self) -> None:
        """Go back to the account's first state; its providers are made when first asked for."""
        self.token = TOKEN
        self.on_list_request = None
        self.sent = []
        self._unauthorized = 0
        self._lists = 0
        self._loaded: Store | None = None
        self._listing = Listing()

    # --- what tests see and change ---------------------------------------------------------------

    @property
    def providers(self) -> Mapping[int, Provider]:
        """The providers by id, in the order of ids (a live view; change it by `put_provider`)."""
        with self.lock:
            return self._store.providers

    @property
    def labels(self) -> list[str]:
        """Custom fields of the account; `put_provider` adds those it meets."""
        with self.lock:
            return self._store.labels

    def put_provider(self, provider: Provider) -> Provider:
        """Store any provider that XML can express, in place of the one with its id.

        Args:
            provider: See `erp_sandbox.facturadirecta.structure.Provider`.

        Returns:
            What is held: empty text is ``None``, numbers but the id are text.

        Raises:
            ValueError: XML 1.0 cannot hold it.
        """
        with self.lock:
            return self._store.put(provider)

    def add(self, **elements: Node) -> int:
        """Add a provider (a company, unless `elements` say otherwise) and return its new id."""
        with self.lock:
            identifier = self._store.new_id()
            defaults: Provider = {"legalType": "J", "name": f"Proveedor {identifier}"}
            self._store.put({"id": identifier, **defaults, **elements})
            return identifier

    def remove(self, identifier: int) -> None:
        """Delete a provider; KeyError if there is none with that id."""
        with self.lock:
            self._store.remove(identifier)

    def clear(self) -> None:
        """Delete all providers."""
        with self.lock:
            self._store.clear()

    def enlarge_notes(self, identifier: int, characters: int = 9_000_000) -> None:
        """Give a provider a note of that length (the parser's limit for one text is 10 MB)."""
        sentence = "Nota larga & con acentos: mañana.\n"
        text = (sentence * (characters // len(sentence) + 1))[:characters]
        with self.lock:
            self._store.put({**self._store.providers[identifier], "notes": text})

    # --- what the framework asks -----------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes."""
        return [
            Route(COLLECTION, self._collection, methods=list(_COLLECTION_KINDS)),
            Route("/api/providers/{id}.xml", self._provider, methods=list(_DETAIL_KINDS)),
            Route("/api/{resource}/{id}/send.xml", self._send, methods=["GET"]),
            Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ]

    def kind_of(self, method: str, path: str) -> str:
        """Name a request for counting."""
        call = None
        if path == COLLECTION:
            call = _COLLECTION_KINDS.get(method)
        elif _DETAIL.fullmatch(path):
            call = _DETAIL_KINDS.get(method)
        elif _SEND.fullmatch(path) and method == "GET":
            return "send"
        return f"provider.{call}" if call else "other"

    def counts(self) -> Counter[str]:
        """Return how many requests were received, by kind."""
        counts = super().counts()
        counts["unauthorized"] = self._unauthorized
        counts["api_token"] = sum(
            "api_token" in parse_qs(received.query_string, keep_blank_values=True)
            for received in self.requests
        )
        return counts

    def data(self, kind: str) -> object:
        """Return ``providers`` (a list), ``labels`` or ``owners``."""
        with self.lock:
            return {
                "providers": list(self._store.providers.values()),
                "labels": list(self._store.labels),
                "owners": OWNERS,
            }[kind]

    def replay(self, entry: dict[str, object]) -> None:
        """Repeat a write of an earlier process."""
        with self.lock:
            if "put" in entry:
                self._store.put(cast("Provider", entry["put"]))
            else:
                self._store.remove(cast("int", entry["remove"]))

    async def before(self, request: Request, received: Received) -> Response | None:
        """Refuse a request without the right token."""
        del request
        if self._is_authorized(received):
            return None
        with self.lock:
            self._unauthorized += 1
        if self.switches.unauthorized_body == "html":
            answer = Response(HTML_401, 401, media_type="text/html")
        else:
            answer = self._error(401, "UNAUTHORIZED", "El token de acceso no es válido")
        answer.headers["WWW-Authenticate"] = 'Basic realm="FacturaDirecta"'
        return answer

    # --- the API ---------------------------------------------------------------------------------

    async def _collection(self, request: Request) -> Response:
        if request.method == "GET":
            return self._list(request.url.query)
        if request.method == "PUT":
            with self.lock:
                return self._xml(self._writer().provider(template(self._store.labels)))
        return self._create(await request.body(), auto_code=_wants_code(request))

    async def _provider(self, request: Request) -> Response:
        text = request.path_params["id"]
        body = await request.body()
        with self.lock:
            identifier = int(text) if text.isascii() and text.isdecimal() else -1
            if identifier not in self._store.providers:
                return self._error(404)
            if request.method == "DELETE":
                self._store.remove(identifier)
                self.record_write({"remove": identifier})
                return self._xml(self._writer().status(200))
            if request.method == "PUT":
                return self._update(identifier, body, auto_code=_wants_code(request))
            return self._xml(self._writer().provider(self._store.providers[identifier]))

    async def _send(self, request: Request) -> Response:
        """Send a document to its receiver: the vendor's API does this on a GET."""
        with self.lock:
            self.sent.append(request.path_params["id"])
        return self._xml(self._writer().status(200))

    async def _unknown(self, _: Request) -> Response:
        return self._error(404)

    def _create(self, body: bytes, *, auto_code: bool) -> Response:
        with self.lock:
            try:
                sent = read_provider(body)
                provider = created(self._store.new_id(), sent, self._store.labels)
            except (UnreadableBodyError, InvalidInputError) as error:
                return self._error(400, INVALID, str(error))
            return self._keep(provider, self.switches.created_status, auto_code=auto_code)

    def _update(self, identifier: int, body: bytes, *, auto_code: bool) -> Response:
        try:
            sent = read_provider(body)
            provider = updated(self._store.providers[identifier], sent, self._store.labels)
        except (UnreadableBodyError, InvalidInputError) as error:
            return self._error(400, INVALID, str(error))
        return self._keep(provider, 200, auto_code=auto_code)

    def _keep(self, provider: Provider, status: int, *, auto_code: bool) -> Response:
        if auto_code and not provider.get("companyCode"):
            codes = (other.get("companyCode") for other in self._store.providers.values())
            provider["companyCode"] = next_company_code(codes)
        stored = self._store.put(provider)
        self.record_write({"put": stored})
        return self._xml(self._writer().provider(stored), status)

    def _list(self, query: str) -> Response:
        with self.lock:
            try:
                page = self._listing.page(query, self._store, self.switches)
                answer = self._xml(page.body, page.status)
            except FilterError as error:
                answer = self._error(400, INVALID, str(error))
            self._lists += 1
            number, callback = self._lists, self.on_list_request
        if callback is not None:
            callback(number)
        return answer

    # --- answers ---------------------------------------------------------------------------------

    @property
    def _store(self) -> Store:
        if self._loaded is None:
            self._loaded = Store(make_providers(self.setup), LABELS)
        return self._loaded

    def _writer(self) -> XmlWriter:
        return XmlWriter(self.switches)

    def _xml(self, body: bytes, status: int = 200) -> Response:
        content_type = self.switches.content_type.replace("{encoding}", self.switches.encoding)
        return Response(body, status, {"Content-Type": content_type})

    def _error(self, status: int, code: str = "", message: str = "") -> Response:
        body = self._writer().status(status, code, message)
        return self._xml(body, 200 if self.switches.error_http_status == "200" else status)

    def _is_authorized(self, received: Received) -> bool:
        if self.switches.query_token and received.query.get("api_token") == self.token:
            return True
        scheme, _, encoded = received.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user = base64.b64decode(encoded, validate=True).partition(b":")[0]
        except binascii.Error:
            return False
        return user == self.token.encode()


def _wants_code(request: Request) -> bool:
    return request.query_params.get("autoCreateCompanyCode") == "true"
