"""An answer with rows: one page where it is small, pages cut while they arrive where it is not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from connector_kit.decoding import JsonPieces, check_utf8, json_text
from connector_kit.http import StreamedAnswer, UnreadableAnswer
from connector_kit.pages import NotJsonError, Page, cut_page
from connector_kit.streaming import cut_while_arriving

LARGE = 4 << 20
"""Bytes: a larger answer is never whole in memory."""

SMALL = 256 << 10
"""Bytes: so much waits in a connection's own buffers, ours and the server's."""

AHEAD = 8 << 20
"""Bytes: all answers that are asked for ahead together hold no more in memory."""


def largest_whole(ahead: int) -> int:
    """Return the size in bytes up to which an answer is read whole.

    Args:
        ahead: how many are asked for while one is taken.
    """
    return min(LARGE, AHEAD // (ahead + 1))


class RowsAnswer:
    """Rows of one answer, in order.

    Attributes:
        is_small: whether it could wait in its connection until its turn came.
    """

    def __init__(
        self,
        answer: StreamedAnswer,
        closing: contextlib.ExitStack,
        largest: int,
        holds: Callable[[Page], bool],
    ) -> None:
        """Read the answer, or begin to where it is large.

        Args:
            answer: with its body unread.
            closing: ends it.
            largest: bytes of an answer that is read whole.
            holds: looks at every value of a page; True makes sure of its text too.

        Raises:
            Retryable: the answer broke off or cannot be read.
        """
        self._closing = closing
        self._holds = holds
        self.is_small = answer.length is not None and answer.length <= SMALL
        try:
            self._pages = self._read(answer, largest)
        except BaseException:
            closing.close()
            raise

    def _read(self, answer: StreamedAnswer, largest: int) -> Iterator[Page]:
        first = _read_if_small(answer, largest)
        kind = answer.headers.get("content-type")
        if first and len(first) <= largest:
            self._closing.close()
            return self._whole(first, kind)
        begun = iter((first,) if first else ())
        pieces = JsonPieces(
            lambda: next(begun, None) or answer.read_piece(), kind, checked_later=True
        )
        return map(self._with_sure_text, cut_while_arriving(pieces.read))

    def _whole(self, body: bytes, kind: str | None) -> Iterator[Page]:
        # Cut when its turn comes: a thread that computes keeps the others from asking.
        yield self._with_sure_text(cut_page(json_text(body, kind)))

    def _with_sure_text(self, page: Page) -> Page:
        if not self._holds(page):
            check_utf8(page.body)
        return page

    def next_page(self) -> Page | None:
        """Return the next records, None at the end of a whole answer.

        Raises:
            Retryable: the answer broke off or cannot be read; what came before is good.
        """
        with _unreadable():
            return next(self._pages, None)

    def close(self) -> None:
        """Give the connection back."""
        self._closing.close()


def _read_if_small(answer: StreamedAnswer, largest: int) -> bytes:
    """Read a small body whole, of one of unknown length a little more than that, else nothing."""
    if answer.length is not None and answer.length > largest:
        return b""
    if answer.length is not None and "content-encoding" not in answer.headers:
        return answer.read_rest().body
    pieces, count = [], 0
    while count <= largest and (piece := answer.read_piece()):
        pieces.append(piece)
        count += len(piece)
    return b"".join(pieces)


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except NotJsonError as error:
        raise UnreadableAnswer(f"the answer is no list of records: {error}") from error
