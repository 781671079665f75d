"""Which articles SERPI holds: asked code by code, or read from the whole catalogue.

The filter `codigo` is documented as a number though codes are text. So what it finds is compared as
exact text, and what it does not find is believed to be absent only after it found, in this run, a code
of the same look; until then the catalogue is read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connector_kit.errors import UpstreamError
from serpi_client.client import SerpiClient
from serpi_client.paging import read_all_pages
from serpi_client.results import ReadPage
from target_serpi.exact import decode
from target_serpi.mapping.articulos import ARTICLE, CODIGO, ID
from target_serpi.settings import ARTICULOS

ROWS = 1000
"""Asked for in one call; more has not been seen to work."""

UNREAD_CATALOGUE_CALLS = 10
"""What reading a catalogue is taken to cost before it was read once: some ten thousand articles."""

MOST_FILTERED_PAGES = 3
"""A filter that gives more pages without the code asked for does not filter."""

LONGEST_NUMBER = 9
"""Digits that surely fit the filter's documented type."""

WHERE = f"stream {ARTICULOS}"

logger = logging.getLogger("target-serpi")

Article = Mapping[str, Any]


class _Head(msgspec.Struct):
    id: Any = None
    codigo: Any = None


_decode_heads = msgspec.json.Decoder(list[_Head]).decode


@dataclass(slots=True)
class _Reading:
    """What reading the whole catalogue gave."""

    calls: int = 1
    total: int = 0
    codes: set[str] = field(default_factory=set)
    ids: set[Any] = field(default_factory=set)
    found: dict[str, dict[Any, Article]] = field(default_factory=dict)

    @property
    def is_short(self) -> bool:
        """Whether SERPI announced more articles than it gave."""
        return len(self.ids) < self.total


class Catalogue:
    """SERPI's articles by code; between two calls only the codes are remembered.

    Attributes:
        is_complete: whether the whole catalogue was read in this run.
        calls: what reading it takes, guessed until it was read.
    """

    def __init__(self, client: SerpiClient) -> None:
        """Know nothing yet.

        Args:
            client: asks SERPI.
        """
        self._client = client
        self._codes: set[str] = set()
        self.is_complete = False
        self.calls = UNREAD_CATALOGUE_CALLS
        self._trusted_looks: set[frozenset[str]] = set()

    def has(self, code: str) -> bool | None:
        """Say whether SERPI has a code, None where that is not known."""
        if code in self._codes:
            return True
        return False if self.is_complete else None

    def created(self, codes: Iterable[str]) -> None:
        """Remember codes that were created."""
        self._codes.update(codes)

    def fetch(self, codes: Sequence[str]) -> dict[str, list[Article]]:
        """Read articles as they are now, by whatever takes fewer calls.

        Args:
            codes: exact text, each once.

        Returns:
            code -> articles, several where SERPI holds a code several times; a code that SERPI does not
            hold is left out.
        """
        if len(codes) >= self.calls:
            return self._from_catalogue(codes)
        found: dict[str, list[Article]] = {}
        for place, code in enumerate(codes):
            articles = self._by_filter(code)
            if articles is None:
                return found | self._from_catalogue(codes[place:])
            if articles:
                found[code] = articles
        return found

    def _by_filter(self, code: str) -> list[Article] | None:
        """Ask for one code.

        Returns:
            the articles with exactly this code, or None where the filter cannot be believed.
        """

        def ask(limite: int, pagina: int) -> ReadPage:
            return self._client.articulos_page(limite, pagina, codigo=code, where=WHERE)

        found: dict[Any, Article] = {}
        try:
            for number, answer in enumerate(read_all_pages(ask, ROWS, WHERE), 1):
                found |= _with_codes(answer, _heads(answer), {code}).get(code, {})
                has_more = answer.count is not None and answer.count > len(answer.rows)
                if found and not has_more:
                    break
                if number == MOST_FILTERED_PAGES and not found:
                    return None
        except UpstreamError as error:
            # A filter that is a number may well refuse a text; a SERPI that is down fails again.
            logger.info("%s: the filter `codigo` gives no answer (%s)", WHERE, error)
            return None
        if found:
            self._codes.add(code)
            self._trusted_looks.add(look_of(code))
            return list(found.values())
        return [] if look_of(code) in self._trusted_looks else None

    def _from_catalogue(self, codes: Sequence[str]) -> dict[str, list[Article]]:
        """Read all articles; remember every code and keep the articles asked for."""
        logger.info("%s: reading the catalogue for %d codes", WHERE, len(codes))
        reading = self._read(frozenset(codes))
        if reading.is_short:
            # Rows went while it was read, and others may have slipped between two pages.
            reading = self._read(frozenset(codes))
        self._codes = reading.codes
        self.is_complete = True
        self.calls = reading.calls
        return {code: list(articles.values()) for code, articles in reading.found.items()}

    def _read(self, wanted: frozenset[str]) -> _Reading:
        reading = _Reading()
        for answer in read_all_pages(self._ask, ROWS, WHERE):
            heads = _heads(answer)
            if reading.calls == 1 and answer.count is not None and answer.count > len(heads):
                # More than the page holds, so the message counts all rows.
                reading.total = answer.count
            reading.calls += 1
            reading.codes.update(code for code, _ in heads)
            reading.ids.update(identifier for _, identifier in heads)
            for code, articles in _with_codes(answer, heads, wanted).items():
                reading.found.setdefault(code, {}).update(articles)
        return reading

    def _ask(self, limite: int, pagina: int) -> ReadPage:
        return self._client.articulos_page(limite, pagina, where=WHERE)


def look_of(code: str) -> frozenset[str]:
    """Tell what a filter may stumble over in a code: leading zeros, letters, signs, its length."""
    looks = {
        "letters" if character.isalpha() else "digits" if character.isdecimal() else "signs"
        for character in code
    }
    if code.startswith("0"):
        looks.add("leading zero")
    if not code.isascii():
        looks.add("accents")
    if len(code) > LONGEST_NUMBER:
        looks.add("long")
    return frozenset(looks)


def _heads(answer: ReadPage) -> list[tuple[str, Any]]:
    """Return code and id of each row; a code's padding is no part of it."""
    try:
        heads = [(head.codigo, head.id) for head in _decode_heads(answer.body)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        heads = [(None, None)] * len(answer.rows)
    for place, (code, _) in enumerate(heads):
        if code is None:
            # Spelt otherwise, or a page that msgspec cannot read.
            record = decode(bytes(answer.rows[place]))
            heads[place] = (ARTICLE.stored(record).get(CODIGO), record.get(ID))
    return [(str(code).rstrip(), identifier) for code, identifier in heads]


def _with_codes(
    answer: ReadPage, heads: Sequence[tuple[str, Any]], wanted: AbstractSet[str]
) -> dict[str, dict[Any, Article]]:
    """Return the rows with some codes, by code and id: a row that comes twice is one article."""
    found: dict[str, dict[Any, Article]] = {}
    for place, (code, identifier) in enumerate(heads):
        if code in wanted:
            article = decode(bytes(answer.rows[place]))
            found.setdefault(code, {})[identifier] = article
    return found
