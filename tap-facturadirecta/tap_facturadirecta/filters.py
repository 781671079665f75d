"""The list call's filters: checked when the tap starts, written as the vendor writes them.

https://dev.facturadirecta.com/site/rest-api/providers.html names them; a filter of a custom field is
a parameter `customAttributeName:LABEL`, whose colon stays a colon on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from connector_kit.settings import SettingFaultError

PARAMETERS: Mapping[str, str] = {
    "tax_code": "taxCode",
    "code": "code",
    "term": "term",
    "email": "email",
    "email_match": "emailMatch",
    "owner_email": "ownerEmail",
}
CUSTOM_ATTRIBUTES = "custom_attributes"
CUSTOM_ATTRIBUTE_PARAMETER = "customAttributeName:"
MOST_CUSTOM_ATTRIBUTES = 3
EMAIL_MATCHES = ("equals", "contains")


def checked_filters(filters: dict[str, Any]) -> dict[str, Any]:
    """Check the setting `filters`.

    Args:
        filters: as configured.

    Returns:
        the filters that are set; those that are null are left out.

    Raises:
        SettingFaultError: all faults in one message, without the values.
    """
    given = {name: value for name, value in filters.items() if value not in (None, {})}
    faults = [*_faults(given)]
    if faults:
        raise SettingFaultError("; ".join(faults))
    return given


def _faults(given: Mapping[str, Any]) -> Iterator[str]:
    names = (*PARAMETERS, CUSTOM_ATTRIBUTES)
    for name, value in given.items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            yield f"{name!r} is unknown" + (f", did you mean {near[0]!r}?" if near else "")
        elif name == CUSTOM_ATTRIBUTES:
            yield from _attribute_faults(value)
        elif not isinstance(value, str):
            yield f"{name!r} must be text; write it in quotes"
        elif not value.strip():
            yield f"{name!r} is empty; leave it out or give it a value"
        elif _is_not_utf8(value):
            yield f"{name!r} holds characters that cannot be sent"
    if "email_match" in given:
        if given["email_match"] not in EMAIL_MATCHES:
            yield f"'email_match' must be one of {', '.join(EMAIL_MATCHES)}"
        if "email" not in given:
            yield "'email_match' means something with 'email' only"


def _attribute_faults(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever a configuration holds
    if not isinstance(value, dict):
        yield f"{CUSTOM_ATTRIBUTES!r} must be an object: label -> value"
        return
    if len(value) > MOST_CUSTOM_ATTRIBUTES:
        yield (
            f"{CUSTOM_ATTRIBUTES!r} has {len(value)} fields; the API filters by"
            f" {MOST_CUSTOM_ATTRIBUTES} at most"
        )
    for position, (label, wanted) in enumerate(value.items(), 1):
        place = f"field {position} of {CUSTOM_ATTRIBUTES!r}"
        if not label.strip():
            yield f"{place} has no label"
        if not isinstance(wanted, str):
            yield f"the value of {place} must be text; write it in quotes"
        elif _is_not_utf8(label + wanted):
            yield f"{place} holds characters that cannot be sent"


def _is_not_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def filter_query(filters: Mapping[str, Any]) -> str:
    """Write filters as part of a query string.

    Args:
        filters: as `checked_filters` gives them.

    Returns:
        the parameters, percent-encoded but for the colon of `customAttributeName:`; empty where
        nothing is filtered.
    """
    pairs = [
        (parameter, filters[name]) for name, parameter in PARAMETERS.items() if name in filters
    ]
    pairs += [
        (CUSTOM_ATTRIBUTE_PARAMETER + quote(label, safe=""), value)
        for label, value in filters.get(CUSTOM_ATTRIBUTES, {}).items()
    ]
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
