"""Long and large: memory that does not grow with the data, and limits that are told, not met."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from chaos.endless import endless_vendors
from chaos.faults import Fault, Trouble
from chaos.nursery import Nursery
from chaos.proxy import Proxy
from chaos.running import Workshop
from chaos.tap_scenarios import CALM
from chaos.target_scenario import TargetScenario
from chaos.warehouse import Json, canonical, messages_of
from erp_sandbox import facturadirecta, serpi, winfra
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from support.serpi_target import document, line, record, schema, state

MANY = 2_000_000
SOME = 50_000
MEMORY = 400 << 20
"""Bytes of address space that a tap gets beyond what it starts with."""

GROWTH = 40 << 10
"""KiB by which the memory of a long run may pass that of a short one: caches fill up."""

IDENTIFIER = re.compile(
    rb'^\{"type":"RECORD","stream":"[a-z]+","record":\{"id":(\d+),', re.MULTILINE
)

TAPS: dict[str, Json] = {
    "tap_serpi": {
        "api_url": "{}/serpi/api/v1", "token": serpi.TOKEN, "secret_key": serpi.SECRET_KEY,
        "page_size": 5000,
    },
    "tap_winfra_xxl": {
        "auth_url": "{}/winfra", "domain_url": "{}/winfra", "auth_user": "a", "auth_password": "",
        "domain": "d", "domain_user": "u", "domain_password": "", "poll_interval": 0.01,
        "page_size": 5000,
    },
    "tap_facturadirecta": {
        "api_url": "{}/facturadirecta", "api_token": facturadirecta.TOKEN, "details": "never",
    },
}  # fmt: skip
STREAMS = {"tap_serpi": "articulos", "tap_winfra_xxl": "stocks", "tap_facturadirecta": "providers"}
WAYS: dict[str, tuple[str, Json]] = {
    **{connector: (connector, {}) for connector in TAPS},
    "one answer": ("tap_winfra_xxl", {"page_size": 0}),
}
"""What is read: every tap by pages, and WINFRA's whole dataset in one answer."""


@dataclass
class Long:
    """A run whose rows were counted and thrown away."""

    exit_code: int
    log: str
    rows: int
    sum_of_ids: int
    peak: int


def long_run(nursery: Nursery, way: str, rows: int, folder: Path) -> Long:
    """Read so many rows under a limit of memory."""
    connector, further = WAYS[way]
    folder.mkdir()
    with endless_vendors(rows) as url:
        config = {
            name: value.format(url) if isinstance(value, str) else value
            for name, value in {**TAPS[connector], **CALM, **further}.items()
        }
        catalog = {
            "streams": [
                {
                    "tap_stream_id": STREAMS[connector], "stream": STREAMS[connector],
                    "schema": {"type": "object", "properties": {}},
                    "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
                }
            ]
        }  # fmt: skip
        for name, content in (("config", config), ("catalog", catalog)):
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        read, write = os.pipe()
        with (folder / "log").open("wb") as log, Path(os.devnull).open("rb") as nothing:
            child = nursery.start(
                connector,
                ["--config", "config.json", "--catalog", "catalog.json"],
                files=(nothing.fileno(), write, log.fileno()),
                folder=folder,
                environment={"XDG_CACHE_HOME": str(folder)},
                limits={resource.RLIMIT_AS: _address_space(nursery) + MEMORY},
            )
        os.close(write)
        count = total = 0
        with os.fdopen(read, "rb", 1 << 20) as output:
            for lines in _pieces(output):
                found = IDENTIFIER.findall(lines)
                count += len(found)
                total += sum(map(int, found))
        code = child.wait(60)
    assert code is not None
    return Long(code, (folder / "log").read_text(), count, total, child.peak)


def _address_space(nursery: Nursery) -> int:
    """Bytes of address space that a forked connector begins with."""
    pages = Path(f"/proc/{nursery.pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def _pieces(output: Any) -> Iterator[bytes]:
    """Cut a stream at the ends of lines."""
    rest = b""
    while piece := output.read1(1 << 20):
        whole, _, rest = (rest + piece).rpartition(b"\n")
        yield whole + b"\n"


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="a process's address space is read in /proc"
)


@needs_proc
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "rows", [SOME, pytest.param(MANY, marks=pytest.mark.long)], ids=["some", "two million"]
)
def test_memory_is_the_same_for_any_number_of_rows(
    nursery: Nursery, tmp_path: Path, way: str, rows: int
) -> None:
    short = long_run(nursery, way, SOME // 5, tmp_path / "short")
    long = long_run(nursery, way, rows, tmp_path / "long")
    for run, wanted in ((short, SOME // 5), (long, rows)):
        assert run.exit_code == 0, run.log[-3000:]
        assert run.rows == wanted
        assert run.sum_of_ids == wanted * (wanted + 1) // 2
    assert long.peak - short.peak < GROWTH, f"{short.peak} KiB, then {long.peak} KiB"


# One large thing


@pytest.fixture
def sandbox_of_few(sandbox_listener: Listener) -> Sandbox:
    sandbox_listener.sandbox = Sandbox(Setup(scale=0.02))
    return sandbox_listener.sandbox


@contextlib.contextmanager
def workshop(listener: Listener, nursery: Nursery, folder: Path) -> Iterator[Workshop]:
    address = listener.url.removeprefix("http://")
    with Proxy(address, TargetScenario.name_of) as proxy:
        yield Workshop(nursery, proxy, folder, longest=120)


def large_document(lines: int) -> Json:
    """A document whose lines all differ, in balance."""
    debits = [line("D", f"{n}.{n % 100_000:05d}", detalle=f"línea {n}") for n in range(1, lines)]
    total = sum((each["valor"] for each in debits), Decimal(0))
    return document(1, *debits, line("C", str(total)))


@pytest.mark.parametrize("lines", [3000, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_document_with_very_many_lines_goes_in_once_and_comes_out_whole(
    sandbox_of_few: Sandbox,
    sandbox_listener: Listener,
    nursery: Nursery,
    tmp_path: Path,
    lines: int,
) -> None:
    sent = large_document(lines)
    serpi_part = sandbox_of_few.serpi
    serpi_part.switches.duplicate_documents = "store"
    before = len(serpi_part.documents)
    stream = "documentos_contables"
    common = {"token": serpi.TOKEN, "secret_key": serpi.SECRET_KEY, **CALM, "settle_time": 0.1}
    with workshop(sandbox_listener, nursery, tmp_path) as shop:
        ended = shop.run(
            "target_serpi",
            {"api_url": f"{shop.proxy.url}/serpi/api/v1", **common},
            stdin=[schema(stream), record(sent, stream), state({"done": True})],
            # Its answer is lost, so every line is compared with what is stored.
            troubles=[Trouble(0, "documentos.post", 1, Fault("lost_reset"))],
        )
        assert ended.exit_code == 0, ended.stderr[-3000:]
        assert len(serpi_part.documents) == before + 1
        common.pop("settle_time")
        day = sent["fechaDocumento"]
        ended = shop.run(
            "tap_serpi",
            {
                "api_url": f"{shop.proxy.url}/serpi/api/v1",
                "start_date": day,
                "end_date": day,
                **common,
            },
        )
    assert ended.exit_code == 0, ended.stderr[-3000:]
    found = [
        message["record"]
        for message in messages_of(ended.stdout)
        if message["type"] == "RECORD" and message["record"].get("numeroDoc") == sent["numeroDoc"]
    ]
    (held,) = [
        row
        for row in cast("list[Json]", serpi_part.data(stream))
        if row["numeroDoc"] == sent["numeroDoc"]
    ]
    assert len(held["detalles"]) == lines
    assert [canonical(row) for row in found] == [canonical(held)]


def test_a_provider_with_a_note_of_nine_megabytes(
    sandbox_of_few: Sandbox, sandbox_listener: Listener, nursery: Nursery, tmp_path: Path
) -> None:
    vendor = sandbox_of_few.facturadirecta
    identifier = next(iter(vendor.providers))
    vendor.enlarge_notes(identifier, 9_000_000)
    with workshop(sandbox_listener, nursery, tmp_path) as shop:
        ended = shop.run(
            "tap_facturadirecta",
            {
                "api_url": f"{shop.proxy.url}/facturadirecta", "api_token": facturadirecta.TOKEN,
                **CALM,
            },
        )  # fmt: skip
    assert ended.exit_code == 0, ended.stderr[-3000:]
    notes = {
        message["record"]["id"]: message["record"].get("notes")
        for message in messages_of(ended.stdout)
        if message["type"] == "RECORD"
    }
    assert notes[identifier] == vendor.providers[identifier]["notes"]
    assert len(notes) == len(vendor.providers)


def test_ten_thousand_properties_are_refused_before_a_loader_fails(
    sandbox_of_few: Sandbox, sandbox_listener: Listener, nursery: Nursery, tmp_path: Path
) -> None:
    vendor = sandbox_of_few.winfra
    vendor.switches.row_counts = {"stocks": 2}
    vendor.switches.pending_looks = 0
    wide = {f"campo_{number}": number for number in range(10_000)}
    vendor.add("stocks", {**vendor.records("stocks")[0], **wide})
    with workshop(sandbox_listener, nursery, tmp_path) as shop:
        ended = shop.run(
            "tap_winfra_xxl",
            {
                "auth_url": f"{shop.proxy.url}/winfra", "auth_user": winfra.AUTH_USER,
                "auth_password": winfra.AUTH_PASSWORD, "domain": winfra.DOMAIN,
                "domain_url": f"{shop.proxy.url}/winfra", "domain_user": winfra.DOMAIN_USER,
                "domain_password": winfra.DOMAIN_PASSWORD, "poll_interval": 0.01, **CALM,
            },
            catalog={
                "streams": [
                    {
                        "tap_stream_id": "stocks", "stream": "stocks",
                        "schema": {"type": "object", "properties": {}},
                        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
                    }
                ]
            },
        )  # fmt: skip
    assert ended.exit_code == 4, ended.stderr[-3000:]
    assert "1,500" in ended.stderr
    assert "stocks" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert b'"campo_9999"' not in ended.stdout
