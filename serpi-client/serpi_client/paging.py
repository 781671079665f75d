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
    before: set[int] = set()
    first: ReadPage | None = None
    first_rows: set[str | bytes] = set()
    pagina_counts = False
    pagina = 1
    while (answer := fetch(limite, pagina)).rows:
        # Rows have ids, so a page is known by its first and its last one.
        page = hash((len(answer.rows), bytes(answer.rows[0]), bytes(answer.rows[-1])))
        if page in before:
            if not pagina_counts and first is not None:
                # Rows may have come since page 1 was read, so it is asked for anew.
                _require_second_half(first if pagina == 2 else fetch(limite, 1), fetch, where)
            return
        before.add(page)
        if first is None:
            first, first_rows = answer, _identities(answer)
        elif not pagina_counts:
            # Other rows altogether are the proof that `pagina` does something.
            pagina_counts = first_rows.isdisjoint(_identities(answer))
        yield answer
        pagina += 1


def _identities(answer: ReadPage) -> set[str | bytes]:
    """Tell rows apart: by their ids, since the same row may look otherwise when it comes again."""
    try:
        found = [row.id for row in _decode_ids(answer.body)]
    except (msgspec.MsgspecError, RecursionError):
        found = [None]
    return set(map(bytes, answer.rows)) if None in found else set(map(repr, found))


def _require_second_half(first: ReadPage, fetch: Fetch, where: str) -> None:
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
