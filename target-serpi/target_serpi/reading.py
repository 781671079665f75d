"""Reads Singer messages: quickly, exactly, and with the number of the line that is broken.

The envelope is decoded with the record as its own bytes, which a rejected record needs again; the record
is decoded once, its numbers as `Decimal`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

import msgspec
import simplejson
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine

from connector_kit.errors import ConnectorError
from connector_kit.pages import NotJsonError, exact_value

RECORD = "RECORD"


class BrokenInputError(ConnectorError):
    """The input is no Singer stream; what was read before and not sent yet is not sent."""

    def __init__(self, line_number: int, reason: str) -> None:
        """Say which line, and never what it holds.

        Args:
            line_number: from 1.
            reason: half a sentence.
        """
        super().__init__(
            f"line {line_number} of the input is broken: {reason}. Nothing of it was sent, nor of the"
            " records that still waited for their batch; mend the input (or the tap) and run again."
        )


class BrokenMessageError(ValueError):
    """What is wrong with the message at hand; the reader adds the line's number."""


@dataclass(slots=True)
class Incoming:
    """One RECORD message.

    Attributes:
        stream: as the message names it.
        record: decoded.
        raw: the record's own bytes.
    """

    stream: str
    record: dict[str, Any]
    raw: bytes


class _Envelope(msgspec.Struct, gc=False):
    type: str = ""
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_record = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class SerpiReader(GenericSingerReader[bytes]):
    """The target's reader."""

    def __init__(self, around: Callable[[], AbstractContextManager[None]]) -> None:
        """Make a reader.

        Args:
            around: entered before the first line is read, left after the last.
        """
        super().__init__()
        self._around = around
        self.line = b""
        self.line_number = 0

    @property
    def default_input(self) -> IO[bytes]:
        """Standard input, as bytes."""
        return sys.stdin.buffer

    def process_lines(
        self,
        file_input: IO[bytes] | IO[str] | None,
        callbacks: Mapping[str, Callable[[Any], None]],
    ) -> Counter[str]:
        """Hand each message to its callback.

        Args:
            file_input: None for standard input.
            callbacks: message type -> what to do. RECORD gets an `Incoming`, others the decoded dict.

        Returns:
            the number of messages by type.

        Raises:
            BrokenInputError: a line is no message.
        """
        self.line_number = 0
        stats: Counter[str] = Counter()
        with self._around():
            for line in _bytes_of(file_input or self.default_input):
                self.line_number += 1
                self.line = line
                if not line.strip():
                    continue
                try:
                    kind = self._process_line(line, callbacks)
                except (BrokenMessageError, InvalidInputLine) as error:
                    # The SDK's own message shows the whole line.
                    reason = str(error) if isinstance(error, BrokenMessageError) else INCOMPLETE
                    raise BrokenInputError(self.line_number, reason) from None
                stats[kind] += 1
        return stats

    def _process_line(self, line: bytes, callbacks: Mapping[str, Callable[[Any], None]]) -> str:
        try:
            envelope = _decode_envelope(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            envelope = _decode_slowly(line)
        if envelope.type == RECORD:
            callbacks[RECORD](_incoming(envelope))
        elif envelope.type in callbacks:
            callbacks[envelope.type](_object(line))
        else:
            raise BrokenMessageError("it has no message type that Singer knows")
        return envelope.type

    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """Decode a whole line."""
        return _object(line)


INCOMPLETE = "the message lacks a member that its type must have"


def _bytes_of(file_input: IO[bytes] | IO[str]) -> Iterable[bytes]:
    lines: Iterable[bytes | str] = getattr(file_input, "buffer", file_input)
    for line in lines:
        yield line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line


def _decode_slowly(line: bytes) -> _Envelope:
    """Read what msgspec cannot (lone surrogates, deep nesting) with the standard library."""
    message = _object(line)
    kind, stream, record = (message.get(name) for name in ("type", "stream", "record"))
    if not isinstance(kind, str) or (stream is not None and not isinstance(stream, str)):
        raise BrokenMessageError(INCOMPLETE)
    if record is None:
        return _Envelope(kind, stream or "")
    # Written with escapes, half a surrogate pair survives until its record is looked at.
    text = simplejson.dumps(record, use_decimal=True, separators=(",", ":"))
    return _Envelope(kind, stream or "", msgspec.Raw(text.encode()))


def _incoming(envelope: _Envelope) -> Incoming:
    raw = bytes(envelope.record)
    if not envelope.stream or not raw:
        raise BrokenMessageError(INCOMPLETE)
    try:
        return Incoming(envelope.stream, _decode_record(raw), raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Incoming(envelope.stream, _object(raw), raw)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = exact_value(text)
    except NotJsonError as error:
        raise BrokenMessageError(str(error)) from error
    if not isinstance(value, dict):
        raise BrokenMessageError("not a JSON object")
    return value
