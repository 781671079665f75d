"""What comes out is what SERPI holds: every row once, every number to its last nought."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox import exact
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    STREAMS,
    TYPES,
    held,
    pages,
    run,
    texts,
)
from support.servers import running_sandbox

if TYPE_CHECKING:
    from support.servers import RunningSandbox

EMPTY_FORMS = ["code204", "code201", "http204", "null_result", "empty_list", "http404"]
PAST_ENDS = ["empty", "last_page", "http404"]


def assert_complete(sandbox: RunningSandbox, *streams: str, **further: Any) -> None:
    """Assert that each stream's texts are those that SERPI holds, each once, in any order."""
    output = run(sandbox, *streams, **ALL_DOCUMENTS, **further).ok()
    for stream in streams:
        assert sorted(texts(output, stream)) == sorted(held(sandbox.serpi, stream))


def test_every_row_as_it_is_held(sandbox: RunningSandbox) -> None:
    output = run(sandbox, **ALL_DOCUMENTS).ok()
    output.check_records()
    for stream in (ARTICLES, TYPES):
        assert texts(output, stream) == held(sandbox.serpi, stream)
    assert sorted(texts(output, DOCUMENTS)) == sorted(held(sandbox.serpi, DOCUMENTS))
    assert (len(held(sandbox.serpi, ARTICLES)), len(held(sandbox.serpi, DOCUMENTS))) == (1200, 600)


def test_decimals_come_out_digit_for_digit(sandbox: RunningSandbox) -> None:
    by_id = {record["id"]: record for record in run(sandbox, ARTICLES).ok().records()}
    assert by_id[4]["costo"] == Decimal("12345678901234.56789")
    fifth_place = sandbox.serpi.articles.add(codigo="P", costo=exact.Number("0.00001"))
    trailing = sandbox.serpi.articles.add(codigo="T", costo=exact.Number("67900.00000"))
    negative = sandbox.serpi.articles.add(codigo="N", costo=exact.Number("-0.50"))
    rows = texts(run(sandbox, ARTICLES).ok(), ARTICLES)
    for record, text in (
        (fifth_place, b'"costo":0.00001,'),
        (trailing, b'"costo":67900.00000,'),
        (negative, b'"costo":-0.50,'),
    ):
        assert any(b'"id":%d,' % record["id"] in row and text in row for row in rows)


def test_the_messages_of_a_run(sandbox: RunningSandbox) -> None:
    output = run(sandbox, **ALL_DOCUMENTS).ok()
    for stream in STREAMS:
        (schema,) = output.of_type("SCHEMA", stream)
        assert schema["key_properties"] == ["id"]
    assert output.of_type("SCHEMA", DOCUMENTS)[0]["bookmark_properties"] == ["fechaDocumento"]
    for stream in (ARTICLES, TYPES):
        (version,) = output.activated(stream)
        assert {message["version"] for message in output.of_type("RECORD", stream)} == {version}
        kinds = [m["type"] for m in output.messages if m.get("stream") == stream]
        assert kinds[0] == "SCHEMA"
        assert kinds[-1] == "ACTIVATE_VERSION"
    assert output.activated(DOCUMENTS) == []
    assert all("version" not in message for message in output.of_type("RECORD", DOCUMENTS))
    assert output.messages[-1]["type"] == "STATE"
    bookmark = output.bookmark(DOCUMENTS)
    assert bookmark.pop("types") == [1, 2, 15, 16]
    assert all(isinstance(value, str) for value in bookmark.values())
    assert bookmark["until"] == ALL_DOCUMENTS["end_date"]


def test_a_later_snapshot_has_a_later_version(sandbox: RunningSandbox) -> None:
    first = run(sandbox, ARTICLES).ok()
    far = 2**53
    state = {"bookmarks": {ARTICLES: {"version": far}}}
    second = run(sandbox, ARTICLES, state=first.state).ok()
    third = run(sandbox, ARTICLES, state=state).ok()
    assert first.activated(ARTICLES) < second.activated(ARTICLES)
    assert third.activated(ARTICLES) == [far + 1]


def test_no_versions_where_they_are_not_wanted(sandbox: RunningSandbox) -> None:
    output = run(sandbox, ARTICLES, TYPES, emit_activate_version_messages=False).ok()
    assert output.of_type("ACTIVATE_VERSION") == []
    assert all("version" not in message for message in output.of_type("RECORD"))


@pytest.mark.parametrize("page_size", [1, 7, 100, 600, 1199, 1200, 1201, 100_000])
def test_any_page_size(sandbox: RunningSandbox, page_size: int) -> None:
    if page_size == 1:
        for identifier in range(41, 1201):
            sandbox.serpi.articles.remove(identifier)
    assert_complete(sandbox, ARTICLES, page_size=page_size)
    full, rest = divmod(len(held(sandbox.serpi, ARTICLES)), page_size)
    asked = pages(sandbox.serpi, "articulo.get")
    count = full + (rest > 0) + 1
    assert asked == [(str(page_size), str(page)) for page in range(1, count + 1)]


@pytest.mark.parametrize("past_end", PAST_ENDS)
@pytest.mark.parametrize("form", EMPTY_FORMS)
def test_every_form_of_the_empty_answer_is_the_end(
    sandbox: RunningSandbox, form: Any, past_end: Any
) -> None:
    sandbox.serpi.switches.empty_answer = form
    sandbox.serpi.switches.past_end = past_end
    for identifier in range(301, 1201):
        sandbox.serpi.articles.remove(identifier)
    assert_complete(sandbox, ARTICLES, page_size=100)
    # Whole pages to the end, and a table that fits one page.
    assert_complete(sandbox, ARTICLES, TYPES, page_size=400)


@pytest.mark.parametrize("form", [form for form in EMPTY_FORMS if form != "http404"])
def test_nothing_there_is_no_error(sandbox: RunningSandbox, form: Any) -> None:
    sandbox.serpi.switches.empty_answer = form
    sandbox.serpi.articles.clear()
    sandbox.serpi.documents.clear()
    sandbox.serpi.document_types.clear()
    run_ = run(sandbox, **ALL_DOCUMENTS)
    output = run_.ok()
    assert output.records() == []
    # An empty table is announced, so that a loader drops what is gone.
    assert [message["stream"] for message in output.of_type("SCHEMA")] == [*STREAMS]
    assert len(output.activated(ARTICLES)) == len(output.activated(TYPES)) == 1
    assert "SERPI lists no document types" in run_.stderr
    assert sandbox.serpi.count("documento.query") == 0


def test_a_404_for_the_first_page_is_an_error(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.empty_answer = "http404"
    sandbox.serpi.articles.clear()
    output = run(sandbox, ARTICLES).failed(3, "stream articulos", "404", "api_url")
    assert output.of_type("ACTIVATE_VERSION") == []


@pytest.mark.parametrize("maximum", [1, 3, 50, 499])
def test_a_silent_maximum_of_rows_a_page(sandbox: RunningSandbox, maximum: int) -> None:
    keep = 60 if maximum < 50 else 1200
    for identifier in range(keep + 1, 1201):
        sandbox.serpi.articles.remove(identifier)
    sandbox.serpi.switches.page_maximum = maximum
    assert_complete(sandbox, ARTICLES, TYPES)


@pytest.mark.parametrize("past_end", PAST_ENDS)
def test_a_silent_maximum_with_every_end(sandbox: RunningSandbox, past_end: Any) -> None:
    sandbox.serpi.switches.page_maximum = 100
    sandbox.serpi.switches.past_end = past_end
    assert_complete(sandbox, *STREAMS)


@pytest.mark.parametrize("past_end", PAST_ENDS)
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_tables_of_a_few_rows(sandbox: RunningSandbox, rows: int, past_end: Any) -> None:
    for identifier in range(rows + 1, 1201):
        sandbox.serpi.articles.remove(identifier)
    sandbox.serpi.switches.past_end = past_end
    assert_complete(sandbox, ARTICLES)


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_any_order_of_the_rows(sandbox: RunningSandbox, order: Any) -> None:
    sandbox.serpi.switches.row_order = order
    assert_complete(sandbox, *STREAMS, page_size=70)


@pytest.mark.parametrize("count", ["page", "total"])
def test_a_message_that_counts_the_page_or_the_table(sandbox: RunningSandbox, count: Any) -> None:
    sandbox.serpi.switches.message_count = count
    run_ = run(sandbox, **ALL_DOCUMENTS, page_size=100)
    run_.ok()
    assert "announced" not in run_.stderr
    assert_complete(sandbox, *STREAMS, page_size=100)


def test_a_server_that_ignores_limite(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.ignore_limite = True
    assert_complete(sandbox, *STREAMS, page_size=10)


def test_the_address_may_end_in_a_slash(sandbox: RunningSandbox) -> None:
    output = run(sandbox, TYPES, api_url=f"{sandbox.serpi_url}/").ok()
    assert texts(output, TYPES) == held(sandbox.serpi, TYPES)
    paths = {request.path for request in sandbox.serpi.requests}
    assert paths == {"/api/v1/DocumentoContable/GetTipoDocumento"}


def test_what_is_sent(sandbox: RunningSandbox) -> None:
    run(sandbox, **ALL_DOCUMENTS).ok()
    for request in sandbox.serpi.requests:
        assert request.headers["authorization"] == f"Bearer {sandbox.serpi.token}"
        assert request.headers["secretkey"] == sandbox.serpi.secret_key
        assert request.headers["user-agent"].startswith("tap-serpi/")
    kinds = set(sandbox.serpi.counts())
    assert kinds == {"articulo.get", "tipo_documento.get", "documento.query"}
    assert sandbox.serpi.history == []


def test_another_seed_and_size() -> None:
    with running_sandbox(scale=0.3, seed=11) as other:
        assert_complete(other, *STREAMS, page_size=33)
