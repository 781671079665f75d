"""An answer of the other side, and what can go wrong on the way to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector_kit.decoding import json_utf8
from connector_kit.errors import CredentialsError, RefusedError, UpstreamError
from connector_kit.redaction import preview
from connector_kit.retry import Retryable, retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoAnswer(Retryable):
    """Nothing came: no connection, silence, or the connection broke before the headers were there.

    Attributes:
        sent: whether bytes of the request may have left.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        """Keep what is known.

        Args:
            reason: half a sentence, without secrets.
            sent: whether bytes of the request may have left.
        """
        super().__init__(reason)
        self.sent = sent


class NotSent(UpstreamError):
    """A request that is sent once was surely not sent: sending it later is safe."""


class OutcomeUnknown(UpstreamError):
    """A request that is sent once may have been carried out: look before sending it again.

    Attributes:
        status: the HTTP status, None where no answer came.
        retry_after: seconds that the other side asks to wait, None where it does not say.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Keep what is known.

        Args:
            message: for the user.
            status: the HTTP status, if an answer came.
            retry_after: seconds to wait, if the other side said so.
        """
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


@dataclass(slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
        body: the bytes, no longer compressed.
        url_path: what was asked for, without the query string.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url_path: str

    def json_bytes(self) -> bytes:
        """Give the body as JSON text in UTF-8.

        Returns:
            valid UTF-8 without a byte order mark; a declared charset is converted. That the text
            is whole, valid JSON is for the parser to say.

        Raises:
            UnreadableAnswer: it is empty, HTML or anything else that does not begin like JSON, or
                its bytes are not in the charset declared (UTF-8 where none is).
        """
        return json_utf8(self.body, self.headers.get("content-type"))

    def retry_after(self) -> float | None:
        """Give the seconds that the answer asks to wait.

        Returns:
            seconds, or None where it does not say, or not in a way that can be used.
        """
        return retry_after_seconds(self.headers)

    def words(self) -> str:
        """Show the start of the body, for an error message."""
        return preview(self.body)


class RefusedAnswer(RefusedError):
    """An answer that refuses for good.

    Attributes:
        answer: the answer, for a caller that knows more about it.
    """

    def __init__(self, message: str, answer: Answer) -> None:
        """Keep the answer.

        Args:
            message: for the user.
            answer: what came.
        """
        super().__init__(message)
        self.answer = answer


class RefusedCredentials(CredentialsError):
    """An answer that refuses the credentials.

    Attributes:
        answer: the answer, for a caller that knows more about it.
    """

    def __init__(self, message: str, answer: Answer) -> None:
        """Keep the answer.

        Args:
            message: for the user.
            answer: what came.
        """
        super().__init__(message)
        self.answer = answer


class ClosedClient(Exception):
    """The client was closed by another thread while it waited or while a call was under way."""
