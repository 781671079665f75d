"""TLS: verified, unless the user says otherwise, and a certificate of one's own in two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.certificates import self_signed
from support.serpi_tap import TYPES, held, run, texts
from support.servers import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.certificates import SelfSigned


class Secured(NamedTuple):
    sandbox: RunningSandbox
    certificate: SelfSigned


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    certificate = self_signed(tmp_path_factory.mktemp("certificates"))
    with running_sandbox(tls=certificate.files) as sandbox:
        yield Secured(sandbox, certificate)


def with_colons(fingerprint: str) -> str:
    pairs = [fingerprint[place : place + 2] for place in range(0, 64, 2)]
    return ":".join(pairs).upper()


def test_a_certificate_that_nobody_signed(secured: Secured) -> None:
    run_ = run(secured.sandbox, TYPES)
    seen = with_colons(secured.certificate.sha256)
    run_.failed(2, seen, "tls_fingerprint_sha256", "ca_bundle")
    assert secured.sandbox.serpi.requests == []


@pytest.mark.parametrize("trust", ["ca_bundle", "fingerprint", "fingerprint with colons", "none"])
def test_ways_to_trust_it(secured: Secured, trust: str) -> None:
    print_ = secured.certificate.sha256
    settings: dict[str, dict[str, Any]] = {
        "ca_bundle": {"ca_bundle": str(secured.certificate.certificate)},
        "fingerprint": {"tls_fingerprint_sha256": ["0" * 64, print_]},
        "fingerprint with colons": {"tls_fingerprint_sha256": with_colons(print_)},
        "none": {"verify_tls": "false"},
    }
    run_ = run(secured.sandbox, TYPES, **settings[trust])
    assert texts(run_.ok(), TYPES) == held(secured.sandbox.serpi, TYPES)
    assert run_.stderr.count("WARNING") == (1 if trust == "none" else 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls_fingerprint_sha256": ["ab" * 32]},
        {"tls_fingerprint_sha256": ["ab"]},
        {"ca_bundle": "/nowhere/ca.pem"},
    ],
)
def test_what_cannot_be_trusted(secured: Secured, wrong: dict[str, Any]) -> None:
    secured.sandbox.serpi.requests.clear()
    run(secured.sandbox, TYPES, **wrong).failed(2, next(iter(wrong)))
    assert secured.sandbox.serpi.requests == []
