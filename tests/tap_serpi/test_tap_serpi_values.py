"""What SERPI may put into a record: nothing is dropped, rounded or renamed without need."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    STREAMS,
    TYPES,
    held,
    run,
    selection,
    texts,
)

if TYPE_CHECKING:
    from support.servers import RunningSandbox
    from support.singer import Run


def serve(sandbox: RunningSandbox, *pages: list[str], path: str = "Articulo") -> None:
    """Answer the next requests with rows that are written as they are, then with nothing."""
    for rows in pages:
        body = '{"success":true,"code":200,"errors":null,"message":"","result":[%s]}'
        fault = Fault("status", path=path, status=200, body=body % ",".join(rows))
        sandbox.serpi.faults.add(fault)
    sandbox.serpi.faults.add(Fault("status", path=path, status=204, times=None))


def articles(sandbox: RunningSandbox, *pages: list[str], **further: Any) -> Run:
    """Read these articles; the output satisfies its own schemas."""
    serve(sandbox, *pages)
    run_ = run(sandbox, ARTICLES, **further)
    if run_.exit_code == 0:
        run_.output.check_records()
    return run_


def property_of(run_: Run, name: str) -> Any:
    return run_.ok().schemas(ARTICLES)[-1]["properties"][name]


# Numbers


@pytest.mark.parametrize(
    "number",
    [
        "0.00000",
        "-0.00001",
        "12345678901234.56789",
        "99999999999999999999999999.99999",
        "0.1000000000000000055511151231257827",
        "1E+3",
        "1.50e-7",
        "-0",
        "1e400",
        "123456789012345678901234567890",
        "7701234567890123456",
    ],
)
def test_numbers_keep_their_text(sandbox: RunningSandbox, number: str) -> None:
    row = f'{{"id":1,"costo":{number}}}'
    assert texts(articles(sandbox, [row]).ok(), ARTICLES) == [row.encode()]


@pytest.mark.parametrize("number", ["0.00000", "12345678901234.56789", "-0.00001", "67900.00000"])
def test_numbers_are_exact_on_the_way_through_the_sdk(sandbox: RunningSandbox, number: str) -> None:
    row = f'{{"id":1,"costo":{number}}}'
    run_ = articles(sandbox, [row], stream_maps={ARTICLES: {"texto": "str(id)"}})
    (record,) = run_.ok().records()
    assert record["costo"] == Decimal(number)
    assert isinstance(record["costo"], Decimal | int)


def test_lines_of_documents_keep_their_amounts(sandbox: RunningSandbox) -> None:
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).ok()
    (row,) = [row for row in texts(output, DOCUMENTS) if b'"id":113,' in row]
    assert b'"valor":12345678901234.56789,' in row


def test_a_documented_whole_number_with_a_fraction(sandbox: RunningSandbox) -> None:
    rows = ['{"id":1,"idlinea":3}', '{"id":2,"idlinea":3.5}']
    run_ = articles(sandbox, rows)
    run_.failed(4, ARTICLES, "idlinea", "fraction")
    assert "3.5" not in run_.stderr
    assert run_.output.records() == []
    assert run_.output.activated(ARTICLES) == []


def test_a_fraction_inside_a_document(sandbox: RunningSandbox) -> None:
    serve(sandbox, ['{"id":1,"detalles":[{"cuota":0},{"cuota":0.5}]}'], path="Consultar")
    run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).failed(4, DOCUMENTS, "detalles[].cuota")


def test_a_whole_number_that_is_written_with_a_point(sandbox: RunningSandbox) -> None:
    rows = ['{"id":1,"idlinea":3.00}', '{"id":2,"diasMaximo":4.0}']
    run_ = articles(sandbox, rows)
    assert texts(run_.ok(), ARTICLES) == [row.encode() for row in rows]
    assert property_of(run_, "idlinea")["type"] == ["integer", "null"]


def test_a_fraction_where_the_catalog_allows_it(sandbox: RunningSandbox) -> None:
    catalog = selection(ARTICLES)
    catalog["streams"][0]["schema"]["properties"] = {"idlinea": {"type": ["number", "null"]}}
    serve(sandbox, ['{"id":1,"idlinea":3.5}'])
    output = run(sandbox, catalog=catalog).ok()
    output.check_records()
    assert output.records() == [{"id": 1, "idlinea": Decimal("3.5")}]
    assert output.schemas(ARTICLES)[-1]["properties"]["idlinea"] == {"type": ["number", "null"]}


def test_a_whole_number_that_comes_as_text(sandbox: RunningSandbox) -> None:
    run_ = articles(sandbox, ['{"id":1,"idlinea":3}', '{"id":2,"idlinea":"tres"}'])
    assert len(run_.ok().records()) == 2
    (line,) = [line for line in run_.stderr.splitlines() if "WARNING" in line]
    assert "idlinea came as integer so far and now comes as string too" in line


# Text


@pytest.mark.parametrize("order", ["stored", "reversed"])
def test_characters_that_databases_refuse(sandbox: RunningSandbox, order: Any) -> None:
    sandbox.serpi.switches.hostile_text = True
    sandbox.serpi.switches.row_order = order
    run_ = run(sandbox, ARTICLES)
    output = run_.ok()
    assert len(output.records()) == 1200
    changed = [record for record in output.records() if "\ufffd" in record["descripcion"]]
    assert len(changed) == 2
    assert rb"\u0000" not in output.stdout
    assert rb"\ud8" not in output.stdout.lower()
    assert run_.stderr.count("2 characters that databases refuse") == 1
    truth = [json.loads(row, parse_float=str) for row in held(sandbox.serpi, ARTICLES)]
    found = [json.loads(row, parse_float=str) for row in texts(output, ARTICLES)]
    spoiled = {record["id"] for record in changed}
    in_order = truth if order == "stored" else truth[::-1]
    for is_, was in zip(found, in_order, strict=True):
        assert is_["id"] in spoiled or is_ == was


def test_padded_text_stays_padded(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.padded_text = True
    records = run(sandbox, ARTICLES).ok().records()
    assert {len(record["referencia"]) for record in records if record["referencia"]} == {60}


@pytest.mark.parametrize(
    "row",
    [
        '{"id":1,"descripcion":"dos\\nlíneas\\tñ \\"x\\" \\\\ \\/ \\u00e1 😀"}',
        '{"id":1,"descripcion":""}',
        '{"id":1,"raro \\"nombre\\\\":1}',
        '{"id":1,"con.punto":{"a b":[1,[2,{"c":null}]]}}',
        '{"id":1,"":7}',
        '{"id":1,"ñandú":true}',
        '{"id":1,"camposPersonalizados":' + '{"a":' * 40 + "1" + "}" * 41,
    ],
)
def test_odd_text_and_names(sandbox: RunningSandbox, row: str) -> None:
    (record,) = articles(sandbox, [row]).ok().records()
    assert record == json.loads(row, parse_float=Decimal)


def test_one_message_a_line_whatever_the_layout(sandbox: RunningSandbox) -> None:
    rows = [json.loads(row) for row in held(sandbox.serpi, ARTICLES)[4:7]]
    body = json.dumps(
        {"success": True, "code": 200, "errors": None, "message": "", "result": rows}, indent=4
    ).replace("\n", "\r\n")
    marked = b"\xef\xbb\xbf\r\n" + body.encode()
    sandbox.serpi.faults.add(Fault("status", path="pagina=1", status=200, body=marked))
    sandbox.serpi.faults.add(Fault("status", path="pagina=2", status=204))
    assert [r["id"] for r in run(sandbox, ARTICLES).ok().records()] == [5, 6, 7]


# Custom fields


@pytest.mark.parametrize("form", ["held", "null", "list", "absent", "mixed"])
def test_custom_fields_in_every_form(sandbox: RunningSandbox, form: Any) -> None:
    sandbox.serpi.switches.custom_fields = form
    output = run(sandbox, ARTICLES).ok()
    output.check_records()
    assert len(output.schemas(ARTICLES)) == 1
    found = {type(record.get("camposPersonalizados", ...)) for record in output.records()}
    kinds = {
        "held": {dict, type(None)},
        "null": {type(None)},
        "list": {list, type(None)},
        "absent": {type(...)},
        "mixed": {dict, type(None), list, type(...)},
    }
    assert found == kinds[form]


def test_a_custom_field_may_have_any_kind(sandbox: RunningSandbox) -> None:
    values = ["1", '"x"', "null", "[1]", '{"a":1}', "1.5", "true"]
    rows = [
        f'{{"id":{number},"camposPersonalizados":{{"A":{value}}}}}'
        for number, value in enumerate(values, 1)
    ]
    run_ = articles(sandbox, rows)
    assert texts(run_.ok(), ARTICLES) == [row.encode() for row in rows]
    assert len(run_.ok().schemas()) == 1


# Spelling


@pytest.mark.parametrize("spelling", ["json", "table", "mixed"])
def test_one_spelling_comes_out(sandbox: RunningSandbox, spelling: Any) -> None:
    sandbox.serpi.switches.key_spelling = spelling
    output = run(sandbox, ARTICLES).ok()
    assert texts(output, ARTICLES) == held(sandbox.serpi, ARTICLES)
    names = list(output.schemas(ARTICLES)[-1]["properties"])
    assert len(names) == len({name.casefold() for name in names})
    assert len(output.schemas(ARTICLES)) == 1


def test_a_key_in_another_spelling(sandbox: RunningSandbox) -> None:
    output = articles(sandbox, ['{"Id":1,"CODIGO":"x"}', '{"id":2,"Codigo":"y"}']).ok()
    assert output.records() == [{"id": 1, "codigo": "x"}, {"id": 2, "codigo": "y"}]


def test_both_spellings_in_one_record(sandbox: RunningSandbox) -> None:
    rows = ['{"id":1,"diasMaximo":3,"DiasMaximo":3}', '{"id":2,"diasMaximo":null,"DiasMaximo":4}']
    output = articles(sandbox, rows).ok()
    assert output.records() == [{"id": 1, "diasMaximo": 3}, {"id": 2, "diasMaximo": 4}]


def test_two_spellings_with_different_values(sandbox: RunningSandbox) -> None:
    run_ = articles(sandbox, ['{"id":1,"diasMaximo":3,"DiasMaximo":4}'])
    run_.failed(3, ARTICLES, "diasMaximo", "two spellings")
    assert run_.output.records() == []


@pytest.mark.parametrize("pages", [1, 2])
def test_a_field_of_no_document_in_two_spellings(sandbox: RunningSandbox, pages: int) -> None:
    rows = ['{"id":1,"campoNuevo":1}', '{"id":2,"CampoNuevo":2}']
    output = articles(sandbox, *([rows] if pages == 1 else [[row] for row in rows])).ok()
    assert output.records() == [{"id": 1, "campoNuevo": 1}, {"id": 2, "campoNuevo": 2}]
    assert "CampoNuevo" not in output.schemas(ARTICLES)[-1]["properties"]


def test_types_in_another_spelling(sandbox: RunningSandbox) -> None:
    rows = ['{"ID":1,"CategoriaDocumento":"NC","Prefijo":"RCA","Descripcion":"x"}']
    serve(sandbox, rows, path="GetTipo")
    (record,) = run(sandbox, TYPES).ok().records()
    assert list(record) == ["id", "categoriaDocumento", "prefijo", "descripcion"]
    sandbox.serpi.faults.clear()
    serve(sandbox, rows, path="GetTipo")
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).ok()
    assert {record["prefijo"] for record in output.records()} == {"RCA"}


# New fields


@pytest.mark.parametrize("position", [1, 2, 600, 1100, 1200])
def test_a_field_that_appears_only_in_later_rows(sandbox: RunningSandbox, position: int) -> None:
    sandbox.serpi.switches.late_field_from = position
    run_ = run(sandbox, ARTICLES, page_size=100)
    output = run_.ok()
    output.check_records()
    with_it = [record for record in output.records() if "campoNuevo" in record]
    assert len(with_it) == 1200 - position + 1
    assert {record["campoNuevo"] for record in with_it} == {Decimal("1.5")}
    schemas = output.schemas(ARTICLES)
    assert len(schemas) == (1 if position <= 100 else 2)
    assert schemas[-1]["properties"]["campoNuevo"]["type"] == ["number", "null"]
    assert "campoNuevo" in run_.stderr


def test_a_new_field_is_remembered(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.late_field_from = 1
    state = run(sandbox, ARTICLES).ok().state
    sandbox.serpi.switches.late_field_from = 0
    (schema,) = run(sandbox, ARTICLES, state=state).ok().schemas()
    assert schema["properties"]["campoNuevo"]["type"] == ["number", "null"]


def test_a_new_field_that_is_always_null_gets_no_column(sandbox: RunningSandbox) -> None:
    output = articles(sandbox, ['{"id":1,"nada":null}', '{"id":2}']).ok()
    assert "nada" not in output.schemas(ARTICLES)[-1]["properties"]
    assert output.records()[0] == {"id": 1, "nada": None}


def test_a_new_field_inside_a_document(sandbox: RunningSandbox) -> None:
    serve(sandbox, ['{"id":1,"detalles":[{"valor":1.50,"nuevo":"x"}]}'], path="Consultar")
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).ok()
    output.check_records()
    lines = output.schemas(DOCUMENTS)[-1]["properties"]["detalles"]["items"]["properties"]
    assert "nuevo" in lines


@pytest.mark.parametrize("row", ['{"id":1,"campoNuevo":1}', '{"id":1,"activo":"quizás"}'])
def test_a_frozen_schema(sandbox: RunningSandbox, row: str) -> None:
    run_ = articles(sandbox, [row], schema_contract="freeze")
    name = "campoNuevo" if "campoNuevo" in row else "activo"
    run_.failed(4, ARTICLES, name, "freeze")
    assert "quizás" not in run_.stderr
    assert run_.output.activated(ARTICLES) == []


def test_a_frozen_schema_takes_what_is_documented(sandbox: RunningSandbox) -> None:
    for spelling in ("json", "mixed"):
        sandbox.serpi.switches.key_spelling = spelling
        output = run(sandbox, **ALL_DOCUMENTS, schema_contract="freeze").ok()
        assert len(output.records()) == 1804


def test_more_properties_than_a_table_takes(sandbox: RunningSandbox) -> None:
    row = {"id": 1, **{f"campo{number}": number for number in range(1500)}}
    run_ = articles(sandbox, [json.dumps(row)])
    run_.failed(4, ARTICLES, "1,500")


# The documented schemas


@pytest.mark.parametrize("stream", STREAMS)
def test_every_documented_property_may_be_null_but_the_key(
    sandbox: RunningSandbox, stream: str
) -> None:
    (schema,) = run(sandbox, **ALL_DOCUMENTS).ok().schemas(stream)
    assert schema["additionalProperties"] is True
    for name, given in schema["properties"].items():
        assert ("null" in given["type"]) == (name != "id"), name


def test_a_record_of_nothing_but_its_key(sandbox: RunningSandbox) -> None:
    names = json.loads(held(sandbox.serpi, ARTICLES)[0])
    nulls = json.dumps({**dict.fromkeys(names), "id": 2})
    assert len(articles(sandbox, ['{"id":1}', nulls]).ok().records()) == 2
