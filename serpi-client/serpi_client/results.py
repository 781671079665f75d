"""What SERPI's calls give, typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from connector_kit.pages import Page


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One answer of a read.

    Attributes:
        page: the rows, cut out but not decoded; empty for every form of the empty answer.
        count: N of the message's "N registro(s) encontrados", None where it says none. Whether it
            counts the page or all rows is not documented.
        date: the answer's `Date` header, None where it has none.
    """

    page: Page
    count: int | None = None
    date: str | None = None

    @property
    def rows(self) -> Sequence[msgspec.Raw | bytes]:
        """Each row's own bytes, in order."""
        return self.page.slices

    @property
    def body(self) -> bytes:
        """The rows as one JSON list."""
        return self.page.body


class Verdict(StrEnum):
    """What an answer to a write says."""

    ACCEPTED = "accepted"
    """Success, no errors, and no count that contradicts."""
    REFUSED = "refused"
    """A definite refusal: nothing of the call was done, as far as SERPI says."""
    UNCLEAR = "unclear"
    """A success that contradicts itself (errors beside it, X < Y), or a failure without a reason."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A readable answer to a write.

    Attributes:
        verdict: what it says.
        done: X of "X de Y", None where the message has no counts.
        asked: Y of "X de Y".
        words: SERPI's own words, short and without secrets.
        code: the graver of HTTP status and body code.
    """

    verdict: Verdict
    done: int | None
    asked: int | None
    words: str
    code: int
