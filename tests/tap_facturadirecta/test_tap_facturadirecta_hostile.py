"""Documents that are no answer, or an attack: a clean error, in bounded time and memory."""

from __future__ import annotations

import codecs
import contextlib
import resource
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector_kit.errors import UpstreamError
from connector_kit.http import HttpSettings
from connector_kit.retry import UnreadableAnswer
from erp_sandbox.facturadirecta import TOKEN
from erp_sandbox.faults import Fault
from support.facturadirecta_tap import STREAM, ids, run
from support.hostile_xml import (
    billion_laughs,
    doctype_without_entities,
    external_entity,
    external_subset,
    hostile_documents,
    in_utf16,
    quadratic_blow_up,
    served,
)
from tap_facturadirecta.client import FacturaDirectaClient
from tap_facturadirecta.mending import mended
from tap_facturadirecta.parsing import DoctypeError, parse_xml

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox

LIST = r"^/api/providers\.xml"
DETAIL = r"^/api/providers/\d"
XML = "application/xml; charset=UTF-8"
DOCTYPES = {
    "external_entity",
    "billion_laughs",
    "quadratic_blow_up",
    "doctype_without_entities",
}
NAMES = (*sorted(DOCTYPES), "deep_nesting", "huge_text", "cut", "bad_utf8")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("TOP-SECRET", encoding="utf-8")
    return file


def document(name: str, secret: Path, *, is_detail: bool) -> bytes:
    return hostile_documents(secret, "detail" if is_detail else "list")[name]


@pytest.mark.parametrize("is_detail", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_eight_documents_end_in_clean_errors(
    sandbox: RunningSandbox, secret: Path, name: str, *, is_detail: bool
) -> None:
    server = sandbox.facturadirecta
    body = document(name, secret, is_detail=is_detail)
    fault = server.faults.add(served(body, path=DETAIL if is_detail else LIST))
    before, start = peak_mb(), time.monotonic()
    ended = run(sandbox, details="always" if is_detail else "never")
    assert time.monotonic() - start < 20
    assert peak_mb() - before < 200
    output = ended.failed(3, "DOCTYPE" if name in DOCTYPES else "well-formed")
    assert fault.hits == (1 if name in DOCTYPES else 3)
    assert not output.records()
    assert not output.activated(STREAM)
    assert "TOP-SECRET" not in ended.stderr
    assert "ha!" not in ended.stderr
    assert "xxxxx" not in ended.stderr


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", NAMES)
def test_one_bad_answer_of_many_never_makes_a_shorter_list(
    sandbox: RunningSandbox, secret: Path, name: str
) -> None:
    server = sandbox.facturadirecta
    body = document(name, secret, is_detail=False)
    fault = server.faults.add(served(body, path=r"start=245", times=1))
    ended = run(sandbox, details="never")
    assert fault.hits == 1
    if name in DOCTYPES:
        assert not ended.failed(3).activated(STREAM)
    else:
        assert ids(ended) == list(server.providers)


PASSING: dict[str, dict[str, Any]] = {
    "cut": {"kind": "cut_body"},
    "cut in chunks": {"kind": "cut_body", "chunked": True},
    "html": {"kind": "html"},
    "garbage": {"kind": "garbage"},
    "no answer": {"kind": "drop"},
    "reset": {"kind": "reset"},
    "latin-1": {"kind": "latin1", "declared": False},
    "nothing": {"kind": "status", "status": 200},
    "plain html": {"kind": "status", "status": 200, "body": b"<html><body>Hola</body></html>"},
    "other xml": {"kind": "status", "status": 200, "body": b"<error>no</error>"},
    "other list": {"kind": "status", "status": 200, "body": b"<proveedores/>"},
    "status": {"kind": "status", "status": 200, "body": b"<xml><httpStatus>200</httpStatus></xml>"},
    "503": {"kind": "status", "status": 503, "body": b"<html>"},
    "503 in 200": {
        "kind": "status",
        "status": 200,
        "body": b"<xml><httpStatus>503</httpStatus></xml>",
    },
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_asked_for_again(sandbox: RunningSandbox, name: str) -> None:
    server = sandbox.facturadirecta
    fault = server.faults.add(Fault(path=LIST, skip=1, times=2, **PASSING[name]))
    assert ids(run(sandbox, details="never")) == list(server.providers)
    assert fault.hits == 2


STAYING: dict[str, dict[str, Any]] = {
    "cut": {"kind": "cut_body"},
    "html": {"kind": "html"},
    "garbage": {"kind": "garbage"},
    "latin-1": {"kind": "latin1", "declared": False},
    "html 404": {"kind": "status", "status": 404, "body": b"<html>Not found</html>"},
    "empty 404": {"kind": "status", "status": 404},
}


@pytest.mark.parametrize("name", STAYING)
def test_what_stays_ends_in_exit_code_3(sandbox: RunningSandbox, name: str) -> None:
    server = sandbox.facturadirecta
    fault = server.faults.add(Fault(path="start=245", times=None, **STAYING[name]))
    output = run(sandbox, details="never").failed(3, "given up after 3 tries")
    assert fault.hits == 3
    assert not output.activated(STREAM)


def test_byte_cap_holds_before_parsing(sandbox: RunningSandbox) -> None:
    client = FacturaDirectaClient(
        sandbox.facturadirecta_url,
        TOKEN,
        HttpSettings(5, retry_wait=0, byte_cap=10_000),
        user_agent="test",
    )
    with pytest.raises(UpstreamError, match="larger than 10000 bytes"):
        client.list_providers(0, 250, where="test")
    assert len(client.list_providers(0, 2, where="test")) == 2
    client.close()


def test_large_notes_pass(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    for identifier in list(server.providers)[3:]:
        server.remove(identifier)
    first = next(iter(server.providers))
    server.enlarge_notes(first)
    records = run(sandbox, details="never").ok().records()
    assert records[0]["notes"] == server.providers[first]["notes"]
    assert len(records[0]["notes"]) == 9_000_000


# --- the parser by itself -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a><a/>",
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- > --><?pi ?>\n \t<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<!-- <a> -->\r\n<!DOCTYPE\na><a/>",
        in_utf16(doctype_without_entities()),
        codecs.BOM_UTF16_BE + "<!DOCTYPE a><a/>".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "<!DOCTYPE a><a/>".encode("utf-32-le"),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16-le"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-',
        external_subset("http://127.0.0.1:9/x.dtd"),
        billion_laughs(levels=3),
        quadratic_blow_up(length=10, references=10),
    ],
)
def test_no_doctype_gets_to_the_parser(body: bytes) -> None:
    with pytest.raises(DoctypeError):
        parse_xml(body, None)


def test_doctype_in_utf7_by_header_is_seen(secret: Path) -> None:
    text = external_entity(secret).decode().replace('encoding="UTF-8"', 'encoding="utf-7"')
    with pytest.raises(DoctypeError):
        parse_xml(text.encode("utf-7"), "text/xml; charset=utf-7")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<?xml version='1.0'?>", "empty"),
        (b"<!doctype html><html/>", "HTML"),
        (b"<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>", "HTML"),
        (b"\n<html lang='es'>", "HTML"),
        (b'{"providers": []}', "no XML"),
        (b"\x00\x01\x02", "no XML"),
        (b"<a><b></a>", "tag name mismatch, line 1"),
        (b"<a>&nada;</a>", "undeclared entity"),
        (b"<a/><b/>", "document end"),
        (b"<a", "line 1"),
        (b"<a>\xf1</a>", "invalid encoding"),
        (b"<a>\xed\xa0\x80</a>", "invalid encoding"),
        (b'<?xml version="1.0" encoding="x-nope"?><a>\xf1</a>', "charset"),
        (b'<?xml version="1.0" encoding="idna"?><a>x</a>', "charset"),
        (b'<?xml version="1.0" encoding="hex"?><a>x</a>', "charset"),
        (codecs.BOM_UTF16_LE + b"<\0a\0/\0>", "charset"),
        (b"<a><![CDATA[", "cdata"),
        (b"<![CDATA[" * 20_000, "well-formed"),
        (b"<a>" + b"<!--" * 20_000, "well-formed"),
    ],
)
def test_what_is_wrong_is_told_without_quoting(body: bytes, words: str) -> None:
    start = time.monotonic()
    with pytest.raises(UnreadableAnswer, match=words):
        parse_xml(body, None)
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<a>ñ€</a>".encode(), None),
        ("<a>ñ€</a>".encode(), XML),
        ("<a>ñ€</a>".encode(), "text/xml; charset=x-nope"),
        (codecs.BOM_UTF8 + "<a>ñ€</a>".encode(), None),
        ("<?xml version='1.0' encoding='utf8'?><a>ñ€</a>".encode(), None),
        # A server that puts its default into the header, and one whose writer is wrong.
        ("<?xml version='1.0' encoding='UTF-8'?><a>ñ€</a>".encode(), "text/xml; charset=latin-1"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a>ñ€</a>".encode(), XML),
        ("<?xml version='1.0' encoding='UTF-8'?><a>ñ€</a>".encode("cp1252"), "a/b; charset=cp1252"),
        ("<?xml version='1.0' encoding='windows-1252'?><a>ñ€</a>".encode("cp1252"), "text/xml"),
        ("<?xml version='1.0' encoding='ISO-8859-15'?><a>ñ€</a>".encode("iso-8859-15"), None),
        ("<?xml version='1.0' encoding='UTF-16'?><a>ñ€</a>".encode("utf-16"), None),
        ("<?xml version='1.0'?><a>ñ€</a>".encode("utf-16-be"), None),
        ("<a>ñ€</a>".encode("utf-16-le"), "text/xml; charset=utf-16le"),
    ],
)
def test_charsets(body: bytes, content_type: str | None) -> None:
    assert parse_xml(body, content_type).root.text == "ñ€"


@pytest.mark.parametrize(
    ("body", "text", "replaced"),
    [
        (b"<a>x\x0by</a>", "x\ufffdy", 1),
        (b"<a>x\0y\x1b</a>", "x\ufffdy\ufffd", 2),
        (b"<a><![CDATA[x\x0by &ntilde; &#11;]]></a>", "x\ufffdy &ntilde; &#11;", 1),
        (b"<a>&#11;&#xB;&#xFFFF;&#0;&#x41;&#9;</a>", "\ufffd" * 4 + "A\t", 4),
        (b"<a>&#99999999;&#xDFFF;</a>", "\ufffd\ufffd", 2),
        (b"<a>Espa&ntilde;a&nbsp;&euro; &amp;&lt;&AMP;&LT;</a>", "España\xa0€ &<&<", 0),
        ("<a>\ufffe</a>".encode(), "\ufffd", 1),
        (b"<a><!-- \x0b &nbsp; -->x</a>", "x", 1),
    ],
)
def test_mending(body: bytes, text: str, replaced: int) -> None:
    document = parse_xml(body, None)
    assert (document.root.text, document.replaced) == (text, replaced)


def test_replaced_characters_are_told(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    body = b"<providers><provider><id>1</id><notes>a\x0bb</notes></provider></providers>"
    server.faults.add(served(body, path=r"start=0&"))
    ended = run(sandbox, details="never")
    assert ended.ok().records() == [{"id": 1, "notes": "a\ufffdb"}]
    assert "U+FFFD" in ended.stderr


def test_whole_documents_need_no_mending() -> None:
    assert mended("<a>ñ &amp; &#241; <![CDATA[&ntilde;]]></a>".encode()) is None


@given(st.binary(max_size=60), st.sampled_from([None, XML, "text/xml; charset=utf-16"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str | None) -> None:
    for document in (body, b"<a>" + body + b"</a>"):
        with contextlib.suppress(UnreadableAnswer, DoctypeError):
            parse_xml(document, content_type, keep_source=True)


def test_blank_prologs_and_many_elements_take_bounded_memory() -> None:
    tracemalloc.start()
    try:
        start = time.monotonic()
        parse_xml(b" " * 5_000_000 + b"<a/>", None)
        root: etree._Element = parse_xml(b"<a>" + b"<b/>" * 300_000 + b"</a>", None).root
        assert len(root) == 300_000
        assert time.monotonic() - start < 5
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
