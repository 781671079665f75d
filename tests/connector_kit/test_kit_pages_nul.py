"""NUL is found wherever it hides among other escapes, few or many."""

from __future__ import annotations

import pytest

from connector_kit.pages import FEW_BACKSLASHES, REPLACEMENT, cut_page

ESCAPES = ("", r"\"", r"\\", r"\\" + r"\"", r"\u00f1")


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("times", [1, FEW_BACKSLASHES - 1, FEW_BACKSLASHES, 2 * FEW_BACKSLASHES])
def test_nul_behind_other_escapes(escape: str, times: int) -> None:
    before = escape * times
    page = cut_page(b'[{"a":"%b"},{"a":"%b\\u0000"}]' % (before.encode(), before.encode()))
    assert page.replaced == 1
    assert page.records()[1]["a"].endswith(REPLACEMENT)
    assert page.records()[1]["a"][:-1] == page.records()[0]["a"]


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("times", [1, FEW_BACKSLASHES, 2 * FEW_BACKSLASHES])
def test_texts_that_only_look_like_it(escape: str, times: int) -> None:
    text = escape * times + r"\\u0000"
    page = cut_page(b'[{"a":"%b"}]' % text.encode())
    assert page.replaced == 0
    assert page.records()[0]["a"].endswith(r"\u0000")
