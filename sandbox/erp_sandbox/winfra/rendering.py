"""How answers are written: JSON in several styles, errors, and the web server's HTML pages."""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from erp_sandbox import exact

if TYPE_CHECKING:
    from erp_sandbox.winfra.refusal import Refusal
    from erp_sandbox.winfra.switches import WinfraSwitches

JSON_ERROR_STATUSES: Final = frozenset({401, 422, 555})
"""Data calls with these statuses have a JSON object with `error` (the vendor's sample program)."""

JSON_TOKEN_ERROR_STATUSES: Final = frozenset({555})
"""The same for the token call."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]')
_STRING_OR_FRACTION: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+\.\d+(?:[eE][+-]?\d+)?')
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_BOM: Final = b"\xef\xbb\xbf"


def is_plain(switches: WinfraSwitches) -> bool:
    """Tell whether JSON goes out as it is kept."""
    return (
        switches.json_style == "compact"
        and switches.decimals == "numbers"
        and not switches.escape_unicode
        and not switches.trailing_newline
        and not switches.byte_order_mark
    )


def styled(text: bytes, switches: WinfraSwitches) -> bytes:
    """Write compact JSON in the style that is switched on; every value keeps its text."""
    if switches.decimals == "strings":
        text = _STRING_OR_FRACTION.sub(_quoted, text)
    match switches.json_style:
        case "spaced":
            text = _TOKEN.sub(_spaced, text)
        case "lines":
            text = _TOKEN.sub(_on_its_line, text)
        case "pretty":
            text = _TOKEN.sub(_Indenter(), text)
        case "compact":
            pass
    if switches.escape_unicode:
        text = _BEYOND_ASCII.sub(_escaped, text.decode()).encode("ascii")
    if switches.trailing_newline:
        text += b"\n"
    return _BOM + text if switches.byte_order_mark else text


def error_body(refusal: Refusal, switches: WinfraSwitches) -> bytes:
    """Write the JSON object of a refusal; its `error` may be other than text."""
    match switches.error_form:
        case "list":
            value: object = {"error": [refusal.error, {"codigo": refusal.status}]}
        case "object":
            value = {"error": {"mensaje": refusal.error, "codigo": refusal.status}}
        case "null":
            value = {"error": None}
        case "missing":
            value = {"mensaje": refusal.error}
        case _:
            value = {"error": refusal.error}
    return styled(exact.dumps(value).encode(), switches)


def html_page(status: int, detail: str = "") -> bytes:
    """Write the page that the web server in front of the API shows for a status."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
        f"<title>{status} {phrase}</title>\n<h1>{phrase}</h1>\n<p>{html.escape(detail)}</p>\n"
    ).encode()


def _quoted(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token if token[:1] == b'"' else b'"' + token + b'"'


def _spaced(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token + b" " if token in (b",", b":") else token


def _on_its_line(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token if token[:1] == b'"' else token + b"\n"


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class _Indenter:
    """Breaks lines and indents by brackets, one token after the other."""

    def __init__(self) -> None:
        self._depth = 0

    def __call__(self, found: re.Match[bytes]) -> bytes:
        token = found[0]
        if token == b":":
            return b": "
        if token == b",":
            return b"," + self._line()
        if token in (b"{", b"["):
            self._depth += 1
            return token + self._line()
        if token in (b"}", b"]"):
            self._depth -= 1
            return self._line() + token
        return token

    def _line(self) -> bytes:
        return b"\n" + b"  " * self._depth
