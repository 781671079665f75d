"""JSON whose numbers keep their digits: `67900.00000` comes in and goes out as `67900.00000`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from connector_kit.pages import exact_value


class PlainDecimal(Decimal):
    """A decimal that goes out without an exponent; `str` would write `0.0000000` as `0E-7`."""


def plain(value: Decimal) -> Decimal:
    """Return a finite decimal so that it is written with digits alone."""
    return PlainDecimal(value) if "E" in str(value) else value


def _raw(value: object) -> msgspec.Raw:
    if isinstance(value, PlainDecimal):
        return msgspec.Raw(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=_raw).encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def encode(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Write JSON on one line, UTF-8.

    Args:
        value: with `Decimal` for numbers that have a point, made by `plain`.

    Raises:
        UnicodeEncodeError: a text with half a surrogate pair, which UTF-8 cannot hold.
        TypeError: a value that JSON does not know, a float's infinity among them.
    """
    return _encode(value)


def decode(body: bytes | msgspec.Raw) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; numbers with a point or an exponent become `Decimal`.

    Args:
        body: UTF-8.

    Raises:
        NotJsonError: it is not JSON.
    """
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # What msgspec cannot read (lone surrogates, deep nesting) the standard library may.
        return exact_value(bytes(body))
