"""What the server's refusals say, and what a refused download means.

Which statuses stand for 'not yet', 'gone' or 'past the end' is not documented, so the petition's own
state decides: it is looked up before a refusal is taken for final.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connector_kit.http import Answer, RefusedAnswer, UnreadableAnswer
from connector_kit.pages import NotJsonError, exact_json, exact_value
from connector_kit.redaction import preview
from tap_winfra_xxl.estado import ERROR, OK, PetitionState

NOT_FOUND = 404

CREDENTIALS = frozenset({401, 403})


def error_words(answer: Answer) -> str:
    """Return the server's own words: `error` of the JSON object, whatever it holds.

    Args:
        answer: of any status; 401, 422 and 555 have that object, others a web server's page.

    Returns:
        one line, empty where there are none.
    """
    try:
        value = exact_value(answer.json_bytes())
    except (UnreadableAnswer, NotJsonError):
        return answer.words()
    error = value.get("error") if isinstance(value, dict) else None
    return _one_line(value if error is None else error)


def _one_line(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = value.encode() if isinstance(value, str) else exact_json(value)
    return preview(text, 500)


def may_concern_petition(refusal: RefusedAnswer) -> bool:
    """Whether a refusal can be about a petition that is gone or not ready."""
    status = refusal.answer.status
    return status == 555 or (400 <= status < 500 and status not in CREDENTIALS)


class Meaning(Enum):
    """What a refused download means."""

    GONE = auto()
    """The server no longer knows the petition: ask anew."""
    OTHER_PATH = auto()
    """The data may be at the other documented path."""
    NOT_YET = auto()
    """Nothing is served before the petition as a whole has ended."""
    AFTER_ERROR = auto()
    """Nothing is served of a petition in ERROR: ask again without what failed."""
    PAST_END = auto()
    """There are fewer rows than announced."""
    FINAL = auto()
    """None of these."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A refused download.

    Attributes:
        status: HTTP's.
        before: the petition as it was known when the download began.
        now: the petition as the server lists it now; None where it does not.
        has_served: whether this petition's dataset has given rows already.
        path_is_open: whether neither data path has served yet and the other one is to be tried.
    """

    status: int
    before: PetitionState
    now: PetitionState | None
    has_served: bool
    path_is_open: bool


def meaning_of(attempt: Attempt) -> Meaning:
    """Tell what a refused download means."""
    if attempt.now is None:
        return Meaning.GONE
    if attempt.status == NOT_FOUND and attempt.path_is_open:
        return Meaning.OTHER_PATH
    if attempt.status == NOT_FOUND and attempt.has_served:
        return Meaning.PAST_END
    if ERROR in {attempt.before.word, attempt.now.word}:
        return Meaning.AFTER_ERROR
    if attempt.before.word != OK:
        return Meaning.NOT_YET
    return Meaning.FINAL
