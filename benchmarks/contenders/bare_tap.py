"""The smallest tap on singer-sdk: one stream without rows; what the SDK itself takes to start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th


class Nothing(RESTStream[int]):
    """No rows, and nothing is asked."""

    name = "nothing"
    path = "/nothing"
    url_base = "http://127.0.0.1"
    primary_keys = ("id",)
    schema = th.PropertiesList(th.Property("id", th.IntegerType)).to_dict()

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:  # noqa: ANN401 - the SDK's signature
        """Give none."""
        del context
        return ()


class TapNothing(Tap):
    """A tap with that stream."""

    name = "tap-nothing"
    config_jsonschema = th.PropertiesList(th.Property("token", th.StringType)).to_dict()

    def discover_streams(self) -> list[Nothing]:
        """Return the one stream."""
        return [Nothing(self)]


if __name__ == "__main__":
    TapNothing.cli()
