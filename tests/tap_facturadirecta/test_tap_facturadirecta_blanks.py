"""Blanks: those of an element without children are its text, whatever stands beside them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tap_facturadirecta.parsing import parse_xml
from tap_facturadirecta.records import RecordConverter

LEAVES = {
    "<b>  </b>": "  ",
    "<b>\n</b>": "\n",
    "<b> x </b>": " x ",
    "<b> <!-- c --> </b>": "  ",
    "<b> <!-- c --></b>": " ",
    "<b><!-- c --> </b>": " ",
    "<b><?p c?> </b>": " ",
    "<b> <?p c?></b>": " ",
    "<b><![CDATA[  ]]></b>": "  ",
    "<b>  <![CDATA[x]]></b>": "  x",
    "<b><![CDATA[x]]>  </b>": "x  ",
    "<b> <![CDATA[]]> </b>": "  ",
    "<b><![CDATA[]]> </b>": " ",
    "<b>&#32;</b>": " ",
    "<b>\t<![CDATA[]]></b>": "\t",
    "<b> \r</b>": " \n",
    "<b>\t\r\n x</b>": "\t\n x",
    "<b> \r<![CDATA[x]]></b>": " \nx",
    "<b> &#13;</b>": " \r",
    "<b></b>": None,
}


def converted(text: str) -> dict[str, Any]:
    root = parse_xml(text.encode(), "application/xml").root
    return RecordConverter({}).records(list(root))[0]


@pytest.mark.parametrize(("leaf", "value"), LEAVES.items())
@pytest.mark.parametrize("indent", ["", "\n    ", " "])
def test_a_leaf_keeps_its_blanks(leaf: str, value: str | None, indent: str) -> None:
    text = f"<list>{indent}<p>{indent}<id>1</id>{indent}{leaf}{indent}<c>y</c>{indent}</p></list>"
    assert converted(text) == {"id": 1, "b": value, "c": "y"}


@pytest.mark.parametrize(
    "place", ["x<a>1</a> <b>2</b>", " <a>1</a>x<b>2</b>", "<a>1</a> <b>2</b> x"]
)
def test_text_beside_children_is_kept(place: str) -> None:
    record = converted(f"<list>\n <p>\n  <o> {place} </o>\n </p>\n</list>")
    assert record["o"]["#text"].strip() == "x"
    assert (record["o"]["a"], record["o"]["b"]) == ("1", "2")


PIECE = st.sampled_from(
    (
        *(" ", "\n", "\t", "\r", "\r\n", " " * 400, "x", "ñ", "]"),
        *("&amp;", "&#32;", "&#13;", "<!-- c -->", "<?p q?>"),
        *("<![CDATA[]]>", "<![CDATA[ ]]>", "<![CDATA[a]]>"),
        *("<c>  </c>", "<c/>", "<d> e</d>"),
    )
)


@given(st.lists(PIECE, max_size=8).map("".join), st.sampled_from(["", "\n  ", "\r\n"]))
@settings(max_examples=500, deadline=None)
def test_leaves_are_as_without_any_leaving_out(content: str, indent: str) -> None:
    text = f"<r>{indent}<b>{content}</b>{indent}<e>{content}y</e>{indent}</r>".encode()
    exact = etree.fromstring(text, etree.XMLParser(remove_comments=True, remove_pis=True))
    assert leaves(parse_xml(text, None).root) == leaves(exact)


def leaves(root: etree._Element) -> list[tuple[str, str | None]]:
    return [(str(element.tag), element.text) for element in root.iter() if not len(element)]
