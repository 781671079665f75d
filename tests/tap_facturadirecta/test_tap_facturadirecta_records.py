"""Every provider comes out of the tap as the server holds it, however its XML is written."""

from __future__ import annotations

import typing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_sandbox.facturadirecta.data import make_providers
from erp_sandbox.facturadirecta.switches import FacturaDirectaSwitches
from erp_sandbox.vendor import Setup
from support.facturadirecta_tap import STREAM, records_of, run
from support.hostile_xml import served

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node, Provider
    from support.servers import RunningSandbox

TEXT_FORMS = typing.get_args(typing.get_type_hints(FacturaDirectaSwitches)["text"])
EMPTY_FORMS = typing.get_args(typing.get_type_hints(FacturaDirectaSwitches)["empty_elements"])

XML_TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r &<>]['\"=\\\u0085\u00a0\u2028\ufffd🧾0"),
        st.characters(
            codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=("Cs", "Cc")
        ),
    ),
    max_size=30,
)
VALUE = st.one_of(st.none(), XML_TEXT)
NAME = st.sampled_from(
    (
        "owner",
        "tag",
        "xml",
        "provider",
        "providers",
        "httpStatus",
        "número",
        "a.b-c_1",
        "ID",
        "deep",
    )
)
NODE = st.recursive(
    VALUE,
    lambda inner: st.one_of(
        st.dictionaries(NAME, inner, max_size=3), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
FIELD = st.sampled_from(
    ("legalType", "name", "personName", "taxCode", "email", "phone", "notes", "companyCode")
)
CUSTOM = st.lists(
    st.fixed_dictionaries({"label": VALUE}, optional={"value": VALUE, "extra": VALUE}), max_size=3
)


def _unlisted(node: Any) -> Any:
    """A list inside a list has no form in XML: its first item stands for it."""
    if isinstance(node, list):
        items = [_unlisted(item) for item in node]
        return [item[0] if isinstance(item, list) else item for item in items]
    if isinstance(node, dict):
        return {name: _unlisted(value) for name, value in node.items()}
    return node


@st.composite
def _providers(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        provider: dict[str, Any] = {"id": number * 7, **draw(st.dictionaries(FIELD, VALUE))}
        if draw(st.booleans()):
            provider["address"] = draw(
                st.dictionaries(st.sampled_from(("line1", "zipcode", "piso")), VALUE, min_size=1)
            )
        if draw(st.booleans()):
            provider["customAttributes"] = draw(CUSTOM)
        provider |= _unlisted(draw(st.dictionaries(NAME, NODE, max_size=3)))
        found.append(provider)
    return found


@given(
    providers=_providers(),
    switches=st.fixed_dictionaries(
        {
            "text": st.sampled_from(TEXT_FORMS),
            "empty_elements": st.sampled_from(EMPTY_FORMS),
            "encoding": st.sampled_from(["UTF-8", "ISO-8859-1", "UTF-16"]),
            "indent": st.booleans(),
            "comments": st.booleans(),
            "attributes": st.booleans(),
            "namespace": st.sampled_from(["", "urn:example:facturadirecta"]),
            "list_items": st.sampled_from(["full", "thin", "without_custom_attributes"]),
        }
    ),
)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_provider_survives_any_form(
    sandbox: RunningSandbox, providers: list[dict[str, Any]], switches: dict[str, Any]
) -> None:
    server = sandbox.facturadirecta
    server.reset()
    server.switches.update(switches)
    server.clear()
    held = [server.put_provider(provider) for provider in providers]
    output = run(sandbox, details="always").ok()
    output.check_records()
    assert [_plain(record) for record in output.records(STREAM)] == records_of(held)


def _plain(value: Any) -> Any:
    """Leave out what stands for XML attributes, which the sandbox's data do not have."""
    if isinstance(value, dict):
        return {name: _plain(child) for name, child in value.items() if "@" not in name}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_all_of_the_sandboxs_shapes(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    held = list(make_providers(Setup(scale=0.4)))
    assert len(held) == 240  # one page
    server.clear()
    for provider in held:
        server.put_provider(provider)
    server.switches.update({"text": "varied", "empty_elements": "varied", "comments": True})
    output = run(sandbox, details="never").ok()
    output.check_records()
    assert output.records(STREAM) == records_of(held)


def one(sandbox: RunningSandbox, provider: Provider, **settings: Any) -> dict[str, Any]:
    sandbox.facturadirecta.clear()
    sandbox.facturadirecta.put_provider({"id": 77, **provider})
    output = run(sandbox, **settings).ok()
    output.check_records()
    (record,) = output.records(STREAM)
    return record


def test_company_and_person(sandbox: RunningSandbox) -> None:
    company: Provider = {"legalType": "J", "name": "Nombre Proveedor"}
    assert one(sandbox, company) == {"id": 77, **company}
    person: Provider = {"legalType": "F", "personName": "Núria", "personSurname": "Puig i Vila"}
    assert one(sandbox, person) == {"id": 77, **person}


def test_text_is_exact_and_stays_text(sandbox: RunningSandbox) -> None:
    provider: Provider = {
        "name": "  dos  espacios ",
        "notes": "Primera línea\r\n\tSegunda\n\n  <b>&amp; \\ \"x\" 'y' ]]>",
        "phone": " \n\t ",
        "companyCode": "000012",
        "language": "true",
        "address": {"zipcode": "08500", "country": "ES"},
        "rate": "-15.00",
        "since": "2024-05-06T07:08:09",
        "day": "2024-05-06",
        "count": "0",
    }
    record = one(sandbox, provider, details="never")
    assert record == {"id": 77, **provider}
    assert type(record["id"]) is int
    schema = run(sandbox, details="never").ok().schemas(STREAM)[-1]["properties"]
    for name in ("rate", "since", "day", "count"):
        assert schema[name] == {"type": ["string", "null"]}


def test_empty_is_null_and_absent_is_absent(sandbox: RunningSandbox) -> None:
    record = one(sandbox, {"phone": None, "address": {"line1": None, "city": "Vic"}, "owner": None})
    assert record == {
        "id": 77,
        "phone": None,
        "address": {"line1": None, "city": "Vic"},
        "owner": None,
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (None, {}),
        ([], {"customAttributes": None}),
        ([{"label": "A", "value": "1"}], {"customAttributes": [{"label": "A", "value": "1"}]}),
        (
            [{"label": "B", "value": None}, {"label": "A"}, {"label": "A", "value": "007"}],
            {
                "customAttributes": [
                    {"label": "B", "value": None},
                    {"label": "A"},
                    {"label": "A", "value": "007"},
                ]
            },
        ),
    ],
)
def test_custom_attributes(
    sandbox: RunningSandbox, attributes: list[Node] | None, expected: dict[str, Any]
) -> None:
    provider: Provider = {} if attributes is None else {"customAttributes": attributes}
    assert one(sandbox, provider) == {"id": 77, **expected}


def serve(sandbox: RunningSandbox, body: str, start: int = 0) -> None:
    """Have every list call that begins at a position answered with a document."""
    sandbox.facturadirecta.faults.add(served(body.encode(), path=rf"start={start}&"))


def listed(sandbox: RunningSandbox, body: str, **settings: Any) -> list[dict[str, Any]]:
    """The records of a list that is one document and no more."""
    sandbox.facturadirecta.clear()
    serve(sandbox, body)
    output = run(sandbox, details="never", **settings).ok()
    output.check_records()
    return output.records(STREAM)


def test_attributes_stand_beside_their_elements(sandbox: RunningSandbox) -> None:
    body = (
        '<providers type="array"><provider uri="/p/1" xmlns:x="urn:x" x:kind="J">'
        '<id type="integer">1</id><phone nil="true"/><tag lang="es">a</tag><tag>b</tag>'
        "<tag lang='ca'>c</tag><address ref='9'><city lang='ca'>Vic</city></address>"
        '<customAttributes type="array"><customAttribute n="1"><label>A</label></customAttribute>'
        "<customAttribute n='2'/></customAttributes></provider></providers>"
    )
    (record,) = listed(sandbox, body)
    assert record == {
        "@uri": "/p/1",
        "@kind": "J",
        "id": 1,
        "id@type": "integer",
        "phone": None,
        "phone@nil": "true",
        "tag": ["a", "b", "c"],
        "tag@lang": ["es", None, "ca"],
        "address": {"city": "Vic", "city@lang": "ca"},
        "address@ref": "9",
        "customAttributes": [{"label": "A", "@n": "1"}, {"@n": "2"}],
        "customAttributes@type": "array",
    }


def test_text_beside_elements_is_kept(sandbox: RunningSandbox) -> None:
    body = (
        "<providers><provider> suelto <id> 3 </id><notes>hola <b>que</b> tal</notes>"
        "<address>\n  <city>Vic</city>\n</address>"
        "<customAttributes>x<otro>1</otro></customAttributes></provider></providers>"
    )
    (record,) = listed(sandbox, body)
    assert record == {
        "#text": " suelto ",
        "id": 3,
        "notes": {"b": "que", "#text": "hola  tal"},
        "address": {"city": "Vic"},
        "customAttributes": [{"otro": "1"}, {"#text": "x"}],
    }


def test_what_repeats_once_is_a_list_always(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    tags: list[Node] = ["a", "b"]
    server.put_provider({"id": 1, "tag": "first", "owner": {"mail": "x"}})
    server.put_provider({"id": 2, "tag": tags, "owner": {"mail": tags}})
    server.put_provider({"id": 3, "tag": None, "owner": {"mail": None}})
    output = run(sandbox, details="never").ok()
    assert [record["tag"] for record in output.records()] == [["first"], ["a", "b"], [None]]
    assert [record["owner"]["mail"] for record in output.records()] == [["x"], ["a", "b"], [None]]

    # The next run remembers it, although nothing repeats any more.
    server.remove(2)
    later = run(sandbox, details="never", state=output.state).ok()
    assert [record["tag"] for record in later.records()] == [["first"], [None]]
    assert [record["owner"]["mail"] for record in later.records()] == [["x"], [None]]
    assert later.schemas()[-1] == output.schemas()[-1]


def test_list_in_a_catalog_is_a_list(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.put_provider({"id": 1, "tag": "only"})
    given = {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
    catalog = _catalog({"id": {"type": ["integer"]}, "tag": given})
    (record,) = run(sandbox, details="never", catalog=catalog).ok().records()
    assert record == {"id": 1, "tag": ["only"]}


def _catalog(properties: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "streams": [
            {
                "tap_stream_id": STREAM,
                "stream": STREAM,
                "key_properties": ["id"],
                "schema": {"type": "object", "properties": properties},
                "metadata": [
                    {"breadcrumb": [], "metadata": {"selected": True, "inclusion": "available"}},
                    *(
                        {
                            "breadcrumb": ["properties", name],
                            "metadata": {"selected": selected, "inclusion": "available"},
                        }
                        for name, selected in metadata.items()
                    ),
                ],
            }
        ]
    }


def test_deselected_fields_are_left_out(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.put_provider({"id": 1, "name": "A", "notes": "secret", "email": "a@b.example"})
    text = {"type": ["string", "null"]}
    properties = {"id": {"type": ["integer"]}, "name": text, "notes": text, "email": text}
    catalog = _catalog(properties, notes=False, email=False)
    (record,) = run(sandbox, details="never", catalog=catalog).ok().records()
    assert record == {"id": 1, "name": "A"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("77", 77),
        ("-3", -3),
        ("0", 0),
        ("007", "007"),
        ("A-1", "A-1"),
        ("1.0", "1.0"),
        ("9" * 18, int("9" * 18)),
        ("9" * 30, "9" * 30),
        ("٣", "٣"),
    ],
)
def test_ids(sandbox: RunningSandbox, text: str, expected: int | str) -> None:
    body = f"<providers><provider><id>{text}</id></provider></providers>"
    (record,) = listed(sandbox, body)
    assert record == {"id": expected}
    assert not isinstance(record["id"], Decimal)


@pytest.mark.parametrize("details", ["auto", "always", "never"])
def test_provider_without_an_id_ends_in_exit_code_4(sandbox: RunningSandbox, details: str) -> None:
    sandbox.facturadirecta.put_provider({"id": 1})
    serve(sandbox, "<providers><provider><id>1</id></provider><provider/></providers>")
    serve(sandbox, "<providers><provider/></providers>", start=1)
    run(sandbox, details=details).failed(4, "lack the key property 'id'")


def test_providers_without_an_id_need_no_key(sandbox: RunningSandbox) -> None:
    sandbox.facturadirecta.clear()
    serve(sandbox, "<providers><provider><id>1</id></provider><provider/></providers>")
    serve(sandbox, "<providers><provider/></providers>", start=1)
    output = run(sandbox, details="never", key_properties={STREAM: []}).ok()
    assert output.records() == [{"id": 1}, {}]


def test_frozen_schema_refuses_unknown_elements(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.clear()
    server.put_provider({"id": 1, "name": "A"})
    assert run(sandbox, schema_contract="freeze").ok().records() == [{"id": 1, "name": "A"}]
    server.put_provider({"id": 2, "nuevo": "secret value"})
    ended = run(sandbox, schema_contract="freeze")
    ended.failed(4, "nuevo", "freeze")
    assert "secret value" not in ended.stderr
