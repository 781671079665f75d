"""NUL is found wherever it hides among other escapes, few or many."""

from __future__ import annotations

import pytest

from connector_kit.pages import BYTES_A_BACKSLASH, REPLACEMENT, cut_page

ESCAPES = ("", r"\"", r"\\", r"\\" + r"\"", r"\u00f1")
FEW, MANY = 3, 1000
PLAIN = {FEW: "x" * BYTES_A_BACKSLASH, MANY: ""}
"""Text without escapes, beside which some are few; without it they are many."""


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("times", [1, FEW, FEW + 1, MANY])
def test_nul_behind_other_escapes(escape: str, times: int) -> None:
    before = PLAIN.get(times, PLAIN[FEW]) + escape * times
    page = cut_page(b'[{"a":"%b"},{"a":"%b\\u0000"}]' % (before.encode(), before.encode()))
    assert page.replaced == 1
    assert page.records()[1]["a"].endswith(REPLACEMENT)
    assert page.records()[1]["a"][:-1] == page.records()[0]["a"]


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("times", [1, FEW, FEW + 1, MANY])
def test_texts_that_only_look_like_it(escape: str, times: int) -> None:
    text = PLAIN.get(times, PLAIN[FEW]) + escape * times + r"\\u0000"
    page = cut_page(b'[{"a":"%b"}]' % text.encode())
    assert page.replaced == 0
    assert page.records()[0]["a"].endswith(r"\u0000")
