r"""A page: the records of one answer as their own bytes, cut out but not decoded.

What msgspec's `Raw` does not see is seen here: line breaks between tokens (one message a line), and
texts that PostgreSQL refuses (`\u0000`, lone surrogates). A page that msgspec cannot cut is read by the
standard library, with every number kept as `Decimal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import simplejson

NUL_ESCAPE = re.compile(rb"\\u0000")
BYTES_A_BACKSLASH = 1024
"""Where there are no more backslashes than one in so many bytes, they are looked at one by one."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"

_decode_slices = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_records = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal).decode
_encode = msgspec.json.Encoder().encode


class NotJsonError(ValueError):
    """The text is no list of JSON objects."""


class TwoValuesError(ValueError):
    """A record has two values for what is one member; the message is the member's name."""


@dataclass(slots=True)
class Page:
    """Records of one answer, or of one piece of a large one.

    Attributes:
        body: a JSON list, UTF-8, on one line.
        slices: the records' own bytes, in order; they belong to `body`.
        replaced: how many characters were replaced by U+FFFD.
        bookmark: what the stream's bookmark says once the page is out, if anything.
        passed: the check of a schema that every value has passed (`StreamSchema.holds`).
    """

    body: bytes
    slices: Sequence[msgspec.Raw | bytes]
    replaced: int = 0
    bookmark: dict[str, Any] | None = None
    passed: object = None

    def parts(self, size: int) -> Iterator[Page]:
        """Yield pages of at most `size` records, without the bookmark, which speaks of all of them."""
        if len(self.slices) <= size:
            yield self
            return
        for start in range(0, len(self.slices), size):
            slices = self.slices[start : start + size]
            yield Page(b"[" + b",".join(slices) + b"]", slices, passed=self.passed)

    def only(self, positions: Sequence[int]) -> Page:
        """Return a page of some of the records."""
        slices = [self.slices[position] for position in positions]
        return Page(b"[" + b",".join(slices) + b"]", slices, self.replaced, self.bookmark)

    def records(self) -> list[dict[str, Any]]:
        """Decode the records exactly: numbers with a point become `Decimal`."""
        try:
            return _decode_records(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError):
            # What msgspec cannot read the standard library may, and says what is wrong otherwise.
            return _records_of(exact_value(self.body))


def cut_page(body: bytes) -> Page:
    """Cut a JSON list into its records.

    Args:
        body: the list, UTF-8.

    Returns:
        the page.

    Raises:
        NotJsonError: the body is not JSON, is cut, is no list, or has an item that is no object.
    """
    page = try_cut(body)
    # What msgspec cannot read the standard library may (deep nesting, lone surrogates).
    return page_of_value(exact_value(body)) if page is None else page


def try_cut(body: bytes) -> Page | None:
    """Cut a JSON list as `cut_page` does, the fast way alone.

    Args:
        body: the list, UTF-8; it may be cut off.

    Returns:
        the page, or None where the fast way cannot read the body.
    """
    # msgspec lets NUL through and refuses lone surrogates by itself.
    if _may_hold_nul(body):
        return None
    try:
        if b"\n" in body or b"\r" in body:
            body = msgspec.json.format(body, indent=-1)
        return Page(body, _decode_slices(body))
    except (msgspec.DecodeError, RecursionError):
        return None


def joined_page(slices: Sequence[msgspec.Raw]) -> Page:
    """Make a page of records that were cut already, as part of a larger text.

    Args:
        slices: each record's JSON, UTF-8.

    Returns:
        the page.

    Raises:
        NotJsonError: as `cut_page`.
    """
    body = b"[" + b",".join(slices) + b"]"
    if _may_hold_nul(body) or b"\n" in body or b"\r" in body:
        return cut_page(body)
    return Page(body, slices)


def _may_hold_nul(body: bytes) -> bool:
    """Look for NUL's escape; a text that is no escape may be taken for one, which is only slower.

    Looking for one byte is many times as fast as for six, so a few backslashes are looked at one by
    one; most texts have hardly any.
    """
    place = body.find(b"\\")
    for _ in range(len(body) // BYTES_A_BACKSLASH + 1):
        if place < 0:
            return False
        if body.startswith(b"u0000", place + 1):
            return True
        place = body.find(b"\\", place + 2)
    return place >= 0 and NUL_ESCAPE.search(body, place) is not None


def page_of_value(value: Any) -> Page:  # noqa: ANN401 - any JSON value
    """Make a page of a list that was read exactly, as part of a larger text.

    Args:
        value: as `exact_value` gives it.

    Returns:
        the page.

    Raises:
        NotJsonError: as `cut_page`.
    """
    records = _records_of(value)
    cleaner = _TextCleaner()
    try:
        page = page_of_records([cleaner.clean(record) for record in records])
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error
    page.replaced = cleaner.replaced
    return page


def exact_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Write a value as JSON on one line, UTF-8; a `Decimal` keeps its digits."""
    text: str = simplejson.dumps(
        value, use_decimal=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def _records_of(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NotJsonError("not a list of JSON objects")
    return value


def exact_value(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON with the standard library, numbers with a point as `Decimal`.

    Args:
        body: UTF-8.

    Returns:
        the value.

    Raises:
        NotJsonError: not JSON, not UTF-8, nested too deeply, with a NaN or an infinity, or with a
            number of more digits than Python reads.
    """
    try:
        # Given bytes, the library would take UTF-16 and encoded surrogates too.
        text = body.decode()
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error
    except (ValueError, ArithmeticError) as error:
        # The library's message may quote the text; its kind is enough.
        raise NotJsonError("not valid JSON") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class _TextCleaner:
    """Replaces the characters that no database takes, and counts them."""

    def __init__(self) -> None:
        self.replaced = 0

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        match value:
            case str():
                return self._text(value)
            case dict():
                cleaned = {self._text(name): self.clean(child) for name, child in value.items()}
                if len(cleaned) < len(value):
                    raise NotJsonError("two names differ only in characters no database takes")
                return cleaned
            case list():
                return [self.clean(item) for item in value]
            case _:
                return value

    def _text(self, text: str) -> str:
        if "\x00" in text:
            self.replaced += text.count("\x00")
            text = text.replace("\x00", REPLACEMENT)
        if LONE_SURROGATE.search(text) is not None:
            text, count = LONE_SURROGATE.subn(REPLACEMENT, text)
            self.replaced += count
        return text


def page_of_records(records: Sequence[dict[str, Any]]) -> Page:
    """Make a page of records that were built here (from XML, or mended).

    Args:
        records: JSON values, amounts as text or `Decimal`.

    Returns:
        the page.
    """
    slices = [exact_json(record) for record in records]
    return Page(b"[" + b",".join(slices) + b"]", slices)


def rename_members(page: Page, rename: Callable[[str], str]) -> Page:
    """Give the records' members other names, their values' bytes untouched.

    Args:
        page: the page.
        rename: old name -> new name.

    Returns:
        a page with the new names, the same one where no name changes or where an item is no object.
        Two members that get one name become one where their bytes are the same or one of them is
        null.

    Raises:
        TwoValuesError: two members with different values get one name.
    """
    slices: list[bytes] = []
    changed = False
    for piece in page.slices:
        members: dict[str, msgspec.Raw] = {}
        try:
            given = _decode_members(piece)
        except (msgspec.DecodeError, RecursionError):
            return page
        for name, value in given.items():
            target = rename(name)
            changed = changed or target != name
            known = members.get(target)
            if known is None or bytes(known) == b"null":
                members[target] = value
            elif bytes(value) not in {b"null", bytes(known)}:
                raise TwoValuesError(target)
        slices.append(_encode(members))
    if not changed:
        return page
    return Page(b"[" + b",".join(slices) + b"]", slices, page.replaced, page.bookmark)
