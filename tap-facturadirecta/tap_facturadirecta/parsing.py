"""XML answers parsed so that no document can do harm or lose text in silence.

A document with a DOCTYPE is refused before it is parsed: without one there are no entities to read
files, call addresses or blow up, and `resolve_entities=False` alone would empty the text they stand
for. libxml2's own limits hold (256 levels, 10 MB of text in one piece); nothing is recovered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from lxml import etree

from connector_kit.retry import UnreadableAnswer
from tap_facturadirecta.charsets import as_utf8
from tap_facturadirecta.mending import mended

BYTE_CAP = 256 << 20
"""Bytes of one answer, after decompression."""

_PROLOG = re.compile(rb"(?:[ \t\r\n]+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ATTRIBUTE = re.compile(rb"=[ \t\r\n]*[\"']")
_BLANKS_THAT_COUNT = re.compile(rb"<!(?<=[ \t\r\n]..)")
_BLANKS_BEFORE_INSTRUCTIONS = re.compile(rb"<\?(?<=[ \t\r\n]..)")
"""Blanks before CDATA, comments or instructions may be text; libxml2 would take them for indentation."""
_HTML = re.compile(rb"<(?:!doctype\s+)?html\b", re.IGNORECASE)


class DoctypeError(Exception):
    """A document that has a DOCTYPE; it was not parsed, and trying again would be of no use."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed answer.

    Attributes:
        root: of the tree, without comments and namespaces.
        source: root of the same tree as the vendor wrote it (comments, CDATA, namespaces), where it
            was asked for.
        may_have_attributes: False where it is sure that no element has any.
        replaced: how many characters that XML forbids became U+FFFD.
    """

    root: etree._Element
    source: etree._Element | None
    may_have_attributes: bool
    replaced: int


def parse_xml(body: bytes, content_type: str | None, *, keep_source: bool = False) -> Document:
    """Parse an answer.

    Args:
        body: the bytes as they came, no longer compressed, at most `BYTE_CAP`.
        content_type: the header of that name.
        keep_source: whether the tree as written is needed too.

    Returns:
        the document.

    Raises:
        UnreadableAnswer: it is empty, HTML, no XML, not in its charset, or not well formed.
        DoctypeError: it has a DOCTYPE.
    """
    text = as_utf8(body, content_type)
    begin = _checked_begin(text)
    replaced = 0
    try:
        root = _parsed(text, begin)
    except UnreadableAnswer:
        mending = mended(text)
        if mending is None:
            raise
        text, replaced = mending
        root = _parsed(text, begin)
    # Most pages have no `=` at all, and one byte is looked for many times as fast as the expression.
    has_attributes = text.find(b"=", begin) >= 0 and _ATTRIBUTE.search(text, begin) is not None
    if has_attributes and b"xmlns" in text:
        _drop_namespaces(root)
    source = _parsed(text, begin, as_written=True) if keep_source else None
    return Document(root, source, has_attributes, replaced)


def _checked_begin(text: bytes) -> int:
    """Return where the root begins, or refuse what stands there."""
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    head = text[start : start + 40]
    if not head:
        raise UnreadableAnswer("the answer is empty where XML was expected")
    if _HTML.match(head):
        raise UnreadableAnswer("the answer is HTML where XML was expected")
    if head[:9].upper() == b"<!DOCTYPE":
        raise DoctypeError
    if not head.startswith(b"<"):
        raise UnreadableAnswer("the answer is no XML")
    return start


def _parsed(text: bytes, begin: int, *, as_written: bool = False) -> etree._Element:
    # Indentation is half of all nodes; libxml2 never leaves out the blanks of an element without
    # children, but for those that the expression finds and those before a carriage return.
    is_indented = (
        b"\r" not in text
        and _BLANKS_THAT_COUNT.search(text, begin) is None
        # Most pages have no question mark at all; one byte is looked for many times as fast.
        and (text.find(b"?", begin) < 0 or _BLANKS_BEFORE_INSTRUCTIONS.search(text, begin) is None)
    )
    parser = _parser(is_indented=is_indented and not as_written, as_written=as_written)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableAnswer(_fault(parser, error)) from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs lack it
        # The prolog was looked through before; this holds if a parser should see more in it.
        raise DoctypeError
    return root


@cache
def _parser(*, is_indented: bool, as_written: bool) -> etree.XMLParser:
    """Return a parser, which is kept: a new one for each page takes a twentieth longer."""
    return etree.XMLParser(
        # What is parsed is UTF-8 by now, whatever the document says.
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_blank_text=is_indented,
        remove_comments=not as_written,
        remove_pis=not as_written,
        strip_cdata=not as_written,
    )


def _fault(parser: etree.XMLParser, error: etree.XMLSyntaxError) -> str:
    """Say what is wrong and where; libxml2's own message may quote the text."""
    kinds = [entry.type_name for entry in parser.error_log]
    kind = kinds[0].removeprefix("ERR_").replace("_", " ").lower() if kinds else "no document"
    line, column = error.position
    return f"the answer is no well-formed XML ({kind}, line {line}, column {column})"


def _drop_namespaces(root: etree._Element) -> None:
    for element in root.iter("*"):
        name = element.tag
        if isinstance(name, str) and name.startswith("{"):
            element.tag = name.partition("}")[2]
