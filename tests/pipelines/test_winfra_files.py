"""`meltano run tap-winfra-xxl target-jsonl`: all 19 datasets, exactly; fields that no one has listed."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from erp_sandbox.demo.project import MeltanoProject
from erp_sandbox.winfra.datasets import DATASETS, KEYS
from support.meltano_projects import REPOSITORY, Warehouse, installed_project
from support.servers import RunningSandbox

README = REPOSITORY / "tap-winfra-xxl" / "README.md"


@pytest.fixture(scope="session")
def winfra_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MeltanoProject:
    """The two plugins, installed once for all workers of the session."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "meltano-winfra"
    with FileLock(f"{shared}.lock"):
        return installed_project(shared, "tap-winfra-xxl", "target-jsonl")


@pytest.fixture
def files(winfra_project: MeltanoProject, tmp_path: Path, sandbox: RunningSandbox) -> Warehouse:
    """The plugins, with an empty folder and no state."""
    return Warehouse(winfra_project, tmp_path, sandbox)


def exact(row: bytes) -> Any:
    return json.loads(row, parse_float=Decimal)


def test_json_lines_hold_all_datasets_and_every_decimal_exactly(files: Warehouse) -> None:
    winfra = files.sandbox.winfra
    winfra.switches.row_counts = {"vehiculos": 5}
    variables = {
        "TAP_WINFRA_XXL_KEY_PROPERTIES": json.dumps(KEYS),
        "TAP_WINFRA_XXL_START_DATE": str(winfra.clock.today().replace(month=1, day=1)),
    }
    report = files.run("tap-winfra-xxl", "target-jsonl", **variables)
    first_day = variables["TAP_WINFRA_XXL_START_DATE"]
    for name, dataset in DATASETS.items():
        held = [
            row
            for row in map(exact, winfra.rows(name))
            if name == "deudas" or not dataset.date_field or row[dataset.date_field] >= first_day
        ]
        lines = files.lines(name)
        assert lines == held, name
        assert str(lines) == str(held), "to the last digit"
        assert report.streams[name].rows == len(held)
    again = files.run("tap-winfra-xxl", "target-jsonl", **variables)
    assert again.streams["interlocutores"].rows == 0
    assert again.streams["stocks"].rows == len(winfra.rows("stocks"))


def test_a_field_that_is_named_in_the_schema_extra_can_be_deselected(files: Warehouse) -> None:
    (block,) = re.findall(r"```yaml\n(extractors:.*?)```", README.read_text(), re.DOTALL)
    ((extractor,),) = yaml.safe_load(block.replace("ficheros_adjuntos", "formatos")).values()
    extras = {
        f"TAP_WINFRA_XXL__{name.upper()}": json.dumps(extractor[name])
        for name in ("schema", "metadata", "select")
    }
    files.run("tap-winfra-xxl", "target-jsonl", **extras)
    held = map(exact, files.sandbox.winfra.rows("articulos"))
    assert files.lines("articulos") == [
        {name: value for name, value in row.items() if name != "formatos"} for row in held
    ]
    assert not (files.folder / "stocks.jsonl").exists()
