"""One spelling for the keys that SERPI spells in two ways (`DiasMaximo`, `diasMaximo`).

Two columns that differ by case only break loaders, so the schema file's spelling goes out.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector_kit.errors import UpstreamError
from connector_kit.pages import Page, TwoValuesError, rename_members


def with_documented_spelling(page: Page, known: Iterable[str], stream: str) -> Page:
    """Rename the records' members to the documented spelling, their values' bytes untouched.

    A member that is not documented keeps the spelling in which it came first.

    Args:
        page: of records.
        known: property names, those of the schema file first.
        stream: for messages.

    Returns:
        the page, the same one where nothing is spelt otherwise.

    Raises:
        UpstreamError: a record has both spellings with different values.
    """
    spelling: dict[str, str] = {}
    for name in known:
        spelling.setdefault(name.casefold(), name)
    try:
        return rename_members(page, lambda name: spelling.setdefault(name.casefold(), name))
    except TwoValuesError as error:
        raise UpstreamError(
            f"{stream}: a record holds {error} in two spellings with different values, and it cannot"
            " be known which one is meant. Ask SERPI which spelling is right."
        ) from error
