"""What the README says, held against what is so: tables, example, queries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connector_kit.errors import ExitCode
from support.serpi_target import Target, article, message, record, state
from target_serpi.ledger import State
from target_serpi.mapping.articulos import ARTICLE
from target_serpi.mapping.documentos import DOCUMENT, LINE
from target_serpi.outcomes import Outcome

README = (Path(__file__).parents[2] / "target-serpi" / "README.md").read_text(encoding="utf-8")


def _rows(header: str) -> list[list[list[str]]]:
    """The rows of every table with a header, as cells."""
    tables = re.findall(rf"^{re.escape(header)}\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
        for table in tables
    ]


def test_the_mapping_tables() -> None:
    tables = _rows("| Field | Takes | Required |")
    for rows, table in zip(tables, (ARTICLE, DOCUMENT, LINE), strict=True):
        assert [(row[0].strip("`"), row[2] == "yes") for row in rows] == [
            (field.name, field.required) for field in table.fields
        ]


def test_the_states_outcomes_and_exit_codes() -> None:
    (states,) = _rows("| State | Meaning |")
    assert set(re.findall(r"`(\w+)`", " ".join(row[0] for row in states))) == set(State)
    (outcomes,) = _rows("| Outcome | Article | Document |")
    assert [row[0] for row in outcomes] == list(Outcome)
    (codes,) = _rows("| Code | Meaning |")
    assert [row[0] for row in codes] == [str(int(code)) for code in ExitCode] + ["128 + n"]


def test_the_example_of_stream_maps(target: Target) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    config: dict[str, Any] = json.loads(text)
    kinds = {"sku": "string", "name": "string", "price": "number", "active": "integer"}
    lines = [
        message(
            type="SCHEMA",
            stream="products",
            schema={"properties": {name: {"type": kind} for name, kind in kinds.items()}},
            key_properties=["sku"],
        ),
        record({"sku": "00123", "name": "new name", "price": 1, "active": 1}, "products"),
        record({"sku": "N-1", "name": "one", "price": 2, "active": 0}, "products"),
        state(1),
    ]
    target.run(lines, **config).ok(created=1, updated=1)
    assert target.serpi.articles.only("N-1")["activo"] is False
    assert target.serpi.articles.only("00123")["descripcion"] == "new name"


def test_the_queries(target: Target) -> None:
    target.run([message(type="SCHEMA", stream="articulos", schema={"properties": {}}),
                record(article("N-1"))]).ok(created=1)  # fmt: skip
    (sql,) = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    answers = [target.ledger(query) for query in sql.split(";\n") if query.strip()]
    assert answers[0] == [{"state": "CONFIRMED", "count(*)": 1}]
    assert len(answers) == 4


@pytest.mark.parametrize("table", ["runs", "attempts"])
def test_the_columns(target: Target, table: str) -> None:
    target.run([]).ok()
    columns = [row["name"] for row in target.ledger(f"PRAGMA table_info({table})")]
    (text,) = re.findall(rf"^`{table}`: (.*?)\n\n", README, re.MULTILINE | re.DOTALL)
    text = re.sub(r"\([^)]*\)", "", text)
    assert re.findall(r"`(\w+)`", text) == columns
