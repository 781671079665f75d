"""Which accounting documents SERPI holds: asked by type, range of numbers and all days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from connector_kit.errors import UpstreamError
from serpi_client.client import SerpiClient
from serpi_client.paging import read_all_pages
from serpi_client.results import ReadPage
from target_serpi.exact import decode
from target_serpi.mapping.documentos import DocumentKey, key_of, stored_document
from target_serpi.settings import DOCUMENTOS

ROWS = 500
"""Asked for in one call; documents have many lines."""

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2078, 12, 31)
"""Every day that SERPI's database can hold, whichever of its date types it uses."""

WIDEST_GAP = 500
"""Numbers further apart than this are asked for in two calls, rather than all between them."""

WHERE = f"stream {DOCUMENTOS}"

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that SERPI holds.

    Attributes:
        raw: as it was read.
        content: in a payload's form.
    """

    raw: bytes
    content: dict[str, Any]


class DocumentLookup:
    """Asks SERPI for types and documents."""

    def __init__(self, client: SerpiClient) -> None:
        """Know nothing yet.

        Args:
            client: asks SERPI.
        """
        self._client = client
        self._types: dict[Pair, list[int]] | None = None

    def types(self) -> Mapping[Pair, list[int]]:
        """Return the ids of the types by category and prefix; read once a run."""
        if self._types is None:
            types: dict[Pair, list[int]] = {}
            for answer in read_all_pages(self._ask_types, ROWS, WHERE):
                for row in answer.rows:
                    pair, identifier = _type_of(decode(bytes(row)))
                    ids = types.setdefault(pair, [])
                    if identifier not in ids:
                        ids.append(identifier)
            self._types = types
        return self._types

    def _ask_types(self, limite: int, pagina: int) -> ReadPage:
        return self._client.tipos_documento_page(limite, pagina, where=WHERE)

    def fetch(self, keys: Iterable[DocumentKey]) -> dict[DocumentKey, list[StoredDocument]]:
        """Read documents as they are now.

        Args:
            keys: one whose pair has no type is not there.

        Returns:
            key -> documents, several where SERPI holds a key several times; a key that SERPI does not
            hold is left out.
        """
        numbers: dict[Pair, set[int]] = {}
        for key in keys:
            numbers.setdefault(key.pair, set()).add(key.number)
        found: dict[DocumentKey, dict[Any, StoredDocument]] = {}
        for pair, wanted in numbers.items():
            types = self.types().get(pair, [])
            for first, last in ranges_of(wanted) if types else ():
                for identifier, document in self._in_range(types, first, last):
                    key = key_of(document.content)
                    if key.pair == pair and key.number in wanted:
                        found.setdefault(key, {})[identifier] = document
        return {key: list(documents.values()) for key, documents in found.items()}

    def _in_range(
        self, types: Sequence[int], first: int, last: int
    ) -> Iterator[tuple[Any, StoredDocument]]:
        def ask(limite: int, pagina: int) -> ReadPage:
            return self._client.documentos_page(
                types,
                FIRST_DAY,
                LAST_DAY,
                limite,
                pagina,
                numero_desde=first,
                numero_hasta=last,
                where=WHERE,
            )

        for answer in read_all_pages(ask, ROWS, WHERE):
            for row in answer.rows:
                raw = bytes(row)
                record = decode(raw)
                # A row that comes twice because rows moved is one document.
                yield record.get("id", raw), StoredDocument(raw, stored_document(record))


def ranges_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Cut numbers into ranges to ask for, so that few others lie between them.

    Args:
        numbers: in any order.

    Returns:
        first and last of each range.
    """
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number - ranges[-1][1] <= WIDEST_GAP:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _type_of(record: Mapping[str, Any]) -> tuple[Pair, int]:
    named = {name.casefold(): value for name, value in record.items()}
    category, prefix, identifier = (
        named.get(name) for name in ("categoriadocumento", "prefijo", "id")
    )
    if not isinstance(category, str) or not isinstance(prefix, str) or type(identifier) is not int:
        raise UpstreamError(
            f"SERPI, {WHERE}: GetTipoDocumento lists a type without category, prefix or id, so it is"
            " not known where documents belong. Ask SERPI, then run again."
        )
    return (category.rstrip(), prefix.rstrip()), identifier
