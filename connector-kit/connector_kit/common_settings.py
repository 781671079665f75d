"""The settings that several connectors have, worded once."""

from __future__ import annotations

import re
from typing import Any

from connector_kit.settings import Setting, SettingFaultError, SettingKind

FINGERPRINT = re.compile(r"[0-9a-f]{64}")
LAST_OF_LATIN_1 = 0xFF


def _fingerprints(values: list[str]) -> list[str]:
    cleaned = [value.replace(":", "").replace(" ", "").lower() for value in values]
    if not all(FINGERPRINT.fullmatch(value) for value in cleaned):
        raise SettingFaultError(
            "each item must be a certificate's SHA-256 fingerprint: 64 hexadecimal digits"
        )
    return cleaned


def header_text(value: str) -> str:
    """Check a text that is sent in a header of HTTP; blanks and line breaks around it are a slip.

    Args:
        value: of a setting.

    Returns:
        the text without them.

    Raises:
        SettingFaultError: nothing is left, or it holds what no header can.
    """
    text = value.strip()
    if not text:
        raise SettingFaultError("holds nothing but blanks")
    if not text.isprintable() or any(ord(character) > LAST_OF_LATIN_1 for character in text):
        raise SettingFaultError("holds characters that cannot be sent in a header of HTTP")
    return text


def http_settings(request_timeout: float) -> tuple[Setting, ...]:
    """Return the settings of a connector's HTTP.

    Args:
        request_timeout: default of the longest silence, in seconds.
    """
    return (
        Setting(
            "verify_tls", SettingKind.BOOLEAN, "Verify TLS",
            "Whether the server's certificate is verified; `false` warns on every run.",
            default=True,
        ),
        Setting(
            "ca_bundle", SettingKind.FILE, "CA bundle",
            "File with the certificates to trust, for a self-signed server.",
        ),
        Setting(
            "tls_fingerprint_sha256", SettingKind.ARRAY, "TLS fingerprints",
            "SHA-256 fingerprints of the certificates to accept, one per server, instead of a chain.",
            refine=_fingerprints,
        ),
        Setting(
            "request_timeout", SettingKind.NUMBER, "Request timeout",
            "Longest silence of the server, in seconds; a whole answer has 20 times that.",
            default=request_timeout, above=0,
        ),
        Setting(
            "retry_wait", SettingKind.NUMBER, "First wait",
            "Seconds before the first retry; doubled each time, with jitter, at most 30.",
            default=0.5, minimum=0,
        ),
        Setting(
            "retry_time", SettingKind.NUMBER, "Retry time",
            "Seconds for which a call is retried when there is no connection, a 429 or a 5xx.",
            default=300, minimum=0,
        ),
    )  # fmt: skip


def tap_settings(streams: tuple[str, ...]) -> tuple[Setting, ...]:
    """Return the settings that every tap here has.

    Args:
        streams: the tap's stream names.
    """

    def key_properties(value: dict[str, Any]) -> dict[str, list[str]]:
        for stream, fields in value.items():
            if stream not in streams:
                raise SettingFaultError(
                    f"{stream!r} is no stream of this tap: {', '.join(streams)}"
                )
            if not isinstance(fields, list) or not all(
                isinstance(name, str) and name for name in fields
            ):
                raise SettingFaultError(f"{stream!r} must be given a list of field names")
        return value

    return (
        Setting(
            "key_properties", SettingKind.OBJECT, "Key properties",
            "Stream -> list of the fields that identify a record, where the default is not wanted.",
            refine=key_properties,
        ),
        Setting(
            "schema_contract", SettingKind.STRING, "Schema contract",
            "`evolve` takes new fields and types; `freeze` makes an error of them.",
            default="evolve", choices=("evolve", "freeze"),
        ),
        Setting(
            "emit_activate_version_messages", SettingKind.BOOLEAN, "Emit ACTIVATE_VERSION",
            "Whether a snapshot ends in ACTIVATE_VERSION, so that a loader drops what is gone.",
            default=True,
        ),
    )  # fmt: skip
