"""The dummy vendor and its tap, as a test uses them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.dummy_tap import SECRET, STREAM_NAMES, DummyTap
from support.page_server import PageServer
from support.singer import Json, Output, Run, run_tap


class Dummy:
    """The vendor and its tap.

    Attributes:
        server: the vendor; tests say what it holds.
    """

    def __init__(self, server: PageServer) -> None:
        self.server = server

    def config(self, **settings: Any) -> Json:
        """Valid settings, quick to give up."""
        return {
            "api_url": self.server.url,
            "token": SECRET,
            "retry_time": 0,
            "retry_wait": 0,
            **settings,
        }

    def catalog(self, *streams: str, state: Json | None = None) -> Json:
        """The discovered catalog with some streams selected."""
        tap = DummyTap(config=self.config(), state=state)
        catalog: Json = tap.catalog_dict
        for entry in catalog["streams"]:
            [root] = [part for part in entry["metadata"] if part["breadcrumb"] == []]
            root["metadata"]["selected"] = entry["stream"] in streams
        return catalog

    def run(
        self,
        *streams: str,
        state: Json | None = None,
        catalog: Json | None = None,
        args: Sequence[str] = (),
        tap: type[DummyTap] = DummyTap,
        **settings: Any,
    ) -> Run:
        """Run the tap for some streams: those that the server has pages for, if none is named."""
        chosen = streams or [name for name in STREAM_NAMES if f"/{name}" in self.server.pages]
        return run_tap(
            tap,
            self.config(**settings),
            catalog=self.catalog(*chosen) if catalog is None else catalog,
            state=state,
            args=args,
        )

    def read(self, stream: str, *pages: bytes, **how: Any) -> Run:
        """Run the tap for one stream with these pages."""
        self.server.reset(**{stream: pages})
        return self.run(stream, **how)

    def output(self, stream: str, *pages: bytes, **how: Any) -> Output:
        """Give what a run that must end well wrote for these pages, judged by jsonschema."""
        output = self.read(stream, *pages, **how).ok()
        output.check_records()
        return output
