"""What an answer is: a list of providers, one provider, or a status in the form of an error.

The root of a list is not documented for providers (`<providers>` by analogy with clients), nor
whether something stands around it; so the list is found by its `<provider>` elements.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree

from connector_kit.redaction import REDACTOR
from connector_kit.retry import UnreadableAnswer

PROVIDER = "{*}provider"
"""In any namespace: both trees of a `Document` are searched with it."""

LIST = "providers"

_STATUS = "xml"
_BLANKS = " \t\r\n"
_LONGEST_WORDS = 300
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Status:
    """The body `<xml><httpStatus>...`, which errors have, and the answer to a DELETE.

    Attributes:
        status: what the body says, whatever the HTTP status was.
        words: code and message of the error, on one line; empty where there are none.
    """

    status: int
    words: str


def status_in(root: etree._Element) -> Status | None:
    """Read a body in the form of an error.

    Args:
        root: of the document.

    Returns:
        the status, None where the document is something else.
    """
    text = (root.findtext("httpStatus") or "").strip(_BLANKS) if root.tag == _STATUS else ""
    if not (len(text) == 3 and text.isascii() and text.isdigit()):
        return None
    parts = (root.findtext(name) or "" for name in ("errorCode", "errorMessage"))
    words = ": ".join(part for part in (" ".join(part.split()) for part in parts) if part)
    return Status(int(text), REDACTOR.clean(words[:_LONGEST_WORDS]))


def listed_providers(
    root: etree._Element, list_names: Collection[str] = (LIST,)
) -> list[etree._Element]:
    """Find the providers of a list.

    Args:
        root: of the document.
        list_names: names of elements that are an empty list where they hold nothing.

    Returns:
        one element a provider, in order.

    Raises:
        UnreadableAnswer: it is no list of providers.
    """
    first = next(root.iter(PROVIDER), None)
    if first is not None:
        return siblings_of(first)
    innermost = root
    while len(innermost) == 1 and not _text_of(innermost):
        innermost = innermost[0]
    if len(innermost) or _text_of(innermost) or not _is_list(innermost, list_names):
        raise UnreadableAnswer(f"the answer is no list of providers but {_shown(root)}")
    return []


def siblings_of(provider: etree._Element) -> list[etree._Element]:
    """Return the providers that stand beside one, itself included, in order."""
    parent = provider.getparent()
    return [provider] if parent is None else list(parent.iterchildren(PROVIDER))


def single_provider(root: etree._Element) -> etree._Element:
    """Find the provider of a detail answer.

    Args:
        root: of the document.

    Returns:
        the provider's element.

    Raises:
        UnreadableAnswer: there is none.
    """
    provider = next(root.iter(PROVIDER), None)
    if provider is None:
        raise UnreadableAnswer(f"the answer is no provider but {_shown(root)}")
    return provider


def _is_list(element: etree._Element, list_names: Collection[str]) -> bool:
    return element.tag in list_names or element.get("type") == "array"


def _text_of(element: etree._Element) -> str:
    parts = [element.text, *(child.tail for child in element)]
    return "".join(part for part in parts if part).strip(_BLANKS)


def _shown(root: etree._Element) -> str:
    return f"<{str(root.tag)[:_LONGEST_NAME]}>"
