"""From a call's arguments to what goes over the wire: address, headers, credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from connector_kit.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.auth import AuthBase
    from urllib3.util import Url

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class Request:
    """What is sent.

    Attributes:
        method: the HTTP method.
        path: of the address, without the query string: what messages may show.
        target: path and query.
        headers: all of them.
        body: JSON, or None.
    """

    method: str
    path: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None


def parsed_base(base_url: str, what: str) -> Url:
    """Read a server's address from the settings.

    Args:
        base_url: scheme, host, optional port and path prefix.
        what: whose address it is, for the message.

    Returns:
        the address, its path without a slash at the end.

    Raises:
        SettingsError: it is no http or https address, or holds more than the above.
    """
    try:
        url = urllib3.util.parse_url(base_url)
    except urllib3.exceptions.LocationParseError:
        url = urllib3.util.Url()
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsError([f"{what}: the address must begin with https:// or http:// and a host"])
    if url.auth or url.query is not None or url.fragment is not None:
        raise SettingsError([f"{what}: the address must hold no user, password, ? or #"])
    return url._replace(path=(url.path or "").rstrip("/"))


class RequestBuilder:
    """Builds requests to one server."""

    def __init__(
        self, base: Url, auth: AuthBase, headers: Mapping[str, str], user_agent: str
    ) -> None:
        """Prepare what all requests share.

        Args:
            base: as `parsed_base` gives it.
            auth: puts the credentials into a request.
            headers: of all requests.
            user_agent: who asks.
        """
        self._base = base
        self._origin = urllib3.util.Url(base.scheme, None, base.host, base.port).url
        self._auth = auth
        self._paths: dict[str, str] = {}
        self._headers = CaseInsensitiveDict(
            {
                "User-Agent": user_agent,
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                **headers,
            }
        )

    def build(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        raw_query: str | None = None,
        json: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> Request:
        """Build one request.

        Args:
            method: the HTTP method.
            path: below the base address; what is no path character is quoted.
            params: of the query string, encoded here.
            raw_query: of the query string, sent as it is, after `params`.
            json: the body, exactly as it is sent.
            headers: of this request alone.
            auth: in place of the usual one.

        Returns:
            the request with its credentials.

        Raises:
            SettingsError: a header's value cannot be sent (the message does not hold it).
        """
        path = self._paths.get(path) or self._quoted(path)
        query = urlencode(params) if params else ""
        if raw_query:
            query = f"{query}&{raw_query}" if query else raw_query
        target = f"{path}?{query}" if query else path
        prepared = requests.PreparedRequest()
        prepared.method = method
        prepared.url = url = self._origin + target
        prepared.headers = self._headers.copy()
        prepared.body = json
        if json is not None:
            prepared.headers["Content-Type"] = "application/json"
        if headers:
            prepared.headers.update(headers)
        prepared = (auth or self._auth)(prepared)
        if prepared.url is not url and prepared.url is not None:
            # The credentials are part of the query string.
            target = prepared.url[len(self._origin) :]
        plain = dict(prepared.headers.items())
        for name, value in plain.items():
            _check_header(name, value)
        return Request(method, path, target, plain, json)

    def _quoted(self, path: str) -> str:
        whole = f"{self._base.path}/{quote(path.lstrip('/'), safe=_PATH_CHARACTERS)}"
        if len(self._paths) < 1000:
            self._paths[path] = whole
        return whole


def _check_header(name: str, value: str | bytes) -> None:
    # The library's own error shows the value, a secret's too.
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return
    text = value if isinstance(value, str) else value.decode("latin-1")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    else:
        if _CONTROL.search(text) is None:
            return
    raise SettingsError([f"the header {name} holds characters that cannot be sent"])
