"""What a write must look like: pure functions from a sent record to a stored one, or complaints."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from erp_sandbox import exact
from erp_sandbox.serpi.fields import DOCUMENT_FIELDS, LINE_FIELDS, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from erp_sandbox.serpi.store import Record
    from erp_sandbox.serpi.switches import SerpiSwitches

Wrong = list[tuple[str, str]]
"""Field and reason of everything that is wrong with one record."""

_PLACES = Decimal("0.00001")
_BITS = {Kind.SHORT: 15, Kind.INT: 31, Kind.LONG: 63}
_WHOLE_DIGITS = 23


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_day(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_FITS: dict[Kind, Callable[[object], bool]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.DECIMAL: lambda value: _is_int(value) or isinstance(value, Decimal),
    Kind.BOOL: lambda value: isinstance(value, bool),
    Kind.SHORT: _is_int,
    Kind.INT: _is_int,
    Kind.LONG: _is_int,
    Kind.DAY: _is_day,
    Kind.NATURE: lambda value: value in ("C", "D"),
    Kind.PLANNING: lambda value: _is_int(value) and value in (0, 1),
    Kind.CUSTOM: lambda value: isinstance(value, dict | list),
    Kind.LINES: lambda value: isinstance(value, list) and bool(value),
}


def spelled(
    sent: Record, fields: Sequence[Field], switches: SerpiSwitches, extra: Sequence[str] = ()
) -> tuple[Record, list[str]]:
    """Give a sent record's keys their one spelling.

    Args:
        sent: The record as it came.
        fields: What the resource has.
        switches: `write_keys` says whether case counts.
        extra: Keys besides `fields` that mean something here.

    Returns:
        The known fields, and the names of the unknown ones.
    """
    names = {field.name: field.name for field in fields} | {name: name for name in extra}
    if switches.write_keys == "any_case":
        names = {name.lower(): name for name in names}
    known: Record = {}
    unknown = []
    for key, value in sent.items():
        name = names.get(key.lower() if switches.write_keys == "any_case" else key)
        if name is None:
            unknown.append(key)
        else:
            known[name] = value
    return known, unknown


def wrong_with(record: Mapping[str, object], fields: Sequence[Field]) -> Wrong:
    """Return what is wrong with the fields of a record: missing, of another type, out of range."""
    wrong: Wrong = []
    for field in fields:
        value = record.get(field.name)
        if value is None:
            if field.required:
                wrong.append((field.name, "es requerido"))
        elif not _FITS[field.kind](value):
            wrong.append((field.name, f"debe ser {field.kind.value}"))
        elif not _in_range(value, field.kind):
            wrong.append((field.name, "fuera de rango"))
        elif field.kind is Kind.TEXT and field.required and not str(value).strip():
            wrong.append((field.name, "es requerido"))
    return wrong


def wrong_with_document(document: Record, *, check_balance: bool) -> Wrong:
    """Return what is wrong with a document and its lines."""
    wrong = wrong_with(document, DOCUMENT_FIELDS)
    lines = document.get("detalles")
    if not isinstance(lines, list):
        return wrong
    for number, line in enumerate(lines):
        if not isinstance(line, dict):
            wrong.append((f"detalles[{number}]", "debe ser un objeto"))
            continue
        found = wrong_with(line, LINE_FIELDS)
        wrong += [(f"detalles[{number}].{name}", reason) for name, reason in found]
    if check_balance and not wrong and _balance(lines):
        wrong.append(("detalles", "los debitos y los creditos son diferentes"))
    return wrong


def stored_decimals(
    record: Record, fields: Sequence[Field], switches: SerpiSwitches
) -> dict[str, object]:
    """Return a record with its decimals as SERPI keeps them: five places, by the switch."""
    if switches.decimals == "as_sent":
        return record
    decimals = {field.name for field in fields if field.kind is Kind.DECIMAL}
    return {
        name: five_places(value) if name in decimals and value is not None else value
        for name, value in record.items()
    }


def five_places(value: int | Decimal) -> exact.Number:
    """Return an amount with exactly five places; halves go up, as in a database's decimal."""
    with localcontext() as context:
        context.prec = 200
        return exact.Number(format(Decimal(value).quantize(_PLACES, ROUND_HALF_UP), "f"))


def _in_range(value: object, kind: Kind) -> bool:
    if kind is Kind.DECIMAL and isinstance(value, int | Decimal):
        return Decimal(value).adjusted() < _WHOLE_DIGITS
    if kind in _BITS and isinstance(value, int):
        return -(1 << _BITS[kind]) <= value < 1 << _BITS[kind]
    return True


def _balance(lines: Sequence[Record]) -> Decimal:
    with localcontext() as context:
        context.prec = 200
        signs = {"D": 1, "C": -1}
        return sum((signs[line["naturaleza"]] * line["valor"] for line in lines), Decimal(0))
