"""The list call's filters, as the documents describe them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from erp_sandbox.facturadirecta.structure import custom_attributes

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node, Provider

Test = Callable[["Provider"], bool]

CUSTOM_ATTRIBUTE = "customAttributeName:"
MAXIMUM_CUSTOM_ATTRIBUTES = 3


class FilterError(ValueError):
    """A combination of filters that the documents exclude; the text is the error's message."""


def parse_query(query_string: str, *, encoded_colon: bool) -> list[tuple[str, str]]:
    """Split a query into names and values, both decoded.

    Args:
        query_string: As it came over the wire.
        encoded_colon: Whether ``%3A`` counts as the colon of a custom attribute's filter; if not,
            such a parameter keeps its encoded name, and so means nothing to the server.
    """
    parameters = []
    for part in query_string.split("&"):
        name, _, value = part.partition("=")
        if not name:
            continue
        decoded = unquote_plus(name)
        recognised = encoded_colon or name.startswith(CUSTOM_ATTRIBUTE)
        if decoded.startswith(CUSTOM_ATTRIBUTE) and not recognised:
            decoded = name
        parameters.append((decoded, unquote_plus(value)))
    return parameters


def make_tests(parameters: list[tuple[str, str]], owners: Mapping[str, str]) -> list[Test]:
    """Make one test per filter among the parameters; a provider must pass all.

    Args:
        parameters: Names and values of the query.
        owners: E-mail addresses of the account's users, by id.

    Raises:
        FilterError: More than three custom attributes, or one of them twice.
    """
    labels = [
        (name.removeprefix(CUSTOM_ATTRIBUTE), value)
        for name, value in parameters
        if name.startswith(CUSTOM_ATTRIBUTE)
    ]
    if len(labels) > MAXIMUM_CUSTOM_ATTRIBUTES:
        raise FilterError("Se puede filtrar por tres campos personalizados como máximo")
    if len(dict(labels)) < len(labels):
        raise FilterError("No se puede repetir el mismo campo personalizado")
    tests = [_custom_attribute(label, value) for label, value in labels]
    values = dict(parameters)
    if "taxCode" in values:
        tests.append(_equals("taxCode", values["taxCode"]))
    if "code" in values:
        tests.append(_equals("companyCode", values["code"]))
    if "term" in values:
        tests.append(_term(values["term"]))
    if "email" in values:
        partial = values.get("emailMatch") == "contains"
        make = _contains if partial else _equals
        tests.append(make("email", values["email"]))
    if "ownerEmail" in values:
        tests.append(_owner(values["ownerEmail"], owners))
    return tests


def _text(provider: Provider, name: str) -> str:
    value = provider.get(name)
    return value if isinstance(value, str) else ""


def _equals(name: str, wanted: str) -> Test:
    return lambda provider: _text(provider, name) == wanted


def _contains(name: str, wanted: str) -> Test:
    return lambda provider: wanted.lower() in _text(provider, name).lower()


def _term(wanted: str) -> Test:
    parts = [_contains(name, wanted) for name in ("name", "tradeName", "taxCode")]
    return lambda provider: any(part(provider) for part in parts)


def _owner(email: str, owners: Mapping[str, str]) -> Test:
    def owned(provider: Provider) -> bool:
        owner: Node = provider.get("owner")
        return isinstance(owner, dict) and owners.get(str(owner.get("id"))) == email

    return owned


def _custom_attribute(label: str, wanted: str) -> Test:
    return lambda provider: any(
        attribute.get("label") == label and (attribute.get("value") or "") == wanted
        for attribute in custom_attributes(provider)
    )
