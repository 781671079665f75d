"""The token, and the credentials of a data call.

Source: the vendor's page `xxldefinition`: POST `api_token/` with the third party's Basic pair; data
calls carry the domain's Basic pair and the header `WINFRA-API-TOKEN`. A token's lifetime is not
documented: a new one is taken when the old one is refused.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from requests.auth import AuthBase, HTTPBasicAuth

from connector_kit.http import Answer, HttpClient, HttpSettings, UnreadableAnswer
from connector_kit.pages import NotJsonError, exact_value
from connector_kit.redaction import REDACTOR
from tap_winfra_xxl.refusals import error_words

if TYPE_CHECKING:
    from requests import PreparedRequest

TOKEN_HEADER = "WINFRA-API-TOKEN"  # noqa: S105 - a header's name

APPLICATION_REFUSES = 555
"""The status with which the application refuses; it may stand for an old token too."""

logger = logging.getLogger(__name__)


def basic(user: str, password: str) -> HTTPBasicAuth:
    """Return a Basic pair, which no message will show.

    As bytes, so that letters beyond ASCII go out as UTF-8 (RFC 7617), which servers in Python read.
    """
    REDACTOR.add_basic(user, password)
    return HTTPBasicAuth(user.encode(), password.encode())


class DomainAuth(AuthBase):
    """Puts the domain's pair and a token that works into each data call, of any thread."""

    def __init__(self, values: Mapping[str, Any], settings: HttpSettings, user_agent: str) -> None:
        """Prepare; nothing is asked.

        Args:
            values: the tap's settings.
            settings: of HTTP.
            user_agent: who asks.
        """
        self._http = HttpClient(
            values["auth_url"],
            settings,
            auth=basic(values["auth_user"], values["auth_password"]),
            user_agent=user_agent,
            what="WINFRA's auth server",
            words=error_words,
        )
        self._asked = json.dumps({"domain": values["domain"], "api": values["api_name"]}).encode()
        self._basic = basic(values["domain_user"], values["domain_password"])
        self._lock = threading.Lock()
        self._token = ""
        self._number = 0
        self._works = False
        self._last = threading.local()

    def start(self) -> str | None:
        """Take the first token.

        Returns:
            the answer's `Date`: the server's clock.

        Raises:
            RefusedError: the credentials, the domain or the API's name are refused.
            UpstreamError: no token comes.
        """
        with self._lock:
            return self._take()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put the credentials into a request."""
        with self._lock:
            if not self._token:
                self._take()
            self._last.number = self._number
            request.headers[TOKEN_HEADER] = self._token
        self._basic(request)
        return request

    @property
    def used(self) -> int:
        """The number of the token that this thread's last call was sent with.

        Set it to judge the answer to an earlier call of the thread.
        """
        number: int = self._last.number
        return number

    @used.setter
    def used(self, number: int) -> None:
        self._last.number = number

    def worked(self) -> None:
        """Note that this thread's last call was let in."""
        if self._last.number == self._number:
            self._works = True

    def renewed(self, status: int) -> bool:
        """Take a new token if that may help against the refusal of this thread's last call.

        Args:
            status: 401, or 555, which means an old token only where that token has worked before.

        Returns:
            whether the call is to be made again: never for two refusals in a row.
        """
        if status not in {401, APPLICATION_REFUSES}:
            return False
        with self._lock:
            if self._last.number != self._number:
                return True
            is_first_refusal = self._number == 1 and status != APPLICATION_REFUSES
            if not self._works and not is_first_refusal:
                return False
            logger.info("The token is refused (HTTP %d), so a new one is taken.", status)
            self._take()
            return True

    def close(self) -> None:
        """End what other threads wait for."""
        self._http.close()

    def _take(self) -> str | None:
        date: str | None = None

        def read(answer: Answer) -> str:
            nonlocal date
            date = answer.headers.get("date")
            return _token_of(answer)

        self._token = self._http.call(
            "POST", "api_token/", json=self._asked, read=read, where="token"
        )
        REDACTOR.add(self._token)
        self._number += 1
        self._works = False
        return date


def _token_of(answer: Answer) -> str:
    try:
        value = exact_value(answer.json_bytes())
    except NotJsonError as error:
        raise UnreadableAnswer("the answer is no valid JSON") from error
    token = value.get(TOKEN_HEADER) if isinstance(value, dict) else None
    if not isinstance(token, str) or not token:
        raise UnreadableAnswer(f"the answer holds no {TOKEN_HEADER}")
    return token
