"""The SDK's own SQL loader on SQLite: a loader that honours ACTIVATE_VERSION, for flat records."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy
from singer_sdk import typing as th
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget
from sqlalchemy.pool import NullPool

from support.singer import run_command


class SqliteConnector(SQLConnector):
    allow_column_alter = False
    allow_temp_tables = False

    def get_sqlalchemy_url(self, config: Any) -> str:
        return f"sqlite:///{config['path']}"

    def create_engine(self) -> sqlalchemy.Engine:
        # Connections that are kept would be left open at the end.
        return sqlalchemy.create_engine(self.sqlalchemy_url, poolclass=NullPool)


class SqliteSink(SQLSink[SqliteConnector]):
    connector_class = SqliteConnector
    MAX_SIZE_DEFAULT = 40

    def generate_insert_statement(self, full_table_name: Any, schema: Any) -> Any:
        statement: Any = super().generate_insert_statement(full_table_name, schema)
        return sqlalchemy.text(str(statement).replace("INSERT", "INSERT OR REPLACE", 1))

    def preprocess_record(self, record: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in record.items()
        }

    @property
    def schema_name(self) -> str | None:
        return None


class TargetSqlite(SQLTarget):
    name = "target-sqlite"
    default_sink_class = SqliteSink
    config_jsonschema = th.PropertiesList(
        th.Property("path", th.StringType, required=True)
    ).to_dict()


class SqlLoader:
    """A database file that runs of a tap are loaded into; rows that are gone are deleted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "warehouse.sqlite"
        self._input = folder / "messages.jsonl"
        self._config = folder / "target.json"
        self._config.write_text(
            f'{{"path": "{self._path}", "hard_delete": true, "add_record_metadata": true}}'
        )

    def load(self, messages: bytes) -> None:
        """Load what a tap wrote."""
        self._input.write_bytes(messages)
        args = ["--config", str(self._config), "--input", str(self._input)]
        run = run_command(TargetSqlite, args)
        assert run.exit_code == 0, run.stderr

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return some columns of all rows, in order."""
        with sqlite3.connect(self._path) as database:
            found = database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # noqa: S608
        database.close()
        return sorted(found)
