"""Reading a list whose rows move while it is read, by `start` and `limit` alone.

The API has no sort, no total and no modified-since, so each answer begins some rows before the end of
the one before it. These rows tell whether the list moved meanwhile. The rule that loses nothing: an
answer is taken only if it holds a row that is known (or begins at position 0). Rows keep their order
among each other, so whatever stands before a known row was read with it; what comes after it stands
in the answer. Where no row is known, the reader goes back until one is.

A row that moves among the others (a renamed provider in a list by name) breaks that order. So a list
that moved is read once more, until a reading brings nothing new.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from connector_kit.errors import UpstreamError
from connector_kit.seen import SeenRows

OVERLAP = 5
"""Rows that are asked for again; fewer than these may go between two answers at no cost."""

MOST_READINGS = 5
MOST_IDLE_ANSWERS = 8
MOST_RETURNS = 3


Identity: TypeAlias = int | str


class Rows(Protocol):
    """Some rows of the list, as one answer gave them."""

    def __len__(self) -> int:
        """Return how many there are."""

    def identities(self) -> list[Identity]:
        """Return what tells each row from the others."""

    def only(self, positions: Sequence[int]) -> Self:
        """Return some of the rows."""


RowsT = TypeVar("RowsT", bound=Rows)


@dataclass(slots=True)
class _Answer(Generic[RowsT]):
    """One answer to a list call.

    Attributes:
        start: position that was asked for.
        rows: what came.
        identities: of the rows.
        overlap: so many of the first rows are the last ones of the answer before.
        has_moved: whether it shows that rows moved since the answer before.
    """

    start: int
    rows: RowsT
    identities: list[Identity]
    overlap: int = 0
    has_moved: bool = False

    @property
    def end(self) -> int:
        """Position after its last row."""
        return self.start + len(self.identities)


class ListReader(Generic[RowsT]):
    """Reads one list to its end, each row once, whatever the server does with `limit`."""

    def __init__(
        self,
        fetch: Callable[[int, int], RowsT],
        limit: int,
        where: str,
        logger: logging.Logger,
        ahead: Callable[[int, int], None] | None = None,
    ) -> None:
        """Prepare to read.

        Args:
            fetch: asks for (start, limit); no rows mean the end.
            limit: rows to ask for at once; the server may give fewer.
            where: for messages ("stream providers").
            logger: for what a user should know.
            ahead: told what `fetch` will most likely ask for next, before rows are given out.
        """
        self._fetch = fetch
        self._ahead = ahead
        self._limit = limit
        self._where = where
        self._logger = logger
        self._seen = SeenRows()
        self._doubted: set[Identity] = set()
        self._largest = 0
        self._first: Identity | None = None
        self._start_is_obeyed = False
        self._has_moved = False

    def close(self) -> None:
        """Forget which rows were read."""
        self._seen.close()

    def doubt(self, identity: Identity) -> None:
        """Have the list read once more, and the row given again if it still is in it.

        Args:
            identity: of a row that was given.
        """
        self._doubted.add(identity)

    def read(self) -> Iterator[RowsT]:
        """Read the list, and once more where it moved or a row is in doubt.

        Yields:
            rows that were not given before, at least one.

        Raises:
            UpstreamError: the server ignores `start`, or the list does not end.
        """
        for reading in range(MOST_READINGS):
            self._has_moved = False
            doubted, self._doubted = self._doubted, set()
            found = 0
            for rows in self._read_once(doubted):
                found += len(rows)
                yield rows
            if reading:
                self._logger.info(
                    "%s: providers were added, deleted or moved while the list was read; reading it"
                    " again brought %d more",
                    self._where,
                    found,
                )
            if (reading and not found) or not (self._has_moved or self._doubted):
                return
        self._logger.warning(
            "%s: the list still moved when it was read for the %dth time. Every provider that kept its"
            " place among the others was read; run again when fewer changes are made.",
            self._where,
            MOST_READINGS,
        )

    def _read_once(self, doubted: set[Identity]) -> Iterator[RowsT]:
        answer = self._from_the_start()
        tail: list[Identity] = []
        furthest = idle = returns = 0
        while answer.identities or answer.start > 0:
            fresh = self._fresh(answer, doubted)
            count = len(answer.identities)
            may_be_last = count < (self._largest or self._limit) or answer.identities == tail
            if fresh is not None:
                if self._ahead is not None and not may_be_last:
                    self._ahead(answer.end - _overlap(answer.identities), self._limit)
                yield fresh
            self._largest = max(self._largest, count)
            tail = answer.identities or tail
            if may_be_last and self._is_end(answer.end, tail):
                return
            has_progressed = answer.end > furthest and not answer.has_moved
            idle = 0 if fresh is not None or has_progressed else idle + 1
            furthest = max(furthest, answer.end)
            if idle <= MOST_IDLE_ANSWERS:
                answer = self._next(answer.end, tail)
                continue
            returns += 1
            if returns > MOST_RETURNS:
                raise UpstreamError(
                    f"{self._where}: FacturaDirecta gives the same providers again and again and the"
                    " list does not end, so it cannot be read completely. Run again when nobody adds"
                    " or deletes providers; if it stays, ask the vendor about `start` and `limit`."
                )
            furthest = idle = 0
            tail = []
            answer = self._from_the_start()

    def _ask(self, start: int) -> _Answer[RowsT]:
        rows = self._fetch(start, self._limit)
        return _Answer(start, rows, rows.identities())

    def _from_the_start(self) -> _Answer[RowsT]:
        answer = self._ask(0)
        self._first = answer.identities[0] if answer.identities else None
        return answer

    def _fresh(self, answer: _Answer[RowsT], doubted: set[Identity]) -> RowsT | None:
        """Remember an answer's rows and return those to give."""
        known = answer.overlap
        identities = answer.identities[known:] if known else answer.identities
        # Content plays no part: a row that changed since is not given twice.
        new = self._seen.add(identities, None) if identities else []
        if new is None and not known:
            return answer.rows
        positions = {
            position + known for position in (range(len(identities)) if new is None else new)
        }
        if doubted:
            again = (place for place, name in enumerate(answer.identities) if name in doubted)
            positions.update(again)
            doubted.difference_update(answer.identities)
        return answer.rows.only(sorted(positions)) if positions else None

    def _next(self, end: int, tail: list[Identity]) -> _Answer[RowsT]:
        """Ask for what follows, beginning with rows that are known.

        Args:
            end: position after the last row read.
            tail: identities of the rows before it.

        Returns:
            an answer that holds a known row, or begins at position 0; without rows only where there
            is nothing to compare, or the list is empty now.
        """
        overlap = _overlap(tail)
        answer = self._ask(end - overlap)
        if overlap and answer.identities[:overlap] == tail[-overlap:]:
            answer.overlap = overlap
            return answer
        self._has_moved = True
        if not overlap:
            # Answers of a single row cannot overlap, so nobody can tell: the list is read again.
            answer.has_moved = answer.identities == tail
            return answer
        self._require_that_start_is_obeyed(answer)
        step = self._limit
        while answer.start > 0 and not any(self._seen.holds(answer.identities)):
            answer = self._ask(max(answer.start - step, 0))
            step *= 2
        answer.has_moved = True
        return answer

    def _is_end(self, end: int, tail: list[Identity]) -> bool:
        """Find out whether nothing follows, although an answer that is short proves nothing.

        Args:
            end: position after the last row read.
            tail: identities of the rows before it.

        Returns:
            True where nothing new stands at `end` and, asked right after that, the last rows are
            still where they were: had rows before them gone, they would have moved up.
        """
        beyond = self._ask(end)
        if not all(self._seen.holds(beyond.identities)):
            return False
        overlap = max(_overlap(tail), 1)
        return self._ask(end - overlap).identities == tail[-overlap:]

    def _require_that_start_is_obeyed(self, answer: _Answer[RowsT]) -> None:
        """Tell a list that moved from a server that gives its first rows for every `start`."""
        if self._start_is_obeyed or answer.identities[:1] != [self._first]:
            return
        for _ in range(3):
            first, second = self._ask(0).identities, self._ask(1).identities
            if len(first) < 2 or second[:1] != first[:1]:
                self._start_is_obeyed = True
                return
        raise UpstreamError(
            f"{self._where}: FacturaDirecta gives the same providers wherever the list is to begin, so"
            " it seems to ignore `start` and the rest of the list cannot be reached. What was read is"
            " passed on; ask the vendor about `start` for this call."
        )


def _overlap(tail: Sequence[Identity]) -> int:
    """Return how many rows to ask for again: never so many that an answer brings nothing new."""
    return min(OVERLAP, len(tail) // 2)
