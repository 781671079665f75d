"""HTTP Basic with the account's token as user name and any password.

The API takes the token as `api_token=` in the query too; that way is not used, because addresses end
up in the logs of servers and proxies.
"""

from __future__ import annotations

from requests.auth import HTTPBasicAuth

from connector_kit.redaction import REDACTOR

ANY_PASSWORD = "x"  # noqa: S105 - the vendor's examples write it: the password has no meaning


class TokenAuth(HTTPBasicAuth):
    """Puts the token into the Authorization header."""

    def __init__(self, token: str) -> None:
        """Keep the token; from now on no log line shows it, nor the header's form of it.

        Args:
            token: of the account's API.
        """
        REDACTOR.add(token)
        REDACTOR.add_basic(token, ANY_PASSWORD)
        super().__init__(token, ANY_PASSWORD)
