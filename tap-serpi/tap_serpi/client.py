"""What SERPI's streams share: asking, reading all pages, windows and bookmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, cast

import msgspec

from connector_kit.errors import SettingsError, UpstreamError
from connector_kit.pages import Page
from connector_kit.stream import ConnectorStream
from connector_kit.windows import DayWindow, cut_days, days_before, fingerprint, today_there
from serpi_client.client import SerpiClient
from serpi_client.envelope import CallRefusedError
from serpi_client.paging import Fetch, read_all_pages
from serpi_client.results import ReadPage
from tap_serpi.codes import Look, WantedCodes, look_of
from tap_serpi.pagination import Reading
from tap_serpi.spelling import with_documented_spelling

if TYPE_CHECKING:
    from tap_serpi.tap import TapSerpi

ZONE = "America/Bogota"
UNTIL_KEY = "until"
FROM_KEY = "from"
FINGERPRINT_KEY = "fingerprint"
TYPES_KEY = "types"

CLOCKS_DIFFER = timedelta(days=2)
"""By so much SERPI's servers may disagree about the day; a bookmark that is later yet is wrong."""


class _Tipo(msgspec.Struct):
    id: int


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
        known = (*self.documented_schema["properties"], *self.stream_schema.property_names())
        return with_documented_spelling(page, known, self.name)

    def all_pages(self, fetch: Fetch) -> Iterator[ReadPage]:
        """Read every page of a call, once more where its own messages show that rows moved.

        Args:
            fetch: asks for (limite, pagina).

        Yields:
            each answer with rows.
        """
        reading = Reading()
        yield from self._one_reading(fetch, reading)
        if reading.rows_moved and self._seen is not None:
            # A row that moved to a page that was read already was not seen; known rows are left out.
            self.logger.info(
                "%s: SERPI's count of rows changed while they were read; they are read once more",
                self.name,
            )
            reading = reading.again()
            yield from self._one_reading(fetch, reading)
        if reading.total is not None and reading.total != reading.rows:
            self.logger.warning(
                "%s: SERPI announced %s rows and gave %s; rows were added or removed while they were"
                " read. Run again to be sure.",
                self.name,
                f"{reading.total:,}",
                f"{reading.rows:,}",
            )

    def _one_reading(self, fetch: Fetch, reading: Reading) -> Iterator[ReadPage]:
        for answer in read_all_pages(fetch, self.tap.values["page_size"], self.where):
            reading.note(answer)
            if self.is_snapshot:
                self.progress.expect(reading.total)
            self.logger.debug("%s: a page of %d rows", self.name, len(answer.rows))
            known_before = self._known_rows()
            yield answer
            reading.require_news(len(answer.rows) - (self._known_rows() - known_before), self.where)

    def _known_rows(self) -> int:
        """Count the rows so far whose key had come before."""
        return 0 if self._seen is None else self._seen.repeated + self._seen.changed


class ArticuloStream(SerpiStream):
    """GET /Articulo: the whole catalogue, or some codes."""

    def begin(self) -> None:
        """Get ready; some codes alone are no whole table, and what is missing is not gone."""
        self.is_snapshot = not self.tap.values.get("codigo")
        super().begin()

    def read_pages(self) -> Iterator[Page]:
        """Yield the pages of the catalogue, or the articles with the codes asked for."""
        codes: list[str] = self.tap.values.get("codigo", [])
        if codes:
            yield from self._by_codes(WantedCodes(codes))
            return
        for answer in self.all_pages(self._fetch(None)):
            yield answer.page

    def _by_codes(self, codes: WantedCodes) -> Iterator[Page]:
        for code in tuple(codes.missing):
            if code in codes.missing and not codes.filter_is_ignored:
                yield from self._by_code(codes, code)
        if codes.doubtful():
            self.logger.info(
                "%s: the filter `codigo` cannot be relied on, so all articles are read", self.name
            )
            yield from self._picked(codes, None)
        if codes.missing:
            self.logger.warning(
                "%s: SERPI has no article with the code %s; codes are compared as exact text",
                self.name,
                ", ".join(codes.missing),
            )

    def _by_code(self, codes: WantedCodes, code: str) -> Iterator[Page]:
        try:
            yield from self._picked(codes, code)
        except CallRefusedError:
            if look_of(code) is Look.NUMBER:
                raise
            codes.refuse(code)

    def _picked(self, codes: WantedCodes, asked: str | None) -> Iterator[Page]:
        wanted = frozenset(codes.missing)
        for answer in self.all_pages(self._fetch(asked)):
            yield codes.pick(self.prepared(answer.page), wanted, asked)

    def _fetch(self, codigo: str | None) -> Fetch:
        return lambda limite, pagina: self.serpi.articulos_page(
            limite, pagina, codigo=codigo, where=self.where
        )


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

    The bookmark holds the last day that was read (`until`) and the types that were read so far. With
    a key, later runs look back some days, because entries are back-dated; without one, only whole past
    days are read, and never again.
    """

    is_snapshot = False
    _until: date | None = None
    _known_types: Sequence[int] = ()

    def read_pages(self) -> Iterator[Page]:
        """Yield the pages of the windows that are due, and bookmark each window when it is out."""
        if not self.primary_keys:
            self.logger.info(
                "%s: has no key, so whole past days are read, each once, and nothing of today; name its"
                " key in `key_properties` to look back for entries that are back-dated",
                self.name,
            )
        types, today = self._types()
        if not types:
            # The bookmark stays: what is listed later is read from where it is now.
            self.logger.warning("%s: SERPI lists no document types, so nothing is read", self.name)
            return
        start = self._start(today)
        last = self._last_day(today)
        yield from self._earlier_days_of_new_types(types, start)
        for window in cut_days(start, last, self.tap.values["window_days"]):
            yield from self._window(types, window)
            self._bookmark(window.last)

    def _earlier_days_of_new_types(self, types: Sequence[int], start: date) -> Iterator[Page]:
        """Read what a type that is listed for the first time has before the days that are due."""
        known = self._known_types
        new = [tipo for tipo in types if tipo not in known] if known else []
        first: date = self.tap.values["start_date"]
        if new and first < start:
            self.logger.info(
                "%s: SERPI lists document types that it did not list before (%s); their earlier days"
                " are read too",
                self.name,
                ", ".join(map(str, new)),
            )
            before = start - timedelta(days=1)
            for window in cut_days(first, before, self.tap.values["window_days"]):
                yield from self._window(new, window)
        self._known_types = sorted({*known, *types})

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
            types += self._type_ids(answer.page)
        return self._chosen(list(dict.fromkeys(types))), today_there(http_date, ZONE)

    def _type_ids(self, page: Page) -> list[int]:
        page = with_documented_spelling(page, ("id",), self.name)
        try:
            return [tipo.id for tipo in _decode_tipos(page.body)]
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UpstreamError(
                f"{self.where}: SERPI lists a document type without a whole number as `id`, so its"
                " documents cannot be asked for. Ask SERPI."
            ) from error

    def _chosen(self, listed: list[int]) -> list[int]:
        chosen: list[int] = self.tap.values.get("document_types", [])
        if not chosen:
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
        address = self.tap.values["api_url"].rstrip("/")
        types = sorted(set(self.tap.values.get("document_types", [])))
        return fingerprint([address, types, self.primary_keys])

    def _start(self, today: date) -> date:
        """Return the first day to read; the bookmark starts anew where that is the very first."""
        first: date = self.tap.values["start_date"]
        until = _day(self.bookmark.get(UNTIL_KEY))
        reason = None if until is None else self._reason_for_all(until, today)
        if until is None or reason is not None:
            self._until = None
            if reason is not None:
                self.logger.info("%s: read in full: %s", self.name, reason)
            return first
        self._until = until
        self._known_types = _whole_numbers(self.bookmark.get(TYPES_KEY))
        if not self.primary_keys:
            return max(first, until + timedelta(days=1))
        return days_before(until, self.tap.values["lookback_days"], first)

    def _reason_for_all(self, until: date, today: date) -> str | None:
        if self.reads_in_full:
            return "the catalog asks for it"
        if self.bookmark.get(FINGERPRINT_KEY) != self._parameters():
            return "the address, the document types or the key have changed"
        read_from = _day(self.bookmark.get(FROM_KEY))
        if read_from is None or self.tap.values["start_date"] < read_from:
            return "`start_date` is earlier than before"
        if until - today > CLOCKS_DIFFER:
            return "the bookmark lies in SERPI's future, so a clock was wrong when it was made"
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
                TYPES_KEY: self._known_types,
            }
        )
        self.tap.state_lines.write()


def _whole_numbers(value: object) -> list[int]:
    values = value if isinstance(value, list) else []
    return [item for item in values if isinstance(item, int)]


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
