"""Meltano with the plugins of this repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from uv import find_uv_bin

from erp_sandbox.demo.project import LAST_PYTHON_OF_DUCKDB, PYTHON_OF_DUCKDB, MeltanoProject
from support.meltano_projects import Warehouse, installed_project
from support.servers import RunningSandbox

PLUGINS = ("tap-serpi", "target-duckdb", "target-jsonl")


@pytest.fixture(scope="session")
def _python_of_duckdb() -> None:
    """Skips what runs target-duckdb where no Python is there that has its DuckDB."""
    find = [find_uv_bin(), "python", "find", "--no-python-downloads", PYTHON_OF_DUCKDB]
    if (
        sys.version_info[:2] > LAST_PYTHON_OF_DUCKDB
        and subprocess.run(find, check=False).returncode
    ):
        pytest.skip(f"target-duckdb's DuckDB needs a Python {PYTHON_OF_DUCKDB}, and none is here")


@pytest.fixture(scope="session")
def meltano_project(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, _python_of_duckdb: None
) -> MeltanoProject:
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
