"""Accounting documents: the field tables of SERPI's page, their key, their balance, their equality.

The page is https://www.wikiserpi.com/index.php/API_Documentos_Inventario, whose title says inventory
and whose content is accounting.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from target_serpi.comparing import SMALLEST, FieldChange, same_day, same_stored
from target_serpi.mapping.fields import Fault, Field, FieldTable
from target_serpi.mapping.kinds import INT, LONG, code, day, decimal, one_of, rows, text
from target_serpi.pairing import unpaired

DEBIT, CREDIT = "D", "C"
DATE = "fechaDocumento"
LINES = "detalles"
PRECISION = 200
"""More digits than a sum of amounts can have."""

DOCUMENT = FieldTable(
    (
        Field("categoriaDocumento", code, required=True),
        Field("prefijo", code, required=True),
        Field("numeroDoc", INT, required=True),
        Field("nitTerceroEnc", code, required=True),
        Field(DATE, day, required=True),
        Field(LINES, rows, required=True),
    ),
    read_only=("id", "nombreTerceroEnc"),
)

LINE = FieldTable(
    (
        Field("cuenta", LONG, required=True),
        Field("nitTerceroDet", code, required=True),
        Field("naturaleza", one_of(CREDIT, DEBIT), required=True),
        Field("crucePrefijo", text),
        Field("cruceNumero", INT),
        Field("fechaVencimiento", day),
        Field("valor", decimal, required=True),
        Field("baseImpuesto", decimal),
        Field("cuota", INT),
        Field("detalle", text),
        Field("idSubcentroCosto", INT),
        Field("idCentroOperacion", INT),
        Field("idProyecto", INT),
        Field("idActividad", INT),
        Field("idSucursal", INT),
    ),
    read_only=("id", "nombreTerceroDet"),
)

DAYS = frozenset({DATE, "fechaVencimiento"})
LINE_NAMES = frozenset(field.name for field in LINE.fields)
HEADER = tuple(field.name for field in DOCUMENT.fields if field.name != LINES)


class DocumentKey(NamedTuple):
    """What names a document: the sender chooses all three."""

    category: str
    prefix: str
    number: int

    @property
    def pair(self) -> tuple[str, str]:
        """Category and prefix, which name the document's type."""
        return self.category, self.prefix

    def __str__(self) -> str:
        """Write it for people and for the ledger."""
        return f"{self.category}/{self.prefix}/{self.number}"


def map_document(
    record: Mapping[str, Any], unknown_fields: str, *, check_balance: bool
) -> tuple[dict[str, Any], list[Fault]]:
    """Make a document's payload.

    Args:
        record: as it came.
        unknown_fields: `reject`, `drop` or `send`.
        check_balance: whether debits must equal credits.

    Returns:
        what is sent, and what is wrong with the record.
    """
    payload, faults = DOCUMENT.map(record, unknown_fields)
    wrong = {fault.field.casefold() for fault in faults}
    faults += [fault for fault in DOCUMENT.missing(payload) if fault.field.casefold() not in wrong]
    lines = payload.get(LINES)
    if isinstance(lines, list):
        mapped = [LINE.map(line, unknown_fields) for line in lines]
        payload[LINES] = [line for line, _ in mapped]
        for number, (line, line_faults) in enumerate(mapped):
            wrong = {fault.field.casefold() for fault in line_faults}
            missing = [f for f in LINE.missing(line) if f.field.casefold() not in wrong]
            faults += [
                Fault(f"{LINES}[{number}].{fault.field}", fault.reason)
                for fault in (*line_faults, *missing)
            ]
    if not faults and check_balance:
        faults = _unbalanced(payload[LINES])
    return payload, faults


def _unbalanced(lines: Sequence[Mapping[str, Any]]) -> list[Fault]:
    sums = {DEBIT: Decimal(0), CREDIT: Decimal(0)}
    with localcontext() as context:
        context.prec = PRECISION
        for line in lines:
            sums[line["naturaleza"]] += line["valor"]
    if sums[DEBIT] == sums[CREDIT]:
        return []
    return [Fault(LINES, f"debits are {sums[DEBIT]:f} and credits {sums[CREDIT]:f}")]


def key_of(payload: Mapping[str, Any]) -> DocumentKey:
    """Return the key of a payload that has no faults, or of a stored document."""
    return DocumentKey(payload["categoriaDocumento"], payload["prefijo"], payload["numeroDoc"])


def stored_document(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a document that was read the form of a payload: one spelling, without what is read-only.

    Args:
        record: as it was read.
    """
    document = DOCUMENT.stored(record)
    for name in ("categoriaDocumento", "prefijo"):
        if isinstance(document.get(name), str):
            document[name] = document[name].rstrip()
    if isinstance(document.get(DATE), str):
        document[DATE] = document[DATE][:10]
    lines = document.get(LINES)
    document[LINES] = [
        _stored_line(line)
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, dict)
    ]
    return document


def _stored_line(line: Mapping[str, Any]) -> dict[str, Any]:
    found = LINE.stored(line)
    for name in DAYS & found.keys():
        if isinstance(found[name], str):
            found[name] = found[name][:10]
    return found


def same_document(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether SERPI holds a document: every field that is sent is equal, lines in any order.

    Args:
        sent: a payload.
        stored: a document that was read, in a payload's form (see `stored_document`).
    """
    return not document_changes(stored, sent)


def document_changes(stored: Mapping[str, Any], payload: Mapping[str, Any]) -> list[FieldChange]:
    """Tell where a document that is sent differs from the stored one.

    Args:
        stored: in a payload's form.
        payload: what would be sent.

    Returns:
        the fields; a line that stands on one side alone has None on the other.
    """
    found: list[FieldChange] = [
        FieldChange(name, stored.get(name), payload.get(name))
        for name in HEADER
        if not _same_field(name, payload.get(name), stored.get(name))
    ]
    sent_only, stored_only = unpaired(payload[LINES], stored[LINES], _same_line, _line_groups)
    found += [FieldChange(LINES, stored[LINES][place], None) for place in stored_only]
    found += [FieldChange(LINES, None, payload[LINES][place]) for place in sent_only]
    return found


def _same_field(name: str, sent: Any, stored: Any) -> bool:  # noqa: ANN401 - any JSON values
    if name in DAYS and isinstance(sent, str):
        return same_day(sent, stored)
    return same_stored(sent, stored, null_is_nothing=True)


def _same_line(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    return all(
        _same_field(name, value, stored.get(name))
        for name, value in sent.items()
        # A field that SERPI's page does not name (`unknown_fields: send`) is not given back.
        if name in LINE_NAMES
    )


def _line_groups(line: Mapping[str, Any]) -> list[Hashable]:
    """Name the groups in which a line's equals are: few lines share account, nature and amount."""
    amount = line.get("valor")
    near = (
        {math.floor(amount - SMALLEST), math.floor(amount + SMALLEST)}
        if isinstance(amount, int | Decimal)
        else {None}
    )
    return [(line.get("cuenta"), line.get("naturaleza"), whole) for whole in near]
