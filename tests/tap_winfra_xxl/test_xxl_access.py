"""Who is let in: two servers, two pairs, tokens that grow old, certificates that nobody signed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from support.certificates import SelfSigned, self_signed
from support.servers import RunningSandbox
from support.singer import Run, run_tap
from support.winfra_tap import keys_of, read, selecting, settings, texts
from tap_winfra_xxl.tap import TapWinfraXxl

if TYPE_CHECKING:
    from collections.abc import Iterator


def pair_of(headers: Any) -> tuple[str, str]:
    user, _, password = (
        base64.b64decode(headers["authorization"].split()[1]).decode().partition(":")
    )
    return user, password


# The two pairs and the token


def test_each_call_carries_what_the_documents_say(sandbox: RunningSandbox) -> None:
    read(sandbox, "stocks").ok()
    token = next(iter(sandbox.winfra.tokens)).text
    for received in sandbox.winfra.requests:
        if received.kind == "token.post":
            assert pair_of(received.headers) == ("tercero.demo", "clave-tercero-7Q")
            assert json.loads(received.body) == {"domain": "demo", "api": "xxl"}
            assert "winfra-api-token" not in received.headers
        else:
            assert pair_of(received.headers) == ("demo.admin", "clave-dominio-4N")
            assert received.headers["winfra-api-token"] == token
    assert sandbox.winfra.requests[0].kind == "token.post"


def test_letters_beyond_ascii_in_a_password(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.domain_password = "contraseña-€-Ñ"
    run = read(sandbox, "stocks", domain_password="contraseña-€-Ñ")
    assert run.exit_code == 0
    assert "contraseña-€" not in run.stderr


def test_empty_passwords_are_values(sandbox: RunningSandbox) -> None:
    sandbox.winfra.switches.domain_password = sandbox.winfra.switches.auth_password = ""
    assert read(sandbox, "stocks", domain_password="", auth_password="").exit_code == 0


@pytest.mark.parametrize("prefix", ["", "/winfra3"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_prefix_and_final_slash(sandbox: RunningSandbox, prefix: str, slash: str) -> None:
    sandbox.winfra.switches.prefix = prefix
    url = f"{sandbox.winfra_url}{prefix}{slash}"
    run = read(sandbox, "stocks", auth_url=url, domain_url=url)
    assert texts(run.ok(), "stocks") == sandbox.winfra.rows("stocks")
    assert {received.kind for received in sandbox.winfra.requests} == {
        "token.post", "generar.post", "estado.get", "datos.slice",
    }  # fmt: skip


# Tokens that grow old


@pytest.mark.parametrize("status", [401, 555])
@pytest.mark.parametrize("ahead", [0, 4])
def test_an_old_token_is_renewed_wherever_it_shows(
    sandbox: RunningSandbox, status: Any, ahead: int
) -> None:
    switches = sandbox.winfra.switches
    switches.token_calls = 4
    switches.expired_token_status = status
    run = read(
        sandbox, "stocks", "ventas", page_size=40, download_ahead=ahead, start_date="2026-01-01",
        key_properties=keys_of("ventas"),
    )  # fmt: skip
    assert run.exit_code == 0, run.stderr
    assert texts(run.output, "stocks") == sandbox.winfra.rows("stocks")
    tokens = sandbox.winfra.tokens
    used = sum(token.calls for token in tokens)
    assert len(tokens) <= used // 2, "a token is not thrown away while it works"
    for token in tokens:
        assert token.text not in run.stderr


@pytest.mark.parametrize("status", [401, 555])
def test_the_token_expires_while_waiting(sandbox: RunningSandbox, status: Any) -> None:
    vendor = sandbox.winfra
    vendor.switches.expired_token_status = status
    vendor.switches.pending_looks = 3
    once = iter([True])

    def expire(_: Any) -> bool:
        if vendor.petitions[0].looks == 2 and next(once, False):
            vendor.expire_tokens()
        return False

    vendor.faults.add(Fault("drop", path="/estado_xxl/", when=expire))
    run = read(sandbox, "stocks")
    assert texts(run.ok(), "stocks") == vendor.rows("stocks")
    assert vendor.count("token.post") == 2
    assert len(vendor.petitions) == 1


@pytest.mark.parametrize("status", [401, 555])
def test_slices_under_way_with_an_old_token_take_one_new_one_together(
    sandbox: RunningSandbox, status: Any
) -> None:
    vendor = sandbox.winfra
    vendor.switches.expired_token_status = status
    asked = iter(range(1000))

    def expire(_: Any) -> bool:
        # When the first slices have come, the next ones are under way without a thread.
        if next(asked) == 8:
            vendor.expire_tokens()
        return False

    vendor.faults.add(Fault("drop", path="/datos_xxl/", when=expire, times=None))
    run = read(sandbox, "stocks", page_size=10, download_ahead=4)
    assert texts(run.ok(), "stocks") == vendor.rows("stocks")
    assert vendor.count("token.post") == 2
    assert next(asked) > 30


@pytest.mark.parametrize(("status", "tokens"), [(401, 2), (555, 1), (403, 1)])
def test_a_first_token_that_is_refused(sandbox: RunningSandbox, status: int, tokens: int) -> None:
    body = json.dumps({"error": "El usuario no tiene acceso"})
    sandbox.winfra.faults.add(
        Fault("status", status=status, body=body, path="/generar_xxl", times=None)
    )
    run = read(sandbox, "stocks")
    run.failed(2, "El usuario no tiene acceso")
    assert sandbox.winfra.count("token.post") == tokens
    assert sandbox.winfra.count("generar.post") == tokens


@pytest.mark.parametrize("status", [401, 555])
def test_two_refusals_in_a_row_end_the_run(sandbox: RunningSandbox, status: int) -> None:
    body = json.dumps({"error": "Sesión cerrada"})
    refused = sandbox.winfra.faults.add(
        Fault("status", status=status, body=body, path="/estado_xxl", times=None)
    )
    run = read(sandbox, "stocks", "tarifas")
    run.failed(2, "Sesión cerrada")
    assert sandbox.winfra.count("token.post") == 2
    assert refused.hits <= 3
    assert run.output.bookmark("stocks")["petition"] == sandbox.winfra.petitions[0].id


# Wrong credentials


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"auth_password": "equivocada-1"}, ["auth server", "HTTP 401"]),
        ({"auth_user": "nadie"}, ["auth server", "HTTP 401"]),
        ({"domain": "no-existe"}, ["El dominio indicado no existe", "HTTP 555"]),
        ({"api_name": "otra"}, ["La API indicada no existe"]),
        ({"domain": "otra"}, ["El token no es de este dominio"]),
        ({"domain_password": "equivocada-2"}, ["Usuario o contraseña incorrectos", "HTTP 401"]),
    ],
)
def test_wrong_credentials_end_at_once(
    sandbox: RunningSandbox, wrong: dict[str, Any], words: list[str]
) -> None:
    run = read(sandbox, "stocks", "tarifas", **wrong)
    run.failed(2, *words)
    assert run.output.records() == []
    assert len(sandbox.winfra.petitions) == 0
    assert "equivocada" not in run.stderr
    assert sandbox.winfra.count("token.post") <= 2


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"WINFRA-API-TOKEN":null}', b'{"WINFRA-API-TOKEN":7}', b"<p>"]
)
def test_a_token_answer_without_a_token(sandbox: RunningSandbox, body: bytes) -> None:
    sandbox.winfra.faults.add(
        Fault("status", status=200, body=body, path="/api_token/", times=None)
    )
    read(sandbox, "stocks").failed(3, "token")


def test_an_auth_server_that_is_busy_is_waited_for(sandbox: RunningSandbox) -> None:
    sandbox.winfra.faults.add(Fault("status", status=503, path="/api_token/", times=2))
    assert read(sandbox, "stocks").exit_code == 0
    assert sandbox.winfra.count("token.post") == 3


# --test


def connection_test(sandbox: RunningSandbox, **further: Any) -> Run:
    return run_tap(TapWinfraXxl, settings(sandbox, **further), args=["--test"])


def test_the_connection_test_makes_no_petition(sandbox: RunningSandbox) -> None:
    run = connection_test(sandbox)
    assert run.exit_code == 0
    assert run.stdout == b""
    assert [r.kind for r in sandbox.winfra.requests] == ["token.post", "estado.list"]


def test_the_connection_test_says_what_is_wrong(sandbox: RunningSandbox) -> None:
    run = connection_test(sandbox, domain_password="mala-clave")
    run.failed(2, "Usuario o contraseña incorrectos")
    connection_test(sandbox, domain_url="http://127.0.0.1:1", retry_time=0).failed(3, "WINFRA")


# TLS


class TwoServers:
    """The auth and the domain server, each with a certificate of its own."""

    def __init__(self, sandbox: Sandbox, auth: Listener, domain: Listener) -> None:
        self.winfra = sandbox.winfra
        self.addresses = {
            "auth_url": f"{auth.url}/winfra",
            "domain_url": f"{domain.url}/winfra",
        }

    def read(self, **further: Any) -> Run:
        config = settings("", **{**self.addresses, **further})
        return run_tap(TapWinfraXxl, config, catalog=selecting("stocks"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[SelfSigned, SelfSigned]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return self_signed(folder, "auth"), self_signed(folder, "domain")


@pytest.fixture
def two_servers(certificates: tuple[SelfSigned, SelfSigned]) -> Iterator[TwoServers]:
    sandbox = Sandbox()
    auth_files, domain_files = certificates
    with (
        Listener(sandbox, tls=auth_files.files) as auth,
        Listener(sandbox, tls=domain_files.files) as domain,
    ):
        sandbox.winfra.switches.auth_port = auth.port
        sandbox.winfra.switches.domain_port = domain.port
        yield TwoServers(sandbox, auth, domain)


def colons(fingerprint: str) -> str:
    return ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()


def test_fingerprints_one_per_server_found_by_their_errors(
    two_servers: TwoServers, certificates: tuple[SelfSigned, SelfSigned]
) -> None:
    auth, domain = (colons(certificate.sha256) for certificate in certificates)
    two_servers.read().failed(2, auth, "tls_fingerprint_sha256", "ca_bundle")
    two_servers.read(tls_fingerprint_sha256=[auth]).failed(2, domain)
    assert two_servers.winfra.count("generar.post") == 0
    run = two_servers.read(tls_fingerprint_sha256=[auth, domain])
    assert texts(run.ok(), "stocks") == two_servers.winfra.rows("stocks")
    assert "verify_tls" not in run.stderr


def test_a_file_with_both_certificates(
    two_servers: TwoServers, certificates: tuple[SelfSigned, SelfSigned], tmp_path: Path
) -> None:
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(b"".join(each.certificate.read_bytes() for each in certificates))
    run = two_servers.read(ca_bundle=str(bundle))
    assert texts(run.ok(), "stocks") == two_servers.winfra.rows("stocks")
    two_servers.read(ca_bundle=str(certificates[0].certificate)).failed(2, "not trusted")


def test_unverified_only_when_asked_for(two_servers: TwoServers) -> None:
    assert two_servers.read(verify_tls=False).exit_code == 0
