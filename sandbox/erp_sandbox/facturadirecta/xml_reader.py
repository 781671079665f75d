"""The XML of a request as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node, Provider


class UnreadableBodyError(Exception):
    """The body of a request is no XML of a provider."""


def read_provider(body: bytes) -> Provider:
    """The elements that a POST or PUT carries; only those present become keys.

    Args:
        body: The request's bytes.

    Returns:
        The elements by name; the ``id``, if sent, is left out (the path says which provider).

    Raises:
        UnreadableBodyError: It is not well-formed, has a DOCTYPE, or its root is no ``provider``.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableBodyError("the body is not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableBodyError("the body has a DOCTYPE")
    if root.tag != "provider":
        raise UnreadableBodyError("the body's root is not <provider>")
    provider = _children(root)
    provider.pop("id", None)
    if "customAttributes" in provider:
        provider["customAttributes"] = _custom_attributes(provider["customAttributes"])
    return provider


def _custom_attributes(wrapper: Node) -> list[Node]:
    if not isinstance(wrapper, dict):
        return []
    items = wrapper.get("customAttribute", [])
    listed = items if isinstance(items, list) else [items]
    return [item for item in listed if isinstance(item, dict)]


def _children(parent: etree._Element) -> dict[str, Node]:
    values: dict[str, Node] = {}
    for child in parent:
        name = str(child.tag)
        value: Node = _children(child) if len(child) else (child.text or None)
        if name not in values:
            values[name] = value
            continue
        earlier = values[name]
        values[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
    return values
