"""`make demo`: what a person reads, also the second time and when a step fails."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from erp_sandbox.serpi import TOKEN
from support.meltano_projects import REPOSITORY


@pytest.fixture
def clone(tmp_path: Path, _python_of_duckdb: None) -> Path:
    """A folder as a clone has it, the packages linked."""
    for file in (REPOSITORY / "meltano.yml", *REPOSITORY.glob("constraints*.txt")):
        shutil.copy(file, tmp_path)
    for package in REPOSITORY.glob("*/pyproject.toml"):
        (tmp_path / package.parent.name).symlink_to(package.parent)
    return tmp_path


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


def test_it_shows_what_landed_and_reads_less_the_second_time(clone: Path) -> None:
    first, second = demo(clone), demo(clone)

    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr) == (0, "")
    before, after = table_lines(first.stdout), table_lines(second.stdout)
    assert before["tap_serpi.documentos_contables"] == (600, 600, 600, "equal")
    assert after["tap_serpi.documentos_contables"][0] < 100
    assert {table: line[1:] for table, line in after.items()} == {
        table: line[1:] for table, line in before.items()
    }
    assert "Bombillo económico 1" in first.stdout
    assert sorted(path.name for path in clone.iterdir() if not path.is_symlink()) == sorted(
        [".demo", "meltano.yml", *(path.name for path in REPOSITORY.glob("constraints*.txt"))]
    ), "everything it writes is in .demo"


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (f"token: {TOKEN}", "token: wrong", "does not accept the credentials"),
        ("target-duckdb==0.8.0", "target-duckdb==0.8.99", "requirements are unsatisfiable"),
    ],
)
def test_a_step_that_fails_is_named_in_one_line(
    clone: Path, right: str, wrong: str, reason: str
) -> None:
    text = (clone / "meltano.yml").read_text(encoding="utf-8")
    (clone / "meltano.yml").write_text(text.replace(right, wrong), encoding="utf-8")

    failed = demo(clone)

    assert failed.returncode == 1
    assert re.fullmatch(rf"demo: meltano .* failed: .*{reason}.*\n", failed.stderr)
    assert str(clone / ".demo" / "logs") in failed.stderr
