"""JSON that is decoded while it arrives is decoded as strictly as when it is whole."""

from __future__ import annotations

import codecs

import pytest

from connector_kit.decoding import JsonPieces, json_utf8
from connector_kit.http import UnreadableAnswer

TEXT = '[{"nombre":"Muñoz €","n":1.50}]'


def read_all(body: bytes, content_type: str | None = None, size: int = 1) -> bytes:
    """Read a body that arrives `size` bytes at a time."""
    pieces = iter([body[start : start + size] for start in range(0, len(body), size)])
    reader = JsonPieces(lambda: next(pieces, b""), content_type)
    return b"".join(iter(reader.read, b""))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode(), None),
        (codecs.BOM_UTF8 + TEXT.encode(), "application/json"),
        (TEXT.encode("cp1252"), "application/json; charset=windows-1252"),
        (TEXT.encode("utf-16"), "application/json; charset=utf-16"),
        (b"[]", None),
        (b"", None),
    ],
)
def test_it_gives_what_the_whole_body_would(
    body: bytes, content_type: str | None, size: int
) -> None:
    expected = json_utf8(body, content_type) if body else b""
    assert read_all(body, content_type, size) == expected


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode("latin-1", "replace"), None),
        (TEXT.encode()[: TEXT.index("ñ") + 1], None),
        (TEXT.encode("cp1252"), "application/json; charset=ascii"),
        (TEXT.encode(), "application/json; charset=hex"),
        (TEXT.encode(), "application/json; charset=nothing"),
    ],
)
def test_what_is_not_in_its_charset_is_refused(
    body: bytes, content_type: str | None, size: int
) -> None:
    with pytest.raises(UnreadableAnswer):
        read_all(body, content_type, size)


@pytest.mark.parametrize("shift", range(5))
def test_a_long_body_is_checked_to_its_end(shift: int) -> None:
    body = b'["' + b"x" * shift + "ñ€😀".encode() * 30_000 + b'"]'
    assert json_utf8(body, None) == body
    for place in (7 + shift, len(body) // 2, len(body) - 3):
        broken = body[:place] + b"\xff" + body[place + 1 :]
        with pytest.raises(UnreadableAnswer, match="not UTF-8"):
            json_utf8(broken, None)
    with pytest.raises(UnreadableAnswer, match="not UTF-8"):
        json_utf8(body[:-3], None)
