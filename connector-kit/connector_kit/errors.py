"""The errors a user can meet, each with the exit code it ends in.

Every message says what happened, where (stream, dataset, setting) and what to do next. None holds a
secret's value, a query string or a whole body.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process ends with; a scheduler may act on it. A signal n ends in 128 + n."""

    DONE = 0
    UNEXPECTED = 1
    SETTINGS = 2
    """Settings, credentials, or a refusal for good: running again changes nothing."""
    UPSTREAM = 3
    """The other side failed after all retries or gave less than it promised: worth running again."""
    RECORDS = 4
    """Records were rejected, are in conflict, break `freeze` or lack their key."""


class ConnectorError(Exception):
    """An error whose message is meant for the user."""

    exit_code = ExitCode.UNEXPECTED


class SettingsError(ConnectorError):
    """One or more settings are wrong; all faults are in one message."""

    exit_code = ExitCode.SETTINGS

    def __init__(self, faults: list[str]) -> None:
        """Keep the faults.

        Args:
            faults: one sentence for each fault, with the setting's name and never its value.
        """
        super().__init__("\n".join(faults))
        self.faults = faults


class RefusedError(ConnectorError):
    """The other side refuses for good (a redirect, a request it will never take)."""

    exit_code = ExitCode.SETTINGS


class CredentialsError(RefusedError):
    """The credentials are refused (401, 403 or the vendor's own word for it)."""


class UpstreamError(ConnectorError):
    """The other side failed after all retries, or gave less than it promised."""

    exit_code = ExitCode.UPSTREAM


class RecordError(ConnectorError):
    """A record cannot be passed on: it lacks its key or breaks a frozen schema."""

    exit_code = ExitCode.RECORDS


SEVERITY = (
    ExitCode.DONE,
    ExitCode.RECORDS,
    ExitCode.UPSTREAM,
    ExitCode.SETTINGS,
    ExitCode.UNEXPECTED,
)
"""From mild to grave: 3 beats 4, and what running again cannot mend beats both."""


def worst(codes: list[ExitCode]) -> ExitCode:
    """Return the gravest of several exit codes, 0 for none."""
    return max(codes, key=SEVERITY.index, default=ExitCode.DONE)
