"""SERPI clients for these tests, with their lock files out of the user's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector_kit.http import HttpSettings
from serpi_client.client import SerpiClient
from support.servers import RunningSandbox

TOKEN = "serpi-sandbox-token"
SECRET_KEY = "serpi-sandbox-secret-key"

MakeClient = Callable[..., SerpiClient]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Make clients that wait little; they are closed at the end."""
    made: list[SerpiClient] = []

    def make(
        url: str,
        token: str = TOKEN,
        secret_key: str = SECRET_KEY,
        *,
        silence: float = 5,
        retry_time: float = 0.2,
    ) -> SerpiClient:
        settings = HttpSettings(silence, retry_wait=0.01, retry_time=retry_time)
        made.append(SerpiClient(url, token, secret_key, settings, user_agent="test/1"))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(sandbox: RunningSandbox, make_client: MakeClient) -> SerpiClient:
    return make_client(sandbox.serpi_url)
