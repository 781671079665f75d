"""The text of an XML answer as UTF-8, decoded strictly, before any parser sees it.

A parser is handed nothing but UTF-8, so that what was looked for in the text (a DOCTYPE) cannot hide
in another charset.
"""

from __future__ import annotations

import codecs
import re

from connector_kit.decoding import declared_charset
from connector_kit.retry import UnreadableAnswer

_MARKS = (
    # UTF-32's begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = {b"<\0?\0": "utf-16-le", b"\0<\0?": "utf-16-be"}
_DECLARATION = re.compile(
    rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']"""
)
_LONGEST_DECLARATION = 400

_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs of Python's that are no charset of any document."""


def as_utf8(body: bytes, content_type: str | None) -> bytes:
    """Decode an XML document.

    Args:
        body: as it came, no longer compressed.
        content_type: the header of that name.

    Returns:
        the document in UTF-8 without a byte order mark; the declaration at its start may still name
        another charset. Where the answer declares UTF-8 or nothing, that it is UTF-8 is left to the
        parser.

    Raises:
        UnreadableAnswer: the bytes are in none of the charsets that the answer declares.
    """
    for mark, charset in _MARKS:
        if body.startswith(mark):
            text = _decoded(body[len(mark) :], charset)
            break
    else:
        candidates = _candidates(body, content_type)
        if candidates == ["utf-8"]:
            # The parser takes nothing but UTF-8 and checks every byte.
            return body
        text = next(
            (found for charset in candidates if (found := _decoded(body, charset)) is not None),
            None,
        )
    if text is None:
        raise UnreadableAnswer("the answer is not in the charset that it declares")
    return text.removeprefix(codecs.BOM_UTF8)


def _candidates(body: bytes, content_type: str | None) -> list[str]:
    unmarked = _UNMARKED.get(body[:4])
    if unmarked is not None:
        return [unmarked]
    declared = dict.fromkeys(
        name for name in (_of_header(content_type), _of_document(body)) if name is not None
    )
    # Header and document may differ. UTF-8 goes first, since text in another charset is never valid
    # UTF-8 by chance; a single-byte charset takes any bytes and proves nothing.
    return sorted(declared, key=lambda name: name != "utf-8")


def _of_header(content_type: str | None) -> str | None:
    try:
        return declared_charset(content_type)
    except UnreadableAnswer:
        return None


def _of_document(body: bytes) -> str | None:
    declaration = _DECLARATION.match(body[:_LONGEST_DECLARATION])
    if declaration is None:
        return "utf-8"
    name = declaration[1].decode()
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def _decoded(body: bytes, charset: str) -> bytes | None:
    if charset == "utf-8" and body.isascii():
        return body
    if charset in _NO_CHARSETS:
        return None
    try:
        text = body.decode(charset)
        return body if charset == "utf-8" else text.encode()
    # LookupError: no charset that is known, or a codec that gives no text.
    except (UnicodeError, LookupError):
        return None
