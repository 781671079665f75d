"""Somebody else's Meltano project takes a connector from this repository's git address."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml

from erp_sandbox.demo.project import MeltanoProject
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.meltano_projects import REPOSITORY
from support.servers import RunningSandbox

LOADER = """\
name: target-jsonl
namespace: target_jsonl
pip_url: target-jsonl==0.1.4
executable: target-jsonl
settings:
- name: destination_path
- name: do_timestamp_file
  kind: boolean
"""


def test_a_tap_is_added_from_its_definition_and_runs(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    source = _commit_of_what_is_here(tmp_path / "source")
    elsewhere = tmp_path / "elsewhere"
    project = MeltanoProject(REPOSITORY, elsewhere)
    project.logs.mkdir(parents=True)
    (elsewhere / "meltano.yml").write_text(
        "default_environment: prod\nenvironments:\n- name: prod\n", encoding="utf-8"
    )
    (elsewhere / "loader.yml").write_text(LOADER, encoding="utf-8")
    variables = {
        "ERP_CONNECTORS_REPOSITORY": f"file://{source}",
        "TAP_SERPI_API_URL": sandbox.serpi_url,
        "TAP_SERPI_TOKEN": TOKEN,
        "TAP_SERPI_SECRET_KEY": SECRET_KEY,
        "TAP_SERPI_START_DATE": "2026-10-01",
        "TAP_SERPI_END_DATE": "2026-10-31",
        "TARGET_JSONL_DESTINATION_PATH": str(elsewhere),
        "TARGET_JSONL_DO_TIMESTAMP_FILE": "false",
    }

    for kind, name, definition in (
        ("extractor", "tap-serpi", REPOSITORY / "tap-serpi" / "plugin.yml"),
        ("loader", "target-jsonl", elsewhere / "loader.yml"),
    ):
        project.meltano(
            "add", "--plugin-type", kind, "--from-ref", str(definition), name,
            log=f"add-{name}", extra=variables,
        )  # fmt: skip
    project.meltano("run", "tap-serpi", "target-jsonl", log="run", extra=variables)

    assert _ids(elsewhere / "articulos.jsonl") == {
        row["id"]
        for row in sandbox.serpi.data("articulos")  # type: ignore[attr-defined]  # rows
    }
    plugins = yaml.safe_load((elsewhere / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    assert str(source) not in json.dumps(plugins), "the address stands in the variable alone"


def _commit_of_what_is_here(folder: Path) -> Path:
    """A repository that holds the packages as they stand here: what a push of them would give."""
    for package in ("connector-kit", "serpi-client", "tap-serpi"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / package, folder / package, ignore=ignored)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--no-gpg-sign", "--message", "all"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def _ids(file: Path) -> set[int]:
    return {json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()}
