"""`archive_raw`: each provider's own XML, so that nothing of the source is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from support.facturadirecta_account import on_the_wire, read
from support.facturadirecta_tap import STREAM, run
from support.hostile_xml import served

if TYPE_CHECKING:
    from support.servers import RunningSandbox


def without_comments(xml: str) -> etree._Element:
    return etree.fromstring(xml, etree.XMLParser(remove_comments=True))


@given(
    details=st.sampled_from(["never", "always"]),
    text=st.sampled_from(["as_documented", "split_cdata", "character_references", "varied"]),
    comments=st.booleans(),
    namespace=st.sampled_from(["", "urn:example:fd"]),
    prefix=st.sampled_from(["", "fd"]),
    wrapper=st.sampled_from(["", "response"]),
    encoding=st.sampled_from(["UTF-8", "ISO-8859-1"]),
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_archived_xml_says_the_same(
    sandbox: RunningSandbox,
    *,
    details: str,
    text: str,
    comments: bool,
    namespace: str,
    prefix: str,
    wrapper: str,
    encoding: str,
) -> None:
    server = sandbox.facturadirecta
    server.reset()
    for identifier in list(server.providers)[15:]:
        server.remove(identifier)
    server.switches.update(
        {
            "text": text,
            "comments": comments,
            "namespace": namespace,
            "namespace_prefix": prefix if namespace else "",
            "wrapper": wrapper,
            "encoding": encoding,
        }
    )
    output = run(sandbox, details=details, archive_raw=True).ok()
    plain = run(sandbox, details=details).ok()
    archived = output.records()
    for record, provider in zip(archived, server.providers.values(), strict=True):
        root = without_comments(record["_xml"])
        assert etree.QName(root).localname == "provider"
        assert etree.QName(root).namespace == (namespace or None)
        assert read(root) == on_the_wire(provider)
    for record in archived:
        del record["_xml"]
    assert archived == plain.records()


def test_archived_xml_is_the_vendors(sandbox: RunningSandbox) -> None:
    provider = (
        '<provider a="1">\n <id>7</id><!-- nota -->\n <name><![CDATA[Ñ & <b>]]></name>'
        "<phone/>\n</provider>"
    )
    server = sandbox.facturadirecta
    server.clear()
    body = f"<?xml version='1.0'?>\n<providers>\n {provider}\n</providers>".encode()
    server.faults.add(served(body, path=r"start=0&"))
    (record,) = run(sandbox, details="never", archive_raw=True).ok().records()
    assert record["_xml"] == provider


@pytest.mark.parametrize("archive_raw", [False, True])
def test_archive_is_documented_where_it_is_on(
    sandbox: RunningSandbox, *, archive_raw: bool
) -> None:
    settings: dict[str, Any] = {
        "archive_raw": archive_raw,
        "details": "never",
        "schema_contract": "freeze",
    }
    server = sandbox.facturadirecta
    server.clear()
    server.put_provider({"id": 1, "name": "A"})
    output = run(sandbox, **settings).ok()
    (record,) = output.records(STREAM)
    assert ("_xml" in record) is archive_raw
    assert ("_xml" in output.schemas(STREAM)[0]["properties"]) is archive_raw
    catalog = run(sandbox, **settings, args=("--discover",))
    assert (b'"_xml"' in catalog.stdout) is archive_raw
