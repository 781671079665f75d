"""The head of a plain answer, read at once.

`http.client` reads an answer's headers line by line into a parser of e-mails, which takes a small page
longer than its body. A head in the form that servers write is read here; every other one, a doubtful
one too, is left to `http.client`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9]{2})(?: ([^\r\n]*))?\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)+)\r\n"
)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_WITHOUT_BODY = frozenset({204, 304})
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class PlainHead:
    """Status line and headers of an answer with a body of a known length, after which more may come.

    Attributes:
        size: bytes of the head.
        status: of HTTP.
        reason: the status in words.
        headers: names and values, in order.
        length: bytes of the body.
    """

    size: int
    status: int
    reason: str
    headers: list[tuple[str, str]]
    length: int


def plain_head(received: bytes) -> PlainHead | None:
    """Read a head.

    Args:
        received: the first bytes of an answer to a request that is no HEAD.

    Returns:
        the head; None where it has not come whole, or is anything but plain: another version, an
        interim answer, no body, no single length, a transfer coding, a connection that ends.
    """
    form = _FORM.match(received)
    if form is None:
        return None
    status = int(form[1])
    headers: list[tuple[str, str]] = []
    lengths: list[str] = []
    for line in form[3].decode("latin-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.strip(_BLANKS)
        headers.append((name, value))
        match name.lower():
            case "content-length":
                lengths.append(value)
            case "transfer-encoding":
                return None
            case "connection" if value.lower() != "keep-alive":
                return None
    if status in _WITHOUT_BODY or len(lengths) != 1 or _LENGTH.fullmatch(lengths[0]) is None:
        return None
    reason = (form[2] or b"").decode("latin-1").strip()
    return PlainHead(form.end(), status, reason, headers, int(lengths[0]))
