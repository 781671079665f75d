"""A client's view of the sandbox's FacturaDirecta account, and providers as XML shows them."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from lxml import etree

from erp_sandbox.facturadirecta import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erp_sandbox.facturadirecta.app import FacturaDirecta
    from erp_sandbox.facturadirecta.structure import Node
    from support.servers import RunningSandbox


@dataclasses.dataclass
class Account:
    """Plain HTTP calls to the account, beside the server's own view of it.

    Attributes:
        server: The server-side truth.
        url: Base address, without ``/api``.
        session: Sends the calls, with the right token.
    """

    server: FacturaDirecta
    url: str
    session: requests.Session

    def call(self, method: str, path: str, body: str | bytes | None = None) -> requests.Response:
        data = body.encode() if isinstance(body, str) else body
        return self.session.request(method, f"{self.url}/api/{path}", data=data, timeout=10)

    def root(self, path: str) -> etree._Element:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return parse(answer.content)

    def ids(self, query: str = "") -> list[int]:
        return [int(str(item.findtext("id"))) for item in self.root(f"providers.xml?{query}")]


@contextmanager
def open_account(sandbox: RunningSandbox) -> Iterator[Account]:
    with requests.Session() as session:
        session.auth = (TOKEN, "x")
        session.trust_env = False
        yield Account(sandbox.facturadirecta, sandbox.facturadirecta_url, session)


def parse(body: bytes) -> etree._Element:
    """The document's root, without comments."""
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, remove_comments=True)
    return etree.fromstring(body, parser)


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def read(element: etree._Element) -> Any:
    """What an element says: text, children by name (repeated ones as lists), or None."""
    if not len(element):
        return element.text or None
    values: dict[str, Any] = {}
    for child in element:
        values.setdefault(local(child), []).append(read(child))
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}


def on_the_wire(node: Node) -> Any:
    """The form that `read` gives, made from the server-side truth."""
    if isinstance(node, list):
        return [on_the_wire(item) for item in node] if len(node) > 1 else on_the_wire(node[0])
    if isinstance(node, dict):
        values = {name: on_the_wire(value) for name, value in node.items() if value != []}
        attributes = node.get("customAttributes")
        if isinstance(attributes, list):
            listed = on_the_wire(attributes) if attributes else None
            values["customAttributes"] = listed and {"customAttribute": listed}
        return values
    return str(node) if isinstance(node, int) else node


def error_of(answer: requests.Response) -> tuple[str | None, str | None]:
    """``httpStatus`` and ``errorCode`` of a body in the form of an error."""
    root = parse(answer.content)
    assert root.tag == "xml"
    return root.findtext("httpStatus"), root.findtext("errorCode")
