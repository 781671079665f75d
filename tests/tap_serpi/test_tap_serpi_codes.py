"""The setting `codigo`, whatever SERPI's filter of that name does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from erp_sandbox.faults import Fault
from support.serpi_tap import ARTICLES, held, run, texts

if TYPE_CHECKING:
    from support.servers import RunningSandbox

FILTERS = ["exact", "number", "prefix", "ignored"]


def codes_of(rows: list[bytes]) -> list[str]:
    return [msgspec.json.decode(row)["codigo"] for row in rows]


def filters_sent(sandbox: RunningSandbox) -> list[str | None]:
    return [
        asked.query.get("codigo")
        for asked in sandbox.serpi.requests
        if asked.kind == "articulo.get" and asked.query["pagina"] == "1"
    ]


@pytest.mark.parametrize("how", FILTERS)
@pytest.mark.parametrize(
    "codes",
    [
        ["00123"],
        ["123"],
        ["0"],
        ["7701234567890"],
        ["A/B & C+1%"],
        ["ñandú-01"],
        ["abc"],
        ["123", "00123"],
        ["00123", "abc", "ABC", "0"],
        ["abc", "abc"],
    ],
)
def test_exactly_the_articles_with_these_codes(
    sandbox: RunningSandbox, codes: list[str], how: Any
) -> None:
    sandbox.serpi.switches.codigo_filter = how
    run_ = run(sandbox, ARTICLES, codigo=codes, page_size=400)
    rows = texts(run_.ok(), ARTICLES)
    wanted = [row for row in held(sandbox.serpi, ARTICLES) if codes_of([row])[0] in codes]
    assert sorted(rows) == sorted(wanted)
    assert len(rows) == len(set(codes))
    assert "no article" not in run_.stderr


@pytest.mark.parametrize("how", FILTERS)
def test_two_articles_with_one_code(sandbox: RunningSandbox, how: Any) -> None:
    sandbox.serpi.switches.codigo_filter = how
    sandbox.serpi.articles.add(codigo="00123")
    output = run(sandbox, ARTICLES, codigo=["00123", "abc"], page_size=50).ok()
    assert codes_of(texts(output, ARTICLES)).count("00123") == 2


@pytest.mark.parametrize("how", FILTERS)
@pytest.mark.parametrize("missing", ["99999999", "0099", "not there", "7709999999999"])
def test_a_code_that_is_not_there_is_warned_about(
    sandbox: RunningSandbox, missing: str, how: Any
) -> None:
    sandbox.serpi.switches.codigo_filter = how
    run_ = run(sandbox, ARTICLES, codigo=[missing, "abc"], page_size=400)
    assert codes_of(texts(run_.ok(), ARTICLES)) == ["abc"]
    assert f"SERPI has no article with the code {missing};" in run_.stderr
    assert "WARNING" in run_.stderr


@pytest.mark.parametrize("form", ["code204", "code201", "http204", "null_result", "http404"])
def test_every_form_of_not_found(sandbox: RunningSandbox, form: Any) -> None:
    sandbox.serpi.switches.empty_answer = form
    run_ = run(sandbox, ARTICLES, codigo=["99999999"])
    assert run_.ok().records() == []
    assert "no article" in run_.stderr
    # A plain number is what the filter is made for, so nothing else is asked.
    assert filters_sent(sandbox) == ["99999999"]


def test_one_request_a_code_where_the_filter_works(sandbox: RunningSandbox) -> None:
    codes = ["abc", "00123", "gone", "0099"]
    run(sandbox, ARTICLES, codigo=codes).ok()
    assert filters_sent(sandbox) == codes


def test_an_absence_is_not_believed_of_a_filter_that_may_not_understand(
    sandbox: RunningSandbox,
) -> None:
    # The filter reads 00123 as 123 and compares it with the text.
    body = b'{"success":true,"code":204,"message":"No se encontraron registros"}'
    fault = Fault("status", "GET", "codigo=00123", status=200, body=body, times=None)
    sandbox.serpi.faults.add(fault)
    run_ = run(sandbox, ARTICLES, codigo=["00123"], page_size=500)
    assert codes_of(texts(run_.ok(), ARTICLES)) == ["00123"]
    assert "cannot be relied on" in run_.stderr


@pytest.mark.parametrize("beside", [200, 400])
def test_a_filter_that_refuses_what_is_no_number(sandbox: RunningSandbox, beside: int) -> None:
    body = json.dumps({"success": False, "code": 400, "errors": ["codigo"], "message": "no"})
    fault = Fault("status", "GET", "codigo=[^0-9&]", status=beside, body=body, times=None)
    sandbox.serpi.faults.add(fault)
    output = run(sandbox, ARTICLES, codigo=["abc", "123", "ñandú-01"]).ok()
    assert sorted(codes_of(texts(output, ARTICLES))) == ["123", "abc", "ñandú-01"]


def test_a_plain_number_that_is_refused_is_an_error(sandbox: RunningSandbox) -> None:
    body = json.dumps({"success": False, "code": 400, "errors": ["codigo"], "message": "no"})
    sandbox.serpi.faults.add(Fault("status", "GET", "codigo=123", status=400, body=body))
    run(sandbox, ARTICLES, codigo=["123"]).failed(3, "code 400")


def test_an_ignored_filter_costs_one_reading_of_the_catalogue(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.codigo_filter = "ignored"
    run(sandbox, ARTICLES, codigo=["123", "abc", "0"], page_size=1000).ok()
    assert filters_sent(sandbox) == ["123"]


def test_codes_in_another_spelling_and_filled_with_blanks(sandbox: RunningSandbox) -> None:
    row = held(sandbox.serpi, ARTICLES)[2].replace(b'"codigo":"123"', b'"Codigo":"123   "')
    body = b'{"success":true,"code":200,"errors":null,"message":"","result":[%b]}' % row
    sandbox.serpi.faults.add(Fault("status", "GET", "codigo=123", status=200, body=body))
    (record,) = run(sandbox, ARTICLES, codigo=["123"]).ok().records()
    assert record["codigo"] == "123   "


def test_some_codes_are_no_whole_table(sandbox: RunningSandbox) -> None:
    output = run(sandbox, ARTICLES, codigo=["123"]).ok()
    assert output.of_type("ACTIVATE_VERSION") == []
    assert all("version" not in message for message in output.of_type("RECORD"))


def test_pagina_ignored_with_a_filter(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.ignore_pagina = True
    sandbox.serpi.switches.codigo_filter = "ignored"
    run(sandbox, ARTICLES, codigo=["123"]).failed(3, "`pagina`")


@pytest.mark.parametrize("codes", [[123], ["1", 2], [None], [True], 123])
def test_a_number_given_for_a_code_is_refused(sandbox: RunningSandbox, codes: Any) -> None:
    run(sandbox, codigo=codes, start_date="2026-01-01").failed(2, "setting 'codigo'")
    assert sandbox.serpi.requests == []


@pytest.mark.parametrize("codes", [[""], ["1", " "]])
def test_an_empty_code_is_refused(sandbox: RunningSandbox, codes: Any) -> None:
    run(sandbox, ARTICLES, codigo=codes).failed(2, "setting 'codigo'", "empty")
    assert sandbox.serpi.requests == []


def test_no_codes_are_all(sandbox: RunningSandbox) -> None:
    assert len(texts(run(sandbox, ARTICLES, codigo=[]).ok(), ARTICLES)) == 1200


@pytest.mark.parametrize("text", ["00123,0", '["00123","0"]', " 00123 , 0 "])
def test_codes_as_text(sandbox: RunningSandbox, text: str) -> None:
    output = run(sandbox, ARTICLES, codigo=text).ok()
    assert sorted(codes_of(texts(output, ARTICLES))) == ["0", "00123"]
