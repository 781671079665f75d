"""What an HTTP status means for the call: one table, with the sentence a user reads."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Action(Enum):
    """What is done with an answer; the value is what the user may do about it."""

    OK = "nothing"
    RETRY = "run it again later; if it stays, ask those who run the server"
    CREDENTIALS = "check the credentials in the settings, and what they are allowed to do"
    REDIRECT = "put the new address into the settings"
    NOT_FOUND = "check the address in the settings"
    REFUSED = "check the settings; running it again without a change gives the same answer"


_MEANINGS: Mapping[int, tuple[Action, str]] = {
    400: (Action.REFUSED, "the request is not accepted"),
    401: (Action.CREDENTIALS, "the credentials are missing, wrong or expired"),
    403: (Action.CREDENTIALS, "the credentials do not give access to this"),
    404: (Action.NOT_FOUND, "there is nothing at this address"),
    408: (Action.RETRY, "the server waited too long for the request"),
    413: (Action.REFUSED, "the request is too large"),
    421: (Action.REFUSED, "this server does not answer for that address"),
    422: (Action.REFUSED, "the parameters are not accepted"),
    425: (Action.RETRY, "the server is not ready for the request"),
    429: (Action.RETRY, "too many requests"),
    500: (Action.RETRY, "the server failed"),
    502: (Action.RETRY, "the server behind the gateway failed"),
    503: (Action.RETRY, "the server is overloaded or in maintenance"),
    504: (Action.RETRY, "the server behind the gateway did not answer"),
    # No status of HTTP's: applications that use it refuse for good, although it is above 500.
    555: (Action.REFUSED, "the application refuses the request"),
}

_CLASSES: Mapping[int, tuple[Action, str]] = {
    2: (Action.OK, "done"),
    3: (Action.REDIRECT, "the server sends to another address"),
    4: (Action.REFUSED, "the request is refused"),
    5: (Action.RETRY, "the server failed"),
}

_STRANGE = (Action.RETRY, "the status is none of HTTP's")


def action_for(status: int, overrides: Mapping[int, Action] | None = None) -> Action:
    """Tell what to do with an answer.

    Args:
        status: the HTTP status, or a vendor's code of the same meaning.
        overrides: where one vendor differs.

    Returns:
        2xx OK, 3xx REDIRECT, 401 and 403 CREDENTIALS, 404 NOT_FOUND, 408, 425, 429 and 5xx (but for
        555) RETRY, 555 and other 4xx REFUSED.
    """
    if overrides is not None and (action := overrides.get(status)) is not None:
        return action
    return _meaning(status)[0]


def meaning_of(status: int) -> str:
    """Say in words what a status means, for an error message.

    Args:
        status: the HTTP status.

    Returns:
        half a sentence.
    """
    return _meaning(status)[1]


def _meaning(status: int) -> tuple[Action, str]:
    return _MEANINGS.get(status) or _CLASSES.get(status // 100, _STRANGE)
