"""What the API refuses, in whichever form, and what a user then reads."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from erp_sandbox.facturadirecta import TOKEN
from erp_sandbox.faults import Fault
from support.facturadirecta_tap import STREAM, ids, run
from support.singer import started

if TYPE_CHECKING:
    from support.servers import RunningSandbox

LIST = r"^/api/providers\.xml"
ERROR = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<xml>\n <httpStatus>{status}</httpStatus>\n"
    " <errorCode>INVALID_INPUT_DATA</errorCode>\n"
    " <errorMessage><![CDATA[Se ha recibido un\n atributo que no existe]]></errorMessage>\n</xml>"
)
WORDS = "INVALID_INPUT_DATA: Se ha recibido un atributo que no existe"


@pytest.mark.parametrize("http_status", ["same", "200"])
@pytest.mark.parametrize("body", ["xml", "html"])
@pytest.mark.parametrize("args", [(), ("--test",)])
def test_wrong_token(
    sandbox: RunningSandbox, http_status: str, body: str, args: tuple[str, ...]
) -> None:
    server = sandbox.facturadirecta
    server.switches.update({"error_http_status": http_status, "unauthorized_body": body})
    wrong = "not-the-token-of-this-account"
    ended = run(sandbox, api_token=wrong, args=args)
    output = ended.failed(
        2, "the credentials are missing, wrong or expired", "check the credentials"
    )
    assert wrong not in ended.stderr
    assert not output.of_type("RECORD")
    assert not output.activated(STREAM)
    assert len(server.requests) == 1
    if body == "xml":
        assert "UNAUTHORIZED: El token de acceso no es válido" in ended.stderr


@pytest.mark.parametrize("http_status", [400, 403, 422, 555, 200])
@pytest.mark.parametrize("status", [400, 403, 422])
def test_refusals_have_the_apis_own_words(
    sandbox: RunningSandbox, http_status: int, status: int
) -> None:
    server = sandbox.facturadirecta
    body = ERROR.format(status=status)
    fault = Fault("status", status=http_status, body=body, path="start=245", times=None)
    server.faults.add(fault)
    output = run(sandbox, details="never").failed(2, WORDS)
    assert fault.hits == 1
    assert not output.activated(STREAM)


@pytest.mark.parametrize("http_status", [500, 503, 429, 200])
def test_failures_are_retried_until_the_time_is_over(
    sandbox: RunningSandbox, http_status: int
) -> None:
    server = sandbox.facturadirecta
    body = ERROR.format(status=500 if http_status == 200 else http_status)
    fault = Fault("status", status=http_status, body=body, path="start=245", times=None)
    server.faults.add(fault)
    output = run(sandbox, details="never", retry_time=0.05, retry_wait=0.01).failed(3, WORDS)
    assert fault.hits > 1
    assert not output.activated(STREAM)


def test_retry_after_is_honoured_in_a_body_too(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    body = ERROR.format(status=429)
    fault = Fault("status", status=200, body=body, headers={"Retry-After": "1"}, path="start=245")
    server.faults.add(fault)
    start = time.monotonic()
    assert ids(run(sandbox, details="never")) == list(server.providers)
    assert time.monotonic() - start >= 0.9


def test_redirect_is_not_followed(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.faults.add(Fault("redirect", path=LIST, location="https://new.invalid/x?api_token=1"))
    ended = run(sandbox)
    ended.failed(2, "https://new.invalid/x", "put the new address into the settings")
    assert "api_token=1" not in ended.stderr


def test_wrong_address_says_so(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.facturadirecta_url}/elsewhere"
    run(sandbox, api_url=url).failed(2, "check account or api_url")
    server = sandbox.facturadirecta
    server.faults.add(Fault("status", status=404, body=b"<html>nginx</html>", path=LIST))
    run(sandbox).failed(2, "check account or api_url")


def test_nobody_answers(sandbox: RunningSandbox) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        run(sandbox, api_url=url, retry_time=0.05, retry_wait=0.01).failed(3, "no connection")


def test_silence_ends(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.faults.add(Fault("delay", delay=2, path="start=245", times=None))
    ended = run(sandbox, details="never", request_timeout=0.2, retry_time=0)
    assert not ended.failed(3, "nothing came for 0.2 s").activated(STREAM)


def test_every_call_asks_for_xml_with_the_token_in_the_header(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.switches.update({"query_token": False})
    run(sandbox).ok()
    run(sandbox, args=("--test",)).ok()
    kinds = {received.kind for received in server.requests}
    assert kinds == {"provider.list", "provider.get"}
    for received in server.requests:
        assert received.method == "GET"
        assert received.headers["accept"] == "application/xml"
        assert received.headers["authorization"].startswith("Basic ")
        assert received.headers["user-agent"].startswith("tap-facturadirecta/")
        assert TOKEN not in received.target
        assert "send" not in received.path


def test_connection_test_is_one_call(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    ended = run(sandbox, args=("--test",))
    ended.ok()
    (received,) = server.requests
    assert received.path == "/api/providers.xml"
    assert received.query["limit"] == "1"
    assert "The connection works" in ended.stderr


def test_discovery_needs_no_settings_and_asks_nothing(sandbox: RunningSandbox) -> None:
    output = run(sandbox, api_url=None, api_token=None, args=("--discover",))
    assert output.exit_code == 0
    assert not sandbox.facturadirecta.requests


def test_signal_while_an_answer_is_awaited(sandbox: RunningSandbox) -> None:
    server = sandbox.facturadirecta
    server.faults.add(Fault("delay", delay=20, path="start=245", times=None))
    config = {
        "api_url": sandbox.facturadirecta_url,
        "api_token": TOKEN,
        "details": "never",
        "request_timeout": 60,
    }
    with started("tap_facturadirecta", config) as process:
        process.read_until("RECORD")
        time.sleep(0.2)
        at = time.monotonic()
        process.send(15)
        ended = process.ended()
    assert time.monotonic() - at < 8
    output = ended.failed(143)
    assert len(output.records()) == 250
    assert not output.activated(STREAM)
