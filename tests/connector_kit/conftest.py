"""The dummy vendor for the kit's tests: real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.dummy_vendor import Dummy
from support.page_server import PageServer


@pytest.fixture(scope="session")
def page_server() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture
def dummy(page_server: PageServer) -> Dummy:
    page_server.reset()
    return Dummy(page_server)
