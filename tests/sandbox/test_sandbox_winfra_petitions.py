"""WINFRA's petitions: what may be asked, how they go on, what they refuse, when they are gone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox.exact import loads
from support.winfra_client import WinfraClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erp_sandbox.winfra.app import Winfra
    from support.servers import RunningSandbox

HELD_BACK = 10**9
"""As a number of looks: until the test says otherwise."""

DAY = {"fecha_desde": "2026-01-01T00:00:00", "fecha_hasta": "2026-01-01T23:59:59"}


@pytest.fixture
def vendor(sandbox: RunningSandbox) -> Winfra:
    return sandbox.winfra


@pytest.fixture
def api(sandbox: RunningSandbox) -> WinfraClient:
    return WinfraClient(sandbox.winfra_url)


def states(view: dict[str, Any]) -> dict[str, str]:
    """The petition's own state, and each dataset's."""
    return {"": view["estado"]} | {each["dataset"]: each["estado"] for each in view["datasets"]}


def is_html(answer: requests.Response) -> bool:
    return answer.headers["Content-Type"].startswith("text/html")


# --- going on -------------------------------------------------------------------------------------


def test_the_answer_to_a_petition_is_its_first_state(api: WinfraClient, vendor: Winfra) -> None:
    view = api.ask("formas_pago", {"dataset": "diario", **DAY}).json()
    (petition,) = vendor.petitions
    assert view == {
        "peticion_id": petition.id,
        "fecha_peticion": view["fecha_peticion"],
        "error_message": "",
        "estado": "PENDING",
        "datasets": [
            {
                "dataset": dataset,
                "estado": "PENDING",
                "fecha_generacion_inicio": None,
                "fecha_generacion_fin": None,
                "numero_registros": 0,
                "error_message": "",
            }
            for dataset in ("formas_pago", "diario")
        ],
    }
    assert [item.parameters for item in petition.items] == [{}, DAY]


def test_pending_for_so_many_looks(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.pending_looks = 2
    petition = api.petition("formas_pago")
    first, second, third = (api.look(petition)["datasets"][0] for _ in range(3))
    assert (first["estado"], first["fecha_generacion_inicio"]) == ("PENDING", None)
    assert second["estado"] == "PENDING"
    assert second["fecha_generacion_inicio"]
    assert (second["fecha_generacion_fin"], second["numero_registros"]) == (None, 0)
    assert (third["estado"], third["numero_registros"]) == ("OK", 8)
    assert third["fecha_generacion_fin"] >= third["fecha_generacion_inicio"]


def test_pending_for_so_many_seconds_of_the_clock(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.pending_looks = 0
    vendor.switches.pending_seconds = 600
    petition = api.petition("formas_pago")
    for _ in range(5):
        assert api.look(petition)["estado"] == "PENDING"
    vendor.clock.advance(seconds=601)
    assert states(api.look(petition)) == {"": "OK", "formas_pago": "OK"}


def test_each_dataset_has_its_own_pace(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.dataset_looks = {"tarifas": HELD_BACK}
    vendor.switches.dataset_seconds = {"stocks": 60}
    petition = api.petition("formas_pago", "stocks", "tarifas")
    api.look(petition)
    expected = {"": "PENDING", "formas_pago": "OK", "stocks": "PENDING", "tarifas": "PENDING"}
    assert states(api.look(petition)) == expected
    vendor.clock.advance(seconds=61)
    assert states(api.look(petition)) == expected | {"stocks": "OK"}
    vendor.switches.dataset_looks = {}
    assert states(api.look(petition)) == dict.fromkeys(expected, "OK")


def test_the_prepared_rows_stay_as_they_were(api: WinfraClient, vendor: Winfra) -> None:
    before = vendor.rows("formas_pago")
    petition = api.ready("formas_pago")
    vendor.remove("formas_pago", "01")
    vendor.add("formas_pago", {"codigo": "99"})
    assert api.rows(petition, "formas_pago").content == b"[" + b",".join(before) + b"]"
    assert api.fetch("formas_pago") == b"[" + b",".join(vendor.rows("formas_pago")) + b"]"
    assert vendor.rows("formas_pago") == [*before[1:], b'{"codigo":"99"}']


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takes_petition", "state", "error"),
    [(True, "ERROR", "Error en la generación de los datos."), (False, "OK", "")],
)
def test_a_dataset_fails_while_others_are_ok(
    api: WinfraClient, vendor: Winfra, state: str, error: str, *, takes_petition: bool
) -> None:
    vendor.switches.failing_datasets = {"tarifas": "Sin permiso"}
    vendor.switches.dataset_error_fails_petition = takes_petition
    petition = api.ready("tarifas", "formas_pago")
    view = api.look(petition)
    assert states(view) == {"": state, "tarifas": "ERROR", "formas_pago": "OK"}
    assert view["error_message"] == error
    assert [each["error_message"] for each in view["datasets"]] == ["Sin permiso", ""]
    assert [each["numero_registros"] for each in view["datasets"]] == [0, 8]
    assert api.rows(petition, "formas_pago").ok
    assert api.rows(petition, "tarifas").status_code == 422


@pytest.mark.parametrize(("at_once", "state"), [(True, "ERROR"), (False, "PENDING")])
def test_a_failure_ends_the_petition_at_once_or_at_the_end(
    api: WinfraClient, vendor: Winfra, state: str, *, at_once: bool
) -> None:
    vendor.switches.failing_datasets = {"tarifas": "Sin permiso"}
    vendor.switches.dataset_looks = {"stocks": 4}
    vendor.switches.fail_at_once = at_once
    petition = api.petition("tarifas", "stocks")
    api.look(petition)
    expected = {"": state, "tarifas": "ERROR", "stocks": "PENDING"}
    assert states(api.look(petition)) == expected
    for _ in range(5):
        api.look(petition)
    # An ended petition does not go on: what was PENDING stays so.
    final = expected if at_once else {"": "ERROR", "tarifas": "ERROR", "stocks": "OK"}
    assert states(api.look(petition)) == final


def test_a_petition_fails_without_a_dataset_in_error(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.petition_error = "Cola detenida"
    vendor.switches.dataset_looks = {"stocks": HELD_BACK}
    view = api.look(api.ready("formas_pago", "stocks"))
    assert states(view) == {"": "ERROR", "formas_pago": "OK", "stocks": "PENDING"}
    assert view["error_message"] == "Cola detenida"


def test_other_words_and_letter_case(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.pending_looks = 2
    vendor.switches.state_words = {"PENDING": "EN_COLA", "STARTED": "GENERANDO", "OK": "HECHO"}
    petition = api.petition("formas_pago")
    seen = [api.look(petition)["datasets"][0]["estado"] for _ in range(3)]
    assert seen == ["EN_COLA", "GENERANDO", "HECHO"]
    vendor.switches.state_words = {}
    for case, word in (("lower", "ok"), ("capital", "Ok"), ("upper", "OK")):
        vendor.switches.update({"state_case": case})
        assert states(api.look(petition)) == {"": word, "formas_pago": word}


# --- what downloads refuse ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 409, 422, 555])
def test_downloads_wait_for_the_petition(api: WinfraClient, vendor: Winfra, status: int) -> None:
    vendor.switches.dataset_looks = {"stocks": HELD_BACK}
    vendor.switches.serve_before_petition_ok = False
    vendor.switches.not_ready_status = status
    petition = api.petition("formas_pago", "stocks")
    for _ in range(3):
        api.look(petition)
    refused = api.rows(petition, "formas_pago")
    assert refused.status_code == status
    assert is_html(refused) == (status in (404, 409))
    vendor.switches.serve_before_petition_ok = True
    assert api.rows(petition, "formas_pago").ok
    assert api.rows(petition, "stocks").status_code == status
    vendor.switches.serve_before_petition_ok = False
    vendor.switches.dataset_looks = {}
    api.look(petition)
    assert api.rows(petition, "formas_pago").ok
    assert api.rows(petition, "stocks").ok


def test_nothing_is_there_before_the_first_look_says_so(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.petition("formas_pago")
    assert api.look(petition)["estado"] == "PENDING"
    assert api.rows(petition, "formas_pago").status_code == 422
    assert vendor.petitions[0].downloads == []


def test_a_petition_in_error_keeps_its_rows_to_itself(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.failing_datasets = {"tarifas": "Sin permiso"}
    vendor.switches.serve_after_petition_error = False
    petition = api.ready("tarifas", "formas_pago")
    assert api.rows(petition, "formas_pago").status_code == 422
    vendor.switches.serve_after_petition_error = True
    assert api.rows(petition, "formas_pago").ok


def test_a_dataset_that_was_not_asked_for(api: WinfraClient, vendor: Winfra) -> None:
    petition = api.ready("formas_pago")
    assert api.rows(petition, "stocks").status_code == 404
    vendor.switches.unknown_dataset_status = 422
    assert api.rows(petition, "stocks").json()["error"]


# --- being there and being gone -------------------------------------------------------------------


def test_the_list_of_petitions(api: WinfraClient, vendor: Winfra) -> None:
    assert api.get("api_v1/estado_xxl").json() == []
    first, second = api.ready("formas_pago"), api.petition("stocks")
    listed = api.get("api_v1/estado_xxl").json()
    assert [each["peticion_id"] for each in listed] == [first, second]
    assert [each["estado"] for each in listed] == ["OK", "PENDING"]
    assert (vendor.count("estado.list"), vendor.count("estado.get")) == (2, 2)


@pytest.mark.parametrize("status", [404, 422, 555])
def test_petitions_go_after_twelve_hours(api: WinfraClient, vendor: Winfra, status: int) -> None:
    vendor.switches.unknown_petition_status = status
    old = api.ready("formas_pago")
    vendor.clock.advance(hours=11.9)
    young = api.ready("formas_pago")
    assert api.rows(old, "formas_pago").ok
    vendor.clock.advance(hours=0.2)
    for answer in (api.rows(old, "formas_pago"), api.get(f"api_v1/estado_xxl/{old}")):
        assert answer.status_code == status
        assert is_html(answer) == (status == 404)
    assert api.rows(young, "formas_pago").ok
    vendor.forget(young)
    assert api.rows(young, "formas_pago").status_code == status
    assert api.get("api_v1/estado_xxl").json() == []
    assert [petition.gone for petition in vendor.petitions] == [True, True]


# --- webhooks -------------------------------------------------------------------------------------


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps what is POSTed to it."""
    bodies: list[bytes] = []

    class Keeping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?x=1", bodies
        finally:
            server.shutdown()
            thread.join()


def test_the_webhook_is_called_once_at_the_end(api: WinfraClient, vendor: Winfra) -> None:
    with listening() as (url, bodies):
        vendor.switches.pending_seconds = 600
        vendor.switches.pending_looks = 0
        petition = api.petition(
            {"dataset": "formas_pago", "webhook": url}, {"dataset": "stocks", "webhook": url}
        )
        api.look(petition)
        assert vendor.webhooks_called == []
        vendor.clock.advance(seconds=601)
        (call,) = vendor.webhooks.wait()
        view = api.look(petition)
    assert (call.url, call.status) == (url, 204)
    assert bodies == [call.body]
    assert loads(call.body) == view
    assert view["estado"] == "OK"
    assert vendor.webhooks_called == [call]


def test_a_webhook_that_nobody_answers(api: WinfraClient, vendor: Winfra) -> None:
    with listening() as (url, _):
        pass
    api.ready({"dataset": "formas_pago", "webhook": url})
    assert [call.status for call in vendor.webhooks.wait()] == [0]
