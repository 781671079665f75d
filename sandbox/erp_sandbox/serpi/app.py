"""SERPI on loopback: who may ask, what the routes answer, and what a test can reach."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, ClassVar, cast

from starlette.responses import Response
from starlette.routing import Route

from erp_sandbox.faults import Fault
from erp_sandbox.serpi import BASE_PATH, SECRET_KEY, TOKEN, access, envelope, generate
from erp_sandbox.serpi.generate import DOCUMENT_TYPES, DocumentKey, DocumentType
from erp_sandbox.serpi.reads import Reads, type_record
from erp_sandbox.serpi.store import Articles, Documents
from erp_sandbox.serpi.switches import SerpiSwitches
from erp_sandbox.serpi.writes import Commit, Writes
from erp_sandbox.vendor import Vendor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from erp_sandbox.serpi.envelope import Answer
    from erp_sandbox.serpi.reads import ListName
    from erp_sandbox.serpi.store import Record
    from erp_sandbox.vendor import Received

_DOCUMENTS = f"{BASE_PATH}/DocumentoContable"
_KINDS = {
    ("GET", f"{BASE_PATH}/Articulo"): "articulo.get",
    ("POST", f"{BASE_PATH}/Articulo"): "articulo.post",
    ("PUT", f"{BASE_PATH}/Articulo"): "articulo.put",
    ("GET", f"{_DOCUMENTS}/GetTipoDocumento"): "tipo_documento.get",
    ("POST", f"{_DOCUMENTS}/ConsultarDocumentoContables"): "documento.query",
    ("POST", _DOCUMENTS): "documento.post",
    ("PUT", _DOCUMENTS): "documento.put_delete",
}
WRITE_KINDS = ("articulo.post", "articulo.put", "documento.post", "documento.put_delete")

_SECOND_TYPE = DocumentType(115, "CCO", "COM", "COMPROBANTE DE COMPRA (DOS)")


class Serpi(Vendor[SerpiSwitches]):
    """SERPI on loopback.

    Requests are counted as ``articulo.get``, ``articulo.post``, ``articulo.put``,
    ``tipo_documento.get``, ``documento.query``, ``documento.post`` and ``documento.put_delete``.

    Attributes:
        articles, documents: What SERPI holds; see `Store`.
        document_types: What GetTipoDocumento lists.
        history: Every record that a write changed, in order.
        token, secret_key: What is let in.
        now: The server's clock, which its answers' ``Date`` shows.
    """

    name: ClassVar[str] = "serpi"

    def make_switches(self) -> SerpiSwitches:
        """Return the switches at their defaults."""
        return SerpiSwitches()

    def load(self) -> None:
        """Make the data anew."""
        self.articles = Articles(
            generate.make_articles(self.setup.scale, self.setup.seed), self.lock
        )
        self.document_types = list(DOCUMENT_TYPES)
        self.history: list[Commit] = []
        self.token, self.secret_key = TOKEN, SECRET_KEY
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._documents: Documents | None = None
        self._reads = Reads(self)
        self._writes = Writes(self)

    @property
    def documents(self) -> Documents:
        """The documents; made when first asked for, because a big lot of them takes seconds."""
        with self.lock:
            if self._documents is None:
                made = generate.make_documents(self.setup.scale, self.setup.seed)
                self._documents = Documents(made, self.lock)
            return self._documents

    def before_page(self, name: ListName, page: int, action: Callable[[], object]) -> None:
        """Do something once, right before a page of a list is made (rows that shift)."""
        self._reads.before_page(name, page, action)

    def types(self) -> list[DocumentType]:
        """Return the types of document, the second one of CCO, COM too if it is switched on."""
        return [*self.document_types, *([_SECOND_TYPE] if self.switches.double_type else [])]

    def type_id(self, key: DocumentKey) -> int | None:
        """Return the id of the type that a document belongs to; None if there is no such type."""
        if self.switches.double_type and key[:2] == ("CCO", "COM") and key[2] % 2:
            return _SECOND_TYPE.id
        for kind in self.document_types:
            if (kind.category, kind.prefix) == key[:2]:
                return kind.id
        return None

    def commit(self, commit: Commit, record: Record | None = None) -> None:
        """Keep note of a change that a write made."""
        self.history.append(commit)
        self.record_write({"kind": commit.kind, "id": commit.id, "record": record})

    def replay(self, entry: dict[str, object]) -> None:
        """Repeat one write of an earlier process."""
        store = self.articles if entry["kind"] == "articulos" else self.documents
        if entry["record"] is None:
            store.remove(cast("int", entry["id"]))
        else:
            store.put(cast("Record", entry["record"]))

    def kind_of(self, method: str, path: str) -> str:
        """Name a request for counting."""
        return _KINDS.get((method, path), "other")

    def data(self, kind: str) -> object:
        """Return what is held: articulos, documentos_contables, tipos_documento, history."""
        with self.lock:
            lists: dict[str, Callable[[], object]] = {
                "articulos": self.articles.all,
                "documentos_contables": self.documents.all,
                "tipos_documento": lambda: [type_record(kind) for kind in self.types()],
                "history": lambda: [
                    {"action": c.action, "kind": c.kind, "key": c.key, "id": c.id}
                    for c in self.history
                ],
            }
            return lists[kind]()

    def date(self) -> str:
        """Return the answers' ``Date``."""
        return format_datetime(self.now(), usegmt=True)

    def standing_fault(self, received: Received) -> Fault | None:
        """Return the lost answer that `lose_write_answers` asks for."""
        which = self.switches.lose_write_answers
        if which == "none" or received.kind not in WRITE_KINDS:
            return None
        number = sum(self.count(kind) for kind in WRITE_KINDS)
        lost = {"first": number == 1, "some": number % 3 == 0, "all": True}[which]
        return Fault("lost_answer") if lost else None

    async def before(self, request: Request, received: Received) -> Response | None:
        """Refuse who may not ask."""
        return access.refusal(self, request, received)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes."""
        articles = f"{BASE_PATH}/Articulo"
        types = f"{_DOCUMENTS}/GetTipoDocumento"
        documents = f"{_DOCUMENTS}/ConsultarDocumentoContables"
        return [
            _route("GET", articles, self._list_articles),
            _route("POST", articles, self._create_articles),
            _route("PUT", articles, self._update_articles),
            _route("GET", types, self._list_types),
            _route("POST", documents, self._query_documents),
            _route("POST", _DOCUMENTS, self._create_documents),
            _route("PUT", _DOCUMENTS, self._delete_documents),
        ]

    async def _list_articles(self, request: Request) -> Response:
        with self.lock:
            return self._read(self._reads.articles(_query(request)))

    async def _list_types(self, request: Request) -> Response:
        with self.lock:
            return self._read(self._reads.types(_query(request)))

    async def _query_documents(self, request: Request) -> Response:
        body = await request.body()
        with self.lock:
            return self._read(self._reads.documents(_query(request), body))

    async def _create_articles(self, request: Request) -> Response:
        body = await request.body()
        with self.lock:
            return self._written(self._writes.create_articles(body))

    async def _update_articles(self, request: Request) -> Response:
        body = await request.body()
        with self.lock:
            return self._written(self._writes.update_articles(body))

    async def _create_documents(self, request: Request) -> Response:
        body = await request.body()
        with self.lock:
            return self._written(self._writes.create_documents(body))

    async def _delete_documents(self, request: Request) -> Response:
        body = await request.body()
        with self.lock:
            return self._written(self._writes.delete_documents(body))

    def _read(self, answer: Answer) -> Response:
        return self._response(envelope.troubled(answer, self.switches.read_trouble))

    def _written(self, answer: Answer) -> Response:
        return self._response(envelope.troubled(answer, self.switches.write_trouble))

    def _response(self, answer: Answer) -> Response:
        charset = self.switches.charset
        body, content_type = answer.body, f"{answer.media_type}; charset=utf-8"
        if charset != "utf-8":
            body = body.decode(errors="surrogatepass").encode("latin-1", errors="replace")
            declared = "; charset=iso-8859-1" if charset == "latin1_declared" else ""
            content_type = answer.media_type + declared
        return Response(body, answer.status, {"content-type": content_type})


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=[method])


def _query(request: Request) -> dict[str, str]:
    """Return the query's parameters by name in lower case, as a .NET server takes them."""
    return {name.lower(): value for name, value in request.query_params.items()}
