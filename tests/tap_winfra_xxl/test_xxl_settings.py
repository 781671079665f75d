"""Settings: every fault at once, by name, with the documented rule, and nothing sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from support.servers import RunningSandbox
from support.singer import Run, run_process, run_tap
from support.winfra_tap import days, items, keys_of, read, selecting, settings, texts
from tap_winfra_xxl.settings import SETTINGS
from tap_winfra_xxl.tap import TapWinfraXxl


def refused(sandbox: RunningSandbox, run: Run, *words: str) -> None:
    run.failed(2, *words)
    assert run.stdout == b""
    assert sandbox.winfra.requests == []


def test_every_fault_at_once_and_no_value(sandbox: RunningSandbox) -> None:
    config = settings(
        sandbox,
        auth_url="example.invalid",
        domain_password=12345678,
        start_date="2026-02-30",
        page_size=-1,
        download_ahead=9,
        poll_interval=0,
        lookback_days={"stocks": 3},
        webhook="mailto:secreto@example.invalid",
        dataset_params={"ventas": {"incluir_pedidos": "si"}},
        stat_date="2026-01-01",
    )
    del config["domain_user"]
    run = run_tap(TapWinfraXxl, config)
    refused(
        sandbox, run, "'auth_url'", "'domain_password'", "'domain_user': missing", "'start_date'",
        "'page_size'", "'download_ahead'", "'poll_interval'", "'lookback_days'", "'webhook'",
        "'dataset_params'", "'stat_date'", "did you mean 'start_date'?",
    )  # fmt: skip
    assert "12345678" not in run.stderr
    assert "secreto@" not in run.stderr
    assert "2026-02-30" not in run.stderr


def test_a_dated_dataset_needs_a_start(sandbox: RunningSandbox) -> None:
    run = read(sandbox, "ventas", "stocks", start_date=None)
    refused(sandbox, run, "'start_date': missing", "(ventas)")
    assert read(sandbox, "stocks", "deudas", start_date=None).exit_code == 0


def test_dates_in_the_wrong_order(sandbox: RunningSandbox) -> None:
    run = read(sandbox, "ventas", start_date="2026-02-01", end_date="2026-01-31")
    refused(sandbox, run, "'end_date': must not be before 'start_date'")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"venta": {}}, ["'venta' is no dataset"]),
        ({"ventas": 7}, ["'ventas' must be given an object"]),
        ({"ventas": {"solo_tienda": True}}, ["'solo_tienda' is no documented parameter", "'+solo"]),
        ({"stocks": {"tipo": "x"}}, ["the documents have none"]),
        ({"articulos": {"incluir_ficheros_adjuntos": 1}}, ["must be true or false"]),
        ({"interlocutores": {"tipo": "clientes"}}, ["one of cliente, proveedor, acreedor"]),
        ({"interlocutores": {"tipo": ["cliente"]}}, ["one of cliente, proveedor, acreedor"]),
        ({"interlocutores": {"modificado_desde": "2026-01-01"}}, ["the tap sets it by itself"]),
        ({"ventas": {"fecha_desde": "2026-01-01"}}, ["from start_date and end_date"]),
        ({"ventas": {"+fecha_hasta": "2026-01-01"}}, ["write it without the +"]),
        ({"stocks": {"+fecha_hasta": "2026-01-01"}}, ["no parameter that can be passed on"]),
        ({"stocks": {"+": 1}}, ["no parameter that can be passed on"]),
        ({"stocks": {"+webhook": "x"}}, ["no parameter that can be passed on"]),
        ({"stocks": {"dataset": "x"}}, ["no documented parameter"]),
        ({"deudas": {"fecha_desde": "2026-01-01"}}, ["only for 'incluir_liquidado' true"]),
        ({"deudas": {"fecha_hasta": "2026-02-30"}}, ["must be a real date"]),
        ({"deudas": {"fecha_hasta": 20260101}}, ["must be a real date"]),
        (
            {"deudas": {"incluir_liquidado": True, "fecha_desde": "2020-01-01"}},
            ["12 months at most"],
        ),
        (
            {
                "deudas": {
                    "incluir_liquidado": True,
                    "fecha_desde": "2025-01-01",
                    "fecha_hasta": "2026-01-01",
                }
            },
            ["12 months at most"],
        ),
        (
            {
                "deudas": {
                    "incluir_liquidado": True,
                    "fecha_desde": "2025-02-01",
                    "fecha_hasta": "2025-01-01",
                }
            },
            ["must not be before"],
        ),
        (
            {"ventas": {"x": 1}, "deudas": {"incluir_deudas": "no"}, "nada": {}},
            ["'x' is no", "deudas: 'incluir_deudas'", "'nada' is no dataset"],
        ),
    ],
)
def test_dataset_params_are_checked_against_the_documents(
    sandbox: RunningSandbox, params: dict[str, Any], words: list[str]
) -> None:
    run = read(sandbox, "stocks", dataset_params=params)
    refused(sandbox, run, "'dataset_params'", *words)


def test_documented_parameters_are_sent_as_they_are(sandbox: RunningSandbox) -> None:
    params = {
        "articulos": {"incluir_ficheros_adjuntos": False},
        "interlocutores": {"tipo": "acreedor"},
        "ventas": {"incluir_pedidos": True, "todos_estados": True},
        "deudas": {"incluir_efectos": True, "fecha_hasta": "2026-06-30"},
        "articulos_lotes": {"+solo_tienda": True},
    }
    output = read(sandbox, *params, dataset_params=params, window_days=3650, start_date="2026-01-01",
                  key_properties=keys_of("ventas")).ok()  # fmt: skip
    sent = {item.pop("dataset"): item for item in items(sandbox.winfra)}
    today = sandbox.winfra.clock.today()
    assert sent == {
        "articulos": {"incluir_ficheros_adjuntos": False},
        "interlocutores": {"tipo": "acreedor"},
        "ventas": {
            "incluir_pedidos": True,
            "todos_estados": True,
            "fecha_desde": "2026-01-01T00:00:00",
            "fecha_hasta": f"{today}T23:59:59",
        },
        "deudas": {"incluir_efectos": True, "fecha_hasta": "2026-06-30T23:59:59"},
        "articulos_lotes": {"solo_tienda": True},
    }
    for name, parameters in sent.items():
        assert texts(output, name) == sandbox.winfra.rows(name, **parameters)


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({}, None, None),
        ({"fecha_hasta": "2026-03-31"}, "2025-04-01T00:00:00", "2026-03-31T23:59:59"),
        (
            {"fecha_desde": "2026-01-05T06:00:00+01:00", "fecha_hasta": "2026-01-05T22:30:15"},
            "2026-01-05T06:00:00",
            "2026-01-05T22:30:15",
        ),
        (
            {"fecha_desde": "2025-01-01", "fecha_hasta": "2025-12-31"},
            "2025-01-01T00:00:00",
            "2025-12-31T23:59:59",
        ),
    ],
)
def test_settled_debts_have_one_window_of_a_year(
    sandbox: RunningSandbox, params: dict[str, str], first: str | None, last: str | None
) -> None:
    output = read(
        sandbox, "deudas", dataset_params={"deudas": {"incluir_liquidado": True, **params}}
    )
    (item,) = items(sandbox.winfra, "deudas")
    today = sandbox.winfra.clock.today()
    assert item["fecha_hasta"] == (last or f"{today}T23:59:59")
    if first is not None:
        assert item["fecha_desde"] == first
    else:
        assert item["fecha_desde"][:10] == str(
            today.replace(year=today.year - 1) + timedelta(days=1)
        )
    del item["dataset"]
    assert texts(output.ok(), "deudas") == sandbox.winfra.rows("deudas", **item)


@pytest.mark.parametrize("value", ["2026-01-15", "2026-01-15T10:20:30", "2026-01-15T10:20:30Z"])
def test_dates_are_taken_with_or_without_a_time(sandbox: RunningSandbox, value: str) -> None:
    read(sandbox, "diario", start_date=value, end_date=value).ok()
    ((first, last),) = days(sandbox.winfra, "diario")
    assert (str(first), str(last)) == ("2026-01-15", "2026-01-15")


def test_settings_from_the_environment(sandbox: RunningSandbox) -> None:
    given = {
        **settings(sandbox),
        "key_properties": keys_of("ventas"),
        "dataset_params": {"ventas": {"incluir_pedidos": True}},
        "lookback_days": 12,
        "tls_fingerprint_sha256": "",
        "end_date": "",
        "start_date": "2026-11-01",
        "page_size": "90",
        "verify_tls": "yes",
    }
    environment = {
        f"TAP_WINFRA_XXL_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }
    run = run_process(
        "tap_winfra_xxl",
        catalog=selecting("ventas"),
        args=["--config", "ENV"],
        environment=environment,
    )
    assert run.exit_code == 0, run.stderr
    assert {item["incluir_pedidos"] for item in items(sandbox.winfra, "ventas")} == {True}
    assert texts(run.output, "ventas")


def test_about_lists_every_setting() -> None:
    run = run_tap(TapWinfraXxl, args=["--about", "--format=json"])
    about = json.loads(run.ok().stdout)
    named = about["settings"]["properties"]
    assert {setting.name for setting in SETTINGS} <= set(named)
    secret = {name for name, schema in named.items() if schema.get("secret")}
    assert secret == {"auth_password", "domain_password", "webhook"}


def test_discovery_needs_nothing() -> None:
    run = run_process("tap_winfra_xxl", args=["--discover"])
    catalog = json.loads(run.ok().stdout)
    assert len(catalog["streams"]) == 19
