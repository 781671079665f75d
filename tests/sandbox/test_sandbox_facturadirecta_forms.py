"""The forms in which the sandbox's FacturaDirecta writes the same content."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from erp_sandbox.facturadirecta.switches import FacturaDirectaSwitches
from support.facturadirecta_account import (
    Account,
    local,
    on_the_wire,
    open_account,
    parse,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erp_sandbox.facturadirecta.structure import Node
    from support.servers import RunningSandbox

TEXT_FORMS = typing.get_args(typing.get_type_hints(FacturaDirectaSwitches)["text"])

XML_TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r &<>]['\"\u0085\u00a0\u2028\ufffd🧾"),
        st.characters(
            codec="utf-8",
            exclude_characters="\ufffe\uffff",
            exclude_categories=("Cs", "Cc"),
        ),
    ),
    max_size=40,
)


@pytest.fixture
def account(sandbox: RunningSandbox) -> Iterator[Account]:
    with open_account(sandbox) as account:
        yield account


def one(account: Account, **elements: Node) -> int:
    account.server.clear()
    return account.server.add(**elements)


@given(
    texts=st.tuples(XML_TEXT, XML_TEXT, XML_TEXT),
    form=st.sampled_from(TEXT_FORMS),
    encoding=st.sampled_from(["UTF-8", "ISO-8859-1", "US-ASCII", "UTF-16"]),
    comments=st.booleans(),
    indent=st.booleans(),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_every_form(
    account: Account,
    *,
    texts: tuple[str, str, str],
    form: str,
    encoding: str,
    comments: bool,
    indent: bool,
) -> None:
    account.server.switches.update(
        {"text": form, "encoding": encoding, "comments": comments, "indent": indent}
    )
    account.server.clear()
    name, notes, value = texts
    stored = account.server.put_provider(
        {
            "id": 1,
            "name": name,
            "notes": notes,
            "unknown": [{"deep": value}, None, notes],
            "customAttributes": [{"label": "Campo 1", "value": value}, {"label": "x"}],
        }
    )
    expected = on_the_wire(stored)
    assert read(account.root("providers/1.xml")) == expected
    assert [read(item) for item in account.root("providers.xml")] == [expected]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("pair", b"<phone></phone>"),
        ("self_closing", b"<phone/>"),
        ("cdata", b"<phone><![CDATA[]]></phone>"),
    ],
)
def test_empty_elements(account: Account, form: str, written: bytes) -> None:
    account.server.switches.update({"empty_elements": form})
    identifier = one(account, phone="")
    answer = account.call("GET", f"providers/{identifier}.xml")
    assert written in answer.content
    assert read(parse(answer.content))["phone"] is None


def test_varied_forms_differ_inside_one_document(account: Account) -> None:
    account.server.switches.update({"text": "varied", "empty_elements": "varied"})
    body = account.call("GET", "providers.xml").content
    for sample in (b"]]><![CDATA[", b"&#", b"></website>", b"<website/>", b"<![CDATA[]]>"):
        assert sample in body


def test_declaration_encoding_and_content_type(account: Account) -> None:
    identifier = one(account, name="Núñez 🧾")
    path = f"providers/{identifier}.xml"
    answer = account.call("GET", path)
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<provider>')
    assert answer.headers["Content-Type"] == "application/xml; charset=UTF-8"
    account.server.switches.update({"encoding": "ISO-8859-1", "content_type": "text/xml"})
    answer = account.call("GET", path)
    assert answer.headers["Content-Type"] == "text/xml"
    assert answer.content.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert "Núñez".encode("latin-1") in answer.content
    assert read(parse(answer.content))["name"] == "Núñez 🧾"
    account.server.switches.update(
        {"encoding": "UTF-8", "declaration": False, "byte_order_mark": True}
    )
    assert account.call("GET", path).content.startswith(b"\xef\xbb\xbf<provider>")


@pytest.mark.parametrize("prefix", ["", "fd"])
def test_namespace_wrapper_and_attributes(account: Account, prefix: str) -> None:
    account.server.switches.update(
        {
            "namespace": "urn:example:facturadirecta",
            "namespace_prefix": prefix,
            "wrapper": "response",
            "attributes": True,
            "list_root": "proveedores",
        }
    )
    root = account.root("providers.xml?limit=250")
    assert etree.QName(root).namespace == "urn:example:facturadirecta"
    assert root.prefix == (prefix or None)
    (listed,) = root
    assert (local(root), local(listed)) == ("response", "proveedores")
    assert listed.get("type") == "array"
    providers = list(account.server.providers.values())
    assert [read(item) for item in listed] == [on_the_wire(found) for found in providers[:250]]
    assert listed[0][0].get("type") == "integer"
    assert any(element.get("nil") == "true" for element in listed.iter())
    (detail,) = account.root(f"providers/{providers[0]['id']}.xml")
    assert read(detail) == on_the_wire(providers[0])


def test_a_note_of_nine_megabytes(account: Account) -> None:
    identifier = one(account)
    account.server.enlarge_notes(identifier)
    notes = account.root(f"providers/{identifier}.xml").findtext("notes")
    assert notes == account.server.providers[identifier]["notes"]
    assert len(str(notes)) == 9_000_000
