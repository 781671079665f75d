"""The tap: its settings and its streams."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any

from connector_kit.plugin import user_agent
from connector_kit.stream import ConnectorStream
from connector_kit.tap import ConnectorTap
from serpi_client.client import SerpiClient
from tap_serpi.settings import SETTINGS
from tap_serpi.streams import Articulos, DocumentosContables, TiposDocumento

NO_START_DATE = (
    "setting 'start_date': missing; it is the first day of the accounting documents to read, or"
    " deselect the stream documentos_contables"
)


class TapSerpi(ConnectorTap):
    """Reads articles, document types and accounting documents from SERPI."""

    name = "tap-serpi"
    settings = SETTINGS
    stream_classes = (Articulos, DocumentosContables, TiposDocumento)

    @cached_property
    def serpi(self) -> SerpiClient:
        """The client of this run."""
        values = self.values
        return SerpiClient(
            values["api_url"],
            values["token"],
            values["secret_key"],
            self.http_settings(),
            user_agent=user_agent(self.name, self.get_plugin_version()),
        )

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:
        """Check that the dates are in order."""
        start: date | None = values.get("start_date")
        end: date | None = values.get("end_date")
        if start is not None and end is not None and end < start:
            return ["setting 'end_date': must not be before 'start_date'"]
        return []

    def check_selection(self, streams: list[ConnectorStream]) -> list[str]:
        """Check that documents have a first day."""
        if "start_date" in self.values or all(s.name != "documentos_contables" for s in streams):
            return []
        return [NO_START_DATE]

    def test_connection(self) -> None:
        """Ask for one document type."""
        self.serpi.tipos_documento_page(1, 1, where="connection test")
