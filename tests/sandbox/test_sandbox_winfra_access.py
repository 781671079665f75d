"""WINFRA's doors: two servers, two Basic pairs, tokens, errors, throttling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from erp_sandbox import winfra
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from support.certificates import self_signed
from support.winfra_client import WinfraClient

if TYPE_CHECKING:
    from pathlib import Path

    from erp_sandbox.winfra.app import Winfra
    from support.servers import RunningSandbox


@pytest.fixture
def vendor(sandbox: RunningSandbox) -> Winfra:
    return sandbox.winfra


@pytest.fixture
def api(sandbox: RunningSandbox) -> WinfraClient:
    return WinfraClient(sandbox.winfra_url)


INFO = "api_v1/info/"


def is_html(answer: requests.Response) -> bool:
    return answer.headers["Content-Type"].startswith("text/html") and b"<title>" in answer.content


def test_each_server_has_its_own_pair(api: WinfraClient, vendor: Winfra) -> None:
    token = api.take_token()
    assert token.count(".") == 2
    assert token.startswith("eyJ")
    assert api.get(INFO).status_code == 200
    api.auth_pair, api.domain_pair = api.domain_pair, api.auth_pair
    refused = api.ask_token()
    assert refused.status_code == 401
    assert is_html(refused)
    refused = api.get(INFO)
    assert refused.status_code == 401
    assert refused.json() == {"error": "Usuario o contraseña incorrectos."}
    assert vendor.count("token.post") == 2
    assert vendor.count("info.get") == 2


def test_the_token_call_refuses_with_json_at_555_only(api: WinfraClient, vendor: Winfra) -> None:
    for domain, name in (("nowhere", "xxl"), (winfra.DOMAIN, "nothing")):
        refused = api.ask_token(domain, name)
        assert refused.status_code == 555
        assert isinstance(refused.json()["error"], str)
    api.auth_pair = ("nobody", "wrong")
    vendor.switches.auth_refusal_status = 555
    assert "error" in api.ask_token().json()
    vendor.switches.auth_refusal_status = 403
    assert is_html(api.ask_token())


@pytest.mark.parametrize("sent", [None, "", "eyJ.eyJ.x"])
def test_no_data_call_without_a_token(
    sandbox: RunningSandbox, api: WinfraClient, sent: str | None
) -> None:
    headers = {} if sent is None else {"WINFRA-API-TOKEN": sent}
    answer = requests.get(
        f"{sandbox.winfra_url}/{INFO}", auth=api.domain_pair, headers=headers, timeout=30
    )
    assert answer.status_code == 401
    assert answer.json()["error"]


@pytest.mark.parametrize(("domain", "name"), [("otra", "xxl"), (winfra.DOMAIN, "maestros")])
def test_a_token_is_for_one_domain_and_one_api(api: WinfraClient, domain: str, name: str) -> None:
    api.take_token(domain, name)
    assert api.get(INFO).status_code == 401


@pytest.mark.parametrize("status", [401, 555])
def test_a_token_lasts_so_many_calls(api: WinfraClient, vendor: Winfra, status: int) -> None:
    vendor.switches.token_calls = 2
    vendor.switches.update({"expired_token_status": status})
    assert [api.get(INFO).status_code for _ in range(3)] == [200, 200, status]
    api.take_token()
    assert api.get(INFO).status_code == 200


def test_a_token_ends_by_command_and_by_the_clock(api: WinfraClient, vendor: Winfra) -> None:
    assert api.get(INFO).ok
    vendor.expire_tokens()
    assert api.get(INFO).status_code == 401
    vendor.switches.token_seconds = 3600
    api.take_token()
    vendor.clock.advance(seconds=3590)
    assert api.get(INFO).ok
    vendor.clock.advance(seconds=20)
    assert api.get(INFO).status_code == 401


def test_empty_and_accented_passwords(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.auth_password = ""
    vendor.switches.domain_password = "contraseña"
    api.auth_pair = (winfra.AUTH_USER, "")
    for charset in ("utf-8", "latin-1"):
        api.domain_pair = (winfra.DOMAIN_USER, "contraseña".encode(charset))
        assert api.get(INFO).ok


def test_two_servers_on_two_ports_with_certificates_of_their_own(tmp_path: Path) -> None:
    auth_files, domain_files = self_signed(tmp_path, "auth"), self_signed(tmp_path, "domain")
    sandbox = Sandbox()
    with (
        Listener(sandbox, tls=auth_files.files) as auth,
        Listener(sandbox, tls=domain_files.files) as domain,
    ):
        sandbox.winfra.switches.auth_port = auth.port
        sandbox.winfra.switches.domain_port = domain.port
        right = WinfraClient(f"{auth.url}/winfra", f"{domain.url}/winfra")
        with pytest.raises(requests.exceptions.SSLError):
            right.ask_token()
        right.verify = str(auth_files.certificate)
        right.take_token()
        with pytest.raises(requests.exceptions.SSLError):
            right.get(INFO)
        right.verify = str(domain_files.certificate)
        assert right.get(INFO).ok
        wrong = WinfraClient(right.domain_url, right.auth_url)
        wrong.verify = str(domain_files.certificate)
        assert wrong.ask_token().status_code == 404
        wrong.verify, wrong.token = str(auth_files.certificate), right.token
        assert wrong.get(INFO).status_code == 404


def test_the_prefix_belongs_to_the_path(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.prefix = "/winfra3"
    refused = api.ask_token()
    assert refused.status_code == 404
    assert is_html(refused)
    inside = WinfraClient(f"{api.auth_url}/winfra3")
    assert inside.get(INFO).ok
    vendor.switches.prefix = ""
    assert inside.get(INFO).status_code == 404
    assert vendor.count("info.get") == 2


def test_a_path_joined_wrongly_is_not_found(api: WinfraClient, sandbox: RunningSandbox) -> None:
    api.take_token()
    assert api.get("/api_v1/info/").status_code == 404
    answer = requests.post(
        f"{sandbox.winfra_url}/api_token", auth=api.auth_pair, allow_redirects=False, timeout=30
    )
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/winfra/api_token/"


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("text", {"error": "El token ha caducado."}),
        ("list", {"error": ["El token ha caducado.", {"codigo": 555}]}),
        ("object", {"error": {"mensaje": "El token ha caducado.", "codigo": 555}}),
        ("null", {"error": None}),
        ("missing", {"mensaje": "El token ha caducado."}),
    ],
)
def test_an_error_may_be_other_than_text(
    api: WinfraClient, vendor: Winfra, form: str, body: dict[str, Any]
) -> None:
    vendor.switches.update({"error_form": form, "expired_token_status": 555})
    api.take_token()
    vendor.expire_tokens()
    refused = api.get(INFO)
    assert refused.status_code == 555
    assert refused.json() == body


def test_an_error_may_be_no_json(api: WinfraClient, vendor: Winfra) -> None:
    vendor.switches.error_form = "html"
    refused = api.ask("nothing of that name")
    assert refused.status_code == 422
    assert is_html(refused)


@pytest.mark.parametrize("status", [429, 503])
def test_so_many_requests_a_minute(api: WinfraClient, vendor: Winfra, status: int) -> None:
    vendor.switches.update({"throttle_per_minute": 3, "throttle_status": status})
    vendor.switches.retry_after = "17"
    api.take_token()
    answers = [api.get(INFO) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, status]
    assert answers[-1].headers["Retry-After"] == "17"
    assert is_html(answers[-1])
    vendor.clock.advance(seconds=61)
    vendor.switches.retry_after = ""
    answers = [api.get(INFO) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, status]
    assert "Retry-After" not in answers[-1].headers


def test_info_and_the_date_header_follow_the_clock(api: WinfraClient, vendor: Winfra) -> None:
    vendor.clock.set(datetime(2027, 3, 14, 23, 30, tzinfo=UTC))
    answer = api.get(INFO)
    assert answer.headers["Date"].startswith("Sun, 14 Mar 2027 23:30:0")
    assert len([name for name in answer.raw.headers if name.lower() == "date"]) == 1
    # Madrid is an hour ahead, and in the next day.
    assert answer.json()[0]["fecha"].startswith("2027-03-15T00:30:0")
    assert str(vendor.clock.today()) == "2027-03-15"


def test_locking_entries_is_counted(api: WinfraClient, vendor: Winfra) -> None:
    assert vendor.count("diario.confirmar") == 0
    api.call("POST", "api_v1/diario/confirmar/575c9ac3", json={})
    api.get("api_v1/diario/confirmar/575c9ac3")
    assert vendor.count("diario.confirmar") == 2
    assert vendor.count("other") == 0


def test_the_switches_over_the_control_route(sandbox: RunningSandbox, vendor: Winfra) -> None:
    control = f"{sandbox.url}/_control/winfra"
    values = {"pending_looks": 4, "dataset_looks": {"ventas": 9}, "json_style": "pretty"}
    answer = requests.post(f"{control}/switches", json=values, timeout=30)
    assert answer.ok
    assert answer.json().items() >= values.items()
    assert vendor.switches.pending_looks == 4
    for wrong in ({"json_style": "ugly"}, {"pending_looks": "4"}, {"nothing": 1}):
        assert requests.post(f"{control}/switches", json=wrong, timeout=30).status_code == 400
    held = requests.get(f"{control}/data/formas_pago", timeout=30)
    assert held.content == b"[" + b",".join(vendor.rows("formas_pago")) + b"]"
