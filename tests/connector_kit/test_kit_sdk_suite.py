"""The SDK's own tests of a tap, and what is overridden of the SDK although it says `final`."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.testing import get_tap_test_class

from connector_kit.stream import ConnectorStream
from connector_kit.tap import ConnectorTap
from support.dummy_tap import SECRET, DummyTap
from support.page_server import PageServer

SYNC_ALL = "e4412393757b4cdc422ba4982705b0a06dfaf80ce249160aa9ab2a81cd7c00b5"
"""SHA-256 of the source of `Tap.sync_all` that was read."""

CONFIG: dict[str, Any] = {"api_url": "http://127.0.0.1:1", "token": SECRET, "retry_time": 0}
LEARNED = ("items", "events", "notes", "moving", "bulk")
# The SDK's tests compare records with the schema of a tap that has read nothing, so it remembers one.
STATE = {
    "bookmarks": {
        stream: {"schema": '{"id":"i","a":"n","d":"t","o":{"x":"s"}}'} for stream in LEARNED
    }
}
PAGE = b'[{"id":1,"a":1.50,"d":"2024-01-31T10:20:30","o":{"x":"y"}},{"id":2,"a":null,"d":null}]'
INVOICE = (
    b'[{"id":1,"day":"2024-01-31","made":"2024-01-31T00:00:00","amount":1.50,"lines":2,"text":"x",'
    b'"party":{"name":"n","rank":1},"free":{"a":1},"tags":["x"],"empty":{}}]'
)

_SdkTests: Any = get_tap_test_class(DummyTap, config=CONFIG, state=STATE)


class TestByTheSdk(_SdkTests):  # type: ignore[misc]  # made at run time
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def vendor(cls, page_server: PageServer) -> Iterator[None]:
        page_server.reset(invoices=[INVOICE], **{stream: [PAGE] for stream in LEARNED})
        CONFIG["api_url"] = page_server.url
        yield
        CONFIG["api_url"] = "http://127.0.0.1:1"


def finals(base: type) -> set[str]:
    """Names that a class of the SDK calls final."""
    members = (
        (name, inspect.unwrap(getattr(value, "fget", None) or value))
        for name, value in vars(base).items()
    )
    return {name for name, value in members if getattr(value, "__final__", False)}


def test_sync_all_alone_is_overridden_of_what_the_sdk_calls_final() -> None:
    assert "sync_all" in finals(Tap)
    assert "sync" in finals(Stream)
    for ours, base in ((ConnectorTap, Tap), (ConnectorStream, Stream)):
        own = {name for name in finals(base) if getattr(ours, name) is not getattr(base, name)}
        assert own == ({"sync_all"} if base is Tap else set())


def test_the_overridden_method_is_the_one_that_was_read() -> None:
    """A new SDK may do more in `sync_all`: read it, and carry over what concerns these taps."""
    assert version("singer-sdk") == "0.54.9"
    source = inspect.getsource(Tap.sync_all)
    assert hashlib.sha256(source.encode()).hexdigest() == SYNC_ALL
