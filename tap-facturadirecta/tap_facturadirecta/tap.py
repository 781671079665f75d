"""The tap: its settings and its stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any

from connector_kit.plugin import user_agent
from connector_kit.stream import ConnectorStream
from connector_kit.tap import ConnectorTap
from tap_facturadirecta.client import FacturaDirectaClient
from tap_facturadirecta.parsing import BYTE_CAP
from tap_facturadirecta.settings import SETTINGS
from tap_facturadirecta.streams import ArchivedProviders, Providers

HOST = "https://{account}.facturadirecta.com"

NO_ADDRESS = (
    "setting 'account': missing; give the account's name, or the whole address as 'api_url'"
)


class TapFacturaDirecta(ConnectorTap):
    """Reads the providers of a FacturaDirecta account through its XML API."""

    name = "tap-facturadirecta"
    settings = SETTINGS
    stream_classes = (Providers,)

    @cached_property
    def facturadirecta(self) -> FacturaDirectaClient:
        """The client of this run."""
        values = self.values
        return FacturaDirectaClient(
            values.get("api_url") or HOST.format(account=values["account"]),
            values["api_token"],
            self.http_settings(byte_cap=BYTE_CAP),
            user_agent=user_agent(self.name, self.get_plugin_version()),
            filters=values.get("filters"),
            keep_source=values["archive_raw"],
        )

    def discover_streams(self) -> Sequence[ConnectorStream]:
        """Return the stream; the archive's property is documented where it is asked for."""
        is_archive = self.values.get("archive_raw", False)
        return [ArchivedProviders(self) if is_archive else Providers(self)]

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:
        """Check that it is known whom to ask."""
        return [] if "api_url" in values or "account" in values else [NO_ADDRESS]

    def test_connection(self) -> None:
        """Ask for one provider of the list."""
        with closing(self.facturadirecta) as client:
            client.list_providers(0, 1, where="connection test")
