"""What failures and refusals mean, and the sentences that tell it: who, where, why, what to do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import urllib3
from urllib3 import exceptions

from connector_kit.answers import (
    Answer,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    RefusedAnswer,
    RefusedCredentials,
)
from connector_kit.deadline import WHOLE_ANSWER, Exchange
from connector_kit.errors import UpstreamError
from connector_kit.redaction import REDACTOR
from connector_kit.retry import Retryable, RetryLater, UnreadableAnswer, retry_after_seconds
from connector_kit.statuses import Action, meaning_of


class Judge:
    """Makes the errors of one client's calls."""

    def __init__(
        self, what: str, base_url: str, server: str, silence: float, words: Callable[[Answer], str]
    ) -> None:
        """Keep what messages need.

        Args:
            what: who is asked.
            base_url: the address in the settings.
            server: its scheme, host and port.
            silence: the longest wait for bytes, in seconds.
            words: gives the server's own words out of an answer that is an error.
        """
        self._what = what
        self._base_url = base_url
        self._server = server
        self._silence = silence
        self._words = words

    def place(self, where: str) -> str:
        """Begin a message: who is asked for what."""
        return f"{self._what}: {where}"

    def failure(self, error: exceptions.HTTPError, exchange: Exchange) -> Retryable:
        """Tell what a failure before the headers means.

        Args:
            error: urllib3's.
            exchange: in which it happened.

        Returns:
            `NoAnswer`, or `UnreadableAnswer` where something came that is no HTTP.
        """
        server = self._server
        cause = error.args[-1] if error.args else None
        match error:
            case exceptions.NameResolutionError():
                reason = f"the name of {server} is not known"
            case exceptions.NewConnectionError():
                reason = f"there is no connection to {server} ({_errno_of(error)})"
            case exceptions.ConnectTimeoutError():
                reason = f"{server} does not take the connection"
            case exceptions.ReadTimeoutError():
                silence = self._silence
                reason = (
                    f"the answer takes longer than {silence * WHOLE_ANSWER:g} s"
                    if exchange.expired
                    else f"nothing came for {silence:g} s"
                )
            case exceptions.SSLError():
                reason = f"no TLS with {server} ({_tls_reason(cause)})"
            case exceptions.ProxyError():
                reason = f"the proxy does not connect to {server}"
            case exceptions.ProtocolError() if not isinstance(cause, OSError):
                return UnreadableAnswer("what came is no HTTP answer")
            case exceptions.ProtocolError():
                reason = "the connection broke before an answer came"
            case _:
                return UnreadableAnswer("the headers of the answer make no sense")
        return NoAnswer(reason, sent=exchange.sent)

    def refusal(self, answer: Answer, action: Action, where: str) -> Exception:
        """Make the error that an answer is.

        Args:
            answer: which is not good.
            action: what its status means.
            where: for the message.

        Returns:
            `RetryLater`, `RefusedCredentials` or `RefusedAnswer`.
        """
        place, status = self.place(where), answer.status
        if action is Action.REDIRECT:
            return RefusedAnswer(
                f"{place}: HTTP {status}, {meaning_of(status)}: {self._new_address(answer)}. "
                f"It is not followed; {action.value}",
                answer,
            )
        words = REDACTOR.clean(self._words(answer))
        said = f" ({words})" if words else ""
        reason = f"HTTP {status}, {meaning_of(status)}{said}"
        if action is Action.RETRY:
            return RetryLater(reason, retry_after_seconds(answer.headers), status=status)
        kind = RefusedCredentials if action is Action.CREDENTIALS else RefusedAnswer
        return kind(f"{place}: {reason}; {action.value}", answer)

    def _new_address(self, answer: Answer) -> str:
        location = answer.headers.get("location")
        if not location:
            return "no address is given"
        try:
            url = urllib3.util.parse_url(urljoin(f"{self._base_url}/", location))
        except ValueError:
            return "its address cannot be read"
        shown = urllib3.util.Url(url.scheme, None, url.host, url.port, url.path)
        return REDACTOR.clean(shown.url)

    def undecided(self, failure: Retryable, where: str) -> UpstreamError:
        """Tell of a request that is sent once what is known of its outcome.

        Args:
            failure: of the one try.
            where: for the message.

        Returns:
            `NotSent` or `OutcomeUnknown`.
        """
        message = f"{self.place(where)}: {REDACTOR.clean(str(failure))}"
        if isinstance(failure, NoAnswer) and not failure.sent:
            return NotSent(f"{message}; the request was not sent")
        status = failure.status if isinstance(failure, RetryLater) else None
        return OutcomeUnknown(
            f"{message}; whether it was carried out is not known",
            status=status,
            retry_after=failure.retry_after,
        )


def _errno_of(error: BaseException) -> str:
    cause = error.__cause__
    return cause.strerror or "refused" if isinstance(cause, OSError) else "refused"


def _tls_reason(cause: object) -> str:
    reason = getattr(cause, "reason", None)
    return str(reason or "the handshake failed").replace("_", " ").lower()
