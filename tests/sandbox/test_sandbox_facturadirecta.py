"""The sandbox's FacturaDirecta: what a connector's tests lean on, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from erp_sandbox.facturadirecta import TOKEN
from erp_sandbox.facturadirecta.app import FacturaDirecta
from erp_sandbox.facturadirecta.data import LABELS, OWNERS
from erp_sandbox.faults import Fault
from erp_sandbox.switches import SwitchError
from erp_sandbox.vendor import Setup
from support.facturadirecta_account import (
    Account,
    error_of,
    local,
    on_the_wire,
    open_account,
    parse,
    read,
)
from support.servers import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from erp_sandbox.facturadirecta.structure import Node, Provider


@pytest.fixture
def account(sandbox: RunningSandbox) -> Iterator[Account]:
    with open_account(sandbox) as account:
        yield account


# --- data -----------------------------------------------------------------------------------------


def test_pages_hold_every_provider_exactly(account: Account) -> None:
    rows = [
        read(item)
        for start in range(0, 750, 250)
        for item in account.root(f"providers.xml?limit=250&start={start}")
    ]
    assert rows == [on_the_wire(provider) for provider in account.server.providers.values()]
    assert len(rows) == 600
    assert account.server.count("provider.list") == 3


def test_data_show_every_shape(account: Account) -> None:
    providers = cast("list[dict[str, Any]]", list(account.server.providers.values()))
    persons = [provider for provider in providers if provider["legalType"] == "F"]
    assert {"name" in person for person in persons} == {True, False}
    attributes = [provider.get("customAttributes") for provider in providers]
    lists = [found for found in attributes if isinstance(found, list)]
    assert None in attributes
    assert {len(found) for found in lists} == {0, 1, len(LABELS)}
    items = [item for found in lists for item in found if isinstance(item, dict)]
    assert {item.get("value", "absent") is None for item in items} == {True, False}
    assert any("value" not in item for item in items)
    assert len({tuple(item["label"] for item in found) for found in lists if len(found) > 3}) > 1
    assert {provider.get("phone") for provider in providers} >= {None, "   "}
    assert any(str(provider["companyCode"]).startswith("0") for provider in providers)
    assert any("address" not in provider for provider in providers)
    due_dates = [
        billing["dueDates"]["dueDate"] if billing["dueDates"] else []
        for provider in providers
        if (billing := provider.get("billing"))
    ]
    assert {len(found) for found in due_dates} == {0, 1, 2, 3, 4}


def test_data_depend_on_seed_and_place_alone() -> None:
    few, many, others = (
        list(FacturaDirecta(Setup(scale, seed)).providers.values())
        for scale, seed in ((0.1, 7), (0.2, 7), (0.1, 8))
    )
    assert len(few) == 60
    assert many[:60] == few
    assert others != few


def test_writes_outlive_the_process_in_a_data_file(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    body = "<provider><legalType>J</legalType><name>Año</name></provider>"
    for _ in range(2):
        with (
            running_sandbox(scale=0.01, data_file=file) as sandbox,
            open_account(sandbox) as account,
        ):
            created = parse(account.call("POST", "providers.xml", body).content).findtext("id")
            first = min(account.server.providers)
            account.call("DELETE", f"providers/{first}.xml")
    with running_sandbox(scale=0.01, data_file=file) as sandbox:
        providers = sandbox.facturadirecta.providers
        assert [provider["name"] for provider in list(providers.values())[-2:]] == ["Año", "Año"]
        assert int(str(created)) == max(providers)
        assert len(providers) == 6
        assert first not in providers


# --- credentials ----------------------------------------------------------------------------------


def test_any_password_goes_with_the_token(account: Account) -> None:
    account.session.auth = (TOKEN, "whatever")
    assert account.call("GET", "providers.xml").status_code == 200
    assert account.server.count("unauthorized") == 0


@pytest.mark.parametrize("form", ["xml", "html"])
def test_wrong_token_is_refused(account: Account, form: str) -> None:
    account.server.switches.update({"unauthorized_body": form})
    account.session.auth = ("wrong", "x")
    answer = account.call("GET", "providers.xml")
    assert answer.status_code == 401
    if form == "xml":
        assert error_of(answer) == ("401", "UNAUTHORIZED")
    else:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.content.startswith(b"<!DOCTYPE html>")
    account.session.auth = None
    account.session.headers["Authorization"] = "Basic no base64"
    assert account.call("DELETE", "providers/1.xml").status_code == 401
    assert account.server.count("unauthorized") == 2


def test_token_in_the_query_works_and_is_counted(account: Account) -> None:
    account.session.auth = None
    path = f"providers.xml?limit=1&api_token={TOKEN}"
    assert account.call("GET", path).status_code == 200
    account.server.switches.query_token = False
    assert account.call("GET", path).status_code == 401
    assert account.server.count("api_token") == 2


def test_token_can_change_while_the_server_runs(account: Account) -> None:
    account.server.token = "another"
    assert account.call("GET", "providers.xml").status_code == 401
    account.session.auth = ("another", "x")
    assert account.call("GET", "providers.xml").status_code == 200


# --- lists ----------------------------------------------------------------------------------------


def test_limit_and_start(account: Account) -> None:
    everyone = list(account.server.providers)
    assert account.ids() == everyone[:100]
    assert account.ids("limit=250&start=37") == everyone[37:287]
    assert account.ids("limit=250&start=590") == everyone[590:]
    assert account.ids("start=600") == []
    assert account.ids("limit=251") == everyone[:250]


@pytest.mark.parametrize("query", ["limit=x", "start=-1", "limit=0", "start="])
def test_senseless_ranges_are_refused(account: Account, query: str) -> None:
    answer = account.call("GET", f"providers.xml?{query}")
    assert answer.status_code == 400
    assert error_of(answer) == ("400", "INVALID_INPUT_DATA")


def test_limit_above_the_maximum_can_be_refused(account: Account) -> None:
    account.server.switches.over_maximum = "400"
    assert account.call("GET", "providers.xml?limit=251").status_code == 400
    assert len(account.ids("limit=250")) == 250


def test_silent_cap_gives_fewer_than_asked(account: Account) -> None:
    account.server.switches.silent_cap = 40
    assert len(account.ids("limit=250")) == 40
    assert len(account.ids("limit=30")) == 30


def test_orders(account: Account) -> None:
    account.server.clear()
    for name in ("b", "C", "a"):
        account.server.add(name=name)
    ids = list(account.server.providers)
    assert account.ids() == ids
    account.server.switches.order = "newest_first"
    assert account.ids() == ids[::-1]
    account.server.switches.order = "name"
    assert account.ids() == [ids[2], ids[0], ids[1]]


def test_past_the_end_the_last_page_may_come_again(account: Account) -> None:
    account.server.switches.past_end = "last_page"
    everyone = list(account.server.providers)
    assert account.ids("limit=250&start=9000") == everyone[500:]
    account.server.clear()
    assert account.ids("start=5") == []


@pytest.mark.parametrize(
    ("form", "status", "ending"),
    [
        ("self_closing", 200, b"<providers/>"),
        ("pair", 200, b"<providers></providers>"),
        ("not_found_404", 404, b"<xml>\n <httpStatus>404</httpStatus>\n</xml>"),
        ("not_found_200", 200, b"<xml>\n <httpStatus>404</httpStatus>\n</xml>"),
    ],
)
def test_empty_lists(account: Account, form: str, status: int, ending: bytes) -> None:
    account.server.switches.update({"empty_list": form})
    answer = account.call("GET", "providers.xml?start=600")
    assert answer.status_code == status
    assert answer.content.rstrip().endswith(ending)


def test_a_list_of_one(account: Account) -> None:
    account.server.clear()
    identifier = account.server.add()
    assert account.ids() == [identifier]


@pytest.mark.parametrize("items", ["full", "thin", "without_custom_attributes"])
def test_list_items(account: Account, items: str) -> None:
    account.server.switches.update({"list_items": items})
    left_out = {"thin": None, "without_custom_attributes": ["customAttributes"], "full": []}[items]
    for item, provider in zip(
        account.root("providers.xml"), account.server.providers.values(), strict=False
    ):
        expected = on_the_wire(provider)
        if left_out is None:
            assert read(item) == {"id": expected["id"]}
        else:
            assert read(item) == {
                name: value for name, value in expected.items() if name not in left_out
            }
    with_attributes = next(
        provider for provider in account.server.providers.values() if provider["customAttributes"]
    )
    detail = account.root(f"providers/{with_attributes['id']}.xml")
    assert read(detail) == on_the_wire(with_attributes)


def test_providers_come_and_go_between_two_pages(account: Account) -> None:
    everyone = list(account.server.providers)
    added = []

    def change(number: int) -> None:
        if number == 1:
            account.server.remove(everyone[0])
        elif number == 2:
            added.append(account.server.add())

    account.server.on_list_request = change
    assert account.ids() == everyone[:100]
    assert account.ids("start=100") == everyone[101:201]
    assert account.ids("start=599") == added


# --- filters --------------------------------------------------------------------------------------


@pytest.fixture
def filtered(account: Account) -> Account:
    server = account.server
    server.clear()
    common: dict[str, Node] = {"taxCode": "B01", "companyCode": "007"}
    server.put_provider({"id": 1, "name": "Ferretería Núñez", "email": "a@x.example", **common})
    server.put_provider({"id": 2, "tradeName": "La FERRETERÍA", "email": "aa@x.example"})
    server.put_provider({"id": 3, "name": "Otro", "taxCode": "B011", "owner": {"id": "2"}})
    for identifier, values in ((4, ("753", "")), (5, ("753", "sur"))):
        attributes: list[Node] = [
            {"label": label, "value": value}
            for label, value in zip(("ID_CRM", LABELS[3]), values, strict=True)
        ]
        server.put_provider({"id": identifier, "customAttributes": attributes})
    return account


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("taxCode=B01", [1]),
        ("code=007", [1]),
        ("code=7", []),
        ("term=ferreter%C3%ADa", [1, 2]),
        ("term=B011", [3]),
        ("email=a@x.example", [1]),
        ("email=a@x.example&emailMatch=contains", [1, 2]),
        ("email=a@x.example&emailMatch=Contains", [1]),
        (f"ownerEmail={OWNERS['2']}", [3]),
        ("ownerEmail=nobody@x.example", []),
        ("customAttributeName:ID_CRM=753", [4, 5]),
        ("customAttributeName:ID_CRM=753&customAttributeName:Zona+%26+delegaci%C3%B3n=sur", [5]),
        ("customAttributeName:Nada=1", []),
        ("taxCode=B01&code=008", []),
    ],
)
def test_filters(filtered: Account, query: str, expected: list[int]) -> None:
    assert filtered.ids(query) == expected
    assert filtered.server.requests[-1].query_string == query


def test_encoded_colon_filters_nothing_unless_understood(filtered: Account) -> None:
    query = "customAttributeName%3AID_CRM=753"
    assert filtered.ids(query) == [1, 2, 3, 4, 5]
    assert filtered.server.requests[-1].query_string == query
    filtered.server.switches.encoded_colon = "understood"
    assert filtered.ids(query) == [4, 5]


@pytest.mark.parametrize("labels", ["abcd", "aa"])
def test_custom_attribute_filters_are_limited(filtered: Account, labels: str) -> None:
    query = "&".join(f"customAttributeName:{label}=1" for label in labels)
    answer = filtered.call("GET", f"providers.xml?{query}")
    assert (answer.status_code, error_of(answer)[1]) == (400, "INVALID_INPUT_DATA")


# --- details and errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["providers/1.xml", "providers/abc.xml", "nothing.xml"])
def test_not_found(account: Account, path: str) -> None:
    answer = account.call("GET", path)
    assert answer.status_code == 404
    assert error_of(answer) == ("404", None)
    account.server.switches.error_http_status = "200"
    answer = account.call("GET", path)
    assert answer.status_code == 200
    assert error_of(answer) == ("404", None)


def test_scripted_documents_arrive_as_they_are(account: Account) -> None:
    body = b"<!DOCTYPE providers><providers>\xff"
    account.server.faults.add(
        Fault("status", status=200, body=body, headers={"Content-Type": "application/xml"})
    )
    assert account.call("GET", "providers.xml").content == body
    assert account.call("GET", "providers.xml").content != body


def test_sending_by_get_is_counted(account: Account) -> None:
    assert account.call("GET", "clientOrders/12/send.xml").status_code == 200
    assert account.server.count("send") == 1
    assert account.server.sent == ["12"]


# --- writes ---------------------------------------------------------------------------------------


def one(account: Account, **elements: Node) -> int:
    account.server.clear()
    return account.server.add(**elements)


def test_put_changes_only_what_is_present(account: Account) -> None:
    identifier = one(account, address={"city": "Vic", "zipcode": "08500"}, email="a@x.example")
    body = """<?xml version='1.0' encoding='UTF-8'?>
        <provider>
            <id>5</id>
            <legalType><![CDATA[F]]></legalType><!-- Persona física -->
            <personName><![CDATA[Núria]]></personName>
            <email/>
            <address><city>Manlleu</city></address>
        </provider>"""
    answer = account.call("PUT", f"providers/{identifier}.xml", body)
    assert answer.status_code == 200
    expected: Provider = {
        "id": identifier,
        "legalType": "F",
        "name": f"Proveedor {identifier}",
        "address": {"city": "Manlleu", "zipcode": "08500"},
        "email": None,
        "personName": "Núria",
    }
    assert account.server.providers[identifier] == expected
    assert read(parse(answer.content)) == on_the_wire(expected)
    assert account.call("PUT", "providers/9.xml", body).status_code == 404


def test_custom_attributes_on_put(account: Account) -> None:
    before: list[Node] = [{"label": label, "value": "viejo"} for label in LABELS[:3]]
    identifier = one(account, customAttributes=before)
    body = f"""<provider><customAttributes>
        <customAttribute><label>{LABELS[1]}</label><value>nuevo</value></customAttribute>
        <customAttribute><label>{LABELS[2]}</label></customAttribute>
    </customAttributes></provider>"""
    assert account.call("PUT", f"providers/{identifier}.xml", body).status_code == 200
    after = account.server.providers[identifier]["customAttributes"]
    assert after == [
        {"label": LABELS[0], "value": "viejo"},
        {"label": LABELS[1], "value": "nuevo"},
        {"label": LABELS[2], "value": None},
    ]


def test_unknown_custom_attribute_is_refused(account: Account) -> None:
    identifier = one(account)
    body = """<provider><name>Otro</name><customAttributes>
        <customAttribute><label>Nadie</label><value>1</value></customAttribute>
    </customAttributes></provider>"""
    answer = account.call("PUT", f"providers/{identifier}.xml", body)
    assert answer.status_code == 400
    assert answer.text == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<xml>\n"
        " <httpStatus>400</httpStatus>\n"
        " <errorCode>INVALID_INPUT_DATA</errorCode>\n"
        " <errorMessage><![CDATA[Se ha recibido un atributo personalizado que no existe en el "
        "objeto]]></errorMessage>\n"
        "</xml>\n"
    )
    assert account.server.providers[identifier]["name"] == f"Proveedor {identifier}"


@pytest.mark.parametrize("status", [200, 201])
def test_post_creates(account: Account, status: int) -> None:
    account.server.switches.update({"created_status": status})
    last = max(account.server.providers)
    account.server.remove(last)
    body = "<provider><legalType>J</legalType><name>Nuevo &amp; Cía</name></provider>"
    answer = account.call("POST", "providers.xml", body)
    assert answer.status_code == status
    assert parse(answer.content).findtext("id") == str(last + 1)
    assert account.server.providers[last + 1]["name"] == "Nuevo & Cía"
    assert account.server.count("provider.create") == 1


@pytest.mark.parametrize(
    "body",
    [
        "<provider><legalType>J</legalType></provider>",
        "<provider><legalType>F</legalType><personName>A</personName></provider>",
        "<provider><name>A</name></provider>",
        "<provider><legalType>X</legalType><name>A</name></provider>",
        "<client><legalType>J</legalType><name>A</name></client>",
        "<!DOCTYPE provider><provider><legalType>J</legalType><name>A</name></provider>",
        "<provider><legalType>J</legalType><name>A</provider>",
        "",
    ],
)
def test_post_refuses(account: Account, body: str) -> None:
    before = len(account.server.providers)
    answer = account.call("POST", "providers.xml", body)
    assert answer.status_code == 400
    assert error_of(answer) == ("400", "INVALID_INPUT_DATA")
    assert len(account.server.providers) == before


@pytest.mark.parametrize(
    ("codes", "sent", "expected"),
    [
        (("8", "0011", None), "", "12"),
        (("8", "A11"), "", None),
        ((), "", "1"),
        (("8",), "<companyCode>X</companyCode>", "X"),
    ],
)
def test_company_code_can_be_made(
    account: Account, codes: tuple[str | None, ...], sent: str, expected: str | None
) -> None:
    account.server.clear()
    for code in codes:
        account.server.add(companyCode=code)
    body = f"<provider><legalType>J</legalType><name>A</name>{sent}</provider>"
    account.call("POST", "providers.xml?autoCreateCompanyCode=true", body)
    assert list(account.server.providers.values())[-1].get("companyCode") == expected
    account.call("POST", "providers.xml", body)
    without = list(account.server.providers.values())[-1]
    assert without.get("companyCode") == ("X" if sent else None)
    if not sent:
        account.call("PUT", f"providers/{without['id']}.xml?autoCreateCompanyCode=true", body)
        made = account.server.providers[int(str(without["id"]))]["companyCode"]
        assert made == (str(int(expected) + 1) if expected else None)


def test_delete_answers_in_the_form_of_an_error(account: Account) -> None:
    identifier = min(account.server.providers)
    answer = account.call("DELETE", f"providers/{identifier}.xml")
    assert answer.status_code == 200
    assert error_of(answer) == ("200", None)
    assert identifier not in account.server.providers
    again = account.call("DELETE", f"providers/{identifier}.xml")
    assert (again.status_code, error_of(again)) == (404, ("404", None))


def test_template_creates_nothing(account: Account) -> None:
    before = dict(account.server.providers)
    body = "<provider><legalType>J</legalType><name>A</name></provider>"
    answer = account.call("PUT", "providers.xml", body)
    assert answer.status_code == 200
    template = read(parse(answer.content))
    assert template["name"] is None
    assert template["address"]["zipcode"] is None
    assert template["customAttributes"]["customAttribute"] == [{"label": x} for x in LABELS]
    assert dict(account.server.providers) == before
    assert account.server.count("provider.template") == 1


# --- what tests may ask of it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider",
    [
        {"id": 1, "name": "\x00"},
        {"id": 1, "name": "\ud800"},
        {"id": 1, "name": "\ufffe"},
        {"id": 1, "1name": "x"},
        {"id": 1, "a:b": "x"},
        {"id": 1, "a": [["x"]]},
        {"id": 1, "customAttributes": "x"},
        {"id": "1"},
        {"name": "x"},
    ],
)
def test_what_xml_cannot_hold_is_refused(account: Account, provider: Provider) -> None:
    with pytest.raises((ValueError, TypeError)):
        account.server.put_provider(provider)
    assert 1 not in account.server.providers


def test_providers_stay_in_the_order_of_their_ids(account: Account) -> None:
    first, last = min(account.server.providers), max(account.server.providers)
    account.server.put_provider({"id": 1, "name": "Primero"})
    assert list(account.server.providers)[:2] == [1, first]
    assert account.ids("limit=2") == [1, first]
    assert account.server.add() == last + 1


def test_switches_are_checked(account: Account) -> None:
    for values in ({"order": "size"}, {"silent_cap": "x"}, {"nothing": 1}):
        with pytest.raises(SwitchError):
            account.server.switches.update(values)
    account.server.switches.set_text("over_maximum", "400")
    assert account.server.switches.over_maximum == "400"


def test_control_routes_know_the_account(account: Account) -> None:
    base = account.url.removesuffix("/facturadirecta")
    control = f"{base}/_control/facturadirecta"
    answer = requests.post(f"{control}/switches", json={"list_items": "thin"}, timeout=10)
    assert answer.json()["list_items"] == "thin"
    assert {local(child) for item in account.root("providers.xml") for child in item} == {"id"}
    assert requests.get(f"{control}/counts", timeout=10).json()["provider.list"] == 1
    providers = requests.get(f"{control}/data/providers", timeout=10).json()
    assert providers == list(account.server.providers.values())


def test_pages_are_made_once(account: Account) -> None:
    first = account.call("GET", "providers.xml?limit=250")
    made = account.server._listing._pages["limit=250"]
    assert first.content == made.body
    account.call("GET", "providers.xml?limit=250")
    assert account.server._listing._pages["limit=250"] is made
    account.server.add()
    account.call("GET", "providers.xml?limit=250")
    assert account.server._listing._pages["limit=250"] is not made
