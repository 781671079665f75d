"""How stored rows look when they are read: the spellings and forms that switches ask for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from erp_sandbox import exact
from erp_sandbox.serpi.fields import TABLE_SPELLING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from erp_sandbox.serpi.store import Record
    from erp_sandbox.serpi.switches import SerpiSwitches

Row = tuple[int, bytes]
"""A position in the whole list, and a record's JSON text."""

LATE_FIELD = "campoNuevo"
_PADDED = ("referencia", "descripcion", "ubicacionAlfanumerica")
_WIDTH = 60
_FORMS = ("held", "null", "list", "absent")


def in_order(rows: list[bytes], switches: SerpiSwitches, seed: int) -> list[bytes]:
    """Return the rows in the order that the switches ask for, the same for every page."""
    if switches.row_order == "reversed":
        return rows[::-1]
    if switches.row_order == "shuffled":
        # A predictable order is the point of a seed.
        return random.Random(seed).sample(rows, len(rows))  # noqa: S311
    return rows


def articles(rows: Iterable[Row], switches: SerpiSwitches) -> list[bytes]:
    """Return articles as they are read; their own bytes where no switch changes them."""
    plain = (
        switches.custom_fields == "held"
        and switches.key_spelling == "json"
        and not (switches.padded_text or switches.hostile_text or switches.late_field_from)
    )
    if plain:
        return [row for _, row in rows]
    return [_article(position, row, switches) for position, row in rows]


def documents(rows: Iterable[Row], switches: SerpiSwitches, reading: int) -> list[bytes]:
    """Return documents as they are read; their own bytes where no switch changes them.

    Args:
        rows: The documents of a page.
        switches: The quirks.
        reading: How many times the list was read from its first page, for ids that change.
    """
    if switches.dates == "day" and not switches.document_ids_change:
        return [row for _, row in rows]
    return [_document(row, switches, reading) for _, row in rows]


def _article(position: int, row: bytes, switches: SerpiSwitches) -> bytes:
    record = cast("Record", exact.loads(row))
    _set_custom_fields(record, position, switches)
    if switches.padded_text:
        for name in _PADDED:
            record[name] = record[name] and record[name].ljust(_WIDTH)
    if switches.hostile_text and position in (3, 5):
        record["descripcion"] += "\x00" if position == 3 else "\ud83d"
    if switches.late_field_from and position + 1 >= switches.late_field_from:
        record[LATE_FIELD] = exact.Number("1.50000")
    if switches.key_spelling == "table" or (switches.key_spelling == "mixed" and position % 2):
        record = {TABLE_SPELLING.get(name, name): value for name, value in record.items()}
    return exact.dumps(record).encode()


def _set_custom_fields(record: Record, position: int, switches: SerpiSwitches) -> None:
    form: str = switches.custom_fields
    if form == "mixed":
        form = _FORMS[position % len(_FORMS)]
    held = record.get("camposPersonalizados")
    if form == "null":
        record["camposPersonalizados"] = None
    elif form == "absent":
        record.pop("camposPersonalizados", None)
    elif form == "list" and isinstance(held, dict):
        record["camposPersonalizados"] = [[name, [value]] for name, value in held.items()]


def _document(row: bytes, switches: SerpiSwitches, reading: int) -> bytes:
    record = cast("Record", exact.loads(row))
    if switches.dates == "datetime":
        record["fechaDocumento"] += "T00:00:00"
    if switches.document_ids_change:
        record["id"] += 1_000_000 * reading
    return exact.dumps(record).encode()
