"""`limite` and `pagina`: which rows of a list a request gets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from erp_sandbox.serpi.switches import SerpiSwitches

RowT = TypeVar("RowT")


class BadParameterError(ValueError):
    """A parameter that is no number."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a request asked for: rows a page (0: all) and the page, counted from 1."""

    limit: int
    page: int


@dataclasses.dataclass(frozen=True)
class Window:
    """The rows that a request gets: from `start` to before `stop`; `past_end` if none are left."""

    start: int
    stop: int
    past_end: bool


def asked_of(query: Mapping[str, str]) -> Asked:
    """Read the two parameters; BadParameterError if one is no number."""
    return Asked(limit=_number(query, "limite", 0), page=max(1, _number(query, "pagina", 1)))


def window_of(asked: Asked, total: int, switches: SerpiSwitches) -> Window:
    """Return the rows of a list of `total` that a request gets, by the switches."""
    limit = 0 if switches.ignore_limite else asked.limit
    limit = limit or switches.default_limit
    if switches.page_maximum:
        limit = min(limit or switches.page_maximum, switches.page_maximum)
    limit = limit or max(1, total)
    page = 1 if switches.ignore_pagina else asked.page
    past_end = page > 1 and (page - 1) * limit >= total
    if past_end and switches.past_end == "last_page" and total:
        page, past_end = (total + limit - 1) // limit, False
    start = min((page - 1) * limit, total)
    return Window(start, min(start + limit, total), past_end)


def numbered(rows: Sequence[RowT], window: Window) -> list[tuple[int, RowT]]:
    """Return the window's rows, each with its position in the whole list."""
    return list(enumerate(rows[window.start : window.stop], window.start))


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise BadParameterError(f"{name} debe ser un numero")
    return int(text)
