"""Two at once: a tap and a target of one pipeline, or two pipelines, on one token of SERPI.

SERPI forbids that one token is used by two requests at once; the server here refuses the second one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from chaos.nursery import Child, Nursery
from chaos.warehouse import Json, canonical, messages_of
from erp_sandbox import serpi
from erp_sandbox.running import Listener
from erp_sandbox.serpi.app import Serpi
from erp_sandbox.serpi.generate import FIRST_DAY, LAST_DAY
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from serpi_client.locks import TokenLocks
from support.serpi_target import document, record, schema, state

TAP = "tap_serpi"
TARGET = "target_serpi"
LONGEST = 60.0


class Company:
    """A SERPI that answers slowly enough for requests to meet, and connectors that share its token."""

    def __init__(self, listener: Listener, nursery: Nursery, folder: Path) -> None:
        listener.sandbox = Sandbox(Setup(scale=0.1))
        self.serpi: Serpi = listener.sandbox.serpi
        self.serpi.switches.latency_ms = 3
        self.api_url = f"{listener.url}/serpi/api/v1"
        self.cache = folder / "cache"
        self._nursery = nursery
        self._folder = folder

    def start(
        self, connector: str, name: str, files: tuple[int, int], **settings: Any
    ) -> tuple[Child, Path]:
        """Start a connector.

        Args:
            connector: its package.
            name: of its folder.
            files: standard input and output.
            settings: beside those that all have.
        """
        folder = self._folder / name
        folder.mkdir()
        config = {
            "api_url": self.api_url,
            "token": serpi.TOKEN,
            "secret_key": serpi.SECRET_KEY,
            "retry_wait": 0.01,
            "retry_time": 0.5,
            "request_timeout": 20,
            **settings,
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with (folder / "stderr.txt").open("wb") as stderr:
            child = self._nursery.start(
                connector,
                ["--config", str(folder / "config.json")],
                files=(*files, stderr.fileno()),
                folder=folder,
                # The locks are in the user's cache: all of them are one user's.
                environment={"XDG_CACHE_HOME": str(self.cache)},
            )
        return child, folder / "stderr.txt"

    def tap(self, name: str, output: int, **settings: Any) -> tuple[Child, Path]:
        """Start the tap; its output is closed here."""
        settings = {
            "start_date": f"{FIRST_DAY}",
            "end_date": f"{LAST_DAY}",
            "page_size": 20,
            **settings,
        }
        with _nothing() as nothing:
            started = self.start(TAP, name, (nothing, output), **settings)
        os.close(output)
        return started

    def target(self, name: str, source: int, **settings: Any) -> tuple[Child, Path]:
        """Start the target; its input is closed here."""
        with _nothing() as nothing:
            started = self.start(TARGET, name, (source, nothing), batch_size=5, **settings)
        os.close(source)
        return started


@contextlib.contextmanager
def _nothing() -> Iterator[int]:
    number = os.open(os.devnull, os.O_RDWR)
    try:
        yield number
    finally:
        os.close(number)


@pytest.fixture
def company(sandbox_listener: Listener, nursery: Nursery, tmp_path: Path) -> Company:
    return Company(sandbox_listener, nursery, tmp_path)


def ended_well(*started: tuple[Child, Path]) -> None:
    for child, log in started:
        code = child.wait(LONGEST)
        assert code == 0, f"exit code {code}:\n{log.read_text()[-3000:]}"


@pytest.mark.parametrize("refusal", ["429", "503", "401"])
def test_tap_and_target_of_one_pipeline(
    company: Company, refusal: Literal["429", "503", "401"]
) -> None:
    company.serpi.switches.simultaneous_use = refusal
    before = {row["id"]: row for row in company.serpi.articles}
    read, write = os.pipe()
    # Every article becomes a unit dearer, while they are still being read.
    dearer = {"id": "id", "codigo": "codigo", "costo": "costo + 1", "__else__": None}
    maps = {"articulos": dearer, "tipos_documento": None, "documentos_contables": {}}
    tap = company.tap("tap", write, stream_maps=maps)
    target = company.target("target", read)
    ended_well(tap, target)
    assert company.serpi.overlaps == 0
    assert company.serpi.counts()["articulo.put"] > 0
    for row in company.serpi.articles:
        assert row["costo"] == before[row["id"]]["costo"] + 1


def _input(first: int, count: int) -> bytes:
    lines = [schema("documentos_contables")]
    lines += [record(document(n), "documentos_contables") for n in range(first, first + count)]
    return b"".join([*lines, state({"records": count})])


def _fed(content: bytes) -> int:
    """Give a pipe that a thread writes into."""
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as file, contextlib.suppress(BrokenPipeError):
            file.write(content)

    threading.Thread(target=feed, daemon=True).start()
    return read


def test_two_pipelines_on_one_token(company: Company) -> None:
    company.serpi.switches.simultaneous_use = "401"
    company.serpi.switches.duplicate_documents = "store"
    before = len(company.serpi.documents)
    taps, outputs = [], []
    for number in range(2):
        read, write = os.pipe()
        taps.append(company.tap(f"tap-{number}", write))
        outputs.append(_Reader(read))
    # Both bring the same documents, and others beside.
    targets = [company.target(f"target-{n}", _fed(_input(10 * n, 30))) for n in range(2)]
    ended_well(*taps, *targets)
    assert company.serpi.overlaps == 0
    assert len(company.serpi.documents) == before + 40
    assert len({*company.serpi.documents.all_keys()}) == before + 40
    articles = {canonical(row) for row in cast("list[Json]", company.serpi.data("articulos"))}
    for output in outputs:
        assert output.records("articulos") == articles


class _Reader:
    """Reads a tap's output to its end."""

    def __init__(self, source: int) -> None:
        self._content = b""
        self._thread = threading.Thread(target=self._read, args=(source,), daemon=True)
        self._thread.start()

    def _read(self, source: int) -> None:
        with os.fdopen(source, "rb") as file:
            self._content = file.read()

    def records(self, stream: str) -> set[str]:
        """Give the records of a stream."""
        self._thread.join(LONGEST)
        found: list[Mapping[str, Any]] = [
            message["record"]
            for message in messages_of(self._content)
            if message["type"] == "RECORD" and message["stream"] == stream
        ]
        return set(map(canonical, found))


def test_a_second_target_that_waited_too_long_sends_nothing(company: Company) -> None:
    read, write = os.pipe()
    first = company.target("first", read)
    try:
        os.write(write, schema("documentos_contables"))
        ledger = company._folder / "first" / "serpi-ledger.sqlite3"
        _wait_for(ledger)
        requests = len(company.serpi.requests)
        child, log = company.target("second", _fed(_input(0, 5)), lock_timeout=0.2)
        assert child.wait(LONGEST) == 3
        assert "another target-serpi still runs with this token" in log.read_text()
        assert len(company.serpi.requests) == requests
    finally:
        os.close(write)
    ended_well(first)


@pytest.mark.parametrize("connector", [TAP, TARGET])
def test_a_token_that_is_never_given_back_is_not_waited_for_without_end(
    company: Company, monkeypatch: pytest.MonkeyPatch, connector: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(company.cache))
    requests = len(company.serpi.requests)
    with TokenLocks(company.api_url, serpi.TOKEN, request_wait=0).request(), _nothing() as nothing:
        if connector == TAP:
            started = company.tap("waiting", os.dup(nothing), request_timeout=0.02)
        else:
            started = company.target("waiting", _fed(_input(0, 5)), request_timeout=0.02)
        child, log = started
        code = child.wait(LONGEST)
        if code is None:
            child.signal(signal.SIGKILL)
    assert code == 3, log.read_text()[-3000:]
    assert "another process uses this token" in log.read_text()
    assert len(company.serpi.requests) == requests


def _wait_for(path: Path) -> None:
    waited = threading.Event()
    for _ in range(1000):
        if path.exists():
            return
        waited.wait(0.01)
    raise AssertionError(f"{path} was never made")
