"""`make audit`: what it says of the pinned versions, and that it says so where it cannot look."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.meltano_projects import REPOSITORY

FINE = {"name": "click", "version": "8.5.1", "vulns": []}
BAD = {
    "name": "lxml",
    "version": "5.0",
    "vulns": [{"id": "GHSA-0000", "fix_versions": ["6.1"]}],
}
UNREACHED = {"name": "attrs", "skip_reason": "could not be looked up"}


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delenv("CI", raising=False)
    spec = importlib.util.spec_from_file_location("audit", REPOSITORY / "tools" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "audit", module)
    spec.loader.exec_module(module)
    return module


def pip_audit(folder: Path, *entries: dict[str, Any], text: str | None = None) -> Path:
    """A program that answers as pip-audit does."""
    answer = json.dumps({"dependencies": entries, "fixes": []}) if text is None else text
    tool = folder / "pip-audit"
    tool.write_text(f"#!{sys.executable}\nprint({answer!r})\n", encoding="utf-8")
    tool.chmod(0o755)
    return tool


@pytest.mark.parametrize(
    ("entries", "code", "said"),
    [
        ([FINE, FINE], 0, "2 versions checked, 0 vulnerabilities known"),
        ([FINE, BAD], 1, "lxml 5.0: GHSA-0000, mended in 6.1"),
        ([FINE, UNREACHED], 0, "1 versions were not checked"),
        ([UNREACHED, UNREACHED], 0, "nothing was checked"),
        ([BAD, UNREACHED], 1, "lxml 5.0"),
    ],
)
def test_what_is_known_and_what_could_not_be_looked_up(  # noqa: PLR0917 - fixtures
    audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    entries: list[dict[str, Any]], code: int, said: str,
) -> None:  # fmt: skip
    assert audit.main(pip_audit(tmp_path, *entries), [tmp_path / "any"]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_a_tool_that_cannot_reach_anything_is_told_in_one_line(
    audit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tool = pip_audit(tmp_path, text="no JSON")
    assert audit.main(tool, [tmp_path / "any"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("audit: nothing was checked")
    assert told.err.count("\n") == 1
    monkeypatch.setenv("CI", "true")
    assert audit.main(tool, [tmp_path / "any"]) == 2
