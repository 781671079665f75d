"""SERPI's reads: articles, types of document, documents.

Pages: https://www.wikiserpi.com/index.php/API_Articulos (GET) and API_Documentos_Inventario
(GetTipoDocumento, ConsultarDocumentoContables).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal, cast

from erp_sandbox import exact
from erp_sandbox.serpi import envelope, rendering
from erp_sandbox.serpi.checks import wrong_with
from erp_sandbox.serpi.fields import Field, Kind
from erp_sandbox.serpi.paging import Asked, BadParameterError, asked_of, numbered, window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from erp_sandbox.serpi.app import Serpi
    from erp_sandbox.serpi.envelope import Answer
    from erp_sandbox.serpi.generate import DocumentType

ListName = Literal["articulos", "tipos_documento", "documentos_contables"]

_QUERY_FIELDS = (
    Field("tiposDocumentos", Kind.LINES, required=True),
    Field("numeroDesde", Kind.INT),
    Field("numeroHasta", Kind.INT),
    Field("fechaDesde", Kind.DAY, required=True),
    Field("fechaHasta", Kind.DAY, required=True),
)


@dataclasses.dataclass(frozen=True)
class _Hook:
    """What a test wants done before a page is made."""

    name: ListName
    page: int
    action: Callable[[], object]


class Reads:
    """The reads of one `Serpi`; called with its lock held."""

    def __init__(self, serpi: Serpi) -> None:
        self._serpi = serpi
        self._hooks: list[_Hook] = []
        self._readings = 0
        self._moved: set[str] = set()

    def before_page(self, name: ListName, page: int, action: Callable[[], object]) -> None:
        """Do something once, right before a page of a list is made."""
        self._hooks.append(_Hook(name, page, action))

    def articles(self, query: Mapping[str, str]) -> Answer:
        """GET /Articulo."""
        try:
            asked = self._begin("articulos", query)
        except BadParameterError as error:
            return self._refused(str(error))
        rows = self._matching(query.get("codigo", ""))
        rows = rendering.in_order(rows, self._serpi.switches, self._serpi.setup.seed)
        return self._page(rows, asked, lambda page: rendering.articles(page, self._serpi.switches))

    def types(self, query: Mapping[str, str]) -> Answer:
        """GET /DocumentoContable/GetTipoDocumento."""
        try:
            asked = self._begin("tipos_documento", query)
        except BadParameterError as error:
            return self._refused(str(error))
        rows = [exact.dumps(type_record(kind)).encode() for kind in self._serpi.types()]
        return self._page(rows, asked, lambda page: [row for _, row in page])

    def documents(self, query: Mapping[str, str], body: bytes) -> Answer:
        """POST /DocumentoContable/ConsultarDocumentoContables: a read, by a body."""
        try:
            asked = self._begin("documentos_contables", query)
            wanted = _range_of(body)
        except BadParameterError as error:
            return self._refused(str(error))
        switches = self._serpi.switches
        self._readings += asked.page == 1
        rows = rendering.in_order(self._in_range(wanted), switches, self._serpi.setup.seed)
        return self._page(
            rows, asked, lambda page: rendering.documents(page, switches, self._readings)
        )

    def _begin(self, name: ListName, query: Mapping[str, str]) -> Asked:
        asked = asked_of(query)
        due = [hook for hook in self._hooks if (hook.name, hook.page) == (name, asked.page)]
        for hook in due:
            self._hooks.remove(hook)
            hook.action()
        if name == "articulos":
            self._move_rows(asked.page)
        return asked

    def _move_rows(self, page: int) -> None:
        serpi, switches = self._serpi, self._serpi.switches
        if page == switches.insert_before_page and "insert" not in self._moved:
            self._moved.add("insert")
            serpi.articles.add(first=True, codigo="INTERCALADO")
        if page == switches.delete_before_page and "delete" not in self._moved:
            self._moved.add("delete")
            serpi.articles.remove(serpi.articles.first_id())

    def _matching(self, code: str) -> list[bytes]:
        articles, how = self._serpi.articles, self._serpi.switches.codigo_filter
        if not code or how == "ignored":
            return articles.rows()
        if how == "exact":
            return [articles.row(identifier) for identifier in articles.ids(code)]
        fits = _same_number if how == "number" else str.startswith
        held = zip(articles.rows(), articles.all_keys(), strict=True)
        return [row for row, key in held if fits(key, code)]

    def _in_range(self, wanted: dict[str, Any]) -> list[bytes]:
        serpi = self._serpi
        lowest, highest = wanted.get("numeroDesde"), wanted.get("numeroHasta")
        return [
            row
            for _, key, day, row in serpi.documents.days()
            if wanted["fechaDesde"] <= day <= wanted["fechaHasta"]
            and serpi.type_id(key) in wanted["tiposDocumentos"]
            and (lowest is None or key[2] >= lowest)
            and (highest is None or key[2] <= highest)
        ]

    def _page(
        self,
        rows: Sequence[bytes],
        asked: Asked,
        render: Callable[[list[tuple[int, bytes]]], list[bytes]],
    ) -> Answer:
        switches = self._serpi.switches
        window = window_of(asked, len(rows), switches)
        if window.past_end and switches.past_end == "http404":
            return envelope.nothing("http404")
        page = numbered(rows, window)
        if not page:
            return envelope.nothing(switches.empty_answer)
        count = len(rows) if switches.message_count == "total" else len(page)
        return envelope.found(render(page), count)

    def _refused(self, reason: str) -> Answer:
        beside = 200 if self._serpi.switches.write_refusal == "body" else 400
        return envelope.refused(400, [reason], beside=beside)


def type_record(kind: DocumentType) -> dict[str, object]:
    """Return a type of document as GetTipoDocumento shows it."""
    return {
        "id": kind.id,
        "categoriaDocumento": kind.category,
        "prefijo": kind.prefix,
        "descripcion": kind.description,
    }


def _same_number(held: str, asked: str) -> bool:
    return held.isdecimal() and asked.isdecimal() and int(held) == int(asked)


def _range_of(body: bytes) -> dict[str, Any]:
    try:
        wanted = exact.loads(body)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise BadParameterError("body debe ser un objeto")
    for name, reason in wrong_with(wanted, _QUERY_FIELDS):
        raise BadParameterError(f"{name} {reason}")
    return cast("dict[str, Any]", wanted)
