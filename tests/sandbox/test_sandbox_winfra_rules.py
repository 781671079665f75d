"""WINFRA's petitions: what may be asked for, how many of them, and which rows a window holds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox.exact import loads
from support.winfra_client import WinfraClient, year_to_today

if TYPE_CHECKING:
    from erp_sandbox.winfra.app import Winfra
    from support.servers import RunningSandbox


@pytest.fixture
def vendor(sandbox: RunningSandbox) -> Winfra:
    return sandbox.winfra


@pytest.fixture
def api(sandbox: RunningSandbox) -> WinfraClient:
    return WinfraClient(sandbox.winfra_url)


def is_html(answer: requests.Response) -> bool:
    return answer.headers["Content-Type"].startswith("text/html")


# --- rules ----------------------------------------------------------------------------------------

WINDOW = {"fecha_desde": "2026-01-01T00:00:00"}


def window(dataset: str, first: str, last: str, **more: Any) -> dict[str, Any]:
    return {"dataset": dataset, "fecha_desde": first, "fecha_hasta": last, **more}


@pytest.mark.parametrize(
    "items",
    [
        ["formas_pago", "formas_pago"],
        [{"dataset": "interlocutores", "tipo": t} for t in ("cliente", "proveedor")],
        ["facturas"],
        [{"tipo": "cliente"}],
        [],
        ["diario"],
        [{"dataset": "diario", **WINDOW}],
        ["ventas"],
        [{"dataset": "ventas", "modificado_desde": "2026-01-01T00:00:00"}],
        [window("ventas", "2025-01-01T00:00:00", "2026-01-01T00:00:01")],
        [window("compras", "2026-01-02T00:00:00", "2026-01-01T23:59:59")],
        [window("compras", "2026-01-02", "2026-01-03")],
        [window("compras", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")],
        [window("compras", "2026-02-30T00:00:00", "2026-03-03T00:00:00")],
        [{"dataset": "deudas", **WINDOW}],
        [{"dataset": "deudas", "incluir_liquidado": True}],
        [window("deudas", "2025-01-01T00:00:00", "2026-01-01T00:00:01", incluir_liquidado=True)],
        [{"dataset": "deudas", "incluir_deudas": "true"}],
        [{"dataset": "interlocutores", "tipo": "clientes"}],
        [{"dataset": "interlocutores", "modificado_desde": "ayer"}],
        [{"dataset": "formas_pago", **WINDOW}],
        [{"dataset": "articulos", "solo_tienda": True}],
        [{"dataset": "articulos", "webhook": 1}],
    ],
)
@pytest.mark.parametrize("status", [422, 555])
def test_a_petition_that_breaks_a_rule(
    api: WinfraClient, vendor: Winfra, items: list[Any], status: int
) -> None:
    vendor.switches.update({"rule_status": status})
    refused = api.ask(*items)
    assert refused.status_code == status
    assert isinstance(refused.json()["error"], str)
    assert len(vendor.petitions) == 0


@pytest.mark.parametrize(
    "item",
    [
        window("ventas", "2025-01-01T00:00:00", "2025-12-31T23:59:59"),
        window("deudas", "2025-01-01T00:00:00", "2025-12-31T23:59:59", incluir_liquidado=True),
        window("deudas", "2024-02-29T00:00:00", "2025-02-28T23:59:59", incluir_liquidado=True),
        window("movimientos", "2016-01-01T00:00:00", "2025-12-31T23:59:59"),
        {"dataset": "deudas", "fecha_hasta": "2026-01-01T00:00:00", "incluir_efectos": True},
        {"dataset": "interlocutores", "tipo": "acreedor"},
        {"dataset": "articulos_lotes", "solo_tienda": True},
        "compras",
    ],
)
def test_a_petition_within_the_rules(api: WinfraClient, item: dict[str, Any] | str) -> None:
    assert api.ask(item).ok


def test_what_is_no_json_list(api: WinfraClient, sandbox: RunningSandbox) -> None:
    for body in (b"", b"{", b'{"dataset": "ventas"}', b'["ventas"]', b"[NaN]"):
        answer = requests.post(
            f"{sandbox.winfra_url}/api_v1/generar_xxl",
            data=body,
            auth=api.domain_pair,
            headers={"WINFRA-API-TOKEN": api.token or api.take_token()},
            timeout=30,
        )
        assert answer.status_code == 422


def test_unknown_parameters_and_longer_windows_by_switch(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.unknown_parameters = "accept"
    assert api.ask({"dataset": "articulos", "solo_tienda": True}).ok
    vendor.switches.ventas_without_dates = True
    vendor.switches.ventas_maximum_days = 366
    assert api.ask("ventas").ok
    assert api.ask(window("ventas", "2024-01-01T00:00:00", "2024-12-31T23:59:59")).ok


@pytest.mark.parametrize("status", [422, 429, 555])
def test_a_second_petition_while_one_is_pending(
    api: WinfraClient, vendor: Winfra, status: int
) -> None:
    petition = api.petition("formas_pago")
    assert api.ask("formas_pago").ok
    vendor.switches.pending_petition_status = status
    refused = api.ask("formas_pago")
    assert refused.status_code == status
    assert is_html(refused) == (status == 429)
    for each in list(vendor.petitions):
        api.look(each.id)
        assert api.look(each.id)["estado"] == "OK"
    assert api.ask("formas_pago").ok
    assert petition == vendor.petitions[0].id


def test_a_highest_number_of_petitions(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.maximum_petitions = 2
    first = api.ready("formas_pago")
    api.ready("formas_pago")
    assert api.ask("formas_pago").status_code == 555
    vendor.forget(first)
    assert api.ask("formas_pago").ok


def test_a_lost_answer_leaves_its_petition_behind(api: WinfraClient, vendor: Winfra) -> None:
    fault = vendor.lose_petition_answers()
    with pytest.raises(requests.ConnectionError):
        api.ask("formas_pago")
    assert fault.hits == 1
    assert len(vendor.petitions) == 1
    assert [each["peticion_id"] for each in api.get("api_v1/estado_xxl").json()] == [
        vendor.petitions[0].id
    ]
    assert api.ask("formas_pago").ok


# --- windows --------------------------------------------------------------------------------------


def test_windows_by_days_and_by_times(api: WinfraClient, vendor: Winfra) -> None:
    day = vendor.clock.today() - timedelta(days=3)
    for time_of_day in ("00:00:00", "12:00:00", "23:59:59"):
        vendor.add("movimientos", {"id": time_of_day, "fecha": f"{day}T{time_of_day}"})
    asked = window("movimientos", f"{day}T12:00:00", f"{day}T12:00:00")
    new = {"00:00:00", "12:00:00", "23:59:59"}

    def ids() -> set[object]:
        return {row["id"] for row in rows_of(api.fetch(asked))} & new

    assert ids() == new
    vendor.switches.windows = "times"
    assert ids() == {"12:00:00"}


def test_windows_that_touch_hold_each_row_once(api: WinfraClient, vendor: Winfra) -> None:
    last = vendor.clock.today()
    for windows in ("days", "times"):
        vendor.switches.update({"windows": windows})
        first = last - timedelta(days=59)
        cut = first + timedelta(days=30)
        rows = [
            row["id"]
            for since, until in ((first, cut), (cut + timedelta(days=1), last))
            for row in rows_of(
                api.fetch(window("movimientos", f"{since}T00:00:00", f"{until}T23:59:59"))
            )
        ]
        held = [
            row["id"] for row in vendor.records("movimientos") if str(row["fecha"]) >= str(first)
        ]
        assert held
        assert rows == held


@pytest.mark.parametrize(
    ("mode", "seen"),
    [
        ("inclusive", ["at", "after"]),
        ("exclusive", ["after"]),
        ("ignored", ["before", "at", "after"]),
    ],
)
def test_modified_since(api: WinfraClient, vendor: Winfra, mode: str, seen: list[str]) -> None:
    vendor.switches.update({"modified_since": mode})
    since = "2026-06-01T12:00:00"
    for code, moment in (("before", "11:59:59"), ("at", "12:00:00"), ("after", "12:00:01")):
        record = {"codigo": code, "fecha_modificacion": f"2026-06-01T{moment}", "tipo": "albaran"}
        vendor.add("interlocutores", record)
    rows = rows_of(api.fetch({"dataset": "interlocutores", "modificado_desde": since}))
    assert [row["codigo"] for row in rows if row["codigo"] in ("before", "at", "after")] == seen


def test_a_change_is_seen_by_modified_since(api: WinfraClient, vendor: Winfra) -> None:
    vendor.clock.advance(hours=1)
    since = api.ask("formas_pago").json()["fecha_peticion"]
    ids = [row["id"] for row in vendor.records("ventas")]
    vendor.change("ventas", ids[-1], observaciones="cambiada")
    asked = {"dataset": "ventas", **year_to_today(vendor), "modificado_desde": since}
    (row,) = rows_of(api.fetch(asked))
    assert (row["id"], row["observaciones"]) == (ids[-1], "cambiada")
    with pytest.raises(LookupError):
        vendor.change("ventas", -1)


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of an answer, fractions as they were written."""
    rows = loads(content)
    assert isinstance(rows, list)
    return rows
