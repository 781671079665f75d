"""Reading all pages of a SERPI call, whatever it does with `limite` and `pagina`.

A page may be shorter than asked, so a short page is no end. The end is an answer without rows, or a
page that was there before: some servers give the last page again, or the first. But a page that
repeats may also mean that `pagina` is ignored, and then all that lies behind would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from connector_kit.errors import UpstreamError
from serpi_client.results import ReadPage


class _Id(msgspec.Struct):
    id: Any = None


_decode_ids = msgspec.json.Decoder(list[_Id]).decode

IGNORES_PAGINA = (
    "seems to ignore `pagina` and the rows behind page 1 cannot be reached. Nothing was left out in "
    "silence; ask SERPI about `pagina` for this call, then run again."
)

MOVES_THAT_PROVE = 2
"""So many pages with none of the rows before them prove that `pagina` does something: one may come
from rows that were added in front meanwhile."""

Fetch = Callable[[int, int], ReadPage]
"""Asks for (limite, pagina)."""


def read_all_pages(fetch: Fetch, limite: int, where: str) -> Iterator[ReadPage]:
    """Read until the end.

    Args:
        fetch: asks for a page.
        limite: rows asked for.
        where: for messages.

    Yields:
        every answer with rows, in order.

    Raises:
        UpstreamError: the server gives the first page for every page.
    """
    before: dict[int, int] = {}
    first: ReadPage | None = None
    last_ids: set[str | bytes] = set()
    moves = 0
    pagina = 1
    while (answer := fetch(limite, pagina)).rows:
        page = _fingerprint(answer)
        if page in before:
            if pagina == 2 and first is not None:
                _require_second_half(first, fetch, where)
            elif moves < MOVES_THAT_PROVE and before[page] > 1:
                _require_another_first_page(page, fetch, limite, where)
            return
        before[page] = pagina
        first = first or answer
        if moves < MOVES_THAT_PROVE:
            ids = _identities(answer)
            moves += pagina > 1 and ids.isdisjoint(last_ids)
            last_ids = ids
        yield answer
        pagina += 1


def _fingerprint(answer: ReadPage) -> int:
    # Rows have ids, so a page is known by its first and its last one.
    return hash((len(answer.rows), bytes(answer.rows[0]), bytes(answer.rows[-1])))


def _identities(answer: ReadPage) -> set[str | bytes]:
    """Tell rows apart: by their ids, since the same row may look otherwise when it comes again."""
    try:
        found = [row.id for row in _decode_ids(answer.body)]
    except (msgspec.MsgspecError, RecursionError):
        found = [None]
    return set(map(bytes, answer.rows)) if None in found else set(map(repr, found))


def _require_second_half(first: ReadPage, fetch: Fetch, where: str) -> None:
    """Tell a server that repeats its only page from one that ignores `pagina`."""
    half = len(first.rows) // 2
    if half == 0:
        # A single row cannot be told apart and is taken as the end.
        return
    second = [bytes(row) for row in first.rows[half : 2 * half]]
    if [bytes(row) for row in fetch(half, 2).rows] != second:
        raise UpstreamError(
            f"{where}: SERPI gives the same rows for page 1 and page 2, and page 2 of {half} rows is"
            f" not the second half of page 1, so it {IGNORES_PAGINA}"
        )


def _require_another_first_page(page: int, fetch: Fetch, limite: int, where: str) -> None:
    """Tell a server that repeats its last page from one that ignores `pagina` while rows come."""
    again = fetch(limite, 1)
    if again.rows and _fingerprint(again) == page:
        raise UpstreamError(
            f"{where}: SERPI gives the rows of a later page for page 1 too, so it {IGNORES_PAGINA}"
        )
