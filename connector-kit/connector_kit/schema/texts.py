"""Which texts are date-times and dates: one judge for what is learned and for the compiled check.

Were there two, a text that only one of them takes would change the schema or not, depending on which
page it came in.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

NaiveDateTime = Annotated[datetime, msgspec.Meta(tz=False)]


def is_naive_date_time(text: str) -> bool:
    """Whether a text is a real date-time `yyyy-mm-ddThh:mm:ss`, with a fraction or not, without a zone.

    A space in place of the `T` is taken too, as RFC 3339 has it.
    """
    return _is(text, NaiveDateTime)


def is_date(text: str) -> bool:
    """Whether a text is a real date `yyyy-mm-dd`."""
    return _is(text, date)


def _is(text: str, kind: Any) -> bool:  # noqa: ANN401 - a typing form
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True
