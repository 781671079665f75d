"""`meltano run` of tap-serpi over real HTTP: what lands is what the server holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from support.meltano_projects import Warehouse

STREAMS = ("articulos", "tipos_documento", "documentos_contables")


def held(warehouse: Warehouse, stream: str) -> list[dict[str, Any]]:
    rows = cast("list[dict[str, Any]]", warehouse.sandbox.serpi.data(stream))
    return sorted(rows, key=lambda row: row["id"])


def test_json_lines_hold_the_servers_rows_and_every_decimal_exactly(warehouse: Warehouse) -> None:
    # Settings of every kind come as text from the environment.
    warehouse.run(
        "tap-serpi",
        "target-jsonl",
        TAP_SERPI_RETRY_WAIT="0.25",
        TAP_SERPI_PAGE_SIZE="100",
        TAP_SERPI_START_DATE="2025-09-01",
        TAP_SERPI_DOCUMENT_TYPES="[1, 2, 15, 16]",
        TAP_SERPI_KEY_PROPERTIES='{"articulos": ["id"]}',
        TAP_SERPI_VERIFY_TLS="true",
    )

    for stream in STREAMS:
        rows = sorted(warehouse.lines(stream), key=lambda row: row["id"])
        assert rows == held(warehouse, stream)
        assert [str(number) for number in _decimals(rows)] == [
            number.text for number in _decimals(held(warehouse, stream))
        ]
    assert sum(1 for _ in _decimals(warehouse.lines("documentos_contables"))) > 1000


def test_duckdb_holds_the_rows_once_and_amounts_as_near_as_a_double(warehouse: Warehouse) -> None:
    first = warehouse.run("tap-serpi", "target-duckdb")
    second = warehouse.run("tap-serpi", "target-duckdb")

    of_october = [
        row for row in held(warehouse, "documentos_contables") if row["fechaDocumento"] >= "2026-10"
    ]
    assert {name: read.rows for name, read in first.streams.items()} == {
        stream: len(held(warehouse, stream)) for stream in STREAMS
    }
    assert second.streams["documentos_contables"].rows == len(of_october)
    for stream in STREAMS:
        assert warehouse.count(f"tap_serpi.{stream}") == len(held(warehouse, stream))
    rows = warehouse.rows("SELECT id, codigo, costo FROM tap_serpi.articulos ORDER BY id")
    assert rows == [
        [row["id"], row["codigo"], _double(row["costo"])] for row in held(warehouse, "articulos")
    ]


def _decimals(value: Any) -> Any:
    """The decimals of a value, in an order that does not hang on the order of members."""
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, dict):
        for name in sorted(value):
            yield from _decimals(value[name])
    elif isinstance(value, list):
        for item in value:
            yield from _decimals(item)


def _double(amount: Decimal | int | None) -> float | None:
    return None if amount is None else float(amount)
