"""Providers and errors as XML, in every form that an XML API may choose for the same content."""

from __future__ import annotations

import codecs
import re
from itertools import cycle
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from erp_sandbox.facturadirecta.structure import Node, Provider
    from erp_sandbox.facturadirecta.switches import FacturaDirectaSwitches

PLAIN_ELEMENTS = frozenset({"id", "website", "language", "email", "mobilePhone"})
"""What the vendor's own example writes without CDATA; all other documented text is in CDATA."""

DOCUMENTED_ELEMENTS = PLAIN_ELEMENTS | {
    *("legalType", "name", "personName", "personSurname", "taxCode", "tradeName"),
    *("line1", "line2", "city", "province", "zipcode", "country"),
    *("phone", "notes", "companyCode", "label", "value"),
}

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_TEXT_FORMS = ("plain", "cdata", "split_cdata", "character_references")
_EMPTY_FORMS = ("pair", "self_closing", "cdata")


class XmlWriter:
    """Writes one document; the order of forms starts anew with each writer.

    Args:
        switches: Which form text, empty elements and the document itself take.
    """

    def __init__(self, switches: FacturaDirectaSwitches) -> None:
        self._switches = switches
        self._tag_prefix = f"{switches.namespace_prefix}:" if switches.namespace_prefix else ""
        self._line_end = "\n" if switches.indent else ""
        self._indent = "    " if switches.indent else ""
        self._text_form = cycle(
            _TEXT_FORMS if switches.text == "varied" else (switches.text,),
        )
        self._empty_form = cycle(
            _EMPTY_FORMS if switches.empty_elements == "varied" else (switches.empty_elements,),
        )
        unicode = codecs.lookup(switches.encoding).name.startswith("utf")
        self._encodes_everything = unicode

    def provider_list(self, providers: Iterable[Provider]) -> bytes:
        """A list of providers with at least one item, or the empty pair of its root."""
        depth = 1 if self._switches.wrapper else 0
        items = [self._element("provider", item, depth + 1) for item in providers]
        return self._document(self._switches.list_root, "".join(items), is_array=True)

    def empty_list(self) -> bytes:
        """A list without items, ``<providers/>`` or ``<providers></providers>`` by switch."""
        if self._switches.empty_list == "pair":
            return self._document(self._switches.list_root, "", is_array=True)
        return self._document(self._switches.list_root, None, is_array=True)

    def provider(self, provider: Provider) -> bytes:
        """The document of one provider."""
        depth = 1 if self._switches.wrapper else 0
        return self._document("provider", self._children(provider, depth + 1), is_array=False)

    def status(self, status: int, code: str = "", message: str = "") -> bytes:
        """The ``<xml><httpStatus>`` form: an error, or (status 200) the success of a DELETE."""
        lines = ["<xml>", f" <httpStatus>{status}</httpStatus>"]
        if code:
            lines.append(f" <errorCode>{code}</errorCode>")
        if message:
            lines.append(f" <errorMessage>{self._cdata(message)}</errorMessage>")
        return self._encoded("\n".join([*lines, "</xml>", ""]))

    def _document(self, root: str, content: str | None, *, is_array: bool) -> bytes:
        switches = self._switches
        attributes = ""
        if switches.namespace:
            name = f"xmlns:{switches.namespace_prefix}" if self._tag_prefix else "xmlns"
            attributes = f" {name}={quoteattr(switches.namespace)}"
        if not switches.wrapper:
            return self._encoded(self._root(root, content, attributes, is_array=is_array))
        inner = self._root(root, content, "", is_array=is_array)
        wrapper = self._tag_prefix + switches.wrapper
        return self._encoded(f"<{wrapper}{attributes}>{self._line_end}{inner}</{wrapper}>")

    def _root(self, name: str, content: str | None, attributes: str, *, is_array: bool) -> str:
        tag = self._tag_prefix + name
        if is_array and self._switches.attributes:
            attributes += ' type="array"'
        if content is None:
            return f"<{tag}{attributes}/>{self._line_end}"
        line_end = self._line_end if content else ""
        return f"<{tag}{attributes}>{line_end}{content}</{tag}>{self._line_end}"

    def _encoded(self, document: str) -> bytes:
        switches = self._switches
        if switches.declaration:
            document = f'<?xml version="1.0" encoding="{switches.encoding}"?>\n{document}'
        body = document.encode(switches.encoding, "xmlcharrefreplace")
        return codecs.BOM_UTF8 + body if switches.byte_order_mark else body

    def _children(self, parent: dict[str, Node], depth: int) -> str:
        parts: list[str] = []
        for name, value in parent.items():
            if name == "customAttributes" and isinstance(value, list):
                wrapped: Node = {"customAttribute": value} if value else None
                parts.append(self._element(name, wrapped, depth, is_array=True))
            elif isinstance(value, list):
                parts.extend(self._element(name, item, depth) for item in value)
            else:
                parts.append(self._element(name, value, depth))
        return "".join(parts)

    def _element(self, name: str, value: Node, depth: int, *, is_array: bool = False) -> str:
        indent = self._indent * depth
        tag = self._tag_prefix + name
        attributes = self._attributes(name, value, is_array=is_array)
        comment = "<!-- un comentario -->" if self._switches.comments else ""
        if value is None:
            return f"{indent}{self._empty(tag, attributes)}{comment}{self._line_end}"
        if isinstance(value, dict):
            children = self._children(value, depth + 1)
            content = f"{self._line_end}{comment}{children}{indent}"
        else:
            content = self._text(name, str(value))
            comment = "" if name == "id" else comment
        return f"{indent}<{tag}{attributes}>{content}</{tag}>{comment}{self._line_end}"

    def _attributes(self, name: str, value: Node, *, is_array: bool) -> str:
        if not self._switches.attributes:
            return ""
        if is_array:
            return ' type="array"'
        if name == "id":
            return ' type="integer"'
        return ' nil="true"' if value is None else ""

    def _empty(self, tag: str, attributes: str) -> str:
        form = next(self._empty_form)
        if form == "self_closing":
            return f"<{tag}{attributes}/>"
        section = "<![CDATA[]]>" if form == "cdata" else ""
        return f"<{tag}{attributes}>{section}</{tag}>"

    def _text(self, name: str, value: str) -> str:
        form = next(self._text_form)
        if form == "as_documented":
            in_cdata = name in DOCUMENTED_ELEMENTS and name not in PLAIN_ELEMENTS
            form = "cdata" if in_cdata else "plain"
        if self._switches.comments and len(value) > 1:
            middle = len(value) // 2
            before, after = (self._written(form, half) for half in (value[:middle], value[middle:]))
            return f"{before}<!-- en medio -->{after}"
        return self._written(form, value)

    def _written(self, form: str, value: str) -> str:
        if form == "cdata":
            return self._cdata(value)
        if form == "split_cdata":
            size = max(2, len(value) // 4)
            return "".join(
                self._cdata(value[index : index + size]) for index in range(0, len(value), size)
            )
        if form == "character_references":
            return re.sub("[^A-Za-z0-9 ]", _reference, value)
        return escape(value, {"\r": "&#13;"})

    def _cdata(self, value: str) -> str:
        """CDATA; what a section cannot hold is written as a reference between two sections."""
        if "\r" not in value and self._encodes_everything:
            return _section(value)
        outside = self._unencodable(value) | {"\r"}
        pattern = f"([{re.escape(''.join(sorted(outside)))}]+)"
        parts = re.split(pattern, value)
        return "".join(
            "".join(f"&#{ord(character)};" for character in part) if index % 2 else _section(part)
            for index, part in enumerate(parts)
            if part
        )

    def _unencodable(self, value: str) -> set[str]:
        if self._encodes_everything or value.isascii():
            return set()
        return {character for character in set(value) if not self._can_encode(character)}

    def _can_encode(self, character: str) -> bool:
        try:
            character.encode(self._switches.encoding)
        except UnicodeEncodeError:
            return False
        return True


def _section(value: str) -> str:
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _reference(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    return f"&#{code};" if code % 2 else f"&#x{code:X};"
