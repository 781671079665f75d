"""Downloads: slices in order whatever the network does, counted, in bounded memory."""

from __future__ import annotations

import gzip
import re
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connector_kit.http import HttpSettings
from erp_sandbox.faults import Fault
from support.servers import RunningSandbox
from support.singer import started
from support.winfra_tap import keys_of, read, selecting, settings, texts
from tap_winfra_xxl.client import XxlClient
from tap_winfra_xxl.downloads import Download, Source

SLICE = re.compile(r"/datos_xxl/[^/]+/(\w+)/(\d+)/(\d+)$")


def slices(sandbox: RunningSandbox, dataset: str) -> list[tuple[int, int]]:
    """The slices of a dataset that were asked for, in order of arrival."""
    found = (SLICE.search(received.path) for received in sandbox.winfra.requests)
    return [(int(m[2]), int(m[3])) for m in found if m is not None and m[1] == dataset]


# Slices


def test_slices_follow_one_another(sandbox: RunningSandbox) -> None:
    output = read(sandbox, "stocks", page_size=70, download_ahead=0).ok()
    assert texts(output, "stocks") == sandbox.winfra.rows("stocks")
    assert slices(sandbox, "stocks") == [(offset, 70) for offset in range(0, 300, 70)]


def test_page_size_0_takes_a_dataset_in_one_answer(sandbox: RunningSandbox) -> None:
    output = read(sandbox, "stocks", "tarifas", page_size=0).ok()
    for name in ("stocks", "tarifas"):
        assert texts(output, name) == sandbox.winfra.rows(name)
    assert sandbox.winfra.count("datos.whole") == 2
    assert sandbox.winfra.count("datos.slice") == 0


@pytest.mark.parametrize("ahead", [1, 4, 8])
def test_slices_are_asked_for_ahead_and_taken_in_order(sandbox: RunningSandbox, ahead: int) -> None:
    sandbox.winfra.switches.download_latency_ms = 10
    output = read(sandbox, "ventas", page_size=30, download_ahead=ahead,
                  key_properties=keys_of("ventas"), start_date="2026-01-01").ok()  # fmt: skip
    held = sandbox.winfra.rows("ventas", fecha_desde="2026-01-01T00:00:00")
    assert texts(output, "ventas") == held
    assert 2 <= sandbox.winfra.downloads_at_once <= ahead + 1
    asked = slices(sandbox, "ventas")
    assert len(asked) == len(set(asked))


class CountingPool(ThreadPoolExecutor):
    """Counts what it is given to do."""

    given = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given += 1
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize(("attachment_bytes", "threads"), [(1000, {3, 4, 5}), (100_000, {13})])
def test_small_slices_are_asked_for_ahead_without_threads(
    sandbox: RunningSandbox, attachment_bytes: int, threads: set[int]
) -> None:
    sandbox.winfra.switches.attachment_bytes = attachment_bytes
    sandbox.winfra.switches.row_counts = {"articulos": 65}
    client = XxlClient(
        {**settings(sandbox), "api_name": "xxl", "download_ahead": 2}, HttpSettings(5), "test/1"
    )
    client.start()
    asked = [{"dataset": "articulos", "incluir_ficheros_adjuntos": True}]
    petition = client.ask(asked, is_further=False)
    while not petition.is_ready("articulos"):
        petition = client.look(petition.id) or petition
    with CountingPool(3) as pool:
        source = Source(petition.id, "articulos", 65)
        download = Download(
            client, pool, source, offset=0, page_size=5, ahead=2, holds=lambda _: False
        )
        found = [bytes(row) for page in download.pages() for row in page.slices]
    client.close()
    assert found == sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
    # Three are asked for before anybody knows how large they are; whichever of the three connections
    # that made does not stand yet is made by a thread too.
    assert pool.given in threads


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_one_at_a_time_from_then_on(
    sandbox: RunningSandbox, status: Any
) -> None:
    switches = sandbox.winfra.switches
    switches.download_latency_ms = 5
    switches.maximum_downloads = 1
    switches.busy_status = status
    run = read(sandbox, "stocks", "tarifas", page_size=20, download_ahead=4)
    output = run.ok()
    for name in ("stocks", "tarifas"):
        assert texts(output, name) == sandbox.winfra.rows(name)
    assert run.stderr.count("nothing is asked for ahead") == 1
    refused = len(slices(sandbox, "stocks") + slices(sandbox, "tarifas")) - sum(
        len(petition.downloads) for petition in sandbox.winfra.petitions
    )
    assert refused < 20
    assert slices(sandbox, "tarifas") == [(offset, 20) for offset in range(0, 260, 20)] + [
        (259, 20)
    ]


def test_throttling_is_waited_out(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.throttle_per_minute, switches.throttle_seconds = 8, 0.2
    switches.retry_after = "1"
    output = read(sandbox, "stocks", page_size=50, retry_time=20).ok()
    assert texts(output, "stocks") == sandbox.winfra.rows("stocks")


@pytest.mark.parametrize("page_size", [300, 150, 100])
def test_a_server_that_cuts_slices_shorter_than_asked_for(
    sandbox: RunningSandbox, page_size: int
) -> None:
    sandbox.winfra.switches.maximum_limit = 60
    output = read(sandbox, "stocks", page_size=page_size, download_ahead=3).ok()
    assert texts(output, "stocks") == sandbox.winfra.rows("stocks")


@pytest.mark.parametrize("data_path", ["api_v1", "bare", "both"])
@pytest.mark.parametrize("early", [True, False])
def test_either_data_path(sandbox: RunningSandbox, data_path: Any, *, early: bool) -> None:
    switches = sandbox.winfra.switches
    switches.data_path = data_path
    switches.serve_before_petition_ok = early
    switches.not_ready_status = 404
    switches.dataset_looks = {"tarifas": 3}
    output = read(sandbox, "stocks", "tarifas", "empleados", page_size=100).ok()
    for name in ("stocks", "tarifas", "empleados"):
        assert texts(output, name) == sandbox.winfra.rows(name)
    wrong = [
        received
        for received in sandbox.winfra.requests
        if received.kind == "datos.slice"
        and received.path.startswith("/api_v1") != (data_path != "bare")
    ]
    # The slices asked for ahead are refused with the first one.
    assert len(wrong) <= (0 if early and data_path != "bare" else 4)
    assert len(sandbox.winfra.petitions) == 1


def test_neither_data_path(sandbox: RunningSandbox) -> None:
    sandbox.winfra.faults.add(Fault("status", status=404, path="/datos_xxl/", times=None))
    run = read(sandbox, "stocks", download_ahead=0)
    run.failed(2, "stocks", "HTTP 404")
    asked = [r.path for r in sandbox.winfra.requests if "/datos_xxl/" in r.path]
    assert [path.startswith("/api_v1/") for path in asked] == [True, False]


# The count


@pytest.mark.parametrize(
    ("more", "page_size", "past_end"),
    [
        (-1, 0, "empty"),
        (-1, 100, "empty"),
        (-50, 1000, "empty"),
        (-100, 100, "404"),
        (-240, 60, "empty"),
        (-298, 1, "empty"),
        (1, 0, "empty"),
        (1, 100, "empty"),
        (1, 100, "404"),
        (1, 1000, "empty"),
        (40, 300, "404"),
        (100, 100, "empty"),
    ],
)
def test_a_count_that_is_not_the_number_of_rows(
    sandbox: RunningSandbox, more: int, page_size: int, past_end: Any
) -> None:
    switches = sandbox.winfra.switches
    switches.count_mismatch = {"stocks": more}
    switches.past_end = past_end
    run = read(sandbox, "stocks", "empleados", page_size=page_size, download_ahead=1)
    run.failed(3, "stocks", f"{300 + more:,} rows (numero_registros)")
    assert texts(run.output, "empleados") == sandbox.winfra.rows("empleados")
    assert run.output.activated("stocks") == []
    assert run.output.bookmark("stocks")["petition"] is None
    if more > 0:
        assert "gave 300" in run.stderr
        assert texts(run.output, "stocks") == sandbox.winfra.rows("stocks")
    switches.count_mismatch = {}
    later = read(sandbox, "stocks", state=run.output.state).ok()
    assert texts(later, "stocks") == sandbox.winfra.rows("stocks")


# Broken answers


@pytest.mark.parametrize(("page_size", "ahead"), [(0, 0), (40, 2)])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut_body"},
        {"kind": "cut_body", "chunked": True},
        {"kind": "cut_body", "cut_at": 0},
        {"kind": "drop"},
        {"kind": "reset"},
        {"kind": "lost_answer"},
        {"kind": "html"},
        {"kind": "garbage"},
        {"kind": "status", "status": 500, "body": "<html>"},
        {"kind": "status", "status": 503},
        {"kind": "latin1", "declared": False},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_an_answer_that_fails_is_asked_for_again(
    sandbox: RunningSandbox, fault: dict[str, Any], page_size: int, ahead: int
) -> None:
    hit = sandbox.winfra.faults.add(Fault(path="/datos_xxl/", times=2, **fault))
    output = read(sandbox, "articulos", page_size=page_size, download_ahead=ahead).ok()
    assert texts(output, "articulos") == sandbox.winfra.rows("articulos")
    assert hit.hits == 2


def test_latin_1_is_read_as_declared(sandbox: RunningSandbox) -> None:
    sandbox.winfra.faults.add(Fault("latin1", path="/datos_xxl/", times=None))
    output = read(sandbox, "articulos", page_size=90).ok()
    # The sandbox writes what Latin-1 lacks as a question mark.
    held = [row.decode().encode("latin-1", "replace") for row in sandbox.winfra.rows("articulos")]
    assert texts(output, "articulos") == [row.decode("latin-1").encode() for row in held]
    assert "ñ".encode() in texts(output, "articulos")[0]


@pytest.mark.parametrize(
    "body",
    [b'{"error":"no"}', b'[{"a":1},2]', b'[{"a":1}', b'[{"a":NaN}]', b"null", b'[{"a":1}] x'],
)
def test_what_is_no_list_of_records_is_an_error(sandbox: RunningSandbox, body: bytes) -> None:
    sandbox.winfra.faults.add(
        Fault("status", status=200, body=body, path="/datos_xxl/", times=None)
    )
    run = read(sandbox, "stocks")
    run.failed(3, "stocks")
    assert run.output.records() == []


# Large answers

LARGE = {"articulos": {"incluir_ficheros_adjuntos": True}}


def test_attachments(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.attachment_bytes = 30_000
    for page_size in (0, 100):
        output = read(sandbox, "articulos", dataset_params=LARGE, page_size=page_size).ok()
        held = sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
        assert sum(map(len, held)) > 5 << 20
        assert texts(output, "articulos") == held


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("ahead", [0, 2])
def test_a_large_answer_that_breaks_off_goes_on_where_it_broke(
    sandbox: RunningSandbox, ahead: int, *, chunked: bool
) -> None:
    sandbox.winfra.switches.attachment_bytes = 45_000
    cut = Fault("cut_body", path="/datos_xxl/", times=1, cut_at=6 << 20, chunked=chunked)
    sandbox.winfra.faults.add(cut)
    output = read(
        sandbox, "articulos", dataset_params=LARGE, page_size=0, download_ahead=ahead
    ).ok()
    held = sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
    assert texts(output, "articulos") == held
    assert cut.hits == 1
    ((offset, limit),) = slices(sandbox, "articulos")
    assert 0 < offset < 250
    assert offset + limit == 250


def test_a_compressed_answer_of_any_size(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.attachment_bytes = 30_000
    held = sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
    body = gzip.compress(b"[" + b",".join(held) + b"]", 1)
    assert len(body) > 4 << 20
    sandbox.winfra.faults.add(
        Fault(
            "status",
            status=200,
            body=body,
            headers={"content-encoding": "gzip", "content-type": "application/json"},
            path="/datos_xxl/",
        )
    )
    output = read(sandbox, "articulos", dataset_params=LARGE, page_size=0).ok()
    assert texts(output, "articulos") == held


def test_bad_utf_8_deep_in_a_large_answer_is_asked_for_again(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.attachment_bytes = 30_000
    bad = Fault("latin1", declared=False, path="/datos_xxl/", times=1)
    sandbox.winfra.faults.add(bad)
    output = read(sandbox, "articulos", dataset_params=LARGE, page_size=0).ok()
    held = sandbox.winfra.rows("articulos", incluir_ficheros_adjuntos=True)
    assert texts(output, "articulos") == held
    assert bad.hits == 1


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process; its peak resident memory in KiB.

    Not from `getrusage`, which counts the process that started it too.
    """
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        peak = int(found[1]) if found else peak
        time.sleep(0.01)
    return peak


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("page_size", [0, 100])
def test_memory_does_not_grow_with_the_answer(
    sandbox: RunningSandbox, tmp_path: Path, page_size: int
) -> None:
    sandbox.winfra.switches.attachment_bytes = 300_000
    sandbox.winfra.switches.row_counts = {"articulos": 300}
    config = settings(sandbox, dataset_params=LARGE, page_size=page_size)
    path = tmp_path / "out.jsonl"
    with (
        path.open("wb") as file,
        started("tap_winfra_xxl", config, catalog=selecting("articulos"), stdout=file) as tap,
    ):
        peak = peak_memory(tap.process)
        assert tap.ended().exit_code == 0
    assert path.stat().st_size > 80 << 20
    assert 20 << 10 < peak < 100 << 10, "KiB"
