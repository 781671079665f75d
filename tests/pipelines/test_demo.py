"""`make demo`: what a person reads, also the second time, when a step fails and when rows differ."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from erp_sandbox.demo.landed import DATABASE, Landed
from erp_sandbox.demo.pipelines import PIPELINES
from erp_sandbox.demo.project import MeltanoProject, RunReport
from erp_sandbox.demo.server import running_sandbox
from erp_sandbox.winfra import AUTH_PASSWORD
from support.meltano_projects import REPOSITORY

STREAMS = 19 + 3 + 1

WRITTEN = (
    "articulos from winfra: 250; equal at both servers, to the last digit: 250;"
    " equal as read back: 250"
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, _python_of_duckdb: None) -> Path:
    """A folder as a clone has it, the packages linked; installed once for all tests here."""
    folder = tmp_path_factory.mktemp("clone")
    for file in (REPOSITORY / "meltano.yml", *REPOSITORY.glob("constraints*.txt")):
        shutil.copy(file, folder)
    for package in REPOSITORY.glob("*/pyproject.toml"):
        (folder / package.parent.name).symlink_to(package.parent)
    return folder


def demo(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "erp_sandbox.demo"],
        cwd=clone, text=True, capture_output=True, check=False,
    )  # fmt: skip


def table_lines(text: str) -> dict[str, tuple[int, int, int, str]]:
    """Each table's line: rows read, rows in DuckDB, rows at the server, the verdict."""
    found = re.findall(
        r"^  (tap_\w+\.\w+) +(\d+) +[\d.]+ +(\d+) +(\d+) +(\w.*)$", text, flags=re.MULTILINE
    )
    return {
        table: (int(read), int(stored), int(held), verdict)
        for table, read, stored, held, verdict in found
    }


def test_it_shows_what_landed_and_does_less_the_second_time(clone: Path) -> None:
    first, second = demo(clone), demo(clone)

    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr) == (0, "")
    before, after = table_lines(first.stdout), table_lines(second.stdout)
    assert len(before) == STREAMS
    assert before["tap_serpi.documentos_contables"] == (600, 600, 600, "equal")
    assert before["tap_serpi.articulos"] == (1450, 1450, 1450, "equal")
    assert before["tap_winfra_xxl.ventas"] == (1320, 1320, 1320, "equal")
    assert before["tap_facturadirecta.providers"] == (600, 600, 600, "equal")
    assert {table: line[1:] for table, line in after.items()} == {
        table: line[1:] for table, line in before.items()
    }
    for table in ("tap_serpi.documentos_contables", "tap_winfra_xxl.diario"):
        assert 0 < after[table][0] < 100
    assert "articulos: read 250 = created 250 + updated 0 + unchanged 0 " in first.stdout
    assert "articulos: read 250 = created 0 + updated 0 + unchanged 250 " in second.stdout
    assert WRITTEN in first.stdout
    assert WRITTEN in second.stdout
    for sample in ("Bombillo económico 1", "Azadón con mango de haya nº 1", "compras@p77.example"):
        assert sample in first.stdout
    assert sorted(path.name for path in clone.iterdir() if not path.is_symlink()) == sorted(
        [".demo", "meltano.yml", *(path.name for path in REPOSITORY.glob("constraints*.txt"))]
    ), "everything it writes is in .demo"


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM tap_serpi.articulos WHERE codigo = '000003'",
     "UPDATE tap_serpi.articulos SET costo = costo + 0.00001 WHERE codigo = '000003'"],
)  # fmt: skip
def test_a_row_that_is_gone_or_another_is_seen(
    clone: Path, statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = MeltanoProject(REPOSITORY, clone / ".demo")
    pipeline = next(one for one in PIPELINES if one.read_back is not None)
    assert pipeline.read_back is not None
    if not (project.folder / DATABASE).exists():
        demo(clone)
    whole = (project.folder / DATABASE).read_bytes()
    change(project, statement)

    with running_sandbox(project.folder) as sandbox:
        landed = Landed(project, sandbox, pipeline)
        counts = landed.show_counts(RunReport(0, {}, ()))
        read_back = landed.show_read_back(pipeline.read_back)
    (project.folder / DATABASE).write_bytes(whole)

    shown = capsys.readouterr().out
    assert not read_back
    assert "to the last digit: 250; equal as read back: 249" in shown
    assert counts == ("DELETE" not in statement)
    assert counts == ("NOT EQUAL" not in shown)


def change(project: MeltanoProject, statement: str) -> None:
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
    python = project.folder / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin" / "python"
    subprocess.run([python, "-c", program, project.folder / DATABASE, statement], check=True)


@pytest.fixture
def meltano_yml(clone: Path) -> Iterator[Path]:
    """The clone's file, put back afterwards."""
    path = clone / "meltano.yml"
    text = path.read_text(encoding="utf-8")
    yield path
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (
            f"auth_password: {AUTH_PASSWORD}",
            "auth_password: wrong",
            "check the credentials in the settings",
        ),
        ("target-duckdb==0.8.0", "target-duckdb==0.8.99", "requirements are unsatisfiable"),
    ],
)
def test_a_step_that_fails_is_named_in_one_line(
    clone: Path, meltano_yml: Path, right: str, wrong: str, reason: str
) -> None:
    text = meltano_yml.read_text(encoding="utf-8")
    meltano_yml.write_text(text.replace(right, wrong), encoding="utf-8")

    failed = demo(clone)

    assert failed.returncode == 1
    assert re.fullmatch(rf"demo: meltano .* failed: .*{reason}.*\n", failed.stderr)
    assert str(clone / ".demo" / "logs") in failed.stderr
