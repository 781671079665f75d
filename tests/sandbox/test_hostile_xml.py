"""The hostile documents are what they say: shown on careless parsers, at sizes that hurt nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree

from support.facturadirecta_account import open_account
from support.hostile_xml import (
    Form,
    bad_utf8,
    billion_laughs,
    cut,
    deep_nesting,
    doctype_without_entities,
    external_entity,
    external_subset,
    hostile_documents,
    huge_text,
    in_utf16,
    quadratic_blow_up,
    served,
)

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox

FORMS: list[Form] = ["list", "detail"]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("TOP-SECRET", encoding="utf-8")
    return file


def careless(document: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=True, huge_tree=True, no_network=False)
    return etree.fromstring(document, parser)


def notes(root: etree._Element) -> str:
    return str(root.findtext(".//notes"))


def doctype(document: bytes) -> str:
    tree = etree.fromstring(document, etree.XMLParser(resolve_entities=False)).getroottree()
    return str(tree.docinfo.doctype)  # type: ignore[union-attr]  # the stubs lack it


@pytest.mark.parametrize("form", FORMS)
def test_external_entity_reads_a_local_file(secret: Path, form: Form) -> None:
    assert notes(careless(external_entity(secret, form=form))) == "TOP-SECRET"


@pytest.mark.parametrize("form", FORMS)
def test_laughs_multiply(form: Form) -> None:
    assert notes(careless(billion_laughs(levels=3, width=2, form=form))) == "ha!" * 8


@pytest.mark.parametrize("form", FORMS)
def test_blow_up_multiplies(form: Form) -> None:
    document = quadratic_blow_up(length=5, references=4, form=form)
    assert notes(careless(document)) == "x" * 20


@pytest.mark.parametrize("form", FORMS)
def test_nesting_goes_as_deep_as_asked(form: Form) -> None:
    root = careless(deep_nesting(depth=50, form=form))
    assert len(root.findall(".//n")) == 50
    assert root.findtext(".//notes" + "/n" * 50) == "x"


@pytest.mark.parametrize("form", FORMS)
def test_huge_text_is_above_the_parsers_limit(form: Form) -> None:
    assert len(notes(careless(huge_text(form=form)))) == 11_000_000
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(huge_text(form=form))


@pytest.mark.parametrize("form", FORMS)
def test_idle_doctypes_change_no_content(form: Form) -> None:
    root = "providers" if form == "list" else "provider"
    url = "http://127.0.0.1:9/x.dtd"
    for document, expected in (
        (doctype_without_entities(form=form), f"<!DOCTYPE {root}>"),
        (external_subset(url, form=form), f'<!DOCTYPE {root} SYSTEM "{url}">'),
    ):
        assert doctype(document) == expected
        assert notes(etree.fromstring(document)) == "Ferretería"


@pytest.mark.parametrize("form", FORMS)
def test_cut_passes_for_shorter_where_errors_are_mended(form: Form) -> None:
    with pytest.raises(etree.XMLSyntaxError):
        careless(cut(form=form))
    mended = etree.fromstring(cut(form=form), etree.XMLParser(recover=True))
    assert len(mended.findall("provider")) == (2 if form == "list" else 0)


@pytest.mark.parametrize("form", FORMS)
def test_bad_utf8_passes_where_it_is_replaced(form: Form) -> None:
    with pytest.raises(UnicodeDecodeError):
        bad_utf8(form=form).decode()
    replaced = bad_utf8(form=form).decode(errors="replace").encode()
    assert notes(etree.fromstring(replaced)) == "Ferreter\ufffda"


def test_utf16_hides_the_doctype_from_a_search_of_bytes() -> None:
    document = in_utf16(doctype_without_entities())
    assert b"<!DOCTYPE" not in document
    assert doctype(document) == "<!DOCTYPE providers>"


def test_all_are_served_as_they_are(secret: Path, sandbox: RunningSandbox) -> None:
    documents = hostile_documents(secret)
    assert len(documents) == 8
    with open_account(sandbox) as account:
        for document in documents.values():
            account.server.faults.add(served(document, path=r"^/api/providers\.xml", times=1))
            assert account.call("GET", "providers/1.xml").status_code == 404
            answer = account.call("GET", "providers.xml")
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == "application/xml; charset=UTF-8"
            assert answer.content == document
