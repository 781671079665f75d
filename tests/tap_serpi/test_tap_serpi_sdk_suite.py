"""The SDK's own test suite for taps against the sandbox, and what it does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_tap_test_class

from erp_sandbox.serpi import SECRET_KEY, TOKEN
from erp_sandbox.server import Sandbox
from support.serpi_tap import ALL_DOCUMENTS, STREAMS, ids, run, texts
from support.servers import RunningSandbox
from tap_serpi.tap import TapSerpi

if TYPE_CHECKING:
    from erp_sandbox.running import Listener

CONFIG: dict[str, Any] = {"token": TOKEN, "secret_key": SECRET_KEY, **ALL_DOCUMENTS}
"""The suite makes its taps while pytest collects; the address is put in before it reads anything."""

_SdkSuite: Any = get_tap_test_class(TapSerpi, config=CONFIG, parse_env_config=False)


class TestSdkSuite(_SdkSuite):  # type: ignore[misc]  # the SDK makes the class at run time
    """Every test that the SDK has for taps, streams and attributes."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def address(cls, sandbox_listener: Listener) -> None:
        sandbox_listener.sandbox = Sandbox()
        CONFIG["api_url"] = RunningSandbox(sandbox_listener).serpi_url


@pytest.mark.parametrize("page_size", [13, 500])
def test_keys_are_unique(sandbox: RunningSandbox, page_size: int) -> None:
    # The SDK's test compares generators, so it sees no key twice.
    sandbox.serpi.switches.insert_before_page = 2
    output = run(sandbox, **ALL_DOCUMENTS, page_size=page_size).ok()
    for stream in STREAMS:
        found = ids(texts(output, stream))
        assert len(found) == len(set(found)) > 0
