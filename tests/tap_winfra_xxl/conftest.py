"""The sandbox of these tests has a clock that stands at one day, whenever they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.servers import RunningSandbox


@pytest.fixture
def sandbox(sandbox: RunningSandbox) -> RunningSandbox:
    sandbox.winfra.clock.set(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    return sandbox
