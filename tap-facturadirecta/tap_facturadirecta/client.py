"""The two calls that the tap makes, and what their answers mean.

An answer whose body is `<xml><httpStatus>` is judged by it whatever the HTTP status was: a list that
says 404 with HTTP 200 is as little a list as one with HTTP 404. Only GET on the collection and on one
provider is called; "send" is a GET with a side effect, and PUT on the collection looks like a write.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from lxml import etree

from connector_kit.errors import ConnectorError, CredentialsError, RefusedError, UpstreamError
from connector_kit.http import (
    Action,
    Answer,
    HttpClient,
    HttpSettings,
    Retryable,
    RetryLater,
    SentRequest,
    UnreadableAnswer,
)
from connector_kit.statuses import action_for, meaning_of
from tap_facturadirecta.auth import TokenAuth
from tap_facturadirecta.documents import (
    LIST,
    Status,
    listed_providers,
    siblings_of,
    single_provider,
    status_in,
)
from tap_facturadirecta.filters import filter_query
from tap_facturadirecta.parsing import DoctypeError, Document, parse_xml
from tap_facturadirecta.records import KEY, as_key

Identity = int | str

NO_ID = "# without id: "
"""Begins the identity of a provider that has no id, of which no call of its own can be made."""

COLLECTION = "api/providers.xml"

LONGEST_UNREAD = 5.0
"""Seconds that an answer may wait for its turn: a server does not wait for ever to be rid of it."""

_NOT_FOUND_IS_READ: Mapping[int, Action] = {404: Action.OK}

WRONG_ACCOUNT = (
    "the list of providers does not exist (404): check account or api_url in the settings; running it"
    " again without a change gives the same answer"
)


@dataclass(slots=True)
class Providers:
    """Providers as XML, of one answer or several.

    Attributes:
        elements: without comments and namespaces.
        sources: the same as the vendor wrote them, in step with `elements`, where asked for.
        may_have_attributes: False where it is sure that no element has any.
        replaced: how many characters that XML forbids became U+FFFD.
    """

    elements: Sequence[etree._Element]
    sources: Sequence[etree._Element] | None = None
    may_have_attributes: bool = False
    replaced: int = 0

    def identities(self) -> list[Identity]:
        """Return what tells each provider from the others: its id, or its content without one."""
        return [_identity(element) for element in self.elements]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.elements)

    def only(self, positions: Sequence[int]) -> Providers:
        """Return some of the providers."""
        sources = self.sources
        return Providers(
            [self.elements[position] for position in positions],
            None if sources is None else [sources[position] for position in positions],
            self.may_have_attributes,
            self.replaced,
        )


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A part of the list that was asked for before it is wanted.

    Attributes:
        start, limit: of the part.
        sent: the request.
        since: when it was sent, by the monotonic clock.
    """

    start: int
    limit: int
    sent: SentRequest
    since: float


def joined(parts: Sequence[Providers]) -> Providers:
    """Return the providers of several answers as one."""
    sources = [source for part in parts for source in part.sources or ()]
    return Providers(
        [element for part in parts for element in part.elements],
        sources or None,
        any(part.may_have_attributes for part in parts),
        sum(part.replaced for part in parts),
    )


def _identity(element: etree._Element) -> Identity:
    first = element[0] if len(element) else None
    text = first.text if first is not None and first.tag == KEY else element.findtext(KEY)
    value = as_key(text) if text else ""
    if value != "":
        return value
    return f"{NO_ID}{blake2b(etree.tostring(element, with_tail=False), digest_size=16).hexdigest()}"


class FacturaDirectaClient:
    """Asks one account.

    Attributes:
        base_url: whom it asks: scheme, host and any prefix.
    """

    def __init__(  # noqa: PLR0913 - keywords, each with its own meaning
        self,
        base_url: str,
        token: str,
        settings: HttpSettings,
        *,
        user_agent: str,
        filters: Mapping[str, Any] | None = None,
        keep_source: bool = False,
        longest_unread: float = LONGEST_UNREAD,
    ) -> None:
        """Prepare a client; nothing is sent.

        Args:
            base_url: scheme, host and any prefix, without `/api`.
            token: of the account's API.
            settings: patience and trust.
            user_agent: who asks.
            filters: of the list, checked.
            keep_source: whether the XML as the vendor wrote it is needed.
            longest_unread: seconds after which what was asked for ahead is asked for anew.
        """
        self.base_url = base_url
        self._http = HttpClient(
            base_url,
            settings,
            auth=TokenAuth(token),
            headers={"Accept": "application/xml"},
            user_agent=user_agent,
            what="FacturaDirecta",
            words=_words,
            connections=1,
        )
        self._filters = filter_query(filters or {})
        self._keep_source = keep_source
        self._longest_unread = longest_unread
        self._ahead: _Ahead | None = None
        self._list_names = {LIST}

    def close(self) -> None:
        """Close the connection."""
        self._drop_ahead()
        self._http.close()

    def ask_ahead(self, start: int, limit: int) -> None:
        """Ask for the part of the list that will be wanted next, and do not wait for it.

        The server works while the rows before it are converted, and while the loader takes them. Not
        while other calls are made: they would open a second connection.

        Args:
            start: position of the first provider, from 0.
            limit: how many.
        """
        self._drop_ahead()
        try:
            sent = self._http.send(COLLECTION, params=_part(start, limit), raw_query=self._filters)
        except (Retryable, ConnectorError):
            return  # it is asked for when its turn comes; what is wrong is told then
        if sent is not None:
            self._ahead = _Ahead(start, limit, sent, time.monotonic())

    def _drop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.sent.give_up()
            self._ahead = None

    def _taken_ahead(self, start: int, limit: int) -> SentRequest | None:
        """Return the request for a part where it is under way and not too old."""
        ahead = self._ahead
        if (
            ahead is None
            or (ahead.start, ahead.limit) != (start, limit)
            or time.monotonic() - ahead.since > self._longest_unread
        ):
            self._drop_ahead()
            return None
        self._ahead = None
        return ahead.sent

    def list_providers(self, start: int, limit: int, *, where: str) -> Providers:
        """Ask for a part of the list.

        Args:
            start: position of the first provider, from 0.
            limit: how many; the server may give fewer.
            where: for messages.

        Returns:
            the providers, none beyond the end of the list, in whichever form it says so.

        Raises:
            RefusedError: a refusal for good; without filters a 404 at position 0 is one.
            UpstreamError: all tries failed.
        """

        def read(answer: Answer) -> Providers:
            return self._read_list(answer, start, f"FacturaDirecta: {where}")

        return self._http.call(
            "GET",
            COLLECTION,
            params=_part(start, limit),
            raw_query=self._filters,
            read=read,
            where=where,
            statuses=_NOT_FOUND_IS_READ,
            sent=self._taken_ahead(start, limit),
        )

    def provider(self, identity: Identity, *, where: str) -> Providers | None:
        """Ask for one provider.

        Args:
            identity: its id as the list gave it, none that begins with `NO_ID`.
            where: for messages.

        Returns:
            the provider, None where the API says that there is none with that id.

        Raises:
            RefusedError: another refusal for good.
            UpstreamError: all tries failed.
        """

        def read(answer: Answer) -> Providers | None:
            return self._read_provider(answer, identity, f"FacturaDirecta: {where}")

        return self._http.call(
            "GET",
            f"api/providers/{quote(str(identity), safe='')}.xml",
            read=read,
            where=where,
            statuses=_NOT_FOUND_IS_READ,
        )

    def _read_list(self, answer: Answer, start: int, place: str) -> Providers:
        is_first = start == 0 and not self._filters
        try:
            document = self._document(answer, place)
        except UnreadableAnswer:
            if answer.status == 404 and is_first:
                # Some server answered, in a form that is not the API's: the address is wrong.
                raise RefusedError(f"{place}: {WRONG_ACCOUNT}") from None
            raise
        if _says_not_found(answer, document, place):
            if is_first:
                raise RefusedError(f"{place}: {WRONG_ACCOUNT}")
            return Providers([])
        elements = listed_providers(document.root, self._list_names)
        parent = elements[0].getparent() if elements else None
        if parent is not None:
            self._list_names.add(str(parent.tag))
        return _providers(document, elements)

    def _read_provider(self, answer: Answer, identity: Identity, place: str) -> Providers | None:
        document = self._document(answer, place)
        if _says_not_found(answer, document, place):
            return None
        element = single_provider(document.root)
        if _identity(element) != identity:
            raise UnreadableAnswer("the answer is not the provider that was asked for")
        return _providers(document, [element])

    def _document(self, answer: Answer, place: str) -> Document:
        try:
            return parse_xml(
                answer.body, answer.headers.get("content-type"), keep_source=self._keep_source
            )
        except DoctypeError:
            raise UpstreamError(
                f"{place}: the answer has a DOCTYPE, which no answer of this API has; it may be an"
                " attack and was not read. Check the address in the settings and who runs it."
            ) from None


def _part(start: int, limit: int) -> dict[str, str | int]:
    return {"start": start, "limit": limit}


def _providers(document: Document, elements: list[etree._Element]) -> Providers:
    sources = None
    if document.source is not None and elements:
        sources = siblings_of(single_provider(document.source))
    return Providers(elements, sources, document.may_have_attributes, document.replaced)


def _says_not_found(answer: Answer, document: Document, place: str) -> bool:
    """Judge an answer by its status and its body.

    Args:
        answer: with HTTP 2xx or 404.
        document: its body.
        place: for messages.

    Returns:
        True for 'there is none', False where the body is to be read.

    Raises:
        RetryLater: the body says that it cannot be served now.
        RefusedError: the body refuses.
        UnreadableAnswer: status and body do not fit each other.
    """
    status = status_in(document.root)
    if status is None:
        if answer.status == 404:
            raise UnreadableAnswer("HTTP 404, but not in the form in which the API says so")
        return False
    if status.status == 404:
        return True
    raise _failure(status, answer, place)


def _failure(status: Status, answer: Answer, place: str) -> Exception:
    said = f" ({status.words})" if status.words else ""
    reason = f"httpStatus {status.status} in the body, {meaning_of(status.status)}{said}"
    action = action_for(status.status)
    match action:
        case Action.OK:
            return UnreadableAnswer("the answer is a status where providers were expected")
        case Action.RETRY:
            return RetryLater(reason, answer.retry_after(), status=status.status)
        case Action.CREDENTIALS:
            return CredentialsError(f"{place}: {reason}; {action.value}")
        case _:
            return RefusedError(f"{place}: {reason}; {action.value}")


def _words(answer: Answer) -> str:
    """Give the API's own words out of an error, or the start of a body in another form."""
    try:
        document = parse_xml(answer.body, answer.headers.get("content-type"))
    except (UnreadableAnswer, DoctypeError):
        return answer.words()
    status = status_in(document.root)
    return answer.words() if status is None else status.words
