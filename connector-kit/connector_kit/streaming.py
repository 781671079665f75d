"""A JSON list of any size, cut into pages while it arrives, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector_kit.pages import NotJsonError, Page, cut_page, try_cut

WHITESPACE = b" \t\r\n"
GUESSES = 4
"""So many likely cuts are tried before the structure is followed token by token."""

SEPARATOR = rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{[ \t\r\n]*%b)"
# Possessive: what is remembered for going back would be a hundred times a long text's size.
TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
FIRST_NAME = re.compile(rb"\{[ \t\r\n]*(%b)" % TEXT)
STRUCTURE = re.compile(rb'%b|[\[\]{}]|"' % TEXT)


def cut_while_arriving(read_piece: Callable[[], bytes]) -> Iterator[Page]:
    """Cut a JSON list into pages as its bytes arrive.

    Args:
        read_piece: gives the next bytes, `b""` at the end.

    Yields:
        pages whose records are the list's, in order.

    Raises:
        NotJsonError: the text is no list of objects, is cut off, or something follows the list.
    """
    buffer = _start(read_piece)
    first = FIRST_NAME.match(buffer)
    separator = re.compile(SEPARATOR % (re.escape(first[1]) if first else b'"'))
    tried = 0
    cuts = 0
    while piece := read_piece():
        buffer += piece
        # A record larger than what has arrived is not looked for again until that has doubled.
        if len(buffer) < 2 * tried:
            continue
        cut = _guess(buffer, separator) or _follow(buffer)
        if cut is None:
            tried = len(buffer)
            continue
        tried = 0
        cuts += 1
        buffer = buffer[cut.rest :]
        yield cut.page
    # After a cut a record must follow: a list may not end in a comma.
    if cuts or buffer.strip(WHITESPACE) != b"]":
        page = cut_page(b"[" + buffer)
        if cuts and not page.slices:
            raise NotJsonError("the list ends in a comma")
        yield page


@dataclass(slots=True)
class _Cut:
    page: Page
    rest: int


def _start(read_piece: Callable[[], bytes]) -> bytes:
    buffer = b""
    while not buffer:
        piece = read_piece()
        if not piece:
            raise NotJsonError("an empty answer is no JSON list")
        buffer = piece.lstrip(WHITESPACE)
    if not buffer.startswith(b"["):
        raise NotJsonError("not a JSON list")
    return buffer[1:].lstrip(WHITESPACE)


def _guess(buffer: bytes, separator: re.Pattern[bytes]) -> _Cut | None:
    """Cut before a late object that begins like the first record.

    A wrong guess, inside a nested list or a text, leaves an invalid text before it; a valid list
    before it proves it right.
    """
    near_end = max(0, len(buffer) - (1 << 18))
    candidates = list(separator.finditer(buffer, near_end)) or list(separator.finditer(buffer))
    for match in reversed(candidates[-GUESSES:]):
        page = try_cut(b"[" + buffer[: match.start() + 1] + b"]")
        if page is not None:
            return _Cut(page, match.end())
    return None


def _follow(buffer: bytes) -> _Cut | None:
    """Find the last record's end by following every bracket from the first record on."""
    depth, end = 0, 0
    for token in STRUCTURE.finditer(buffer):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth -= 1
                if depth == 0:
                    end = token.end()
            case b'"':
                break  # a text that has not arrived whole
    rest = end
    while buffer[rest : rest + 1] and buffer[rest] in WHITESPACE:
        rest += 1
    if end == 0 or buffer[rest : rest + 1] != b",":
        return None
    return _Cut(cut_page(b"[" + buffer[:end] + b"]"), rest + 1)
