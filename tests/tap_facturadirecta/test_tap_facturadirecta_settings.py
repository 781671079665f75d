"""Settings and filters: all faults at once, and filters as the vendor writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from erp_sandbox.facturadirecta import TOKEN
from erp_sandbox.facturadirecta.data import OWNERS
from support.facturadirecta_tap import STREAM, ids, run
from support.singer import run_tap
from tap_facturadirecta.filters import filter_query
from tap_facturadirecta.tap import TapFacturaDirecta

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node, Provider
    from support.servers import RunningSandbox


def faults(**config: Any) -> str:
    ended = run_tap(TapFacturaDirecta, config)
    ended.failed(2)
    return ended.stderr


def test_all_faults_come_at_once_without_values() -> None:
    told = faults(
        account="not an account.example",
        api_token="se cret:token",
        page_size=251,
        details="sometimes",
        archive_raw="perhaps",
        pagesize=5,
        filters={
            "tax_code": 12345,
            "emial": "x@y.example",
            "term": " ",
            "email_match": "startswith",
            "custom_attributes": {"A": "1", "B": 2, " ": "3", "D": "4"},
        },
    )
    for words in (
        "'account': must be the first part alone",
        "'api_token': holds characters that no token has",
        "'page_size': must be 250 or less",
        "'details': must be one of auto, always, never",
        "'archive_raw': must be true or false",
        "'pagesize': unknown; did you mean 'page_size'?",
        "'tax_code' must be text; write it in quotes",
        "'emial' is unknown, did you mean 'email'?",
        "'term' is empty",
        "'email_match' must be one of equals, contains",
        "'email_match' means something with 'email' only",
        "'custom_attributes' has 4 fields; the API filters by 3 at most",
        "the value of field 2 of 'custom_attributes' must be text",
        "field 3 of 'custom_attributes' has no label",
    ):
        assert words in told, words
    for value in ("se cret:token", "12345", "x@y.example", "startswith", "not an account"):
        assert value not in told


def test_what_is_missing() -> None:
    told = faults()
    assert "'api_token': missing" in told
    assert "'account': missing; give the account's name" in faults(api_token=TOKEN)
    assert "must be written without /api" in faults(
        api_token=TOKEN, api_url="https://x.example/api/"
    )
    assert "must be an object: label" in faults(
        api_token=TOKEN, account="a", filters={"custom_attributes": ["A"]}
    )


def tap(**config: Any) -> TapFacturaDirecta:
    return TapFacturaDirecta(config={"api_token": TOKEN, **config})


def test_address() -> None:
    def base(**config: Any) -> str:
        return tap(**config).facturadirecta.base_url

    assert base(account=" mi-cuenta ") == "https://mi-cuenta.facturadirecta.com"
    assert base(account="x", api_url="http://127.0.0.1:1/prefix/") == "http://127.0.0.1:1/prefix"


def test_numbers_and_switches_may_be_text() -> None:
    values = tap(account="x", page_size="40", archive_raw="true", filters='{"code": "007"}').values
    assert values["page_size"] == 40
    assert values["archive_raw"] is True
    assert values["filters"] == {"code": "007"}
    assert tap(account="x").values["page_size"] == 250


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({}, ""),
        (
            {"tax_code": "B 1&2", "code": "007", "term": "ñ=", "owner_email": "a+b@c.example"},
            "taxCode=B%201%262&code=007&term=%C3%B1%3D&ownerEmail=a%2Bb%40c.example",
        ),
        ({"email": "a@b", "email_match": "contains"}, "email=a%40b&emailMatch=contains"),
        (
            {"custom_attributes": {"ID_CRM": "753", "Zona & delegación:x": ""}},
            "customAttributeName:ID_CRM=753&customAttributeName:Zona%20%26%20delegaci%C3%B3n%3Ax=",
        ),
    ],
)
def test_filters_as_the_vendor_writes_them(filters: dict[str, Any], query: str) -> None:
    assert filter_query(filters) == query


def text(provider: Provider, name: str) -> str:
    value = provider.get(name)
    return value if isinstance(value, str) else ""


def has(provider: Provider, label: str, wanted: str) -> bool:
    attributes: Node = provider.get("customAttributes") or []
    assert isinstance(attributes, list)
    return any(
        isinstance(item, dict)
        and item.get("label") == label
        and (item.get("value") or "") == wanted
        for item in attributes
    )


def test_filters_reach_the_server(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    providers = list(server.providers.values())
    sample = next(found for found in providers if text(found, "email") and found.get("owner"))
    labelled = next(found for found in providers if has(found, "Campo 1", "Valor 3"))
    owner = sample["owner"]
    assert isinstance(owner, dict)
    email = text(sample, "email")
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"tax_code": text(sample, "taxCode")}, lambda p: p["taxCode"] == sample["taxCode"]),
        (
            {"code": text(sample, "companyCode")},
            lambda p: p["companyCode"] == sample["companyCode"],
        ),
        (
            {"term": "Núñez"},
            lambda p: "núñez" in f"{text(p, 'name')}|{text(p, 'tradeName')}".lower(),
        ),
        ({"email": email}, lambda p: text(p, "email") == email),
        (
            {"email": "compras@p1", "email_match": "contains"},
            lambda p: "compras@p1" in text(p, "email"),
        ),
        (
            {"owner_email": OWNERS[str(owner["id"])]},
            lambda p: isinstance(p.get("owner"), dict) and p["owner"] == owner,
        ),
        (
            {"custom_attributes": {"Campo 1": "Valor 3"}},
            lambda p: has(p, "Campo 1", "Valor 3"),
        ),
        (
            {"custom_attributes": {"Campo 1": "Valor 3", "ID_CRM": f"{labelled['id']:05}"}},
            lambda p: p is labelled,
        ),
    ]
    for filters, wanted in cases:
        expected = [provider["id"] for provider in providers if wanted(provider)]
        assert 0 < len(expected) < len(providers), filters
        server.requests.clear()
        assert ids(run(sandbox, details="never", filters=filters)) == expected, filters
        for received in server.requests:
            query = received.query_string.removeprefix(
                f"start={received.query['start']}&limit=250&"
            )
            assert query == filter_query(filters)
            assert "%3A" not in query
            assert dict(parse_qsl(query))  # it is a query string that any server reads


def test_part_of_the_providers_is_no_whole_table(sandbox: RunningSandbox) -> None:
    whole = run(sandbox, details="never").ok()
    assert len(whole.activated(STREAM)) == 1
    assert all("version" in message for message in whole.of_type("RECORD"))
    part = run(sandbox, details="never", filters={"term": "a"}, state=whole.state).ok()
    assert part.records()
    assert not part.activated(STREAM)
    assert not any("version" in message for message in part.of_type("RECORD"))
    # A later whole read activates a newer version than any before.
    again = run(sandbox, details="never", state=part.state).ok()
    assert again.activated(STREAM)[0] > whole.activated(STREAM)[0]
    assert again.of_type("ACTIVATE_VERSION") == again.messages[-2:-1]


def test_empty_filters_are_none(sandbox: RunningSandbox) -> None:
    filters: dict[str, Any] = {"term": None, "custom_attributes": {}}
    output = run(sandbox, details="never", filters=filters).ok()
    assert output.activated(STREAM)
