"""Whom a TLS connection trusts: a list of authorities, a file of the user's, or fingerprints."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connector_kit.errors import RefusedError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class TlsSettings:
    """What the settings say about TLS.

    Attributes:
        verify_tls: False: any certificate is taken, with a warning.
        ca_bundle: path of a file or folder of certificates (PEM) to trust in place of the usual
            authorities; a self-signed server's own certificate does.
        fingerprints: SHA-256 of server certificates, hexadecimal, with or without colons. Where
            there are any, a server must show one of them, and that is all it must show.
    """

    verify_tls: bool = True
    ca_bundle: str | None = None
    fingerprints: tuple[str, ...] = ()


class TrustContext(ssl.SSLContext):
    """A TLS context that knows fingerprints and tells the user what to do about a certificate."""

    pins: frozenset[str] = frozenset()

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as the base's
        """Shake hands.

        Args:
            sock: the connected socket.
            args: as of the base.
            kwargs: as of the base.

        Returns:
            the socket to use; the server has shown a certificate that is trusted.

        Raises:
            RefusedError: it has not; the message has the fingerprint that was seen.
        """
        host = str(kwargs.get("server_hostname") or "the server")
        # A failed handshake takes the socket with it.
        address, timeout = sock.getpeername()[:2], sock.gettimeout()
        try:
            secure = super().wrap_socket(sock, *args, **kwargs)
        except ssl.SSLCertVerificationError as error:
            seen = _fingerprint_seen(address, timeout, host)
            raise RefusedError(_untrusted(host, error.verify_message, seen)) from error
        if self.pins:
            seen = _fingerprint(secure)
            if seen not in self.pins:
                secure.close()
                raise RefusedError(
                    f"{host} shows a certificate that is none of tls_fingerprint_sha256; its "
                    f"SHA-256 is {_with_colons(seen)}. If the server has a new certificate, add "
                    "this fingerprint to the setting; if you do not know why, do not"
                )
        return secure


def trust_context(settings: TlsSettings, environ: Mapping[str, str] = os.environ) -> TrustContext:
    """Make the context of all connections of a client.

    Args:
        settings: whom to trust.
        environ: REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE count where no `ca_bundle` is set.

    Returns:
        the context.

    Raises:
        SettingsError: a fingerprint is none, or a bundle cannot be read.
    """
    context = TrustContext(ssl.PROTOCOL_TLS_CLIENT)
    # Debian's own Python leaves it to OpenSSL's configuration.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.pins = frozenset(map(_normal_fingerprint, settings.fingerprints))
    if context.pins or not settings.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if not context.pins:
            _warn_once()
        return context
    if settings.ca_bundle:
        _load(context, settings.ca_bundle, "ca_bundle")
        # A self-signed certificate made with old tools is no authority in the strict sense.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context
    for variable in BUNDLE_VARIABLES:
        if bundle := environ.get(variable):
            _load(context, bundle, variable)
            return context
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _load(context: ssl.SSLContext, bundle: str, source: str) -> None:
    path = Path(bundle)
    try:
        if path.is_dir():
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    except ssl.SSLError:
        raise SettingsError([f"{source}: the file holds no certificate in PEM form"]) from None
    except OSError as error:
        raise SettingsError([f"{source}: the file cannot be read ({error.strerror})"]) from None


def _normal_fingerprint(text: str) -> str:
    digits = text.replace(":", "").replace(" ", "").lower()
    try:
        size = len(bytes.fromhex(digits))
    except ValueError:
        size = 0
    if size != hashlib.sha256().digest_size:
        raise SettingsError(
            ["tls_fingerprint_sha256: an entry is no SHA-256 fingerprint (64 hexadecimal digits)"]
        )
    return digits


def _fingerprint(secure: ssl.SSLSocket) -> str:
    return hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()


def _with_colons(fingerprint: str) -> str:
    return ":".join(fingerprint[i : i + 2] for i in range(0, len(fingerprint), 2)).upper()


def _fingerprint_seen(address: tuple[str, int], timeout: float | None, host: str) -> str | None:
    """Shake hands once more without checking, only to see the certificate."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    # Behind a proxy this finds the proxy, which does not shake hands.
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection(address, timeout) as plain,
        unchecked.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return _fingerprint(secure)
    return None


def _untrusted(host: str, reason: str, seen: str | None) -> str:
    shown = f"; its SHA-256 is {_with_colons(seen)}" if seen else ""
    fingerprint = "this fingerprint" if seen else "its SHA-256 fingerprint"
    return (
        f"the certificate of {host} is not trusted ({reason}){shown}. If it is the server's own, "
        f"put {fingerprint} into tls_fingerprint_sha256, or the certificate's file into ca_bundle"
    )


_warned: list[str] = []


def begin_run() -> None:
    """Let this run warn, whatever an earlier one in this process did."""
    _warned.clear()


def _warn_once() -> None:
    if not _warned:
        _warned.append("verify_tls")
        logger.warning(
            "verify_tls is false: whoever sits between this machine and the server can read and "
            "change everything, the credentials too; tls_fingerprint_sha256 is the safe way to "
            "trust a self-signed certificate"
        )
