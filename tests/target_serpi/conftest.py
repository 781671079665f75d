"""What every test of target-serpi needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.serpi_target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the token's lock files out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def target(sandbox: RunningSandbox, tmp_path: Path) -> Target:
    """The target with files of its own and a fresh sandbox."""
    return Target(sandbox, tmp_path)
