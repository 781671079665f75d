"""Reading all pages of a SERPI call, whatever it does with `limite` and `pagina`.

A page may be shorter than asked, so a short page is no end. The end is an answer without rows, or a
page that was there before: some servers give the last page again. But a second page like the first
may also mean that `pagina` is ignored, and then all that lies behind would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connector_kit.errors import UpstreamError
from serpi_client.results import ReadPage


def read_all_pages(
    fetch: Callable[[int, int], ReadPage], limite: int, where: str
) -> Iterator[ReadPage]:
    """Read until the end.

    Args:
        fetch: asks for (limite, pagina).
        limite: rows asked for.
        where: for messages.

    Yields:
        every answer with rows, in order.

    Raises:
        UpstreamError: the server gives the first page for every page.
    """
    before: set[int] = set()
    first: ReadPage | None = None
    pagina = 1
    while True:
        answer = fetch(limite, pagina)
        if not answer.rows:
            return
        # Rows have ids, so a page is known by its first and its last one.
        page = hash((len(answer.rows), bytes(answer.rows[0]), bytes(answer.rows[-1])))
        if page in before:
            if pagina == 2 and first is not None:
                _require_second_half(first, fetch, where)
            return
        before.add(page)
        first = first or answer
        yield answer
        pagina += 1


def _require_second_half(
    first: ReadPage, fetch: Callable[[int, int], ReadPage], where: str
) -> None:
    """Tell a server that repeats its last page from one that ignores `pagina`."""
    half = len(first.rows) // 2
    if half == 0:
        # A single row cannot be told apart and is taken as the end.
        return
    second = [bytes(row) for row in first.rows[half : 2 * half]]
    if [bytes(row) for row in fetch(half, 2).rows] != second:
        raise UpstreamError(
            f"{where}: SERPI gives the same rows for page 1 and page 2, and page 2 of {half} rows"
            " is not the second half of page 1, so it seems to ignore `pagina` and the rows behind"
            " page 1 cannot be reached. Nothing was left out in silence; ask SERPI about `pagina`"
            " for this call, then run again."
        )
