"""What some writers of XML get wrong and what can be put right without guessing.

Control characters, which XML 1.0 does not allow in any form, become U+FFFD and are counted; HTML's
names of characters (`&ntilde;`), which XML does not know without a DOCTYPE, become the characters.
Anything else that is not well formed stays an error: a parser that recovers would lose rows.
"""

from __future__ import annotations

import re
from html.entities import html5

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_REPLACEMENT = "\ufffd".encode()
_LITERAL = re.compile(rb"<!\[CDATA\[|<!--")
_LITERAL_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_REFERENCE = re.compile(rb"&(?:#([0-9]{1,9})|#x([0-9A-Fa-f]{1,8})|([A-Za-z][A-Za-z0-9]{0,39}));")
_OF_XML = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


def mended(text: bytes) -> tuple[bytes, int] | None:
    """Mend a document that a parser refused.

    Args:
        text: UTF-8.

    Returns:
        the document without what is told above, and how many characters were replaced by U+FFFD;
        None where there is nothing to mend, or a comment or CDATA section has no end.
    """
    cleaned, replaced = _CONTROL.subn(_REPLACEMENT, text)
    references = _References()
    pieces: list[bytes] = []
    position = 0
    # Each piece is looked at once: what looks like a reference inside CDATA is text.
    while (literal := _LITERAL.search(cleaned, position)) is not None:
        ending = _LITERAL_ENDS[literal[0]]
        end = cleaned.find(ending, literal.end())
        if end < 0:
            return None
        pieces.append(references.mend(cleaned[position : literal.start()]))
        pieces.append(cleaned[literal.start() : end + len(ending)])
        position = end + len(ending)
    pieces.append(references.mend(cleaned[position:]))
    if not replaced and not references.changed:
        return None
    return b"".join(pieces), replaced + references.replaced


class _References:
    """Mends references between the parts that have none."""

    def __init__(self) -> None:
        self.replaced = 0
        self.changed = False

    def mend(self, text: bytes) -> bytes:
        return _REFERENCE.sub(self._mended, text)

    def _mended(self, reference: re.Match[bytes]) -> bytes:
        decimal, hexadecimal, name = reference.groups()
        if name is not None:
            characters = None if name in _OF_XML else html5.get(f"{name.decode()};")
            if characters is None:
                return reference[0]
            self.changed = True
            # As numbers: some of HTML's names stand for `<` and `&`.
            return b"".join(b"&#%d;" % ord(character) for character in characters)
        code = int(decimal) if decimal is not None else int(hexadecimal, 16)
        if _is_xml_character(code):
            return reference[0]
        self.changed = True
        self.replaced += 1
        return _REPLACEMENT


def _is_xml_character(code: int) -> bool:
    """Whether XML 1.0 allows a character (section 2.2)."""
    return (
        code in {0x9, 0xA, 0xD}
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
