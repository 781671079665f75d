"""Runs tap-serpi against the sandbox's SERPI and compares what came out with what is held there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from erp_sandbox.serpi import SECRET_KEY, TOKEN
from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY
from support.singer import Output, Run, run_tap
from tap_serpi.tap import TapSerpi

if TYPE_CHECKING:
    from erp_sandbox.serpi.app import Serpi
    from support.servers import RunningSandbox

ARTICLES = "articulos"
TYPES = "tipos_documento"
DOCUMENTS = "documentos_contables"
STREAMS = (ARTICLES, DOCUMENTS, TYPES)

ALL_DOCUMENTS: dict[str, Any] = {
    "start_date": FIRST_DAY.isoformat(),
    "end_date": LAST_DAY.isoformat(),
}
"""Settings whose windows hold every document of the sandbox."""


class _RecordLine(msgspec.Struct):
    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()
    version: int | None = None


_decode_line = msgspec.json.Decoder(_RecordLine).decode


def settings(sandbox: RunningSandbox, **further: Any) -> dict[str, Any]:
    """Settings of a tap that can do its work, its waits short enough for tests."""
    return {
        "api_url": sandbox.serpi_url,
        "token": TOKEN,
        "secret_key": SECRET_KEY,
        "retry_wait": 0.01,
        "retry_time": 0.05,
        **further,
    }


def selection(*streams: str, **per_stream: Mapping[str, Any]) -> dict[str, Any]:
    """A catalog that selects some streams.

    Args:
        streams: the selected ones.
        per_stream: entries of a selected stream's root metadata, by stream.
    """
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"type": "object", "properties": {}},
                "metadata": [
                    {
                        "breadcrumb": [],
                        "metadata": {"selected": name in streams, **per_stream.get(name, {})},
                    }
                ],
            }
            for name in STREAMS
        ]
    }


def run(
    sandbox: RunningSandbox,
    *streams: str,
    state: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    args: Sequence[str] = (),
    **further: Any,
) -> Run:
    """Run the tap for some streams (all where none is named), with further settings."""
    if streams and catalog is None:
        catalog = selection(*streams)
    return run_tap(TapSerpi, settings(sandbox, **further), catalog=catalog, state=state, args=args)


def texts(output: Output, stream: str) -> list[bytes]:
    """Each record's own JSON text, in order."""
    lines = map(_decode_line, output.lines)
    return [bytes(line.record) for line in lines if line.type == "RECORD" and line.stream == stream]


def held(serpi: Serpi, stream: str) -> list[bytes]:
    """The JSON text of every row that SERPI holds."""
    if stream == TYPES:
        found = [
            {
                "id": kind.id,
                "categoriaDocumento": kind.category,
                "prefijo": kind.prefix,
                "descripcion": kind.description,
            }
            for kind in serpi.types()
        ]
        return [
            json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in found
        ]
    return list((serpi.articles if stream == ARTICLES else serpi.documents).rows())


def held_between(serpi: Serpi, first: str, last: str) -> list[bytes]:
    """The JSON text of the documents of some days, the first and the last included."""
    return [row for _, _, day, row in serpi.documents.days() if first <= day <= last]


def ids(rows: Iterable[bytes]) -> list[int]:
    """The rows' ids, in order."""
    return [msgspec.json.decode(row)["id"] for row in rows]


def windows(serpi: Serpi) -> list[tuple[str, str]]:
    """First and last day of each window that was asked for, each once, in order."""
    bodies = [asked.json for asked in serpi.requests if asked.kind == "documento.query"]
    asked = [(body["fechaDesde"], body["fechaHasta"]) for body in bodies]  # type: ignore[index]  # objects
    return list(dict.fromkeys(asked))


def pages(serpi: Serpi, kind: str) -> list[tuple[str, str]]:
    """`limite` and `pagina` of each request of a kind, in order."""
    return [
        (asked.query["limite"], asked.query["pagina"])
        for asked in serpi.requests
        if asked.kind == kind
    ]


def day(text: str) -> date:
    """A day as a date."""
    return date.fromisoformat(text)
