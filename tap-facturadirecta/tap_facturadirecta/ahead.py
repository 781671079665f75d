"""One question asked ahead: the next answer arrives while the last one is passed on.

Never two questions at once: who takes an answer that was not asked ahead waits for the one that was.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

AnswerT = TypeVar("AnswerT")


class AskedAhead(Generic[AnswerT]):
    """Asks for positions of a list, one of them in the background."""

    def __init__(self, ask: Callable[[int], AnswerT]) -> None:
        """Ask nothing yet.

        Args:
            ask: asks for the answer at a position; called by one thread at a time.
        """
        self._ask = ask
        self._executor = ThreadPoolExecutor(1, "asked-ahead")
        self._position = -1
        self._pending: Future[AnswerT] | None = None

    def begin(self, position: int) -> None:
        """Ask for a position in the background.

        Args:
            position: of the answer that is likely to be taken next.
        """
        self._wait()
        self._position = position
        self._pending = self._executor.submit(self._ask, position)

    def take(self, position: int) -> AnswerT:
        """Return the answer at a position.

        Args:
            position: asked ahead or not.

        Raises:
            Exception: what `ask` raises for this position.
        """
        pending = self._pending
        if pending is not None and position == self._position:
            self._pending = None
            return pending.result()
        self._wait()
        return self._ask(position)

    def _wait(self) -> None:
        """Let go of an answer that nobody needs; what was wrong with it nobody needs to know."""
        if self._pending is not None:
            self._pending.exception()
            self._pending = None

    def close(self) -> None:
        """Ask no more; does not wait for an answer under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)
