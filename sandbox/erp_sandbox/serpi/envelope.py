"""SERPI's answers: the envelope round every result, and what a fault's body may hold."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Literal

from erp_sandbox import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HTML_PAGE = "<!DOCTYPE html><html><head><title>Error</title></head><body>Un momento</body></html>"
NOTHING_FOUND = "No se encontraron registros"

ErrorShape = Literal["strings", "objects", "object_of_lists"]
EmptyForm = Literal["code204", "code201", "http204", "null_result", "empty_list", "http404"]

_CODE = re.compile(rb'"code":\d+,')
_ERRORS = re.compile(rb'"errors":(null|\[\])')


@dataclasses.dataclass(frozen=True)
class Answer:
    """Status and body of an answer, before its charset and the like."""

    status: int
    body: bytes
    media_type: str = "application/json"


@dataclasses.dataclass(frozen=True)
class Complaint:
    """What is wrong with one record of a write: its place in the batch, field and reason."""

    position: int
    field: str
    reason: str


def envelope(
    *,
    success: bool = True,
    code: int | None = 200,
    errors: object = None,
    message: str = "",
    result: object = ...,
) -> bytes:
    """Return the body of an answer; ``code=None`` and ``result=...`` leave the key out."""
    members: dict[str, object] = {"success": success}
    if code is not None:
        members["code"] = code
    members |= {"errors": errors, "message": message}
    if result is not ...:
        members["result"] = result
    return exact.dumps(members).encode()


def found(rows: Sequence[bytes], count: int) -> Answer:
    """Return the answer of a read that found something, around the rows' own bytes."""
    head = (
        b'{"success":true,"code":200,"errors":null,'
        b'"message":"%d registro(s) encontrados","result":[' % count
    )
    return Answer(200, b"%b%b]}" % (head, b",".join(rows)))


def nothing(form: EmptyForm) -> Answer:
    """Return the answer of a read that found nothing, in one of SERPI's forms."""
    if form == "http204":
        return Answer(204, b"")
    if form == "http404":
        return refused(404, [NOTHING_FOUND], beside=404)
    if form == "code204":
        body = exact.dumps({"success": True, "code": 204, "message": NOTHING_FOUND}).encode()
        return Answer(200, body)
    result: list[object] | None = None if form == "null_result" else []
    code = 201 if form == "code201" else 200
    return Answer(200, envelope(code=code, message=NOTHING_FOUND, result=result))


def refused(code: int, errors: object, *, beside: int) -> Answer:
    """Return a refusal with its code in the body, beside an HTTP status."""
    message = "La solicitud no pudo ser procesada"
    return Answer(beside, envelope(success=False, code=code, errors=errors, message=message))


def complaints_as(shape: ErrorShape, complaints: Sequence[Complaint]) -> object:
    """Return the member `errors` for what is wrong with a batch.

    Which shape SERPI uses for a validation failure is not documented: strings were seen in public
    code, the two others are what its web framework makes by itself.
    """
    if shape == "strings":
        return [f"Registro {c.position + 1}: {c.field} {c.reason}" for c in complaints]
    if shape == "objects":
        return [
            {"registro": c.position + 1, "campo": c.field, "mensaje": c.reason} for c in complaints
        ]
    lists: dict[str, list[str]] = {}
    for complaint in complaints:
        lists.setdefault(f"[{complaint.position}].{complaint.field}", []).append(complaint.reason)
    return lists


def troubled(answer: Answer, trouble: str) -> Answer:
    """Return an answer as the switches `read_trouble` and `write_trouble` spoil it."""
    if trouble.startswith("body_"):
        return refused(int(trouble.removeprefix("body_")), ["Error interno"], beside=200)
    spoil = _SPOILS.get(trouble)
    return spoil(answer) if spoil else answer


def _with_errors(answer: Answer) -> Answer:
    return Answer(answer.status, _ERRORS.sub(b'"errors":["Error interno"]', answer.body, count=1))


_SPOILS: dict[str, Callable[[Answer], Answer]] = {
    "success_false": lambda _: Answer(200, envelope(success=False, message="Error interno")),
    "errors": _with_errors,
    "no_code": lambda answer: Answer(answer.status, _CODE.sub(b"", answer.body, count=1)),
    "html": lambda _: Answer(200, HTML_PAGE.encode(), "text/html"),
    "broken_json": lambda answer: Answer(200, answer.body[: len(answer.body) * 2 // 3]),
}
