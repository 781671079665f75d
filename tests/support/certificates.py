"""Self-signed certificates, as WINFRA's production servers have them."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class SelfSigned:
    """A certificate for 127.0.0.1 and localhost that nobody else has signed.

    Attributes:
        certificate: File of the certificate (PEM), which is also what a client has to trust.
        key: File of its key.
        sha256: Fingerprint, lower-case hex without colons.
    """

    certificate: Path
    key: Path
    sha256: str

    @property
    def files(self) -> tuple[Path, Path]:
        """Both files, as a server takes them."""
        return self.certificate, self.key


def self_signed(
    folder: Path,
    name: str = "servidor",
    *,
    hosts: Sequence[str] = ("127.0.0.1", "localhost"),
    expired: bool = False,
    authority: bool = True,
) -> SelfSigned:
    """Make a certificate, different on each call, valid for an hour.

    Args:
        folder: Where its two files go.
        name: What the files are called.
        hosts: Names and addresses it is for.
        expired: Whether that hour is over.
        authority: Whether it says that it may sign others; an old tool's often does not.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC) - timedelta(hours=2 if expired else 0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(list(map(_named, hosts))), critical=False)
        .add_extension(
            x509.BasicConstraints(ca=authority, path_length=0 if authority else None),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    made = SelfSigned(
        folder / f"{name}.pem",
        folder / f"{name}.key",
        hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
    )
    made.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def _named(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
