"""All 19 datasets from end to end: every record, byte for byte, with nothing but credentials."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from erp_sandbox.winfra import SAMPLE_DOMAIN, SAMPLE_USER
from erp_sandbox.winfra.datasets import DATASETS
from support.servers import RunningSandbox
from support.singer import read_line, run_tap
from support.winfra_sample import run_sample
from support.winfra_tap import (
    ALL_KEYS,
    days,
    each_day,
    items,
    keys_of,
    read,
    selecting,
    settings,
    span,
    texts,
    versions,
)
from tap_winfra_xxl.tap import TapWinfraXxl

DATED = ("compras", "diario", "facturas_contables", "movimientos", "ventas", "ventas_facturas")


@pytest.mark.parametrize(
    ("keys", "ahead"), [({}, 0), (ALL_KEYS, 2)], ids=["no keys", "keys and slices ahead"]
)
def test_every_dataset_arrives_as_the_server_holds_it(
    sandbox: RunningSandbox, keys: dict[str, list[str]], ahead: int
) -> None:
    sandbox.winfra.switches.row_counts = {"vehiculos": 5}
    config = settings(sandbox, key_properties=keys, download_ahead=ahead, page_size=130)
    output = run_tap(TapWinfraXxl, config).ok()
    output.check_records()
    today = sandbox.winfra.clock.today().isoformat()
    for name in DATASETS:
        expected = [
            row
            for row in sandbox.winfra.rows(name)
            # Without a key a dated dataset is read up to yesterday.
            if keys or name not in DATED or today.encode() not in row
        ]
        assert texts(output, name) == expected, name
        assert expected, name
    schemas = {message["stream"]: message for message in output.of_type("SCHEMA")}
    assert {name: schemas[name]["key_properties"] for name in schemas} == {
        name: keys.get(name, []) for name in DATASETS
    }


def test_only_snapshots_are_activated(sandbox: RunningSandbox) -> None:
    keys = keys_of("ventas", "interlocutores", "articulos")
    streams = ("ventas", "compras", "interlocutores", "articulos", "stocks", "deudas")
    output = read(sandbox, *streams, key_properties=keys).ok()
    for name in ("articulos", "stocks", "deudas"):
        assert output.activated(name) == [*versions(output, name)]
    for name in ("ventas", "compras", "interlocutores"):
        assert output.activated(name) == []
        assert versions(output, name) == {None}
    ends = [m for m in output.messages if m["type"] in ("RECORD", "ACTIVATE_VERSION")]
    assert [m["type"] for m in ends if m["stream"] == "stocks"][-2:] == [
        "RECORD",
        "ACTIVATE_VERSION",
    ]


def test_without_activate_version(sandbox: RunningSandbox) -> None:
    output = read(sandbox, "stocks", emit_activate_version_messages=False).ok()
    assert output.of_type("ACTIVATE_VERSION") == []
    assert versions(output, "stocks") == {None}
    assert texts(output, "stocks") == sandbox.winfra.rows("stocks")


def test_a_dataset_without_rows_announces_no_table(sandbox: RunningSandbox) -> None:
    run = read(sandbox, "vehiculos")
    assert run.ok().of_type("SCHEMA") == []
    assert "vehiculos: no rows and no remembered schema" in run.stderr
    assert sandbox.winfra.counts()["datos.slice"] == 0
    sandbox.winfra.switches.row_counts = {"vehiculos": 2}
    later = read(sandbox, "vehiculos", state=run.output.state).ok()
    assert len(later.records()) == 2


def test_a_table_that_was_emptied_is_activated(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "stocks").ok()
    sandbox.winfra.switches.row_counts = {"stocks": 0}
    second = read(sandbox, "stocks", state=first.state).ok()
    assert second.records() == []
    assert second.activated("stocks") == [second.bookmark("stocks")["version"]]
    assert second.activated("stocks") > first.activated("stocks")


def test_the_same_as_the_vendors_program_writes(sandbox: RunningSandbox, tmp_path: Path) -> None:
    switches = sandbox.winfra.switches
    switches.sample_users = True
    run_sample(sandbox, tmp_path)
    output = run_tap(
        TapWinfraXxl,
        settings(
            sandbox,
            auth_user=SAMPLE_USER,
            auth_password="",
            domain=SAMPLE_DOMAIN,
            domain_user=SAMPLE_USER,
            domain_password="",
            page_size=100,
            dataset_params={"interlocutores": {"tipo": "proveedor"}},
        ),
        catalog=selecting("interlocutores", "articulos"),
    ).ok()
    for name in ("interlocutores", "articulos"):
        files = sorted(
            tmp_path.glob(f"xxl.{name}.*.json"), key=lambda file: int(file.name.split(".")[2])
        )
        assert len(files) > 1
        raw = b",".join(file.read_bytes()[1:-1] for file in files)
        assert raw == b",".join(texts(output, name))


def test_one_petition_holds_every_dataset(sandbox: RunningSandbox) -> None:
    start = sandbox.winfra.clock.today().replace(month=1, day=1).isoformat()
    run_tap(TapWinfraXxl, settings(sandbox, start_date=start)).ok()
    assert len(sandbox.winfra.petitions) == 1
    assert [item["dataset"] for item in items(sandbox.winfra)] == list(DATASETS)
    assert sandbox.winfra.count("token.post") == 1


def test_numbers_keep_their_digits_and_dates_their_form(sandbox: RunningSandbox) -> None:
    output = read(sandbox, "ventas", key_properties=keys_of("ventas")).ok()
    properties = output.schemas("ventas")[-1]["properties"]
    assert properties["id"] == {"type": ["integer"]}
    assert properties["total"] == {"type": ["number", "null"]}
    assert properties["fecha"] == {"type": ["string", "null"], "format": "date-time"}
    assert "fecha_entrega" not in properties, "always null"
    assert properties["canal_venta"]["type"] == ["string", "null"], "appears late"
    hashes = [record["hash_venta"] for record in output.records("ventas")]
    assert max(hashes) > 2**31
    assert b'"cambio":1.0000000000' in texts(output, "ventas")[0]


@pytest.mark.parametrize("style", ["spaced", "pretty", "lines"])
def test_any_style_of_json_is_the_same_records(sandbox: RunningSandbox, style: Any) -> None:
    switches = sandbox.winfra.switches
    switches.json_style = style
    switches.byte_order_mark = switches.trailing_newline = switches.escape_unicode = True
    for page_size in (0, 100):
        output = read(sandbox, "articulos", page_size=page_size).ok()
        assert b"\n" not in b"".join(texts(output, "articulos"))
        held = [read_line(row) for row in sandbox.winfra.rows("articulos")]
        assert output.records("articulos") == held


def test_decimals_as_strings_stay_strings(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.decimals = "strings"
    output = read(sandbox, "stocks").ok()
    held = [read_line(row) for row in sandbox.winfra.rows("stocks")]
    fractions = {name for row in held for name, value in row.items() if isinstance(value, Decimal)}
    assert fractions
    properties = output.schemas("stocks")[-1]["properties"]
    assert all("string" in properties[name]["type"] for name in fractions)
    sent = [{name: str(record[name]) for name in fractions} for record in output.records("stocks")]
    assert sent == [{name: str(row[name]) for name in fractions} for row in held]


def test_ten_years_of_ventas_ask_for_every_day_once(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.history_days = 3650
    today = sandbox.winfra.clock.today()
    start = today.replace(year=today.year - 10, day=1)
    output = read(
        sandbox, "ventas", start_date=start.isoformat(), key_properties=keys_of("ventas")
    ).ok()
    asked = days(sandbox.winfra, "ventas")
    assert each_day(asked) == span(start, today)
    assert len(asked) == 11
    assert asked == sorted(asked)
    assert texts(output, "ventas") == sandbox.winfra.rows("ventas")
    assert output.bookmark("ventas")["windows"] == [[start.isoformat(), today.isoformat()]]


@pytest.mark.parametrize("windows", ["days", "times"])
def test_windows_are_right_however_the_server_compares(
    sandbox: RunningSandbox, windows: Any
) -> None:
    sandbox.winfra.switches.windows = windows
    output = read(
        sandbox, "diario", "compras", window_days=17, key_properties=keys_of("diario", "compras"),
        start_date=(sandbox.winfra.clock.today().replace(month=1, day=1)).isoformat(),
    ).ok()  # fmt: skip
    year = str(sandbox.winfra.clock.today().year).encode()
    for name in ("diario", "compras"):
        held = [row for row in sandbox.winfra.rows(name) if b'"fecha":"' + year in row]
        assert texts(output, name) == held
        assert len(days(sandbox.winfra, name)) > 10
