"""Fixtures that every test folder shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from support.servers import RunningSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sandbox_listener() -> Iterator[Listener]:
    """One server for the whole session; `sandbox` puts fresh state behind it."""
    with Listener(Sandbox()) as listener:
        yield listener


@pytest.fixture
def sandbox(sandbox_listener: Listener) -> RunningSandbox:
    """The three APIs on loopback, as new: default data and switches, nothing received."""
    sandbox_listener.sandbox = Sandbox()
    return RunningSandbox(sandbox_listener)
