"""Judging SERPI's envelope: HTTP status and body code go through one table, the graver one counts.

Success is HTTP 2xx, `success` true, a body code below 400 and no `errors`. SERPI's pages are in
`seeds/serpi-*.txt`; that a failure may come beside HTTP 200, and in which shapes `errors` comes, was
seen in public code only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from connector_kit.errors import CredentialsError, RefusedError, UpstreamError
from connector_kit.http import Action, Answer, RetryLater, UnreadableAnswer
from connector_kit.pages import NotJsonError, Page, exact_value, joined_page, page_of_value
from connector_kit.redaction import preview
from connector_kit.statuses import action_for
from serpi_client.results import ReadPage, Verdict, WriteResult

NOTHING_FOUND = frozenset({201, 204})
NUMBER = r"(?<![\w.,])(\d[\d.,]{0,15})(?!\w)"
OF = r"\s*(?:/|\b(?:de un total de|out of|de|of|di|von|sur)\b)\s*"
X_OF_Y = re.compile(NUMBER + OF + NUMBER, re.IGNORECASE)
COUNT = re.compile(NUMBER + r"\s+(?:registro|record)", re.IGNORECASE)
CODE = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
FOR_GOOD = frozenset({422, 555})
NO_ROWS = Page(b"[]", [])
MOST_WORDS = 300

_GRAVITY = (Action.OK, Action.RETRY, Action.NOT_FOUND, Action.REFUSED, Action.CREDENTIALS)


class _Members(msgspec.Struct, gc=False):
    success: Any = None
    code: Any = None
    errors: Any = None
    message: Any = None
    result: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


_decode = msgspec.json.Decoder(_Members).decode


class CallRefusedError(UpstreamError):
    """SERPI refuses this call; not for its credentials, and perhaps not for good."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A readable answer.

    Attributes:
        action: what the graver of HTTP status and body code means.
        code: the graver one; the body's where both mean the same.
        body_code: the body's own, None where it has none.
        success: whether `success` is true.
        has_errors: whether `errors` holds anything.
        words: message and errors, short and without secrets.
        message: as it came.
        has_result: whether there is a `result`, be it null.
        page: the rows of `result`; none where it is absent or null.
    """

    action: Action
    code: int
    body_code: int | None
    success: bool
    has_errors: bool
    words: str
    message: str
    has_result: bool
    page: Page

    @property
    def says_done(self) -> bool:
        """Whether nothing in the answer speaks against success."""
        return self.action is Action.OK and self.success and not self.has_errors


def read_envelope(answer: Answer) -> Envelope:
    """Read an answer's envelope.

    Args:
        answer: any but a redirect.

    Returns:
        the envelope. A failure whose body is no envelope has one without body code.

    Raises:
        UnreadableAnswer: a 2xx whose body is no envelope.
    """
    action = action_for(answer.status)
    try:
        members, page = _read(answer.json_bytes())
    except UnreadableAnswer:
        if action is Action.OK:
            raise
        words = preview(answer.body)
        return Envelope(action, answer.status, None, False, False, words, "", False, NO_ROWS)
    code = _code(members.code)
    graver = answer.status
    if code is not None and _gravity(inner := _action_of(code)) >= _gravity(action):
        action, graver = inner, code
    return Envelope(
        action=action,
        code=graver,
        body_code=code,
        success=members.success is True,
        has_errors=bool(members.errors),
        words=_words(members),
        message=members.message if isinstance(members.message, str) else "",
        has_result=members.result is not msgspec.UNSET,
        page=page,
    )


def _action_of(code: int) -> Action:
    """Tell what a body's code means: below 400 nothing speaks of a failure."""
    return Action.OK if code < 400 else action_for(code)


def _gravity(action: Action) -> int:
    return _GRAVITY.index(action)


def _read(body: bytes) -> tuple[_Members, Page]:
    try:
        members = _decode(body)
        return members, joined_page(members.result) if members.result else NO_ROWS
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # What msgspec cannot read (lone surrogates) the standard library may.
        return _read_exactly(body)
    except NotJsonError as error:
        raise UnreadableAnswer("the answer's `result` is no list of records") from error


def _read_exactly(body: bytes) -> tuple[_Members, Page]:
    try:
        value = exact_value(body)
        if not isinstance(value, dict):
            raise UnreadableAnswer("the answer is no envelope (`success`, `code`, `result`)")
        names = ("success", "code", "errors", "message")
        members = _Members(**{name: value.get(name) for name in names})
        if "result" in value:
            members.result = None
        result = value.get("result")
        return members, NO_ROWS if result is None else page_of_value(result)
    except NotJsonError as error:
        raise UnreadableAnswer("the answer is no whole JSON with a list of records") from error


def _code(value: Any) -> int | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and CODE.fullmatch(value) is not None else None


def _words(members: _Members) -> str:
    parts = [members.message] if isinstance(members.message, str) else []
    parts += _texts(members.errors)
    return preview("; ".join(parts).encode("utf-8", "replace"), MOST_WORDS)


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Flatten `errors`: a list of texts, a list of objects, or an object of lists."""
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _texts(item)]
        case dict():
            return [f"{name}: {text}" for name, child in value.items() for text in _texts(child)]
        case None:
            return []
        case _:
            return [str(value)]


def read_page(answer: Answer, *, nothing_if_404: bool, place: str) -> ReadPage:
    """Judge the answer to a read and cut its rows.

    Args:
        answer: any but a redirect.
        nothing_if_404: whether a 404 means no rows (a page above 1, or a `codigo`).
        place: who was asked for what, for messages.

    Returns:
        the rows; none for every form of the empty answer.

    Raises:
        RetryLater: a failure that may pass.
        UnreadableAnswer: a 2xx that is no envelope, or whose result is no list.
        CredentialsError: 401 or 403, in either place.
        RefusedError: 422 or 555, in either place.
        CallRefusedError: any other refusal.
    """
    date = answer.headers.get("date")
    nothing = ReadPage(NO_ROWS, None, date)
    if answer.status == 204:
        return nothing
    envelope = read_envelope(answer)
    if nothing_if_404 and envelope.code == 404 and answer.status < 500:
        return nothing
    _require_success(answer, envelope, place)
    if not envelope.has_result and envelope.body_code not in NOTHING_FOUND:
        raise UnreadableAnswer("the answer has no `result`")
    return ReadPage(envelope.page, _first_number(COUNT, envelope.message), date)


def _require_success(answer: Answer, envelope: Envelope, place: str) -> None:
    raise_if_refused(envelope, place)
    if envelope.action is Action.RETRY:
        reason = f"code {envelope.code} ({envelope.words})"
    elif not envelope.success:
        reason = f"`success` is not true ({envelope.words})"
    elif envelope.has_errors:
        reason = f"`errors` beside success ({envelope.words})"
    elif envelope.body_code is None:
        reason = "the answer has no `code`"
    else:
        return
    raise RetryLater(reason, answer.retry_after(), status=envelope.code)


def raise_if_refused(envelope: Envelope, place: str) -> None:
    """Raise what trying again would not mend.

    Args:
        envelope: of any answer.
        place: who was asked for what, for messages.

    Raises:
        CredentialsError: 401 or 403.
        RefusedError: 422 or 555.
        CallRefusedError: any other 4xx.
    """
    said = f"{place}: code {envelope.code} ({envelope.words})"
    match envelope.action:
        case Action.CREDENTIALS:
            raise CredentialsError(
                f"{said}: SERPI does not accept the credentials. Check the settings `token` (401:"
                " make a new one in SERPI ERP) and `secret_key` (403: it must be that of the token's"
                " company)."
            )
        case Action.NOT_FOUND | Action.REFUSED if envelope.code in FOR_GOOD:
            raise RefusedError(f"{said}: SERPI refuses the parameters. Check the settings.")
        case Action.NOT_FOUND | Action.REFUSED:
            raise CallRefusedError(
                f"{said}: SERPI refuses the call. Check `api_url`, and ask SERPI if it stays."
            )
        case _:
            return


def write_result(
    answer: Answer, place: str, sent: int, *, counts_needed: bool = False
) -> WriteResult:
    """Judge the answer to a write.

    Args:
        answer: any but a redirect.
        place: who was asked for what, for messages.
        sent: how many records the call was for.
        counts_needed: whether a success that does not say "X de Y" is unclear.

    Returns:
        what the answer says.

    Raises:
        RetryLater: 429, 5xx or no code at all, in either place: the outcome is not known.
        UnreadableAnswer: a 2xx that is no envelope: the outcome is not known.
        CredentialsError: 401 or 403, in either place.
    """
    envelope = read_envelope(answer)
    if envelope.action is Action.CREDENTIALS:
        raise_if_refused(envelope, place)
    if envelope.action is Action.RETRY or (envelope.body_code is None and answer.status < 400):
        reason = f"code {envelope.code} ({envelope.words})"
        raise RetryLater(reason, answer.retry_after(), status=envelope.code)
    done, asked = counts_of(envelope.message)
    if envelope.action is not Action.OK:
        verdict = Verdict.REFUSED
    elif not envelope.says_done or _contradicts(done, asked, sent, needed=counts_needed):
        verdict = Verdict.UNCLEAR
    else:
        verdict = Verdict.ACCEPTED
    return WriteResult(verdict, done, asked, envelope.words, envelope.code)


def _contradicts(done: int | None, asked: int | None, sent: int, *, needed: bool) -> bool:
    return needed if done is None else not done == asked == sent


def counts_of(message: str) -> tuple[int | None, int | None]:
    """Read X and Y of "Se crearon X de Y articulos", tolerantly.

    Args:
        message: of a write's answer.

    Returns:
        the two numbers, None for both where the message has none.
    """
    match = X_OF_Y.search(message)
    return (None, None) if match is None else (_number(match[1]), _number(match[2]))


def _first_number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return None if match is None else _number(match[1])


def _number(text: str) -> int:
    # A count may carry separators of thousands.
    return int(re.sub(r"\D", "", text))
