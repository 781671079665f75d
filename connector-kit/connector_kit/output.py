"""Standard output: the Singer protocol, bytes, nothing else."""

from __future__ import annotations

import errno
import os
import sys

from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from singer_sdk.singerlib.json import serialize_json

from connector_kit.errors import ConnectorError
from connector_kit.signals import GUARD


class OutputClosedError(ConnectorError):
    """Standard output cannot be written: the reader ended, or the disk is full."""


class StdoutWriter(GenericSingerWriter[bytes, Message]):
    """Writes whole lines; a signal never cuts one."""

    def serialize_message(self, message: Message) -> bytes:
        """Return a message's line, as the SDK's writer words it."""
        return serialize_json(message.to_dict()).encode() + b"\n"

    def write_message(self, message: Message) -> None:
        """Write one message."""
        self.write_lines(self.serialize_message(message))

    def write_lines(self, lines: bytes) -> None:
        """Write and flush whole lines.

        Args:
            lines: one or more, each ended by a line break.

        Raises:
            OutputClosedError: the reader has ended, or the disk is full.
        """
        try:
            with GUARD.guarded():
                _write(lines)
        except OSError as error:
            _silence_stdout()
            raise OutputClosedError(
                f"standard output cannot be written ({error.strerror}): the program that reads it"
                " has ended or its disk is full. Look at the loader's own log, then run again."
            ) from error


def _write(lines: bytes) -> None:
    if sys.stdout is None:  # it was closed before the start (`>&-`)
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(lines.decode())
        sys.stdout.flush()
    else:
        # With PYTHONUNBUFFERED a signal ends a write with a part of the bytes.
        rest = memoryview(lines)
        while rest:
            rest = rest[raw.write(rest) :]
        raw.flush()


def _silence_stdout() -> None:
    """Keep the interpreter from failing a second time when it flushes what could not be written."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        return
