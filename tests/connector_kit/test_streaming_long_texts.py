"""Records with long texts (attachments) are cut while they arrive without memory of their own."""

from __future__ import annotations

import tracemalloc

import pytest

from connector_kit.streaming import cut_while_arriving

PIECE = 1 << 20


@pytest.mark.parametrize("unit", [b"QUJD", b"a\\/b", b'\\"\\\\', "ñ€".encode()])
def test_a_long_text_costs_little_more_than_itself(unit: bytes) -> None:
    text = unit * (4_000_000 // len(unit))
    records = [b'{"id":%d,"text":"%b"}' % (number, text) for number in range(3)]
    body = b"[" + b",".join(records) + b"]"
    pieces = iter([body[start : start + PIECE] for start in range(0, len(body), PIECE)])
    tracemalloc.start()
    cut = [
        bytes(piece)
        for page in cut_while_arriving(lambda: next(pieces, b""))
        for piece in page.slices
    ]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cut == records
    assert peak < 4 * len(body)
