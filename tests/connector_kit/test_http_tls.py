"""Trust: authorities, a user's own file, fingerprints, and what a user is told."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_kit import tls
from connector_kit.errors import RefusedError, SettingsError, UpstreamError
from support.certificates import SelfSigned, self_signed
from support.http_clients import get, impatient, quick_client, untrusting
from support.raw_server import RawServer


@pytest.fixture
def certificate(tmp_path: Path) -> SelfSigned:
    return self_signed(tmp_path)


@pytest.fixture
def server(certificate: SelfSigned) -> Iterator[RawServer]:
    with RawServer(tls=certificate) as running:
        yield running


def with_colons(fingerprint: str) -> str:
    return ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()


def test_an_untrusted_certificate_is_refused_at_once_with_its_fingerprint(
    server: RawServer, certificate: SelfSigned
) -> None:
    with pytest.raises(RefusedError) as raised:
        get(quick_client(server.url))
    message = str(raised.value)
    assert "stream things" in message
    assert with_colons(certificate.sha256) in message
    assert "tls_fingerprint_sha256" in message
    assert "ca_bundle" in message
    assert raised.value.exit_code == 2
    assert server.received == []
    assert server.connections == 2  # one more only to see the certificate


@pytest.mark.parametrize("authority", [True, False])
def test_the_file_of_a_self_signed_certificate(
    tmp_path: Path,
    authority: bool,
) -> None:
    own = self_signed(tmp_path, authority=authority)
    with RawServer(tls=own) as server:
        client = quick_client(server.url, untrusting(ca_bundle=str(own.certificate)))
        assert get(client) == b"[]"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_bundle(
    server: RawServer, certificate: SelfSigned, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(certificate.certificate))
    assert get(quick_client(server.url)) == b"[]"


def test_the_setting_wins_over_the_environment(
    server: RawServer, certificate: SelfSigned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = self_signed(tmp_path, "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    with pytest.raises(RefusedError):
        get(quick_client(server.url, untrusting(ca_bundle=str(other.certificate))))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert get(quick_client(server.url, untrusting(ca_bundle=str(certificate.certificate))))


@pytest.mark.parametrize("shape", [str, str.upper, with_colons])
@pytest.mark.parametrize("verify", [True, False])
def test_any_of_several_fingerprints(
    server: RawServer,
    certificate: SelfSigned,
    shape: object,
    verify: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pins = ("00" * 32, shape(certificate.sha256))  # type: ignore[operator]  # a function
    assert get(quick_client(server.url, untrusting(verify_tls=verify, fingerprints=pins)))
    assert caplog.text == ""


@pytest.mark.parametrize("verify", [True, False])
def test_a_wrong_fingerprint_is_refused(
    server: RawServer,
    certificate: SelfSigned,
    verify: bool,
) -> None:
    client = quick_client(
        server.url,
        untrusting(
            verify_tls=verify,
            ca_bundle=str(certificate.certificate),
            fingerprints=("ab" * 32,),
        ),
    )
    with pytest.raises(RefusedError, match=with_colons(certificate.sha256)):
        get(client)
    assert server.received == []


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 20, "ab" * 33])
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(SettingsError, match="tls_fingerprint_sha256"):
        quick_client("https://127.0.0.1", untrusting(fingerprints=(text,)))


def test_unverified_is_warned_about_once(
    server: RawServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_warned", [])
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert get(quick_client(server.url, untrusting(verify_tls=False))) == b"[]"
    assert caplog.text.count("verify_tls is false") == 1


def test_another_hosts_certificate(tmp_path: Path) -> None:
    other = self_signed(tmp_path, hosts=("other.example",))
    with (
        RawServer(tls=other) as server,
        pytest.raises(RefusedError, match=r"(?i)mismatch|doesn't match"),
    ):
        get(quick_client(server.url, untrusting(ca_bundle=str(other.certificate))))
    assert server.received == []


def test_an_expired_certificate(tmp_path: Path) -> None:
    old = self_signed(tmp_path, expired=True)
    with RawServer(tls=old) as server, pytest.raises(RefusedError, match="expired"):
        get(quick_client(server.url, untrusting(ca_bundle=str(old.certificate))))


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_bundle_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="ca_bundle"):
        quick_client("https://127.0.0.1", untrusting(ca_bundle=str(path)))


def test_a_server_that_does_not_shake_hands() -> None:
    with RawServer(deaf=True) as server:
        started = time.monotonic()
        with pytest.raises(UpstreamError, match="nothing came"):
            get(quick_client(server.url.replace("http:", "https:"), impatient()))
        # Bounded at all is what counts; a busy machine is slow.
        assert time.monotonic() - started < 8


def test_plain_http_ignores_tls_settings() -> None:
    with RawServer() as server:
        assert get(quick_client(server.url, untrusting(ca_bundle="/nowhere"))) == b"[]"


def test_old_protocols_are_not_spoken() -> None:
    context = tls.trust_context(tls.TlsSettings())
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
