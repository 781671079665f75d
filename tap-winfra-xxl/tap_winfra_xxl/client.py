"""WINFRA's XXL API: its three calls, with a token that is renewed when it is refused.

Source: the vendor's page `xxldefinition`. The page's text has the data path without `/api_v1`, its
sample program with it: the other one is used where the first is not found.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from connector_kit.http import (
    Action,
    Answer,
    HttpClient,
    HttpSettings,
    RefusedAnswer,
    RefusedCredentials,
    Retryable,
    RetryLater,
    SentRequest,
)
from connector_kit.pages import Page
from tap_winfra_xxl.auth import DomainAuth
from tap_winfra_xxl.estado import (
    PetitionState,
    read_petition,
    read_petition_or_none,
    read_petitions,
)
from tap_winfra_xxl.refusals import error_words, may_concern_petition
from tap_winfra_xxl.rows import RowsAnswer, largest_whole

T = TypeVar("T")

BUSY = frozenset({429, 503})

DATA_PATHS = ("api_v1/datos_xxl", "datos_xxl")

MOST_TRIES = 10
"""Threads that share a token which lasts a few calls take it from one another, but not for ever."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """A slice of a dataset, or all of it.

    Attributes:
        petition: id.
        dataset: name.
        offset: of the first record, counted from 0.
        limit: the most records; None for the whole dataset in one answer.
    """

    petition: str
    dataset: str
    offset: int
    limit: int | None

    @property
    def path(self) -> str:
        """The path below the data path."""
        whole = f"{self.petition}/{self.dataset}"
        return whole if self.limit is None else f"{whole}/{self.offset}/{self.limit}"


@dataclass(frozen=True, slots=True)
class SentPiece:
    """A request for rows that was sent, and whose answer nobody has looked at yet.

    Attributes:
        request: it.
        token: number of the token that it was sent with.
    """

    request: SentRequest
    token: int


class XxlClient:
    """The API of one domain. Several threads may ask for data at once.

    Attributes:
        is_busy: whether the server has said so (429, 503) at any time.
    """

    def __init__(self, values: Mapping[str, Any], settings: HttpSettings, user_agent: str) -> None:
        """Prepare; nothing is asked.

        Args:
            values: the tap's settings.
            settings: of HTTP.
            user_agent: who asks.
        """
        self._auth = DomainAuth(values, settings, user_agent)
        self._http = HttpClient(
            values["domain_url"],
            settings,
            auth=self._auth,
            user_agent=user_agent,
            what="WINFRA",
            words=error_words,
            notice=self._notice,
        )
        self._largest_whole = largest_whole(values["download_ahead"])
        self._data_paths = [*DATA_PATHS]
        self._path_serves = False
        self.is_busy = False

    def start(self) -> str | None:
        """Take the token.

        Returns:
            the answer's `Date`.
        """
        return self._auth.start()

    def ask(self, items: list[dict[str, Any]], *, is_further: bool) -> PetitionState:
        """Send a petition; where the answer is lost, send it again: a forgotten one harms nobody.

        Args:
            items: PeticionGenerarXXL, each dataset at most once.
            is_further: whether another one is not done with: 'busy' is then a refusal too.

        Returns:
            the petition as the server confirms it.

        Raises:
            RefusedAnswer: the server does not take it.
            UpstreamError: all tries failed.
        """
        body = json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
        statuses = dict.fromkeys(BUSY, Action.REFUSED) if is_further else None
        return self._with_token(
            lambda: self._http.call(
                "POST",
                "api_v1/generar_xxl",
                json=body,
                read=lambda answer: read_petition(answer.json_bytes()),
                where="generar_xxl",
                statuses=statuses,
            )
        )

    def look(self, petition: str) -> PetitionState | None:
        """Ask for a petition's state.

        Args:
            petition: its id.

        Returns:
            the state, None where the server does not know the petition (any more).
        """
        try:
            state = self._get(
                f"estado_xxl/{petition}",
                lambda answer: read_petition_or_none(answer.json_bytes()),
            )
        except RefusedAnswer as refusal:
            if not may_concern_petition(refusal):
                raise
            state = None
        if state is not None and state.id == petition:
            return state
        return self.petitions().get(petition)

    def petitions(self) -> dict[str, PetitionState]:
        """Ask for all petitions of the user.

        Returns:
            petitions by id.
        """
        return self._get("estado_xxl", lambda answer: read_petitions(answer.json_bytes()))

    def send_for(self, piece: Piece) -> SentPiece | None:
        """Ask for rows whose answer is small, and leave it where it arrives; no thread is needed.

        Args:
            piece: which.

        Returns:
            the request, for `open_rows`; None where no connection stands idle.

        Raises:
            Retryable: it was not sent.
        """
        request = self._http.send(self._path_of(piece))
        return None if request is None else SentPiece(request, self._auth.used)

    def open_rows(
        self, piece: Piece, holds: Callable[[Page], bool], sent: SentPiece | None = None
    ) -> RowsAnswer:
        """Ask for rows, once.

        Args:
            piece: which.
            holds: looks at every value of a page; see `StreamSchema.holds`.
            sent: the request, where `send_for` has sent it already.

        Returns:
            the answer; it is to be closed.

        Raises:
            Retryable: the try failed and may be repeated (see `repeat`).
            RefusedAnswer: the server does not give them.
        """
        unread = [sent] if sent is not None else []

        def opened() -> RowsAnswer:
            request = None
            if unread:
                under_way = unread.pop()
                request, self._auth.used = under_way.request, under_way.token
            with contextlib.ExitStack() as stack:
                answer = stack.enter_context(
                    self._http.stream(
                        "GET",
                        self._path_of(piece),
                        where=f"stream {piece.dataset}",
                        sent=request,
                    )
                )
                return RowsAnswer(answer, stack.pop_all(), self._largest_whole, holds)

        rows = self._with_token(opened)
        self._path_serves = True
        return rows

    def repeat(self, attempt: Callable[[], T], dataset: str) -> T:
        """Repeat an attempt with `open_rows` by the rules of all calls.

        Args:
            attempt: raises a `Retryable` for what may be tried again.
            dataset: for messages.

        Returns:
            what `attempt` returns.

        Raises:
            UpstreamError: all tries failed.
        """
        return self._http.repeat(attempt, where=f"stream {dataset}")

    @property
    def path_is_open(self) -> bool:
        """Whether no data path has served anything yet."""
        return not self._path_serves

    def switch_path(self) -> None:
        """Use the other documented data path from now on."""
        self._data_paths.reverse()

    def close(self) -> None:
        """End what other threads wait for and close all connections, for good."""
        self._auth.close()
        self._http.close()

    def _path_of(self, piece: Piece) -> str:
        return f"{self._data_paths[0]}/{piece.path}"

    def _get(self, path: str, read: Callable[[Answer], T]) -> T:
        return self._with_token(
            lambda: self._http.call("GET", f"api_v1/{path}", read=read, where="estado_xxl")
        )

    def _with_token(self, call: Callable[[], T]) -> T:
        for tries_left in reversed(range(MOST_TRIES)):
            try:
                result = call()
            except (RefusedAnswer, RefusedCredentials) as refusal:
                if not tries_left or not self._auth.renewed(refusal.answer.status):
                    raise
            else:
                self._auth.worked()
                return result
        raise AssertionError("the last try returns or raises")

    def _notice(self, failure: Retryable) -> None:
        if isinstance(failure, RetryLater) and failure.status in BUSY and not self.is_busy:
            self.is_busy = True
            logger.info("WINFRA is busy: from now on nothing is asked for ahead.")
