"""Meltano projects for tests: the plugins are installed once a session, the rest is each test's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from erp_sandbox.demo.project import MeltanoProject, RunReport

if TYPE_CHECKING:
    from support.servers import RunningSandbox

REPOSITORY = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Warehouse:
    """A project with a system database, a DuckDB file and an output folder of a test's own."""

    project: MeltanoProject
    folder: Path
    sandbox: RunningSandbox

    def run(self, *blocks: str, **variables: str) -> RunReport:
        """Run a pipeline against the sandbox."""
        return self.project.run(
            *blocks,
            variables={
                "ERP_SANDBOX_PORT": self.sandbox.url.rpartition(":")[2],
                "MELTANO_DATABASE_URI": f"sqlite:///{self.folder}/meltano.db",
                "TARGET_DUCKDB_FILEPATH": str(self.folder / "erp.duckdb"),
                "TARGET_JSONL_DESTINATION_PATH": str(self.folder),
                "TARGET_JSONL_DO_TIMESTAMP_FILE": "false",
                **variables,
            },
        )

    def rows(self, statement: str) -> list[list[Any]]:
        """Ask the DuckDB file."""
        return self.project.query(str(self.folder / "erp.duckdb"), statement)

    def count(self, table: str) -> int:
        """How many rows a table holds."""
        rows: list[list[int]] = self.rows(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        return rows[0][0]

    def lines(self, stream: str) -> list[dict[str, Any]]:
        """The records that target-jsonl wrote, their numbers exact."""
        text = (self.folder / f"{stream}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    def load(self, messages: list[Mapping[str, Any]], **config: Any) -> None:
        """Give messages to target-duckdb, configured as in meltano.yml."""
        loader = self.project.folder / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin"
        config = {
            "filepath": str(self.folder / "erp.duckdb"),
            "default_target_schema": "loaded",
            **plugin_defaults("target-duckdb", "primary_key_required", "add_metadata_columns"),
            **config,
        }
        (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        subprocess.run(
            [loader / "target-duckdb", "--config", self.folder / "config.json"],
            input="".join(f"{json.dumps(message)}\n" for message in messages),
            check=True, text=True, capture_output=True,
        )  # fmt: skip


def plugin_defaults(plugin: str, *names: str) -> dict[str, Any]:
    """The values that meltano.yml gives settings of a plugin."""
    settings = definitions()[plugin]["settings"]
    return {entry["name"]: entry["value"] for entry in settings if entry["name"] in names}


def definitions() -> dict[str, dict[str, Any]]:
    """The plugins of meltano.yml by name."""
    content = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))
    return {plugin["name"]: plugin for plugins in content["plugins"].values() for plugin in plugins}


def installed_project(folder: Path, *plugins: str) -> MeltanoProject:
    """A project with plugins installed."""
    project = MeltanoProject(REPOSITORY, folder)
    project.prepare()
    project.install(plugins)
    return project
