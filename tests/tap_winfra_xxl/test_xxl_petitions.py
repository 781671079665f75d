"""Petitions: waiting, downloading what is ready, and each refusal that the documents leave open."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from erp_sandbox.faults import Fault
from support.servers import RunningSandbox
from support.singer import Run, run_tap
from support.winfra_tap import (
    ALL_KEYS,
    days,
    each_day,
    items,
    keys_of,
    read,
    selecting,
    settings,
    span,
    texts,
)
from tap_winfra_xxl.tap import TapWinfraXxl

TWO_YEARS = "2024-01-01"


def kinds(sandbox: RunningSandbox) -> list[str]:
    return [received.kind for received in sandbox.winfra.requests]


def complete(sandbox: RunningSandbox, run: Run, *streams: str) -> None:
    for name in streams:
        assert texts(run.output, name) == sandbox.winfra.rows(name), name


# Side by side


def test_a_ready_dataset_is_downloaded_while_others_are_pending(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.dataset_looks = {"tarifas": 3}
    run = read(sandbox, "stocks", "tarifas")
    complete(sandbox, run, "stocks", "tarifas")
    assert run.exit_code == 0
    log = kinds(sandbox)
    first_rows = log.index("datos.slice")
    assert "estado.get" in log[first_rows:], "the rows of stocks come before tarifas is ready"
    assert "ready: stocks; waiting for: tarifas (PENDING)" in run.stderr
    assert len(sandbox.winfra.petitions) == 1


@pytest.mark.parametrize("status", [404, 409, 422, 555])
def test_a_server_that_serves_nothing_before_the_whole_is_ready(
    sandbox: RunningSandbox, status: int
) -> None:
    switches = sandbox.winfra.switches
    switches.serve_before_petition_ok = False
    switches.not_ready_status = status
    switches.dataset_looks = {"tarifas": 3}
    run = read(sandbox, "stocks", "tarifas", download_ahead=0)
    complete(sandbox, run, "stocks", "tarifas")
    assert run.exit_code == 0
    assert len(sandbox.winfra.petitions) == 1
    assert "before the whole petition has ended" in run.stderr
    refused = sandbox.winfra.count("datos.slice") - len(sandbox.winfra.petitions[0].downloads)
    assert refused <= 2, "it is not asked for again and again"


def test_the_next_petition_is_sent_before_the_last_one_is_drained(sandbox: RunningSandbox) -> None:
    run = read(
        sandbox, "compras", "ventas", start_date=TWO_YEARS, key_properties=keys_of("ventas"),
        page_size=50,
    )  # fmt: skip
    assert run.exit_code == 0
    log = kinds(sandbox)
    sent = [place for place, kind in enumerate(log) if kind == "generar.post"]
    assert len(sent) == 3
    first, second = sent[0], sent[1]
    assert "datos.slice" not in log[first:second]
    assert log[second:].count("datos.slice") > 10
    wanted = span(*(days(sandbox.winfra, "ventas")[0][0], sandbox.winfra.clock.today()))
    assert each_day(days(sandbox.winfra, "ventas")) == wanted


@pytest.mark.parametrize("status", [409, 422, 429, 503, 555])
def test_where_a_second_petition_is_refused_there_is_one_at_a_time(
    sandbox: RunningSandbox, status: int
) -> None:
    # The vendor may count a petition as open until its rows were fetched.
    second = sandbox.winfra.faults.add(
        Fault(
            "status",
            status=status,
            body=json.dumps({"error": "Ya hay una petición en curso."}),
            method="POST",
            path="/generar_xxl$",
            when=lambda _: any(
                len(petition.downloads) < 2 for petition in sandbox.winfra.petitions
            ),
            times=None,
        )
    )
    run = read(sandbox, "compras", "diario", start_date=TWO_YEARS, key_properties=ALL_KEYS)
    assert run.exit_code == 0, run.stderr
    assert second.hits == (2 if status == 555 else 1), "once, and with a new token after a 555"
    assert "one at a time" in run.stderr
    today = sandbox.winfra.clock.today()
    for name in ("compras", "diario"):
        windows = days(sandbox.winfra, name)
        assert each_day(windows) == span(windows[0][0], today)
        held = sandbox.winfra.rows(name, fecha_desde=f"{TWO_YEARS}T00:00:00")
        assert texts(run.output, name) == held


def test_a_server_with_one_pending_petition_at_a_time(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.pending_petition_status = 409
    run = read(sandbox, "compras", start_date=TWO_YEARS, key_properties=ALL_KEYS)
    assert run.exit_code == 0, run.stderr


def test_what_is_ready_is_downloaded_though_no_second_petition_can_be_sent(
    sandbox: RunningSandbox,
) -> None:
    fault = Fault("status", status=500, path="/generar_xxl", skip=1, times=None)
    sandbox.winfra.faults.add(fault)
    run = read(sandbox, "compras", start_date=TWO_YEARS, key_properties=ALL_KEYS, retry_time=0.05)
    run.failed(3, "generar_xxl")
    ((first, last),) = days(sandbox.winfra, "compras")
    held = sandbox.winfra.rows(
        "compras", fecha_desde=f"{first}T00:00:00", fecha_hasta=f"{last}T23:59:59"
    )
    assert texts(run.output, "compras") == held
    assert run.output.bookmark("compras")["windows"] == [[str(first), str(last)]]


# Waiting


def test_looks_grow_apart_and_end_in_a_timeout(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.pending_looks = 10_000
    run = read(sandbox, "stocks", poll_interval=0.05, poll_max_interval=0.2, generation_timeout=1.0)
    run.failed(3, "not ready after generation_timeout (1 s)", "PENDING")
    looks = [r.time for r in sandbox.winfra.requests if r.kind == "estado.get"]
    asked = next(r.time for r in sandbox.winfra.requests if r.kind == "generar.post")
    gaps = [later - earlier for earlier, later in zip([asked, *looks], looks, strict=False)]
    assert gaps[0] >= 0.045
    assert gaps[1] >= 0.095
    assert all(gap >= 0.19 for gap in gaps[2:-1])
    assert 5 <= len(looks) <= 8
    petition = sandbox.winfra.petitions[0]
    assert run.output.bookmark("stocks")["petition"] == petition.id
    sandbox.winfra.switches.pending_looks = 0
    again = read(sandbox, "stocks", state=run.output.state)
    complete(sandbox, again, "stocks")
    assert len(sandbox.winfra.petitions) == 1


def test_an_unknown_estado_is_waited_for_and_told(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.state_words = {"PENDING": "EN COLA", "STARTED": "Generando"}
    switches.pending_looks = 3
    run = read(sandbox, "stocks")
    complete(sandbox, run, "stocks")
    assert "'EN COLA' is no documented estado" in run.stderr
    assert run.stderr.count("'GENERANDO' is no documented estado") == 1


@pytest.mark.parametrize("case", ["lower", "capital"])
def test_letter_case_of_estado_does_not_matter(sandbox: RunningSandbox, case: Any) -> None:
    sandbox.winfra.switches.state_case = case
    complete(sandbox, read(sandbox, "stocks"), "stocks")


def test_another_word_for_ok_is_never_taken_for_it(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.state_words = {"OK": "TERMINADO"}
    run = read(sandbox, "stocks", generation_timeout=0.3)
    run.failed(3, "TERMINADO", "not ready after generation_timeout")
    assert run.output.records() == []


# Errors


def test_a_dataset_in_error_fails_alone(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.failing_datasets = {"stocks": "Sin espacio en el servidor"}
    run = read(sandbox, "articulos", "stocks", "tarifas")
    run.failed(3, "stocks", "Sin espacio en el servidor", "Error en la generación de los datos")
    complete(sandbox, run, "articulos", "tarifas")
    assert run.output.records("stocks") == []
    assert run.output.bookmark("stocks")["petition"] is None


def test_the_server_stops_the_whole_petition_at_the_first_error(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.failing_datasets = {"stocks": "Sin espacio"}
    switches.fail_at_once = True
    switches.dataset_looks = {"tarifas": 4}
    run = read(sandbox, "articulos", "stocks", "tarifas")
    run.failed(3, "Sin espacio", "tarifas: the petition ended in ERROR before")
    complete(sandbox, run, "articulos", "tarifas")
    assert [item["dataset"] for item in items(sandbox.winfra)] == [
        "articulos", "stocks", "tarifas", "tarifas",
    ]  # fmt: skip


def test_a_petition_in_error_that_no_longer_serves(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.failing_datasets = {"stocks": "Sin espacio"}
    switches.serve_after_petition_error = False
    run = read(sandbox, "articulos", "stocks", "tarifas", download_ahead=0)
    run.failed(3, "Sin espacio", "asked again without stocks")
    complete(sandbox, run, "articulos", "tarifas")
    last = [item.dataset for item in sandbox.winfra.petitions[-1].items]
    assert set(last) <= {"articulos", "tarifas"}


def test_a_petition_in_error_by_itself_ends_the_wait(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.petition_error = "Servicio parado"
    switches.dataset_looks = {"tarifas": 100}
    run = read(sandbox, "stocks", "tarifas", generation_timeout=30)
    run.failed(3, "tarifas", "Servicio parado")
    complete(sandbox, run, "stocks")
    assert run.output.records("tarifas") == []


def test_a_server_that_never_serves_what_it_prepared(sandbox: RunningSandbox) -> None:
    switches = sandbox.winfra.switches
    switches.failing_datasets = {"stocks": "Sin espacio"}
    switches.serve_after_petition_error = False
    fault = Fault("status", status=422, body=b'{"error":"no"}', path="/datos_xxl/", times=None)
    sandbox.winfra.faults.add(fault)
    run = read(sandbox, "articulos", "stocks", download_ahead=0)
    assert run.exit_code == 2
    assert len(sandbox.winfra.petitions) <= 4


# Answers that are lost, petitions that go


def test_a_lost_answer_to_a_petition_is_asked_for_again(sandbox: RunningSandbox) -> None:
    sandbox.winfra.lose_petition_answers(times=2)
    run = read(sandbox, "stocks")
    complete(sandbox, run, "stocks")
    assert len(sandbox.winfra.petitions) == 3
    assert run.output.bookmark("stocks")["petition"] is None
    assert [len(petition.downloads) for petition in sandbox.winfra.petitions] == [0, 0, 1]


def test_a_lost_answer_where_only_one_petition_may_be_pending(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.pending_petition_status = 422
    sandbox.winfra.switches.pending_looks = 3
    sandbox.winfra.lose_petition_answers()
    run = read(sandbox, "stocks")
    complete(sandbox, run, "stocks")
    assert [len(petition.downloads) for petition in sandbox.winfra.petitions] == [0, 1]
    assert "whose answer was lost" in run.stderr


@pytest.mark.parametrize("status", [404, 422, 555])
def test_a_petition_that_is_gone_while_waiting(sandbox: RunningSandbox, status: int) -> None:
    vendor = sandbox.winfra
    vendor.switches.unknown_petition_status = status
    gone = iter([True])

    def forget_it(_: Any) -> bool:
        if next(gone, False):
            vendor.forget(vendor.petitions[0])
        return False

    vendor.faults.add(Fault("drop", path="/estado_xxl/", when=forget_it))
    run = read(sandbox, "stocks", "tarifas")
    complete(sandbox, run, "stocks", "tarifas")
    assert run.exit_code == 0
    assert len(vendor.petitions) == 2
    assert "is gone" in run.stderr


@pytest.mark.parametrize("status", [404, 422, 555])
def test_a_petition_that_is_gone_between_two_slices(sandbox: RunningSandbox, status: int) -> None:
    vendor = sandbox.winfra
    vendor.switches.unknown_petition_status = status

    def forget_it(received: Any) -> bool:
        if received.path.endswith("/stocks/100/50"):
            vendor.forget(vendor.petitions[0])
        return False

    vendor.faults.add(Fault("drop", path="/datos_xxl/", when=forget_it))
    run = read(sandbox, "stocks", page_size=50, download_ahead=0)
    assert run.exit_code == 0, run.stderr
    rows = vendor.rows("stocks")
    assert texts(run.output, "stocks") == rows[:100] + rows
    # A loader drops the first hundred: they have an older version.
    versions = [message["version"] for message in run.output.of_type("RECORD", "stocks")]
    assert len(set(versions[:100])) == len(set(versions[100:])) == 1
    assert versions[100] > versions[0]
    assert run.output.activated("stocks") == [versions[100]]


def test_petitions_that_go_at_once_are_not_asked_for_for_ever(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.petition_hours = 0
    run = read(sandbox, "stocks")
    run.failed(3, "stocks: asked for 3 times", "keeps losing it")
    assert len(sandbox.winfra.petitions) == 3


# What is refused for good


@pytest.mark.parametrize("status", [422, 555])
def test_a_refused_petition_says_what_was_asked_for(sandbox: RunningSandbox, status: int) -> None:
    switches = sandbox.winfra.switches
    switches.rule_status = status  # type: ignore[assignment]
    switches.ventas_maximum_days = 30
    secret = "https://example.invalid/secret-hook"
    run = read(sandbox, "ventas", "stocks", key_properties=ALL_KEYS, webhook=secret)
    run.failed(
        2,
        "el intervalo está limitado a un año",
        "ventas (fecha_desde=2023-11-01T00:00:00, fecha_hasta=2024-10-30T23:59:59)",
        f"HTTP {status}",
    )
    assert "secret-hook" not in run.stderr
    assert sandbox.winfra.count("generar.post") == 1
    assert sandbox.winfra.count("token.post") == 1


@pytest.mark.parametrize("form", ["list", "object", "null", "missing", "html"])
def test_any_form_of_an_error_survives(sandbox: RunningSandbox, form: Any) -> None:
    switches = sandbox.winfra.switches
    switches.error_form = form
    switches.ventas_maximum_days = 30
    run = read(sandbox, "ventas", key_properties=ALL_KEYS)
    words = [] if form == "null" else ["limitado a un año"]
    run.failed(2, "HTTP 422", *words)


@pytest.mark.parametrize("status", [422, 555])
def test_a_refused_download_is_final(sandbox: RunningSandbox, status: int) -> None:
    refusal = sandbox.winfra.faults.add(
        Fault(
            "status",
            status=status,
            body=json.dumps({"error": "No tiene permiso"}),
            path="/datos_xxl/.*/stocks",
            times=None,
        )
    )
    run = read(sandbox, "stocks", "tarifas", download_ahead=0)
    run.failed(2, "No tiene permiso", "stocks", sandbox.winfra.petitions[0].id)
    complete(sandbox, run, "tarifas")
    assert refusal.hits <= 2
    assert len(sandbox.winfra.petitions) == 1


def test_a_redirect_is_not_followed(sandbox: RunningSandbox) -> None:
    sandbox.winfra.faults.add(
        Fault("redirect", path="/generar_xxl", location="https://otro.invalid/api_v1/generar_xxl")
    )
    run = read(sandbox, "stocks")
    run.failed(2, "https://otro.invalid/api_v1/generar_xxl")
    assert len(sandbox.winfra.petitions) == 0


def test_an_answer_that_is_no_petition(sandbox: RunningSandbox) -> None:
    body = b'{"error":"Servicio parado"}'
    fault = Fault("status", status=200, body=body, path="/generar_xxl", times=None)
    sandbox.winfra.faults.add(fault)
    run = read(sandbox, "stocks")
    run.failed(3, "no EstadoGenerarXXL", "Servicio parado")
    assert fault.hits == 3


def test_numero_registros_that_is_no_number(sandbox: RunningSandbox) -> None:
    body = {
        "peticion_id": "p-1",
        "fecha_peticion": "2026-01-01T00:00:00",
        "error_message": None,
        "estado": "OK",
        "datasets": [{"dataset": "stocks", "estado": "OK", "numero_registros": None}],
    }
    sandbox.winfra.faults.add(
        Fault("status", status=200, body=json.dumps(body), path="/generar_xxl")
    )
    read(sandbox, "stocks").failed(3, "numero_registros")


# Webhook


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    calls: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/aviso/secreto-9?clave=1", calls
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_webhook_goes_into_every_item_and_is_called(
    sandbox: RunningSandbox, hook: tuple[str, list[dict[str, Any]]]
) -> None:
    url, calls = hook
    run = run_tap(
        TapWinfraXxl,
        settings(sandbox, webhook=url),
        catalog=selecting("stocks", "tarifas"),
    )
    complete(sandbox, run, "stocks", "tarifas")
    sandbox.winfra.webhooks.wait()
    petition = sandbox.winfra.petitions[0]
    assert [item.webhook for item in petition.items] == [url, url]
    assert [(call["peticion_id"], call["estado"]) for call in calls] == [(petition.id, "OK")]
    assert {item["dataset"] for item in calls[0]["datasets"]} == {"stocks", "tarifas"}
    assert "secreto-9" not in run.stderr
    assert b"secreto-9" not in run.stdout
