"""Watching a reading of all pages: do the rows stand still, and does it get on?

How pages are asked for, and where they end, is SERPI's protocol: `serpi_client.paging`.
"""

from __future__ import annotations

from connector_kit.errors import UpstreamError
from serpi_client.results import ReadPage

PAGES_WITHOUT_NEWS = 3
"""So many pages in succession may hold nothing but known keys: rows that move bring some again."""


class Reading:
    """One reading of all pages of a call.

    Attributes:
        rows: read so far, repeated ones included.
        total: the count of the first page's message where it is more than that page's rows, else
            None: whether the message counts the page or all rows is not documented.
        rows_moved: whether a later page's message counts another total.
    """

    def __init__(self, patience: int = PAGES_WITHOUT_NEWS) -> None:
        """Start before the first page.

        Args:
            patience: so many pages in succession may hold nothing but known keys.
        """
        self.rows = 0
        self.total: int | None = None
        self.rows_moved = False
        self._pages = 0
        self._pages_with_news = 0
        self._pages_without = 0
        self._patience = patience

    def again(self) -> Reading:
        """Return a second reading, which is expected to hold nothing but known keys."""
        return Reading(self._pages + PAGES_WITHOUT_NEWS)

    def note(self, answer: ReadPage) -> None:
        """Count a page's rows and look at its message."""
        if self.rows == 0:
            if answer.count is not None and answer.count > len(answer.rows):
                self.total = answer.count
        elif self.total is not None and answer.count not in (None, self.total):
            self.rows_moved = True
        self.rows += len(answer.rows)
        self._pages += 1

    def require_news(self, new_rows: int, where: str) -> None:
        """Stop where pages bring the same keys again and again without ever being the same page.

        Args:
            new_rows: of the page that was noted last: those whose keys are new in this run.
            where: for messages.

        Raises:
            UpstreamError: such a reading has no end.
        """
        if new_rows > 0:
            self._pages_with_news += 1
            self._pages_without = 0
            return
        self._pages_without += 1
        if self._pages_without > max(self._patience, self._pages_with_news):
            raise UpstreamError(
                f"{where}: page after page holds only rows whose keys came before, in another order"
                " or with other content, so SERPI seems to ignore `pagina` and the rows behind cannot"
                " be reached. Ask SERPI about `pagina` for this call, then run again."
            )
