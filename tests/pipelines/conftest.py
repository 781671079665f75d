"""Meltano with the plugins of this repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from erp_sandbox.demo.project import MeltanoProject
from support.meltano_projects import Warehouse, installed_project
from support.servers import RunningSandbox

PLUGINS = ("tap-serpi", "target-duckdb", "target-jsonl")


@pytest.fixture(scope="session")
def meltano_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MeltanoProject:
    """A project with the plugins installed, once for all workers of the session."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "meltano"
    with FileLock(f"{shared}.lock"):
        return installed_project(shared, *PLUGINS)


@pytest.fixture
def warehouse(
    meltano_project: MeltanoProject, tmp_path: Path, sandbox: RunningSandbox
) -> Warehouse:
    """The installed plugins, with an empty database and no state."""
    return Warehouse(meltano_project, tmp_path, sandbox)
