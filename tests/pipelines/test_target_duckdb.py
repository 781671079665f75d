"""target-duckdb as meltano.yml pins and configures it keeps every row; another version may not.

0.8.0 writes each batch to a CSV file and lets DuckDB guess its form: with a newer DuckDB, or without
the metadata columns, the first row is taken for a header and lost, with exit code 0.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.meltano_projects import Warehouse

INTEGER = {"type": ["null", "integer"]}
NUMBER = {"type": ["null", "number"]}
TEXT = {"type": ["null", "string"]}


def schema(key: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": "s",
        "key_properties": key,
        "schema": {"type": "object", "properties": properties},
    }


def records(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Messages as the taps write them: the time is a column that DuckDB guesses by, too."""
    message = {
        "type": "RECORD",
        "stream": "s",
        "time_extracted": "2026-11-20T10:00:00.123456+00:00",
    }
    return [{**message, "record": row} for row in rows]


def loaded(warehouse: Warehouse) -> list[list[Any]]:
    return warehouse.rows("SELECT COLUMNS('^[^_]') FROM loaded.s ORDER BY id")


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_two_records_with_one_key_leave_the_later_one(warehouse: Warehouse, batch: int) -> None:
    rows = records({"id": 1, "n": 1.5}, {"id": 2, "n": 1.5}, {"id": 1, "n": 2.5})

    warehouse.load([schema(["id"], id=INTEGER, n=NUMBER), *rows], batch_size_rows=batch)

    assert loaded(warehouse) == [[1, 2.5], [2, 1.5]]


@pytest.mark.parametrize("count", [1, 2, 500])
@pytest.mark.parametrize("key", [["id"], []])
def test_a_stream_of_nothing_but_text_keeps_its_first_row(
    warehouse: Warehouse, key: list[str], count: int
) -> None:
    rows = [{"id": f"k{number:03}", "name": "x"} for number in range(count)]

    warehouse.load([schema(key, id=TEXT, name=TEXT), *records(*rows)])

    assert loaded(warehouse) == [[row["id"], row["name"]] for row in rows]


@pytest.mark.parametrize(("key", "copies"), [(["id"], 1), ([], 2)])
def test_a_row_that_comes_again_replaces_by_its_key_and_is_appended_without_one(
    warehouse: Warehouse, key: list[str], copies: int
) -> None:
    for _ in range(2):
        warehouse.load([schema(key, id=INTEGER, n=NUMBER), *records({"id": 1, "n": 0.5})])

    assert loaded(warehouse) == [[1, 0.5]] * copies


def test_text_that_looks_like_something_else_stays_text(warehouse: Warehouse) -> None:
    texts = ["00123", "1.50", "2026-01-01", "a,b", 'say "x"', "two\nlines", "ñ €", "NULL", "true"]

    warehouse.load(
        [
            schema(["id"], id=INTEGER, name=TEXT),
            *records(*({"id": number, "name": text} for number, text in enumerate(texts))),
        ]
    )

    assert loaded(warehouse) == [[number, text] for number, text in enumerate(texts)]
