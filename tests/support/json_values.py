"""JSON for property tests: values, and the many ways to write them.

Numbers are texts until they are written, so that no float ever stands between a test and the wire.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Number:
    """A JSON number as it is written."""

    text: str


NAMES = st.sampled_from(
    ["id", "name", "a", "b", "día", "x y", "total", "Total", "f0", "_", "$ref", "type"]
)
ODD_NAMES = st.sampled_from(['"', "\\", "a\nb", "\x01", "", " ", "é\u2028", "}, {", "[", ":"])
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "},{",
        '{"id": 1}',
        "ñandú €",
        "a\nb\tc",
        '"quoted" \\ back',
        "2024-01-31T10:20:30",
        "2024-01-31T10:20:30.5",
        "2024-01-31 10:20:30",
        "2024-02-31T10:20:30",
        "2024-01-31T10:20:30Z",
        "2024-01-31",
        "1.50",
        "null",
        "\u2028",
        "😀",
    ]
)
NUMBERS = st.sampled_from(
    [
        "0",
        "-0",
        "-0.0",
        "1",
        "-7",
        "1.50",
        "67900.00000",
        "12345678901234.56789",
        "9007199254740993",
        "18446744073709551616",
        "1234567890123456789012345678901234567890",
        "1e3",
        "1E+3",
        "1e400",
        "-1.0e-400",
        "5.0",
        "0.1",
    ]
).map(Number)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(NAMES | ODD_NAMES, children, max_size=3)


VALUES = st.recursive(SCALARS, _containers, max_leaves=6)
RECORDS = st.dictionaries(NAMES | ODD_NAMES, VALUES, max_size=5)


@dataclass
class Style:
    """How JSON is written: blanks between tokens, escapes, all by one seed."""

    seed: int
    blanks: bool

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret

    def blank(self) -> str:
        """Some white space, or none."""
        return (
            self._random.choice(["", "", " ", "\n", "\r\n", "\r", "\t", "  "])
            if self.blanks
            else ""
        )

    def ascii_only(self) -> bool:
        """Whether the next text is written in ASCII."""
        return self.blanks and self._random.random() < 0.5


def written(value: Any, style: Style) -> str:
    """Write a value as JSON in some style."""
    blank = style.blank
    match value:
        case Number(text):
            return text
        case dict():
            members = (
                f"{blank()}{written(name, style)}{blank()}:{blank()}{written(child, style)}{blank()}"
                for name, child in value.items()
            )
            return "{" + (",".join(members) or blank()) + "}"
        case list():
            items = (f"{blank()}{written(child, style)}{blank()}" for child in value)
            return "[" + (",".join(items) or blank()) + "]"
        case _:
            return json.dumps(value, ensure_ascii=style.ascii_only())


COMPACT = Style(0, blanks=False)
STYLES = st.builds(Style, st.integers(0, 1000), st.booleans())


def page_bytes(records: list[dict[str, Any]], style: Style = COMPACT) -> bytes:
    """Write records as a page's body."""
    return f"{style.blank()}{written(records, style)}{style.blank()}".encode()


def exact(value: Any) -> Any:
    """Say what a value must be read as: numbers with a point or an exponent as `Decimal`."""
    match value:
        case Number(text):
            return int(text) if text.lstrip("-").isdigit() else Decimal(text)
        case dict():
            return {name: exact(child) for name, child in value.items()}
        case list():
            return [exact(child) for child in value]
        case _:
            return value


def digits(value: Any) -> Any:
    """Make values comparable to the last digit: `1.50` and `1.5` differ, `1e3` and `1E+3` do not."""
    match value:
        case Decimal():
            return value.as_tuple()
        case dict():
            return {name: digits(child) for name, child in value.items()}
        case list():
            return [digits(child) for child in value]
        case bool():
            return str(value)  # True == 1 in Python
        case _:
            return value
