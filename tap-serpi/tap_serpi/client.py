"""What SERPI's streams share: asking, reading all pages, windows and bookmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from connector_kit.errors import SettingsError, UpstreamError
from connector_kit.pages import Page
from connector_kit.stream import ConnectorStream
from connector_kit.windows import DayWindow, cut_days, fingerprint, today_there
from serpi_client.client import SerpiClient
from serpi_client.paging import read_all_pages
from serpi_client.results import ReadPage
from tap_serpi.spelling import with_documented_spelling

if TYPE_CHECKING:
    from tap_serpi.tap import TapSerpi

ZONE = "America/Bogota"
UNTIL_KEY = "until"
FROM_KEY = "from"
FINGERPRINT_KEY = "fingerprint"


class _Codigo(msgspec.Struct):
    codigo: Any = None


class _Tipo(msgspec.Struct):
    id: int


_decode_codigos = msgspec.json.Decoder(list[_Codigo]).decode
_decode_tipos = msgspec.json.Decoder(list[_Tipo]).decode


class SerpiStream(ConnectorStream):
    """Base of the streams: every page of a call, whatever SERPI does with paging."""

    pages_can_shift: ClassVar[bool] = True

    @property
    def serpi(self) -> SerpiClient:
        """The client of this run."""
        return cast("TapSerpi", self.tap).serpi

    @property
    def where(self) -> str:
        """How messages name this stream."""
        return f"stream {self.name}"

    def prepared(self, page: Page) -> Page:
        """Give the keys their documented spelling."""
        return with_documented_spelling(page, self.documented_schema["properties"], self.name)

    def all_pages(self, fetch: Callable[[int, int], ReadPage]) -> Iterator[ReadPage]:
        """Read every page of a call and compare the rows with the message's count.

        Args:
            fetch: asks for (limite, pagina).

        Yields:
            each answer with rows.
        """
        rows, total = 0, None
        for answer in read_all_pages(fetch, self.tap.values["page_size"], self.where):
            if rows == 0 and answer.count is not None and answer.count > len(answer.rows):
                # More than the page holds, so the message counts all rows.
                total = answer.count
                self.progress.expect(total)
            rows += len(answer.rows)
            self.logger.debug("%s: a page of %d rows", self.name, len(answer.rows))
            yield answer
        if total is not None and total != rows:
            self.logger.warning(
                "%s: SERPI announced %s rows and gave %s; rows were added or removed while they were"
                " read. Run again to be sure.",
                self.name,
                f"{total:,}",
                f"{rows:,}",
            )


class ArticuloStream(SerpiStream):
    """GET /Articulo: the whole catalogue, or some codes."""

    def begin(self) -> None:
        """Get ready; some codes alone are no whole table, and what is missing is not gone."""
        self.is_snapshot = not self.tap.values.get("codigo")
        super().begin()

    def read_pages(self) -> Iterator[Page]:
        """Yield the pages of the catalogue, or the articles with the codes asked for."""
        codes: list[str] = self.tap.values.get("codigo", [])
        if not codes:
            for answer in self.all_pages(self._fetch(None)):
                yield answer.page
            return
        missing = set(codes)
        for code in dict.fromkeys(codes):
            filter_is_ignored = False
            for answer in self.all_pages(self._fetch(code)):
                found, foreign = _with_codes(answer.page, {code})
                missing -= {code} if found.slices else set()
                filter_is_ignored = filter_is_ignored or foreign
                yield found
            if filter_is_ignored:
                yield from self._from_catalogue(missing)
                break
        if missing:
            self.logger.warning(
                "%s: SERPI has no article with the code %s; codes are compared as exact text",
                self.name,
                ", ".join(sorted(missing)),
            )

    def _from_catalogue(self, codes: set[str]) -> Iterator[Page]:
        """Read the codes that are left out of the whole catalogue, as the filter does nothing."""
        if not codes:
            return
        self.logger.info("%s: SERPI ignores the filter `codigo`; all are read", self.name)
        for answer in self.all_pages(self._fetch(None)):
            found, _ = _with_codes(answer.page, codes)
            codes -= {member.codigo for member in _decode_codigos(found.body)}
            yield found

    def _fetch(self, codigo: str | None) -> Callable[[int, int], ReadPage]:
        return lambda limite, pagina: self.serpi.articulos_page(
            limite, pagina, codigo=codigo, where=self.where
        )


def _with_codes(page: Page, codes: set[str]) -> tuple[Page, bool]:
    """Keep the articles with exactly these codes, and say whether others look like no match at all.

    The filter is documented as a number: `1` may find `001` too, which is no sign that it does nothing.
    """
    try:
        found = [member.codigo for member in _decode_codigos(page.body)]
    except msgspec.MsgspecError:
        found = [record.get("codigo") for record in page.records()]
    alike = {code.strip().lstrip("0") for code in codes}
    foreign = any(str(code).strip().lstrip("0") not in alike for code in found)
    return page.only([place for place, code in enumerate(found) if code in codes]), foreign


class TipoDocumentoStream(SerpiStream):
    """GET /DocumentoContable/GetTipoDocumento."""

    def read_pages(self) -> Iterator[Page]:
        """Yield the pages of the document types."""
        for answer in self.all_pages(self.fetch):
            yield answer.page

    def fetch(self, limite: int, pagina: int) -> ReadPage:
        """Ask for a page of document types."""
        return self.serpi.tipos_documento_page(limite, pagina, where=self.where)


class DocumentoStream(SerpiStream):
    """POST /DocumentoContable/ConsultarDocumentoContables, window by window.

    The bookmark holds the last day that was read (`until`). With a key, later runs look back some days,
    because entries are back-dated; without one, only whole past days are read, and never again.
    """

    is_snapshot = False
    _until: date | None = None

    def read_pages(self) -> Iterator[Page]:
        """Yield the pages of the windows that are due, and bookmark each window when it is out."""
        types, today = self._types()
        start = self._start()
        last = self._last_day(today)
        if not types:
            self.logger.info("%s: SERPI lists no document types", self.name)
        for window in cut_days(start, last, self.tap.values["window_days"]):
            if types:
                yield from self._window(types, window)
            self._bookmark(window.last)

    def _window(self, types: Sequence[int], window: DayWindow) -> Iterator[Page]:
        def fetch(limite: int, pagina: int) -> ReadPage:
            return self.serpi.documentos_page(
                types, window.first, window.last, limite, pagina, where=self.where
            )

        self.logger.debug("%s: %s to %s", self.name, window.first, window.last)
        for answer in self.all_pages(fetch):
            yield answer.page

    def _types(self) -> tuple[list[int], date]:
        """Ask for the document types, and see what day it is for SERPI."""
        types: list[int] = []
        http_date: str | None = None

        def fetch(limite: int, pagina: int) -> ReadPage:
            nonlocal http_date
            answer = self.serpi.tipos_documento_page(limite, pagina, where=self.where)
            http_date = answer.date
            return answer

        for answer in read_all_pages(fetch, self.tap.values["page_size"], self.where):
            page = with_documented_spelling(answer.page, ("id",), self.name)
            try:
                types += [tipo.id for tipo in _decode_tipos(page.body)]
            except msgspec.MsgspecError as error:
                raise UpstreamError(
                    f"{self.where}: SERPI lists a document type without a whole number as `id`, so"
                    " its documents cannot be asked for. Ask SERPI."
                ) from error
        return self._chosen(list(dict.fromkeys(types))), today_there(http_date, ZONE)

    def _chosen(self, listed: list[int]) -> list[int]:
        chosen: list[int] | None = self.tap.values.get("document_types")
        if chosen is None:
            return listed
        unknown = [str(tipo) for tipo in chosen if tipo not in listed]
        if unknown:
            fault = (
                f"setting 'document_types': SERPI lists no type with the id {', '.join(unknown)};"
                f" it lists {', '.join(map(str, sorted(listed))) or 'none'}"
            )
            raise SettingsError([fault])
        return sorted(set(chosen))

    def _parameters(self) -> str:
        values = self.tap.values
        return fingerprint([values["api_url"], values.get("document_types"), self.primary_keys])

    def _start(self) -> date:
        """Return the first day to read; the bookmark starts anew where that is the very first."""
        first: date = self.tap.values["start_date"]
        until = _day(self.bookmark.get(UNTIL_KEY))
        reason = None if until is None else self._reason_for_all()
        if until is None or reason is not None:
            self._until = None
            if reason is not None:
                self.logger.info("%s: read in full: %s", self.name, reason)
            return first
        self._until = until
        if not self.primary_keys:
            return max(first, until + timedelta(days=1))
        return max(first, until - timedelta(days=self.tap.values["lookback_days"]))

    def _reason_for_all(self) -> str | None:
        if self.reads_in_full:
            return "the catalog asks for it"
        if self.bookmark.get(FINGERPRINT_KEY) != self._parameters():
            return "the address, the document types or the key have changed"
        read_from = _day(self.bookmark.get(FROM_KEY))
        if read_from is None or self.tap.values["start_date"] < read_from:
            return "`start_date` is earlier than before"
        return None

    def _last_day(self, today: date) -> date:
        # Without a key a loader appends its rows, so a day that is not over is left for later.
        last = today if self.primary_keys else today - timedelta(days=1)
        end: date | None = self.tap.values.get("end_date")
        return last if end is None else min(last, end)

    def _bookmark(self, until: date) -> None:
        # The days of a lookback lie before what was read already.
        self._until = until if self._until is None else max(until, self._until)
        self.set_bookmark(
            **{
                UNTIL_KEY: self._until.isoformat(),
                FROM_KEY: self.tap.values["start_date"].isoformat(),
                FINGERPRINT_KEY: self._parameters(),
            }
        )
        self.tap.state_lines.write()


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
