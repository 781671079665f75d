"""SERPI's articles by a tap on singer-sdk, written the ordinary way: as its template and guides say.

BENCH_WRITER=msgspec takes the SDK's faster writer.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import PageNumberPaginator

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "articulos.json").read_bytes())


class Articulos(RESTStream[int]):
    """GET /Articulo."""

    name = "articulos"
    path = "/Articulo"
    primary_keys = ("id",)
    records_jsonpath = "$.result[*]"
    schema = SCHEMA

    @property
    def url_base(self) -> str:
        """The address from the settings."""
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The token."""
        return BearerTokenAuthenticator(token=self.config["token"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The second secret."""
        return {**super().http_headers, "secretkey": self.config["secret_key"]}

    def get_new_paginator(self) -> PageNumberPaginator:
        """Pages from 1 until one is empty."""
        return PageNumberPaginator(start_value=1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:  # noqa: ANN401, ARG002 - the SDK's signature
        """Name page and size."""
        return {"limite": self.config["page_size"], "pagina": next_page_token or 1}


class TapOrdinarySerpi(Tap):
    """The ordinary twin of tap-serpi."""

    name = "tap-ordinary-serpi"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("secret_key", th.StringType, required=True, secret=True),
        th.Property("page_size", th.IntegerType, default=500),
    ).to_dict()
    if os.environ.get("BENCH_WRITER") == "msgspec":
        message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Articulos]:
        """Return the one stream."""
        return [Articulos(self)]


if __name__ == "__main__":
    TapOrdinarySerpi.cli()
