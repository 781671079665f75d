"""A small vendor's tap on the kit: it reads JSON lists, page by page, over HTTP.

`python -m support.dummy_tap` runs it as a process. Its streams are one of each sort:

- items: a snapshot with the key `id`, nothing documented;
- events: incremental by page, with the key `id`, nothing documented;
- notes: incremental by page, without a key, nothing documented;
- invoices: a snapshot with documented types;
- moving: a snapshot whose rows may come twice;
- bulk: a snapshot in one answer, cut while it arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, cast

import requests
from requests.auth import AuthBase

from connector_kit.common_settings import http_settings, tap_settings
from connector_kit.errors import UpstreamError
from connector_kit.http import HttpClient, UnreadableAnswer
from connector_kit.pages import NotJsonError, Page, cut_page
from connector_kit.settings import Setting, SettingKind
from connector_kit.stream import ConnectorStream
from connector_kit.streaming import cut_while_arriving
from connector_kit.tap import ConnectorTap

STREAM_NAMES = ("items", "events", "notes", "invoices", "moving", "bulk")
SECRET = "s3cr3t-canary"

SETTINGS = (
    Setting("api_url", SettingKind.URL, "Address", "Of the vendor.", required=True),
    Setting("token", SettingKind.STRING, "Token", "Of the vendor.", required=True, secret=True),
    Setting("first_day", SettingKind.DATE, "First day", "Of what is read."),
    Setting("last_day", SettingKind.DATE, "Last day", "Of what is read."),
    Setting("page_size", SettingKind.INTEGER, "Page size", "Rows.", default=100, minimum=1),
    *http_settings(request_timeout=20),
    *tap_settings(STREAM_NAMES),
)


class Bearer(AuthBase):
    """Credentials as the vendor wants them."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class DummyStream(ConnectorStream):
    """Pages 1, 2, 3 ... of a path, until one is empty."""

    default_keys: ClassVar[tuple[str, ...]] = ("id",)

    @property
    def client(self) -> HttpClient:
        return cast("DummyTap", self.tap).client

    def read_pages(self) -> Iterator[Page]:
        number = self.first_page()
        while (page := self.fetch(number)).slices:
            number += 1
            page.bookmark = self.bookmark_after(number)
            yield page

    def fetch(self, number: int) -> Page:
        def read(answer: Any) -> Page:
            try:
                return cut_page(answer.json_bytes())
            except NotJsonError as error:
                raise UnreadableAnswer(str(error)) from error

        return self.client.call(
            "GET", self.name, params={"page": number}, read=read, where=f"stream {self.name}"
        )

    def first_page(self) -> int:
        return 1

    def bookmark_after(self, number: int) -> dict[str, Any] | None:  # noqa: ARG002 - a hook
        return None


class Items(DummyStream):
    name = "items"


class Events(DummyStream):
    name = "events"
    is_snapshot = False

    def first_page(self) -> int:
        return 1 if self.reads_in_full else self.bookmark.get("page", 1)

    def bookmark_after(self, number: int) -> dict[str, Any] | None:
        return {"page": number}


class Notes(Events):
    name = "notes"
    default_keys = ()


class Invoices(DummyStream):
    name = "invoices"
    documented_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": True,
        "properties": {
            "id": {"type": "integer", "description": "The vendor's number."},
            "day": {"type": ["string", "null"], "format": "date"},
            "made": {"type": ["string", "null"], "format": "date-time"},
            "amount": {"type": ["number", "null"]},
            "lines": {"type": ["integer", "null"]},
            "text": {"type": ["string", "null"]},
            "party": {
                "type": ["object", "null"],
                "properties": {
                    "name": {"type": ["string", "null"]},
                    "rank": {"type": ["integer", "null"]},
                },
            },
            "free": {"type": ["object", "null"]},
            "tags": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
            "empty": {"type": ["object", "null"], "properties": {}},
        },
    }


class Moving(DummyStream):
    name = "moving"
    pages_can_shift = True


class Bulk(DummyStream):
    name = "bulk"

    def read_pages(self) -> Iterator[Page]:
        try:
            with self.client.stream("GET", self.name, where=f"stream {self.name}") as answer:
                yield from cut_while_arriving(answer.read_piece)
        except NotJsonError as error:
            raise UpstreamError(f"stream {self.name}: {error}") from error


class DummyTap(ConnectorTap):
    """Reads the dummy vendor."""

    name = "tap-dummy"
    package_name = "connector-kit"
    settings = SETTINGS
    stream_classes: ClassVar[Sequence[type[ConnectorStream]]] = (
        Items,
        Events,
        Notes,
        Invoices,
        Moving,
        Bulk,
    )

    @cached_property
    def client(self) -> HttpClient:
        return HttpClient(
            self.values["api_url"],
            self.http_settings(),
            auth=Bearer(self.values["token"]),
            user_agent="tap-dummy/1",
            what="the dummy vendor",
        )

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:
        first, last = values.get("first_day"), values.get("last_day")
        if first is not None and last is not None and last < first:
            return ["setting 'last_day': must not be before 'first_day'"]
        return []

    def check_selection(self, streams: list[ConnectorStream]) -> list[str]:
        if len(self.primary_streams(streams)) > 0 or not streams:
            return []
        return ["setting 'key_properties': not for notes alone"]

    @staticmethod
    def primary_streams(streams: list[ConnectorStream]) -> list[str]:
        return [stream.name for stream in streams if stream.name != "notes"]

    def test_connection(self) -> None:
        self.client.call("GET", "ping", read=lambda answer: answer.status, where="test")


def main() -> None:
    """Run the command."""
    DummyTap.cli()


if __name__ == "__main__":
    main()
