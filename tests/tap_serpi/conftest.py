"""What every test of tap-serpi needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the token's lock files out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
