"""Who is let in: Basic pairs, and so many requests a minute."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from erp_sandbox import winfra
from erp_sandbox.winfra.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.winfra.clock import Clock
    from erp_sandbox.winfra.switches import WinfraSwitches


class Access:
    """The doors of both servers."""

    def __init__(self, switches: WinfraSwitches, clock: Clock) -> None:
        self._switches = switches
        self._clock = clock
        self._times: deque[datetime] = deque()

    def check_third_party(self, headers: Mapping[str, str]) -> None:
        """Let the third party in at the auth server, or raise `Refusal`."""
        pair = (self._switches.auth_user, self._switches.auth_password)
        if not self._is_let_in(headers, pair):
            raise Refusal(self._switches.auth_refusal_status, "Usuario o contraseña incorrectos.")

    def check_domain_user(self, headers: Mapping[str, str]) -> None:
        """Let the domain's user in at the domain server, or raise `Refusal`."""
        pair = (self._switches.domain_user, self._switches.domain_password)
        if not self._is_let_in(headers, pair):
            raise Refusal(401, "Usuario o contraseña incorrectos.")

    def throttle(self) -> None:
        """Count a request; `Refusal` when there are too many in a minute."""
        allowed = self._switches.throttle_per_minute
        if not allowed:
            return
        now = self._clock.now()
        while self._times and self._times[0] <= now - timedelta(
            seconds=self._switches.throttle_seconds
        ):
            self._times.popleft()
        if len(self._times) >= allowed:
            raise Refusal(self._switches.throttle_status, "Demasiadas peticiones por minuto.")
        self._times.append(now)

    def _is_let_in(self, headers: Mapping[str, str], pair: tuple[str, str]) -> bool:
        pairs = [pair, (winfra.SAMPLE_USER, "")] if self._switches.sample_users else [pair]
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            sent = base64.b64decode(credentials, validate=True)
        except binascii.Error:
            return False
        return any(
            # Basic has no charset of its own: some clients send UTF-8, others Latin-1.
            sent in (text.encode(), text.encode("latin-1", "replace"))
            for text in map(":".join, pairs)
        )
