"""What POST and PUT do to a provider, as the documents describe it; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from erp_sandbox.facturadirecta.structure import custom_attributes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from erp_sandbox.facturadirecta.structure import Node, Provider

UNKNOWN_LABEL = "Se ha recibido un atributo personalizado que no existe en el objeto"
"""The documents' own words."""

TEMPLATE_ELEMENTS = (
    *("legalType", "name", "personName", "personSurname", "taxCode", "tradeName", "address"),
    *("website", "language", "email", "phone", "mobilePhone", "notes", "companyCode"),
)
REQUIRED_NAMES = {"F": ("personName", "personSurname"), "J": ("name",)}
"""What must be given on creation, by legal type."""

ADDRESS_ELEMENTS = ("line1", "line2", "city", "province", "zipcode", "country")


class InvalidInputError(ValueError):
    """What the API answers with 400 INVALID_INPUT_DATA; the text is its ``errorMessage``."""


def template(labels: Iterable[str]) -> Provider:
    """Every element of a new provider, empty, with the account's custom fields by label."""
    empty: Provider = dict.fromkeys(TEMPLATE_ELEMENTS)
    empty["address"] = dict.fromkeys(ADDRESS_ELEMENTS)
    empty["customAttributes"] = [{"label": label} for label in labels]
    return empty


def created(identifier: int, sent: Provider, labels: Collection[str]) -> Provider:
    """Make a provider from what a POST sent.

    Raises:
        InvalidInputError: The legal type is missing, or the names that it demands, or a custom
            attribute's label is unknown.
    """
    required = REQUIRED_NAMES.get(str(sent.get("legalType")))
    if required is None:
        raise InvalidInputError("El tipo legal debe ser F o J")
    missing = [name for name in required if not sent.get(name)]
    if missing:
        raise InvalidInputError(f"Falta {' y '.join(missing)}")
    return updated({"id": identifier}, sent, labels)


def updated(provider: Provider, sent: Provider, labels: Collection[str]) -> Provider:
    """Apply what a PUT sent: only elements that are present change, inside the address too.

    Raises:
        InvalidInputError: A wrong legal type, or a custom attribute's label is unknown.
    """
    if sent.get("legalType", "J") not in REQUIRED_NAMES:
        raise InvalidInputError("El tipo legal debe ser F o J")
    changes = dict(sent)
    changes.pop("customAttributes", None)
    merged = _merged(provider, changes)
    if "customAttributes" in sent:
        merged["customAttributes"] = _merged_attributes(
            custom_attributes(provider), custom_attributes(sent), labels
        )
    return merged


def _merged(old: dict[str, Node], changes: dict[str, Node]) -> dict[str, Node]:
    merged = dict(old)
    for name, value in changes.items():
        earlier = merged.get(name)
        both = isinstance(earlier, dict) and isinstance(value, dict)
        merged[name] = (
            _merged(cast("dict[str, Node]", earlier), cast("dict[str, Node]", value))
            if both
            else value
        )
    return merged


def _merged_attributes(
    old: list[dict[str, Node]], sent: list[dict[str, Node]], labels: Collection[str]
) -> list[Node]:
    """Absent keeps, with a value changes, without a value clears; an unknown label is an error."""
    values = {str(attribute.get("label")): dict(attribute) for attribute in old}
    for attribute in sent:
        label = str(attribute.get("label"))
        if label not in labels:
            raise InvalidInputError(UNKNOWN_LABEL)
        values[label] = {"label": label, "value": attribute.get("value")}
    return list(values.values())


def next_company_code(codes: Iterable[Node]) -> str | None:
    """The code for a provider without one: the last plus one, or None unless all are numeric."""
    given = [code for code in codes if code]
    if not all(isinstance(code, str) and code.isdecimal() for code in given):
        return None
    return str(max((int(cast("str", code)) for code in given), default=0) + 1)
