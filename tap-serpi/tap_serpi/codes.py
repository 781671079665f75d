"""Articles by their codes, although SERPI documents its filter `codigo` as a number.

So the filter may compare numbers (`123` finds `00123`), refuse what is no number, or be ignored.
What it finds is compared as text here, and what it does not find is believed only of a code that
it is sure to understand.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgspec

from connector_kit.pages import NotJsonError, Page

MOST_DIGITS = 9
"""A whole number of so many digits fits every type that a server may use."""


class Look(Enum):
    """What a code looks like to a filter made for numbers."""

    NUMBER = "a plain number"
    LONG = "a number of many digits"
    ZEROS = "a number with leading zeros"
    TEXT = "no number"


def look_of(code: str) -> Look:
    """Tell what a code looks like."""
    if not (code.isascii() and code.isdigit()):
        return Look.TEXT
    if code.startswith("0") and code != "0":
        return Look.ZEROS
    return Look.NUMBER if len(code) <= MOST_DIGITS else Look.LONG


class WantedCodes:
    """The codes asked for, and what is known of the filter.

    Attributes:
        missing: the codes not found so far, in the order in which they were asked for.
        filter_is_ignored: whether an answer held codes that no filter would take for a match.
    """

    def __init__(self, codes: Iterable[str]) -> None:
        """Start with nothing found.

        Args:
            codes: as the user wrote them.
        """
        self.missing = list(dict.fromkeys(code.rstrip(" ") for code in codes))
        self.filter_is_ignored = False
        self._understood = {Look.NUMBER}
        self._refused: set[str] = set()

    def pick(self, page: Page, wanted: frozenset[str], asked: str | None = None) -> Page:
        """Keep the articles with exactly the wanted codes.

        Args:
            page: of articles, in the documented spelling.
            wanted: the codes to keep; two articles may have one code.
            asked: what the filter was given, None for the whole catalogue.

        Returns:
            those articles; the page itself where it holds what is no article, for the check of the
            schema to refuse it.
        """
        try:
            held = _codes_of(page)
        except NotJsonError:
            return page
        found = wanted.intersection(held)
        self.missing = [code for code in self.missing if code not in found]
        if asked is not None:
            if asked in found:
                self._understood.add(look_of(asked))
            if any(_folded(code) != _folded(asked) for code in held):
                self.filter_is_ignored = True
        return page.only([place for place, code in enumerate(held) if code in wanted])

    def refuse(self, code: str) -> None:
        """Take note that SERPI does not take a code as a filter."""
        self._refused.add(code)

    def doubtful(self) -> bool:
        """Whether a code is missing and the filter may not have understood it."""
        return any(
            self.filter_is_ignored or code in self._refused or look_of(code) not in self._understood
            for code in self.missing
        )


def _codes_of(page: Page) -> list[str]:
    try:
        values = [record.codigo for record in _decode(page.body)]
    except (msgspec.MsgspecError, RecursionError):
        values = [record.get("codigo") for record in page.records()]
    # Blanks that fill a text up are no part of it.
    return ["" if value is None else str(value).rstrip(" ") for value in values]


def _folded(code: str) -> str:
    """Take off what a database may not tell apart: leading zeros, case."""
    return code.strip().lstrip("0").casefold()


class _Codigo(msgspec.Struct):
    codigo: Any = None


_decode = msgspec.json.Decoder(list[_Codigo]).decode
