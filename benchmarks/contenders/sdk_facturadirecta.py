"""FacturaDirecta's providers by a tap on singer-sdk, written the ordinary way.

BENCH_PARSER: lxml or xmltodict.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xmltodict
from lxml import etree
from requests import Response
from requests.auth import HTTPBasicAuth
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import OffsetPaginator

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "providers.json").read_bytes())
PAGE_SIZE = 250

Record = dict[str, Any]


def with_lxml(body: bytes) -> Iterable[Record]:
    """Parse, and make a record of each provider."""
    for provider in etree.fromstring(body):
        record = {str(child.tag): _value(child) for child in provider}
        attributes = provider.find("customAttributes")
        record["customAttributes"] = [_value(item) for item in attributes or ()] or None
        yield _with_id(record)


def _value(element: etree._Element) -> Any:  # noqa: ANN401 - a JSON value
    if len(element) == 0:
        return element.text
    return {str(child.tag): _value(child) for child in element}


def with_xmltodict(body: bytes) -> Iterable[Record]:
    """Let xmltodict make dicts of everything."""
    tree = xmltodict.parse(body, force_list=("provider", "customAttribute"))["providers"]
    for record in (tree or {}).get("provider", ()):
        attributes = record.get("customAttributes")
        record["customAttributes"] = attributes["customAttribute"] if attributes else None
        yield _with_id(record)


def _with_id(record: Record) -> Record:
    record["id"] = int(record["id"])
    return record


PARSERS = {"lxml": with_lxml, "xmltodict": with_xmltodict}


class Providers(RESTStream[int]):
    """GET /api/providers.xml."""

    name = "providers"
    path = "/api/providers.xml"
    primary_keys = ("id",)
    schema = SCHEMA
    parse = staticmethod(PARSERS[os.environ["BENCH_PARSER"]])

    @property
    def url_base(self) -> str:
        """The address from the settings."""
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> HTTPBasicAuth:
        """The token, as the user."""
        return HTTPBasicAuth(self.config["api_token"], "x")

    @property
    def http_headers(self) -> dict[str, str]:
        """Ask for XML."""
        return {**super().http_headers, "Accept": "application/xml"}

    def get_new_paginator(self) -> OffsetPaginator:
        """Pages until one is empty."""
        return OffsetPaginator(start_value=0, page_size=PAGE_SIZE)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:  # noqa: ANN401, ARG002 - the SDK's signature
        """Name start and limit."""
        return {"start": next_page_token or 0, "limit": PAGE_SIZE}

    def parse_response(self, response: Response) -> Iterable[Record]:
        """Make records of the XML."""
        yield from self.parse(response.content)


class TapOrdinaryFacturaDirecta(Tap):
    """The ordinary twin of tap-facturadirecta."""

    name = "tap-ordinary-facturadirecta"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("api_token", th.StringType, required=True, secret=True),
    ).to_dict()

    def discover_streams(self) -> list[Providers]:
        """Return the one stream."""
        return [Providers(self)]


if __name__ == "__main__":
    TapOrdinaryFacturaDirecta.cli()
