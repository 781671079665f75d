"""The body of an answer, read within its limits: whole or in pieces, decompressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from urllib3.exceptions import HTTPError, ReadTimeoutError

from connector_kit.answers import NoAnswer
from connector_kit.decoding import inflater_for
from connector_kit.errors import UpstreamError
from connector_kit.retry import UnreadableAnswer

PIECE = 1 << 20

READ_AT_ONCE = 1 << 24
"""Bytes: a length that the server promises is believed up to here, beyond only as it arrives."""


class Unread(Protocol):
    """An answer whose body is still to be read: what is asked of urllib3's, and of the plain one."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""

    @property
    def length_remaining(self) -> int | None:
        """Bytes still to come over the wire, None where the server does not say."""

    def read(self, at_most: int | None, *, decode_content: bool) -> bytes:
        """Read some of the body, None for the rest."""

    def close(self) -> None:
        """End an answer that was not read to its end."""


class BodyReader:
    """Reads one body.

    The byte cap holds for the bytes after decompression, which are never fewer than those that
    travel, but for a few.
    """

    def __init__(self, response: Unread, byte_cap: int, place: str) -> None:
        """Begin to read.

        Args:
            response: with its body still unread.
            byte_cap: the most bytes a body may have.
            place: who is asked for what, for messages.

        Raises:
            UnreadableAnswer: it is compressed in a way that was not asked for.
            UpstreamError: it says itself that it is larger than the cap.
        """
        self._response = response
        self._byte_cap = byte_cap
        self._place = place
        self._count = 0
        self._inflater = inflater_for(response.headers.get("content-encoding"))
        self._promised = None if self._inflater else response.length_remaining
        if self._promised is not None and self._promised > byte_cap:
            self._refuse_size()

    def read_all(self) -> bytes:
        """Read the whole body.

        Returns:
            the body.

        Raises:
            NoAnswer: it stopped coming, or takes too long.
            UnreadableAnswer: it broke off or cannot be decompressed.
            UpstreamError: it is larger than the cap.
        """
        if self._promised is not None and self._promised <= READ_AT_ONCE:
            return self._receive(None)
        pieces = []
        while piece := self.read_piece():
            pieces.append(piece)
        return b"".join(pieces)

    def read_piece(self) -> bytes:
        """Read some more of the body.

        Returns:
            at most 1 MiB, `b""` at the end.

        Raises:
            NoAnswer: it stopped coming, or takes too long.
            UnreadableAnswer: it broke off or cannot be decompressed.
            UpstreamError: it is larger than the cap.
        """
        piece = self._receive(PIECE) if self._inflater is None else self._inflated()
        self._count += len(piece)
        if self._count > self._byte_cap:
            self._refuse_size()
        return piece

    def _inflated(self) -> bytes:
        inflater = self._inflater
        if inflater is None:
            return b""
        while not (piece := inflater.take(PIECE)):
            compressed = self._receive(PIECE)
            if not compressed:
                inflater.finish()
                break
            inflater.feed(compressed)
        return piece

    def _receive(self, at_most: int | None) -> bytes:
        try:
            return self._response.read(at_most, decode_content=False)
        except ReadTimeoutError as error:
            raise NoAnswer("the answer stopped coming, or took too long", sent=True) from error
        except HTTPError as error:
            raise UnreadableAnswer("the answer broke off") from error

    def _refuse_size(self) -> None:
        raise UpstreamError(
            f"{self._place}: the answer is larger than {self._byte_cap} bytes; "
            "ask for less at a time (page_size)"
        )
