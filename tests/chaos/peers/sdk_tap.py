"""An ordinary tap of SERPI's articles on singer-sdk: as its template and guides say, nothing added.

Retries, timeouts, error messages, state and signals are the SDK's own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import PageNumberPaginator

PROPERTIES = json.loads(Path(os.environ["PEER_SCHEMA"]).read_bytes())["properties"]


class Articulos(RESTStream[int]):
    """GET /Articulo."""

    name = "articulos"
    path = "/Articulo"
    primary_keys = ("id",)
    records_jsonpath = "$.result[*]"
    # What the vendor's page names, as a schema is written by hand: it says nothing of other fields.
    schema = {"type": "object", "properties": PROPERTIES}  # noqa: RUF012 - as the SDK's guide says

    @property
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["token"])

    @property
    def http_headers(self) -> dict[str, str]:
        return {**super().http_headers, "secretkey": self.config["secret_key"]}

    @property
    def timeout(self) -> int:
        return int(self.config["request_timeout"])

    def get_new_paginator(self) -> PageNumberPaginator:
        return PageNumberPaginator(start_value=1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        del context
        return {"limite": self.config["page_size"], "pagina": next_page_token or 1}


class OrdinaryTap(Tap):
    """The ordinary twin of tap-serpi."""

    name = "tap-ordinary"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("secret_key", th.StringType, required=True, secret=True),
        th.Property("page_size", th.IntegerType, default=500),
        th.Property("request_timeout", th.NumberType, default=300),
    ).to_dict()

    def discover_streams(self) -> list[Articulos]:
        return [Articulos(self)]


if __name__ == "__main__":
    OrdinaryTap.cli()
