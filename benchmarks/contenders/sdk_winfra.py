"""WINFRA's sales by a tap on singer-sdk, written the ordinary way: as its template and guides say.

It is given a petition that is ready, so it spends nothing on asking for one.
BENCH_WRITER=msgspec takes the SDK's faster writer.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from requests.auth import HTTPBasicAuth
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import OffsetPaginator

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "ventas.json").read_bytes())


class Ventas(RESTStream[int]):
    """GET /api_v1/datos_xxl/{petition}/ventas/{offset}/{limit}."""

    name = "ventas"
    path = "/api_v1/datos_xxl/{petition}/ventas"
    primary_keys = ("id",)
    schema = SCHEMA

    @property
    def url_base(self) -> str:
        """The address from the settings."""
        return str(self.config["domain_url"])

    @property
    def authenticator(self) -> HTTPBasicAuth:
        """The domain's pair."""
        return HTTPBasicAuth(self.config["domain_user"], self.config["domain_password"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The token."""
        return {**super().http_headers, "WINFRA-API-TOKEN": self.config["token"]}

    def get_new_paginator(self) -> OffsetPaginator:
        """Slices until one is empty."""
        return OffsetPaginator(start_value=0, page_size=self.config["page_size"])

    def get_http_request(self, *, page: Any) -> Any:  # noqa: ANN401 - the SDK's signature
        """Put offset and limit into the path."""
        request = super().get_http_request(page=page)
        request.url = f"{request.url}/{page.next_page_token or 0}/{self.config['page_size']}"
        return request


class TapOrdinaryWinfra(Tap):
    """The ordinary twin of tap-winfra-xxl."""

    name = "tap-ordinary-winfra"
    config_jsonschema = th.PropertiesList(
        th.Property("domain_url", th.StringType, required=True),
        th.Property("domain_user", th.StringType, required=True),
        th.Property("domain_password", th.StringType, required=True, secret=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("petition", th.StringType, required=True),
        th.Property("page_size", th.IntegerType, default=1000),
    ).to_dict()
    if os.environ.get("BENCH_WRITER") == "msgspec":
        message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Ventas]:
        """Return the one stream."""
        return [Ventas(self)]


if __name__ == "__main__":
    TapOrdinaryWinfra.cli()
