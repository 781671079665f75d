"""Tokens of the auth server: for one domain and one API name each."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from erp_sandbox import exact, winfra
from erp_sandbox.winfra.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from erp_sandbox.winfra.clock import Clock
    from erp_sandbox.winfra.switches import WinfraSwitches

API_NAMES: Final = (winfra.API_NAME, "maestros", "contabilidad")
OTHER_DOMAIN: Final = "otra"
"""A domain that the auth server knows and this domain server does not hold."""


@dataclasses.dataclass
class Token:
    """One token.

    Attributes:
        text: What goes into the header ``WINFRA-API-TOKEN``.
        domain, api: What it is for.
        issued: When.
        calls: Data calls made with it and let in.
        expired: Whether it was ended by command.
    """

    text: str
    domain: str
    api: str
    issued: datetime
    calls: int = 0
    expired: bool = False


class Tokens:
    """All tokens that were issued, in order."""

    def __init__(self, switches: WinfraSwitches, clock: Clock) -> None:
        self._switches = switches
        self._clock = clock
        self._by_text: dict[str, Token] = {}

    def __iter__(self) -> Iterator[Token]:
        return iter(self._by_text.values())

    def __len__(self) -> int:
        return len(self._by_text)

    @property
    def domains(self) -> set[str]:
        """The domains that this domain server holds."""
        sample = {winfra.SAMPLE_DOMAIN} if self._switches.sample_users else set()
        return {self._switches.domain} | sample

    def issue(self, domain: object, api: object) -> Token:
        """Issue a token; `Refusal` 555 for a domain or an API that is not known."""
        if domain not in self.domains | {OTHER_DOMAIN}:
            raise Refusal(555, "El dominio indicado no existe.")
        if api not in API_NAMES:
            raise Refusal(555, "La API indicada no existe o no tiene permiso para usarla.")
        issued = self._clock.now()
        claims = {"dom": domain, "api": api, "iat": int(issued.timestamp())}
        token = Token(_jwt(claims), str(domain), str(api), issued)
        self._by_text[token.text] = token
        return token

    def use(self, text: str | None) -> Token:
        """Count a data call with a token; `Refusal` if it is no good (any more)."""
        token = self._by_text.get(text or "")
        if token is None:
            raise Refusal(401, "El token no es válido.")
        if token.domain not in self.domains or token.api != winfra.API_NAME:
            raise Refusal(401, "El token no es de este dominio y esta API.")
        if self._is_over(token):
            raise Refusal(self._switches.expired_token_status, "El token ha caducado.")
        token.calls += 1
        return token

    def expire(self) -> None:
        """End every token that was issued so far."""
        for token in self:
            token.expired = True

    def _is_over(self, token: Token) -> bool:
        limits = self._switches
        if token.expired or 0 < limits.token_calls <= token.calls:
            return True
        age = self._clock.now() - token.issued
        return 0 < limits.token_seconds <= age.total_seconds()


def _jwt(claims: Mapping[str, object]) -> str:
    """Return something that looks like a signed JWT, different each time."""
    parts = [_segment(exact.dumps(part).encode()) for part in ({"alg": "HS256"}, claims)]
    signature = hashlib.sha256(secrets.token_bytes(32)).digest()
    return ".".join([*parts, _segment(signature)])


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
