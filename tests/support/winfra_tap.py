"""tap-winfra-xxl against the sandbox: its settings, its catalog, and what a run asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from erp_sandbox import winfra
from erp_sandbox.winfra.datasets import DATASETS, KEYS
from support.singer import Output, Run, run_tap
from tap_winfra_xxl.tap import TapWinfraXxl

if TYPE_CHECKING:
    from erp_sandbox.winfra.app import Winfra
    from support.servers import RunningSandbox

Json = dict[str, Any]

START = date(2023, 11, 1)
"""Before the first document of the sandbox, three years before its 20 November 2026."""

ALL_KEYS = dict(KEYS)


def settings(sandbox: RunningSandbox | str, **further: Any) -> Json:
    """Settings for the sandbox's own users, with waits that a test can bear.

    Args:
        sandbox: a running one, or the address of its WINFRA part.
        further: settings beyond or instead of these.
    """
    url = sandbox if isinstance(sandbox, str) else sandbox.winfra_url
    return {
        "auth_url": url,
        "auth_user": winfra.AUTH_USER,
        "auth_password": winfra.AUTH_PASSWORD,
        "domain": winfra.DOMAIN,
        "domain_url": url,
        "domain_user": winfra.DOMAIN_USER,
        "domain_password": winfra.DOMAIN_PASSWORD,
        "start_date": START.isoformat(),
        "poll_interval": 0.01,
        "poll_max_interval": 0.02,
        "retry_wait": 0.01,
        "retry_time": 2,
        **further,
    }


def selecting(*streams: str, deselected: Mapping[str, Iterable[str]] | None = None) -> Json:
    """A catalog as Meltano hands it on: all streams, some of them selected.

    Args:
        streams: the selected ones.
        deselected: stream -> properties that are not.
    """
    without = deselected or {}
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"type": "object", "properties": {}},
                "metadata": [
                    {"breadcrumb": [], "metadata": {"selected": name in streams}},
                    *(
                        {"breadcrumb": ["properties", field], "metadata": {"selected": False}}
                        for field in without.get(name, ())
                    ),
                ],
            }
            for name in DATASETS
        ]
    }


def read(sandbox: RunningSandbox, *streams: str, state: Json | None = None, **further: Any) -> Run:
    """Run the tap for some streams in this process."""
    return run_tap(
        TapWinfraXxl, settings(sandbox, **further), catalog=selecting(*streams), state=state
    )


def keys_of(*streams: str) -> dict[str, list[str]]:
    """`key_properties` for some of the sandbox's datasets."""
    return {name: ALL_KEYS[name] for name in streams}


class _RecordLine(msgspec.Struct):
    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()
    version: int | None = None


_decode_line = msgspec.json.Decoder(_RecordLine).decode


def _record_lines(output: Output, stream: str) -> list[_RecordLine]:
    return [
        line
        for line in map(_decode_line, output.lines)
        if line.type == "RECORD" and line.stream == stream
    ]


def texts(output: Output, stream: str) -> list[bytes]:
    """Each record of a stream as the very bytes that left the tap."""
    return [bytes(line.record) for line in _record_lines(output, stream)]


def versions(output: Output, stream: str) -> set[int | None]:
    """The versions that a stream's records carry."""
    return {line.version for line in _record_lines(output, stream)}


def items(vendor: Winfra, dataset: str | None = None) -> list[Json]:
    """What petitions asked for, in order: dataset and parameters."""
    return [
        {"dataset": item.dataset, **item.parameters}
        for petition in vendor.petitions
        for item in petition.items
        if dataset in {None, item.dataset}
    ]


def days(vendor: Winfra, dataset: str) -> list[tuple[date, date]]:
    """The windows that were asked for, in order."""
    windows = []
    for item in items(vendor, dataset):
        first, last = item["fecha_desde"], item["fecha_hasta"]
        assert first.endswith("T00:00:00"), first
        assert last.endswith("T23:59:59"), last
        windows.append((date.fromisoformat(first[:10]), date.fromisoformat(last[:10])))
    return windows


def each_day(windows: Iterable[tuple[date, date]]) -> list[date]:
    """Every day of some windows, in order, as often as it was asked for."""
    return sorted(
        first + timedelta(days=number)
        for first, last in windows
        for number in range((last - first).days + 1)
    )


def span(first: date, last: date) -> list[date]:
    """Every day of a span once."""
    return each_day([(first, last)])
