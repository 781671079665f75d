"""WINFRA's data and how they are delivered: 19 datasets, slices, styles, attachments, sizes."""

from __future__ import annotations

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox import exact
from erp_sandbox.vendor import Setup
from erp_sandbox.winfra.app import Winfra
from erp_sandbox.winfra.datasets import DATASETS, KEYS
from support.winfra_client import WinfraClient, array_of, year_to_today

if TYPE_CHECKING:
    from support.servers import RunningSandbox

DATED = ("compras", "diario", "facturas_contables", "movimientos", "ventas", "ventas_facturas")
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@pytest.fixture
def vendor(sandbox: RunningSandbox) -> Winfra:
    return sandbox.winfra


@pytest.fixture
def api(sandbox: RunningSandbox) -> WinfraClient:
    return WinfraClient(sandbox.winfra_url)


@pytest.fixture(scope="module")
def held() -> Winfra:
    """Data to look at, without a server."""
    return Winfra()


def values(record: object) -> list[object]:
    """All scalars in a record, at any depth."""
    if isinstance(record, dict):
        return [leaf for member in record.values() for leaf in values(member)]
    if isinstance(record, list):
        return [leaf for member in record for leaf in values(member)]
    return [record]


# --- what the records are like --------------------------------------------------------------------


def test_all_19_datasets_have_rows_but_one(held: Winfra) -> None:
    assert len(DATASETS) == 19
    assert [name for name in DATASETS if not held.rows(name)] == ["vehiculos"]
    assert len(Winfra(Setup(scale=2)).rows("vehiculos")) == 5
    assert len(held.rows("ventas")) == 1200
    assert len(Winfra(Setup(scale=2)).rows("ventas")) == 2400


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_same_seed_gives_the_same_rows(held: Winfra, dataset: str) -> None:
    rows = held.rows(dataset)
    assert Winfra().rows(dataset) == rows
    if rows:
        assert Winfra(Setup(seed=8)).rows(dataset) != rows


@pytest.mark.parametrize("dataset", DATASETS)
def test_keys_are_there_and_differ(held: Winfra, dataset: str) -> None:
    records = held.data(dataset)
    assert isinstance(records, list)
    keys = {tuple(record[name] for name in KEYS[dataset]) for record in records}
    assert len(keys) == len(records)


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_rows_are_selected_by_is_what_they_say(held: Winfra, dataset: str) -> None:
    spec = DATASETS[dataset]
    for row, facts in held._tables.table(dataset).pairs():
        assert facts == spec.facts(json.loads(row))
        for moment in (facts.date, facts.modified):
            assert moment == "" or DATETIME.fullmatch(moment)


@pytest.mark.parametrize("dataset", DATED)
def test_dates_reach_over_three_years_up_to_today(held: Winfra, dataset: str) -> None:
    field = DATASETS[dataset].date_field
    days = sorted(date.fromisoformat(str(row[field])[:10]) for row in held.records(dataset))
    today = held.clock.today()
    assert days[-1] == today
    assert timedelta(days=1085) < today - days[0] <= timedelta(days=1095)
    assert max(b - a for a, b in pairwise(days)) <= timedelta(days=4)


def test_the_quirks_of_values_are_all_there(held: Winfra) -> None:
    sales: list[dict[str, Any]] = held.records("ventas")
    articles = held.records("articulos")
    hashes = [row["hash_venta"] for row in sales]
    assert max(hashes) > 2**31 > min(hashes) >= 0
    assert max(hashes) < 2**32
    assert {len(row["lineas"]) for row in sales} == {2, 3, 4}
    text = held.rows("ventas")[0].decode()
    assert '"cambio":1.0000000000,' in text
    assert re.search(r'"total":\d+\.\d{4}0,', text)
    assert '"fecha_entrega":null' in text
    assert b"12345678901234.56789" in b"".join(held.rows("subcuentas"))
    assert all(row["fecha_baja"] is None for row in articles)
    assert any("codigo_barras" not in row for row in articles)
    assert any(str(row["codigo"]).startswith("0") for row in articles)
    first_late = next(n for n, row in enumerate(articles) if "huella_carbono" in row)
    assert first_late == 200
    weights = [row["peso"] for row in articles]
    assert {type(weight) for weight in weights[:125]} == {int}
    assert {type(weight) for weight in weights[125:]} == {exact.Number}
    assert max(len(str(row["coste_medio"])) for row in articles) > 20
    assert all(str(row["fecha"]).endswith("T00:00:00") for row in sales)
    assert any(str(row["fecha"]).endswith("T23:59:59") for row in held.records("movimientos"))
    assert any("\n" in str(value) and '"' not in str(value) for value in values(sales))
    assert any("ñ" in str(value) for value in values(sales))
    for entry in held.records("diario"):
        lines: Any = entry["apuntes"]
        assert sum(line["debe"] for line in lines) == sum(line["haber"] for line in lines)
    assert len(b"".join(held.rows("ventas"))) / 1200 == pytest.approx(1350, rel=0.1)


def test_what_petitions_leave_out_unless_asked(held: Winfra) -> None:
    def kinds(**parameters: object) -> set[tuple[object, object]]:
        return {(row["tipo"], row["estado"]) for row in held.records("ventas", **parameters)}

    locked = {"Bloqueado", "Facturado", "Rectificado"}
    assert {kind for kind, _ in kinds()} == {"albaran", "factura_directa"}
    assert {state for _, state in kinds()} == locked
    assert ("pedido", "Bloqueado") in kinds(incluir_pedidos=True)
    assert {state for _, state in kinds(todos_estados=True)} == {*locked, "Abierto"}
    everything = held.rows("ventas", incluir_pedidos=True, todos_estados=True)
    assert len(everything) == 1320

    debts = held.records("deudas")
    assert {row["tipo"] for row in debts} == {"deuda", "efecto"}
    assert not any(row["liquidado"] for row in debts)
    assert {row["tipo"] for row in held.records("deudas", incluir_efectos=True)} == {"efecto"}
    assert any(row["liquidado"] for row in held.records("deudas", incluir_liquidado=True))

    roles = {tipo: held.rows("interlocutores", tipo=tipo) for tipo in ("cliente", "proveedor")}
    assert 0 < len(roles["cliente"]) < len(held.rows("interlocutores"))
    assert set(roles["cliente"]) & set(roles["proveedor"])
    shop = held.records("articulos_lotes", solo_tienda=True)
    assert all(row["en_tienda"] for row in shop)
    assert 0 < len(shop) < 120


def test_discounts_are_for_today_and_seven_days(held: Winfra) -> None:
    days = {str(row["fecha"])[:10] for row in held.records("descuentos")}
    today = held.clock.today()
    assert days == {str(today + timedelta(days=n)) for n in range(8)}


# --- delivery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_is_delivered_byte_by_byte(
    api: WinfraClient, vendor: Winfra, dataset: str
) -> None:
    item = {"dataset": dataset}
    if dataset in DATED:
        item |= year_to_today(vendor)
    parameters = {name: value for name, value in item.items() if name != "dataset"}
    rows = vendor.rows(dataset, **parameters)
    petition = api.ready(item)
    (view,) = api.look(petition)["datasets"]
    assert view["numero_registros"] == len(rows)
    whole = api.rows(petition, dataset)
    assert whole.headers["Content-Type"] == "application/json"
    assert whole.content == array_of(rows)
    middle = len(rows) // 2
    for offset, limit in ((0, 7), (middle, 100), (len(rows), 5), (len(rows) + 100, 5), (0, 0)):
        part = api.rows(petition, dataset, f"/{offset}/{limit}")
        assert part.content == array_of(rows[offset : offset + limit])
    assert vendor.petitions[0].downloads[:2] == [(dataset, None, None), (dataset, 0, 7)]
    assert (vendor.count("datos.whole"), vendor.count("datos.slice")) == (1, 5)


def test_past_the_end_there_may_be_nothing_at_all(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.ready("formas_pago")
    vendor.switches.past_end = "404"
    assert api.rows(petition, "formas_pago", "/7/5").ok
    assert api.rows(petition, "formas_pago", "/8/5").status_code == 404


def test_a_highest_limit_cuts_in_silence(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.maximum_limit = 3
    petition = api.ready("formas_pago")
    rows = vendor.rows("formas_pago")
    assert api.rows(petition, "formas_pago", "/2/100").content == array_of(rows[2:5])


@pytest.mark.parametrize("difference", [3, -3])
def test_the_number_of_records_may_be_wrong(
    api: WinfraClient, vendor: Winfra, difference: int
) -> None:
    vendor.switches.count_mismatch = {"formas_pago": difference}
    petition = api.ready("formas_pago")
    assert api.look(petition)["datasets"][0]["numero_registros"] == 8 + difference
    assert len(api.rows(petition, "formas_pago").json()) == 8


@pytest.mark.parametrize(
    ("mode", "with_version", "without"),
    [("api_v1", 200, 404), ("bare", 404, 200), ("both", 200, 200)],
)
def test_both_data_paths(
    api: WinfraClient, vendor: Winfra, mode: str, with_version: int, without: int
) -> None:
    vendor.switches.update({"data_path": mode})
    petition = api.ready("formas_pago")
    for piece in ("", "/0/5"):
        path = f"datos_xxl/{petition}/formas_pago{piece}"
        assert api.get(f"api_v1/{path}").status_code == with_version
        assert api.get(path).status_code == without
    assert api.get("api_v1/estado_xxl").ok


@pytest.mark.parametrize("style", ["compact", "spaced", "pretty", "lines"])
@pytest.mark.parametrize("escaped", [True, False])
def test_styles_of_json_keep_every_value(
    api: WinfraClient, vendor: Winfra, style: str, *, escaped: bool
) -> None:
    plain = api.fetch({"dataset": "ventas", **year_to_today(vendor)})
    vendor.switches.update({"json_style": style, "escape_unicode": escaped})
    vendor.switches.trailing_newline = True
    text = api.fetch({"dataset": "ventas", **year_to_today(vendor)})
    again = exact.loads(text)
    assert exact.dumps(again).encode() == plain
    assert text.endswith(b"\n")
    assert text.isascii() == escaped
    assert (rb"I\u00f1\u00e1rritu" in text) == escaped
    assert (rb"\ud83d\ude9c" in text) == escaped
    signs = {
        "compact": b'},{"id":',
        "spaced": b'}, {"id": ',
        "pretty": b'\n  },\n  {\n    "id": ',
        "lines": b'}\n,\n{\n"id":\n',
    }
    assert [name for name, sign in signs.items() if sign in text] == [style]


def test_decimals_as_strings(api: WinfraClient, vendor: Winfra) -> None:
    vendor.add("stocks", {"articulo": "1.50", "stock": exact.Number("-1.500"), "otro": 15})
    petition = api.ready("stocks")
    vendor.switches.decimals = "strings"
    *others, last = api.rows(petition, "stocks").json()
    assert last == {"articulo": "1.50", "stock": "-1.500", "otro": 15}
    held = vendor.records("stocks")[:-1]
    assert [row["stock"] for row in others] == [exact.dumps(row["stock"]) for row in held]


def test_a_byte_order_mark_and_another_content_type(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.ready("formas_pago")
    vendor.switches.byte_order_mark = True
    vendor.switches.content_type = "text/json; charset=utf-8"
    answer = api.rows(petition, "formas_pago")
    assert answer.content == b"\xef\xbb\xbf" + array_of(vendor.rows("formas_pago"))
    assert answer.headers["Content-Type"] == "text/json; charset=utf-8"


def test_attachments_only_when_asked_for(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.attachment_bytes = 50_000
    plain = json.loads(api.fetch("articulos"))
    asked = {"dataset": "articulos", "incluir_ficheros_adjuntos": True}
    content = api.fetch(asked)
    assert content == array_of(vendor.rows("articulos", incluir_ficheros_adjuntos=True))
    full = json.loads(content)
    sizes = set()
    for before, after in zip(plain, full, strict=True):
        files = after.pop("ficheros_adjuntos")
        assert after == before
        sizes |= {len(base64.b64decode(file["contenido"], validate=True)) for file in files}
        assert len(files) <= 1
    assert sizes == {50_000}
    assert api.fetch({**asked, "incluir_ficheros_adjuntos": False}) == api.fetch("articulos")


def test_records_come_change_and_go(vendor: Winfra) -> None:
    rows = vendor.rows("centros_coste")
    raw = b'{"codigo":"900","importe":1.10,"otro":{"x":[1e400]}}'
    vendor.add("centros_coste", raw, {"codigo": "901", "importe": exact.Number("2.50")})
    vendor.remove("centros_coste", "001")
    vendor.change("centros_coste", "002", descripcion="Nueva", padre=None)
    after = vendor.rows("centros_coste")
    assert after[0] == rows[0]
    changed = {"codigo": "002", "descripcion": "Nueva", "padre": None, "activo": True}
    assert json.loads(after[1]) == changed
    assert after[2:-2] == rows[3:]
    assert after[-2:] == [raw, b'{"codigo":"901","importe":2.50}']


# --- busy, slow and large -------------------------------------------------------------------------


def test_busy_with_more_downloads_than_it_serves(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.ready("stocks")
    vendor.switches.download_latency_ms = 150
    with ThreadPoolExecutor(4) as pool:

        def four() -> list[int]:
            paths = [f"/{n}/1" for n in range(4)]
            answers = pool.map(lambda path: api.rows(petition, "stocks", path), paths)
            return sorted(answer.status_code for answer in answers)

        assert four() == [200] * 4
        assert vendor.downloads_at_once == 4
        vendor.switches.maximum_downloads = 3
        vendor.switches.busy_status = 429
        assert four() == [200, 200, 200, 429]


def test_latency(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.ready("formas_pago")
    for switch in ("latency_ms", "download_latency_ms"):
        vendor.switches.update({switch: 80})
        began = time.monotonic()
        assert api.rows(petition, "formas_pago").ok
        assert time.monotonic() - began >= 0.08
        vendor.switches.update({switch: 0})


def test_many_rows_by_switch_in_slices_and_whole(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.history_days = 360
    vendor.switches.row_counts = {"ventas": 5000}
    petition = api.ready({"dataset": "ventas", **year_to_today(vendor)})
    (view,) = api.look(petition)["datasets"]
    assert view["numero_registros"] == 5000
    whole = api.rows(petition, "ventas").content
    assert len(whole) > 5_000_000
    assert whole == array_of(vendor.rows("ventas"))
    parts = [api.rows(petition, "ventas", f"/{n}/1000").content for n in range(0, 5000, 1000)]
    assert b"[" + b",".join(part[1:-1] for part in parts) + b"]" == whole
