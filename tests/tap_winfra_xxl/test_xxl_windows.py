"""Windows and increments: what a second run reads, with a key and without."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.winfra.clock import MADRID, text_of
from support.servers import RunningSandbox
from support.singer import run_tap
from support.winfra_tap import (
    ALL_KEYS,
    START,
    days,
    each_day,
    items,
    keys_of,
    read,
    selecting,
    settings,
    span,
    texts,
)
from tap_winfra_xxl.tap import TapWinfraXxl

if TYPE_CHECKING:
    from erp_sandbox.winfra.app import Winfra

DATED = ("compras", "diario", "facturas_contables", "movimientos", "ventas", "ventas_facturas")
LOOKBACK = {
    "compras": 95, "diario": 95, "facturas_contables": 95, "movimientos": 35, "ventas": 400,
    "ventas_facturas": 95,
}  # fmt: skip


def _local(moment: datetime) -> str:
    return text_of(moment.astimezone(MADRID))


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def today(sandbox: RunningSandbox) -> date:
    return sandbox.winfra.clock.today()


def forget_requests(vendor: Winfra) -> None:
    for petition in list(vendor.petitions):
        vendor.forget(petition)
    vendor.petitions._all.clear()
    vendor.requests.clear()


# With a key


@pytest.mark.parametrize("dataset", DATED)
def test_a_later_run_looks_back(sandbox: RunningSandbox, dataset: str) -> None:
    first_day = today(sandbox)
    first = read(sandbox, dataset, key_properties=ALL_KEYS).ok()
    forget_requests(sandbox.winfra)
    sandbox.winfra.clock.advance(days=3)
    second = read(sandbox, dataset, key_properties=ALL_KEYS, state=first.state).ok()
    asked = each_day(days(sandbox.winfra, dataset))
    assert asked == span(first_day - timedelta(days=LOOKBACK[dataset]), today(sandbox))
    assert second.bookmark(dataset)["windows"] == [[str(START), str(today(sandbox))]]


@pytest.mark.parametrize(
    ("lookback", "back"), [(10, 10), ("7", 7), ({"diario": 4}, 4), ({"ventas": 4}, 95), (0, 0)]
)
def test_the_lookback_is_a_setting(sandbox: RunningSandbox, lookback: Any, back: int) -> None:
    keys = keys_of("diario")
    first = read(sandbox, "diario", key_properties=keys, lookback_days=lookback).ok()
    forget_requests(sandbox.winfra)
    read(sandbox, "diario", key_properties=keys, lookback_days=lookback, state=first.state).ok()
    ((begin, end),) = days(sandbox.winfra, "diario")
    assert (today(sandbox) - begin).days == back
    assert end == today(sandbox)


def test_ventas_and_interlocutores_ask_for_changes_alone(sandbox: RunningSandbox) -> None:
    vendor, keys = sandbox.winfra, keys_of("ventas", "interlocutores")
    streams = ("ventas", "interlocutores")
    first = read(sandbox, *streams, key_properties=keys).ok()
    begun = _local(vendor.petitions[0].asked)
    forget_requests(vendor)
    vendor.clock.advance(days=2)
    row = next(
        r for r in vendor.records("ventas") if str(r["fecha"]) > str(today(sandbox) - timedelta(99))
    )
    vendor.change("ventas", row["id"], observaciones="cambiada")
    partner = vendor.records("interlocutores")[7]
    vendor.change("interlocutores", partner["codigo"], poblacion="Lugo")
    second = read(sandbox, *streams, key_properties=keys, state=first.state).ok()
    assert [record["id"] for record in second.records("ventas")] == [row["id"]]
    assert [r["codigo"] for r in second.records("interlocutores")] == [partner["codigo"]]
    assert second.activated("interlocutores") == []
    (moment,) = {item["modificado_desde"] for item in items(vendor) if "modificado_desde" in item}
    assert _seconds_between(moment, begun) == 3600
    # What lies in days that no run has read yet may have been written long before.
    for item in items(vendor, "ventas"):
        is_known = item["fecha_hasta"][:10] <= first.bookmark("ventas")["windows"][0][1]
        assert ("modificado_desde" in item) == is_known


def test_a_document_dated_ahead_is_not_missed(sandbox: RunningSandbox) -> None:
    vendor, keys = sandbox.winfra, keys_of("ventas")
    tomorrow = today(sandbox) + timedelta(days=1)
    ahead = {**vendor.records("ventas")[0], "id": 990_001, "fecha": f"{tomorrow}T00:00:00"}
    ahead["fecha_modificacion"] = f"{today(sandbox) - timedelta(days=9)}T08:00:00"
    vendor.add("ventas", ahead)
    first = read(sandbox, "ventas", key_properties=keys).ok()
    assert 990_001 not in [record["id"] for record in first.records("ventas")]
    vendor.clock.advance(days=1)
    second = read(sandbox, "ventas", key_properties=keys, state=first.state).ok()
    assert [record["id"] for record in second.records("ventas")] == [990_001]


def test_since_is_when_the_complete_run_began_to_ask(sandbox: RunningSandbox) -> None:
    vendor, keys = sandbox.winfra, keys_of("interlocutores")
    first = read(sandbox, "interlocutores", key_properties=keys).ok()
    first_asked = vendor.petitions[0].asked
    vendor.clock.advance(days=1)
    vendor.switches.failing_datasets = {"interlocutores": "Sin espacio"}
    failed = read(sandbox, "interlocutores", key_properties=keys, state=first.state)
    assert failed.exit_code == 3
    vendor.switches.failing_datasets = {}
    vendor.clock.advance(days=1)
    read(sandbox, "interlocutores", key_properties=keys, state=failed.output.state).ok()
    moments = [item.get("modificado_desde") for item in items(vendor, "interlocutores")]
    assert moments[0] is None
    assert moments[1] == moments[2], "the run that failed moved nothing"
    assert _seconds_between(str(moments[2]), _local(first_asked)) == 3600


@pytest.mark.parametrize("how", ["inclusive", "exclusive", "ignored"])
def test_nothing_changed_is_missed_however_the_server_compares(
    sandbox: RunningSandbox, how: Any
) -> None:
    vendor, keys = sandbox.winfra, keys_of("interlocutores")
    vendor.switches.modified_since = how
    first = read(sandbox, "interlocutores", key_properties=keys).ok()
    begun = _local(vendor.petitions[0].asked)
    vendor.change("interlocutores", vendor.records("interlocutores")[3]["codigo"],
                  fecha_modificacion=begun)  # fmt: skip
    second = read(sandbox, "interlocutores", key_properties=keys, state=first.state).ok()
    changed = [record["fecha_modificacion"] for record in second.records("interlocutores")]
    assert begun in changed


def test_an_earlier_start_reads_the_missing_days_whole(sandbox: RunningSandbox) -> None:
    vendor, keys = sandbox.winfra, keys_of("ventas")
    first = read(sandbox, "ventas", key_properties=keys, start_date="2026-03-01").ok()
    forget_requests(vendor)
    second = read(
        sandbox, "ventas", key_properties=keys, start_date="2025-12-01", state=first.state,
        lookback_days=5,
    ).ok()  # fmt: skip
    older = [row for row in items(vendor, "ventas") if row["fecha_desde"] == "2025-12-01T00:00:00"]
    assert [item["fecha_hasta"] for item in older] == ["2026-02-28T23:59:59"]
    assert "modificado_desde" not in older[0]
    held = vendor.rows(
        "ventas", fecha_desde="2025-12-01T00:00:00", fecha_hasta="2026-02-28T23:59:59"
    )
    assert held
    assert set(held) <= set(texts(second, "ventas"))
    assert second.bookmark("ventas")["windows"] == [["2025-12-01", str(today(sandbox))]]


def test_the_last_day_is_included_and_may_lie_ahead(sandbox: RunningSandbox) -> None:
    keys = keys_of("diario")
    end = str(today(sandbox) + timedelta(days=40))
    output = read(
        sandbox, "diario", key_properties=keys, start_date="2026-11-01", end_date=end
    ).ok()
    assert each_day(days(sandbox.winfra, "diario"))[-1] == date.fromisoformat(end)
    # A day that has not come is not known yet.
    assert output.bookmark("diario")["windows"] == [["2026-11-01", str(today(sandbox))]]
    forget_requests(sandbox.winfra)
    past = read(sandbox, "diario", key_properties=keys, end_date="2024-05-31").ok()
    assert each_day(days(sandbox.winfra, "diario"))[-1] == date(2024, 5, 31)
    assert max(record["fecha"] for record in past.records("diario")) <= "2024-05-31T00:00:00"


# Without a key


@pytest.mark.parametrize("dataset", ["ventas", "diario"])
def test_without_a_key_each_past_day_is_read_once(sandbox: RunningSandbox, dataset: str) -> None:
    vendor = sandbox.winfra
    first_day = today(sandbox)
    run = read(sandbox, dataset)
    assert "No key is known for" in run.stderr
    assert "key_properties" in run.stderr
    first = run.ok()
    assert first.bookmark(dataset)["windows"][-1][1] == str(first_day - timedelta(days=1))
    forget_requests(vendor)
    same_day = read(sandbox, dataset, state=first.state).ok()
    assert vendor.count("generar.post") == 0
    assert same_day.records() == []
    vendor.clock.advance(days=2)
    later = read(sandbox, dataset, state=same_day.state).ok()
    assert each_day(days(vendor, dataset)) == span(first_day, first_day + timedelta(days=1))
    assert all("modificado_desde" not in item for item in items(vendor))
    everything = texts(first, dataset) + texts(later, dataset)
    assert everything == vendor.rows(dataset)
    assert len(everything) == len(set(everything))


def test_without_a_key_interlocutores_is_a_snapshot_each_time(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "interlocutores").ok()
    second = read(sandbox, "interlocutores", state=first.state).ok()
    assert texts(second, "interlocutores") == sandbox.winfra.rows("interlocutores")
    assert all("modificado_desde" not in item for item in items(sandbox.winfra))
    assert second.activated("interlocutores") > first.activated("interlocutores")


# What means a full read


@pytest.mark.parametrize(
    "change",
    [
        {"dataset_params": {"ventas": {"todos_estados": True}}},
        {"key_properties": {"ventas": ["serie", "numero"]}},
        {"key_properties": {}},
    ],
)
def test_other_parameters_mean_a_full_read(sandbox: RunningSandbox, change: dict[str, Any]) -> None:
    keys = keys_of("ventas")
    first = read(sandbox, "ventas", key_properties=keys).ok()
    forget_requests(sandbox.winfra)
    run = read(sandbox, "ventas", state=first.state, **{"key_properties": keys, **change})
    assert "read in full" in run.stderr
    assert each_day(days(sandbox.winfra, "ventas"))[0] == START
    assert all("modificado_desde" not in item for item in items(sandbox.winfra))
    again = read(sandbox, "ventas", state=run.output.state, **{"key_properties": keys, **change})
    assert "read in full" not in again.stderr


@pytest.mark.parametrize("keys", [ALL_KEYS, {}], ids=["keys", "no keys"])
def test_a_bookmark_from_a_clock_that_ran_ahead_does_not_stop_the_reading(
    sandbox: RunningSandbox, keys: dict[str, list[str]]
) -> None:
    sandbox.winfra.clock.advance(days=400)
    first = read(sandbox, "compras", key_properties=keys).ok()
    forget_requests(sandbox.winfra)
    sandbox.winfra.clock.advance(days=-400)
    run = read(sandbox, "compras", key_properties=keys, state=first.state)
    assert "ahead of the server's clock" in run.stderr
    assert each_day(days(sandbox.winfra, "compras"))[0] == START


def test_another_stream_s_parameters_change_nothing(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "ventas", key_properties=keys_of("ventas")).ok()
    forget_requests(sandbox.winfra)
    params = {"interlocutores": {"tipo": "cliente"}}
    keys = keys_of("ventas", "stocks")
    read(sandbox, "ventas", key_properties=keys, dataset_params=params, state=first.state).ok()
    assert each_day(days(sandbox.winfra, "ventas"))[0] > START


def test_the_catalog_can_ask_for_everything_each_time(sandbox: RunningSandbox) -> None:
    catalog = selecting("compras")
    for entry in catalog["streams"]:
        # So Meltano writes `metadata: {compras: {replication-method: FULL_TABLE}}`.
        entry["replication_method"] = "FULL_TABLE"
    config = settings(sandbox, key_properties=keys_of("compras"))
    first = run_tap(TapWinfraXxl, config, catalog=catalog).ok()
    forget_requests(sandbox.winfra)
    second = run_tap(TapWinfraXxl, config, catalog=catalog, state=first.state).ok()
    assert each_day(days(sandbox.winfra, "compras")) == span(START, today(sandbox))
    assert texts(second, "compras") == sandbox.winfra.rows("compras")
    assert second.activated("compras") > first.activated("compras")


def test_the_catalog_that_discovery_writes_keeps_increments(sandbox: RunningSandbox) -> None:
    config = settings(sandbox, key_properties=ALL_KEYS)
    found = json.loads(run_tap(TapWinfraXxl, config, args=["--discover"]).ok().stdout)
    methods = {entry["stream"]: entry["replication_method"] for entry in found["streams"]}
    incremental = {name for name, method in methods.items() if method == "INCREMENTAL"}
    assert incremental == {*DATED, "interlocutores"}
    for entry in found["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = entry["stream"] in ("compras", "stocks")
    first = run_tap(TapWinfraXxl, config, catalog=found).ok()
    forget_requests(sandbox.winfra)
    run_tap(TapWinfraXxl, config, catalog=found, state=first.state).ok()
    assert each_day(days(sandbox.winfra, "compras"))[0] == today(sandbox) - timedelta(days=95)


def test_today_is_the_servers_in_madrid(sandbox: RunningSandbox) -> None:
    # Half past ten in the evening in UTC is the next day in Madrid.
    sandbox.winfra.clock.set(datetime(2025, 7, 1, 22, 30, tzinfo=UTC))
    read(sandbox, "diario", key_properties=keys_of("diario"), start_date="2025-06-20").ok()
    assert each_day(days(sandbox.winfra, "diario"))[-1] == date(2025, 7, 2)


@pytest.mark.parametrize(
    "bookmark",
    [
        {"windows": "2026", "todo": 7, "petition": 8, "offset": "x", "since": [], "ended": 1},
        {"windows": [["2026-01-01"]], "todo": [[1, 2]], "window": [["a", "b"]], "petition": "p"},
        {"windows": [["2026-02-30", "2026-03-01"]], "snapshot": "now", "version": "1"},
        {},
        {"schema": "{"},
    ],
)
def test_a_state_that_was_tampered_with_means_a_full_read(
    sandbox: RunningSandbox, bookmark: dict[str, Any]
) -> None:
    keys = keys_of("compras")
    good = read(sandbox, "compras", "stocks", key_properties=keys).ok().state
    state = {
        "bookmarks": {
            name: {"parameters": good["bookmarks"][name]["parameters"], **bookmark}
            for name in ("compras", "stocks")
        }
    }
    forget_requests(sandbox.winfra)
    output = read(sandbox, "compras", "stocks", key_properties=keys, state=state).ok()
    for name in ("compras", "stocks"):
        assert texts(output, name) == sandbox.winfra.rows(name)
