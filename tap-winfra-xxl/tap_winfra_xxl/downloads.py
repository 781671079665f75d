"""The rows of one prepared dataset: slices asked for ahead, taken in order, counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from connector_kit.errors import ConnectorError, UpstreamError
from connector_kit.http import Retryable
from connector_kit.pages import Page
from tap_winfra_xxl.bookmark import OFFSET
from tap_winfra_xxl.client import Piece, SentPiece, XxlClient
from tap_winfra_xxl.rows import RowsAnswer


class CountMismatchError(UpstreamError):
    """The server gave another number of rows than it announced."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is downloaded.

    Attributes:
        petition: id.
        dataset: name.
        rows: `numero_registros`.
    """

    petition: str
    dataset: str
    rows: int


class _Asked(Protocol):
    """A slice that was asked for ahead."""

    piece: Piece

    def take(self) -> RowsAnswer:
        """Return the answer, which is to be closed; once."""

    def drop(self) -> None:
        """Give up an answer that was not taken."""


class _AskedByThread:
    """A slice that a thread asks for, and receives where it is not large."""

    def __init__(self, piece: Piece, answer: Future[RowsAnswer]) -> None:
        self.piece = piece
        self._answer = answer

    def take(self) -> RowsAnswer:
        return self._answer.result()

    def drop(self) -> None:
        if not self._answer.cancel():
            self._answer.add_done_callback(_close)


class _AskedBySending:
    """A small slice that was asked for by sending alone; its answer waits in the connection.

    A thread would cost as much as cutting and checking the slice: Python's lock is handed over for
    each of its steps.
    """

    def __init__(
        self, piece: Piece, client: XxlClient, sent: SentPiece, holds: Callable[[Page], bool]
    ) -> None:
        self.piece = piece
        self._client = client
        self._sent = sent
        self._holds = holds

    def take(self) -> RowsAnswer:
        return self._client.open_rows(self.piece, self._holds, self._sent)

    def drop(self) -> None:
        self._sent.request.give_up()


class Download:
    """Reads one dataset of a petition from an offset on.

    Attributes:
        offset: rows that were given out, those of earlier runs included.
    """

    def __init__(  # noqa: PLR0913 - each with its own meaning
        self,
        client: XxlClient,
        pool: ThreadPoolExecutor,
        source: Source,
        *,
        offset: int,
        page_size: int,
        ahead: int,
        holds: Callable[[Page], bool],
    ) -> None:
        """Prepare; nothing is asked.

        Args:
            client: whom to ask.
            pool: for slices that are asked for ahead.
            source: what to read.
            offset: of the first row, counted from 0.
            page_size: rows of a slice; 0 for all in one answer.
            ahead: slices asked for ahead.
            holds: looks at every value of a page; see `StreamSchema.holds`.
        """
        self._client = client
        self._pool = pool
        self._source = source
        self._page_size = page_size
        self._ahead = ahead
        self._holds = holds
        self._asked: deque[_Asked] = deque()
        self._answers_are_small = False
        self._next = offset
        self.offset = offset

    def pages(self) -> Generator[Page, None, None]:
        """Yield the pages in order, each with the offset that follows it as bookmark.

        Raises:
            CountMismatchError: the rows are not as many as announced.
            RefusedAnswer: the server does not give (more of) them.
            UpstreamError: all tries failed.
        """
        if self.offset > self._source.rows:
            raise self._mismatch(f"an earlier run had got {self.offset:,}")
        try:
            while self.offset < self._source.rows:
                yield from self._slice()
            self._check_end()
        finally:
            self._drop_asked()

    def _slice(self) -> Iterator[Page]:
        self._ask_ahead()
        asked = self._asked.popleft() if self._asked else None
        piece = asked.piece if asked else self._piece(self.offset)
        before = self.offset
        for page in self._rows_of(piece, asked):
            came = self.offset + len(page.slices)
            if came > self._source.rows:
                raise self._mismatch("it gives more")
            if piece.limit is not None and came - before > piece.limit:
                raise self._mismatch(f"it gives more than {piece.limit:,} in a slice of so many")
            self.offset = came
            page.bookmark = {OFFSET: self.offset}
            yield page
        got = self.offset - before
        if got == 0:
            raise self._mismatch(f"there are no more after {self.offset:,}")
        if piece.limit is not None and got < piece.limit and self.offset < self._source.rows:
            # The server gives fewer than asked for: from now on no more are asked for.
            self._drop_asked()
            self._page_size = got
        self._next = max(self._next, self.offset)

    def _piece(self, offset: int) -> Piece:
        limit: int | None = self._page_size
        if not limit:
            limit = self._rest_from(offset)
        return Piece(self._source.petition, self._source.dataset, offset, limit)

    def _rest_from(self, offset: int) -> int | None:
        # Going on within a whole answer is only possible by a slice.
        return self._source.rows - offset if offset else None

    # Asking ahead

    def _ask_ahead(self) -> None:
        ahead = 0 if self._client.is_busy else self._ahead
        if not ahead or not self._page_size:
            return
        while len(self._asked) <= ahead and self._next < self._source.rows:
            piece = self._piece(self._next)
            try:
                self._asked.append(self._ask(piece))
            except (Retryable, ConnectorError):
                # It is asked for when its turn comes; what is wrong is told then.
                return
            self._next += self._page_size

    def _ask(self, piece: Piece) -> _Asked:
        sent = self._client.send_for(piece) if self._answers_are_small else None
        if sent is not None:
            return _AskedBySending(piece, self._client, sent, self._holds)
        return _AskedByThread(piece, self._pool.submit(self._first_answer, piece))

    def _first_answer(self, piece: Piece) -> RowsAnswer:
        return self._client.repeat(lambda: self._open(piece), piece.dataset)

    def _open(self, piece: Piece) -> RowsAnswer:
        return self._client.open_rows(piece, self._holds)

    def _drop_asked(self) -> None:
        while self._asked:
            self._asked.popleft().drop()
        self._next = self.offset

    # Reading an answer, again from where it broke off

    def _rows_of(self, piece: Piece, asked: _Asked | None) -> Iterator[Page]:
        reader = _PieceReader(self._open, piece, asked, self._rest_from)
        try:
            while (page := self._client.repeat(reader.next_page, piece.dataset)) is not None:
                self._answers_are_small = reader.is_small
                yield page
        finally:
            reader.close()

    # The count

    def _check_end(self) -> None:
        """Look whether rows follow where the last slice was full: the last row, and what follows."""
        size = self._page_size
        if not size or not self._source.rows or self._source.rows % size:
            return
        last = self._source.rows - 1
        piece = Piece(self._source.petition, self._source.dataset, last, max(size, 2))
        rows = sum(len(page.slices) for page in self._rows_of(piece, None))
        if rows != 1:
            raise self._mismatch(f"it gives {last + rows:,} or more")

    def _mismatch(self, what: str) -> CountMismatchError:
        return mismatch(self._source, self.offset, what)


def mismatch(source: Source, got: int, what: str) -> CountMismatchError:
    """Make the error that names both numbers.

    Args:
        source: what was downloaded.
        got: rows that came.
        what: what the server did, half a sentence.
    """
    return CountMismatchError(
        f"{source.dataset}: the server announced {source.rows:,} rows (numero_registros) and gave"
        f" {got:,}: {what}. What came was passed on; the dataset is asked for anew by the next run."
        " If it stays so, ask the vendor."
    )


class _PieceReader:
    """Gives the pages of one slice; after a failure it goes on behind what was given."""

    def __init__(
        self,
        open_rows: Callable[[Piece], RowsAnswer],
        piece: Piece,
        asked: _Asked | None,
        rest_from: Callable[[int], int | None],
    ) -> None:
        self._open_rows = open_rows
        self._piece = piece
        self._rest_from = rest_from
        self._asked = asked
        self._answer: RowsAnswer | None = None

    @property
    def is_small(self) -> bool:
        """Whether the answer that is read is small."""
        return self._answer is not None and self._answer.is_small

    def next_page(self) -> Page | None:
        """Return the next page; None at the end. To be repeated where it raises a `Retryable`."""
        if self._answer is None:
            if self._piece.limit == 0:
                return None  # only the end of the list had not come
            self._answer = self._opened()
        try:
            page = self._answer.next_page()
        except Retryable:
            self.close()
            raise
        if page is not None:
            self._go_behind(len(page.slices))
        return page

    def _go_behind(self, rows: int) -> None:
        piece = self._piece
        offset = piece.offset + rows
        limit = self._rest_from(offset) if piece.limit is None else max(0, piece.limit - rows)
        self._piece = Piece(piece.petition, piece.dataset, offset, limit)

    def _opened(self) -> RowsAnswer:
        asked, self._asked = self._asked, None
        return self._open_rows(self._piece) if asked is None else asked.take()

    def close(self) -> None:
        if self._asked is not None:
            self._asked.drop()
            self._asked = None
        if self._answer is not None:
            self._answer.close()
            self._answer = None


def _close(answer: Future[RowsAnswer]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        answer.result().close()
