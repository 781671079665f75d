"""Who may ask: token and secret key, simultaneous use of a token, and an address that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from erp_sandbox.serpi import envelope

if TYPE_CHECKING:
    from starlette.requests import Request

    from erp_sandbox.serpi.app import Serpi
    from erp_sandbox.vendor import Received


def refusal(serpi: Serpi, request: Request, received: Received) -> Response | None:
    """Return the answer for a request that is not let in, or None."""
    switches = serpi.switches
    if switches.redirect_to:
        path = f"{request.scope['root_path']}{received.target}"
        return RedirectResponse(switches.redirect_to.rstrip("/") + path, 301)
    if received.overlapping and switches.simultaneous_use != "allowed":
        return _refused(int(switches.simultaneous_use), "El token esta en uso", serpi)
    if not _is_current(serpi, received):
        return _refused(401, "Token invalido o vencido", serpi)
    if received.headers.get("secretkey") != serpi.secret_key:
        return _refused(403, "La secretkey no corresponde a la empresa del token", serpi)
    return None


def _is_current(serpi: Serpi, received: Received) -> bool:
    scheme, _, token = received.headers.get("authorization", "").partition(" ")
    limit = serpi.switches.token_expires_after
    expired = bool(limit) and len(serpi.requests) > limit
    return scheme.lower() == "bearer" and token == serpi.token and not expired


def _refused(code: int, reason: str, serpi: Serpi) -> Response:
    switches = serpi.switches
    in_body = switches.credential_refusal == "body" and code in (401, 403)
    answer = envelope.refused(code, [reason], beside=200 if in_body else code)
    headers = {"retry-after": switches.retry_after} if switches.retry_after else None
    return Response(answer.body, answer.status, headers, answer.media_type)
