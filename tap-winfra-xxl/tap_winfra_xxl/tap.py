"""The tap: its settings and its streams."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, cast

from connector_kit.errors import ExitCode
from connector_kit.plugin import user_agent
from connector_kit.stream import ConnectorStream
from connector_kit.tap import ConnectorTap
from tap_winfra_xxl.client import XxlClient
from tap_winfra_xxl.datasets import DATED
from tap_winfra_xxl.run import run_streams
from tap_winfra_xxl.settings import SETTINGS
from tap_winfra_xxl.stream import XxlStream
from tap_winfra_xxl.streams import STREAMS


class TapWinfraXxl(ConnectorTap):
    """Reads any of the 19 datasets of WINFRA's bulk export."""

    name = "tap-winfra-xxl"
    settings = SETTINGS
    stream_classes = STREAMS

    def new_client(self) -> XxlClient:
        """Return a client, which is to be closed."""
        agent = user_agent(self.name, self.get_plugin_version())
        return XxlClient(self.values, self.http_settings(), agent)

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:
        """Check that the dates are in order."""
        start, end = values.get("start_date"), values.get("end_date")
        if start is not None and end is not None and end < start:
            return ["setting 'end_date': must not be before 'start_date'"]
        return []

    def check_selection(self, streams: list[ConnectorStream]) -> list[str]:
        """Check that dated datasets have a first day."""
        dated = [stream.name for stream in streams if stream.name in DATED]
        if "start_date" in self.values or not dated:
            return []
        fault = (
            "setting 'start_date': missing; it is the first day to read of the dated datasets"
            f" ({', '.join(dated)}), or deselect these streams"
        )
        return [fault]

    def run_streams(self, selected: list[ConnectorStream], failures: dict[str, ExitCode]) -> None:
        """Read all streams together."""
        if not selected:
            return
        try:
            run_streams(
                self,
                cast("list[XxlStream]", selected),
                lambda stream, error: self.stream_failed(stream, error, failures),
            )
        except Exception:
            self.state_lines.write()
            raise

    def test_connection(self) -> None:
        """Take a token and list the petitions; none is made."""
        with contextlib.closing(self.new_client()) as client:
            client.start()
            client.petitions()
