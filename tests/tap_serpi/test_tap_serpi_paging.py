"""Servers that do odd things with `limite` and `pagina`: an error, never a short table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    TYPES,
    held,
    ids,
    pages,
    run,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from erp_sandbox.serpi.app import Serpi
    from support.servers import RunningSandbox


def answer_with(rows: Sequence[bytes], message: str = "") -> bytes:
    """A good answer with some rows."""
    return b'{"success":true,"code":200,"errors":null,"message":%b,"result":[%b]}' % (
        json.dumps(message).encode(),
        b",".join(rows),
    )


def script(serpi: Serpi, *answers: Sequence[bytes], message: str = "") -> None:
    """Answer the next requests for articles with these rows, one list a request."""
    for rows in answers:
        fault = Fault("status", "GET", "Articulo", status=200, body=answer_with(rows, message))
        serpi.faults.add(fault)


@pytest.mark.parametrize("maximum", [0, 2, 3, 100, 501])
@pytest.mark.parametrize("stream", [ARTICLES, TYPES, DOCUMENTS])
def test_a_server_that_ignores_pagina(sandbox: RunningSandbox, stream: str, maximum: int) -> None:
    sandbox.serpi.switches.ignore_pagina = True
    sandbox.serpi.switches.page_maximum = maximum
    # One type's documents alone, so that the types themselves fit a page.
    types: dict[str, Any] = {"document_types": [1]} if stream == DOCUMENTS else {}
    window = {**ALL_DOCUMENTS, "window_days": 1000}
    page_size = 2 if stream == TYPES else 100
    run_ = run(sandbox, stream, page_size=page_size, **types, **window)
    output = run_.failed(3, f"stream {stream}", "`pagina`")
    assert output.of_type("ACTIVATE_VERSION") == []
    assert DOCUMENTS not in (output.states[-1]["bookmarks"] if output.states else {})


def test_the_question_that_tells_ignoring_from_repeating(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.ignore_pagina = True
    run(sandbox, ARTICLES, page_size=7).failed(3, "page 2 of 3 rows")
    assert pages(sandbox.serpi, "articulo.get") == [("7", "1"), ("7", "2"), ("3", "2")]


def test_pagina_ignored_by_a_table_that_fits_one_page(sandbox: RunningSandbox) -> None:
    # Nothing is lost here, but nobody can know.
    sandbox.serpi.switches.ignore_pagina = True
    run(sandbox, TYPES).failed(3, "`pagina`")


def test_a_single_row_is_taken_as_the_end(sandbox: RunningSandbox) -> None:
    for identifier in range(2, 1201):
        sandbox.serpi.articles.remove(identifier)
    sandbox.serpi.switches.ignore_pagina = True
    output = run(sandbox, ARTICLES).ok()
    assert texts(output, ARTICLES) == held(sandbox.serpi, ARTICLES)


def test_pagina_ignored_while_rows_come(sandbox: RunningSandbox) -> None:
    # Page 2 differs from page 1 by one row, and page 3 repeats page 2: still no end.
    sandbox.serpi.switches.ignore_pagina = True
    sandbox.serpi.switches.insert_before_page = 2
    run(sandbox, ARTICLES, page_size=100).failed(3, "`pagina`")


def test_pagina_ignored_while_a_whole_page_comes(sandbox: RunningSandbox) -> None:
    # Page 2 has none of page 1's rows, and proves nothing all the same.
    articles = sandbox.serpi.articles

    def import_many() -> None:
        for number in range(5):
            articles.add(first=True, codigo=f"IMPORTADO-{number}")

    sandbox.serpi.switches.ignore_pagina = True
    sandbox.serpi.before_page("articulos", 2, import_many)
    run(sandbox, ARTICLES, page_size=5).failed(3, "`pagina`")


@pytest.mark.parametrize(("rows", "further"), [(25, []), (18, [("10", "1")])])
def test_what_a_repeated_last_page_costs(
    sandbox: RunningSandbox, rows: int, further: list[tuple[str, str]]
) -> None:
    for identifier in range(rows + 1, 1201):
        sandbox.serpi.articles.remove(identifier)
    sandbox.serpi.switches.past_end = "last_page"
    output = run(sandbox, ARTICLES, page_size=10).ok()
    assert texts(output, ARTICLES) == held(sandbox.serpi, ARTICLES)
    count = -(-rows // 10) + 1
    regular = [("10", str(page)) for page in range(1, count + 1)]
    assert pages(sandbox.serpi, "articulo.get") == [*regular, *further]


def test_rows_come_and_the_last_page_is_repeated(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.past_end = "last_page"
    sandbox.serpi.switches.insert_before_page = 2
    for identifier in range(151, 1201):
        sandbox.serpi.articles.remove(identifier)
    output = run(sandbox, ARTICLES, page_size=100).ok()
    assert set(range(1, 151)) <= set(ids(texts(output, ARTICLES)))


def test_pagina_ignored_and_another_order_each_time(sandbox: RunningSandbox) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:6]
    turned = [rows[turn:] + rows[:turn] for turn in range(6)]
    script(sandbox.serpi, *turned, *turned)
    run(sandbox, ARTICLES, page_size=6).failed(3, "`pagina`")
    assert sandbox.serpi.count("articulo.get") <= 6


def test_pagina_ignored_and_other_content_each_time(sandbox: RunningSandbox) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:6]
    script(
        sandbox.serpi,
        *(
            [row.replace(b'"peso":', b'"peso":%d' % (time + 1)) for row in rows]
            for time in range(9)
        ),
    )
    run(sandbox, ARTICLES, page_size=6).failed(3, "`pagina`")


@pytest.mark.parametrize("size", [5, 6, 11])
def test_a_server_that_begins_again_after_the_end(sandbox: RunningSandbox, size: int) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:11]
    table = [rows[start : start + size] for start in range(0, 11, size)]
    # A single page is asked for by halves, which such a server has too.
    halves = [rows[5:10]] if size == 11 else []
    script(sandbox.serpi, *table, table[0], *halves)
    output = run(sandbox, ARTICLES, page_size=size).ok()
    assert texts(output, ARTICLES) == rows


def test_pages_of_any_length(sandbox: RunningSandbox) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:30]
    script(sandbox.serpi, rows[:10], rows[10:11], rows[11:18], rows[18:19], rows[19:30])
    script(sandbox.serpi, [])
    assert texts(run(sandbox, ARTICLES, page_size=10).ok(), ARTICLES) == rows


def test_rows_that_come_between_two_pages_are_not_doubled(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.insert_before_page = 3
    run_ = run(sandbox, ARTICLES, page_size=100)
    rows = texts(run_.ok(), ARTICLES)
    assert sorted(ids(rows)) == list(range(1, 1201))
    assert "1 rows came again unchanged" in run_.stderr


def test_a_row_that_changes_while_it_comes_again(sandbox: RunningSandbox) -> None:
    articles = sandbox.serpi.articles

    def change() -> None:
        articles.change(100, descripcion="OTRA")
        articles.add(first=True, codigo="DELANTE")

    sandbox.serpi.before_page("articulos", 2, change)
    run_ = run(sandbox, ARTICLES, page_size=100)
    found = [record for record in run_.ok().records() if record["id"] == 100]
    assert [record["descripcion"] == "OTRA" for record in found] == [False, True]
    assert "1 rows came again with other content under the same key" in run_.stderr


def test_a_row_that_slips_is_read_where_the_message_tells(sandbox: RunningSandbox) -> None:
    # Row 1 goes before page 3 is made, so row 201 moves to page 2, which was read already.
    sandbox.serpi.switches.message_count = "total"
    sandbox.serpi.switches.delete_before_page = 3
    run_ = run(sandbox, ARTICLES, page_size=100)
    rows = texts(run_.ok(), ARTICLES)
    assert sorted(ids(rows)) == list(range(1, 1201))
    assert "read once more" in run_.stderr
    assert "announced" not in run_.stderr


def test_a_total_that_is_not_reached_is_a_warning(sandbox: RunningSandbox) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:8]
    script(sandbox.serpi, rows[:5], rows[5:], [], message="1.009 registro(s) encontrados")
    run_ = run(sandbox, ARTICLES, page_size=5)
    assert texts(run_.ok(), ARTICLES) == rows
    assert "SERPI announced 1,009 rows and gave 8" in run_.stderr


@pytest.mark.parametrize(
    "message",
    [
        "",
        "registros encontrados",
        "Se encontraron muchos",
        "9" * 5000 + " registro(s)",
        None,
        7,
        ["x"],
    ],
)
def test_a_message_without_a_count(sandbox: RunningSandbox, message: Any) -> None:
    rows = held(sandbox.serpi, ARTICLES)[:3]
    body = json.dumps({"success": True, "code": 200, "errors": None, "message": message})
    answer = body[:-1].encode() + b', "result": [' + b",".join(rows) + b"]}"
    sandbox.serpi.faults.add(Fault("status", "GET", "Articulo", status=200, body=answer))
    script(sandbox.serpi, [])
    assert texts(run(sandbox, ARTICLES).ok(), ARTICLES) == rows
