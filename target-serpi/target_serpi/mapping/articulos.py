"""Articles: the field table of https://www.wikiserpi.com/index.php/API_Articulos, and the merge.

The page's tables spell some keys otherwise than its JSON (`DiasMaximo`, `diasMaximo`): the JSON's
spelling is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from target_serpi.comparing import FieldChange, same_stored
from target_serpi.mapping.fields import Fault, Field, FieldTable
from target_serpi.mapping.kinds import (
    INT,
    SHORT,
    UnfitError,
    anything,
    boolean,
    code,
    custom_fields,
    decimal,
    one_of,
    text,
)

CODIGO = "codigo"
CUSTOM = "camposPersonalizados"
CUSTOM_IN_PUT_EXAMPLE = "camposcliente"
ID = "id"

ARTICLE = FieldTable(
    (
        Field(CODIGO, code, required=True),
        Field("referencia", text),
        Field("barras", text),
        Field("descripcion", text, required=True),
        Field("idgrupocontable", INT, required=True),
        Field("descripcionalterna", text),
        Field("idlinea", INT, required=True),
        Field("idcategoria", INT, required=True),
        Field("idpresentacion", INT, required=True),
        Field("idmarca", INT, required=True),
        Field("idunidadmedida", INT, required=True),
        Field("peso", decimal),
        Field("costo", decimal),
        Field("costou", decimal),
        Field("activo", boolean, required=True),
        Field("posicionarancel", text),
        Field("porcentajeArancel", decimal),
        Field("diasMaximo", SHORT),
        Field("diasminimo", SHORT),
        Field("diasoptimo", SHORT),
        Field("dias_reposicion", SHORT),
        Field("tipoPlaneacion", one_of(0, 1)),
        Field("multiploCompra", decimal),
        Field("pedidoMinimo", decimal),
        Field("stockMinimoUnidades", decimal),
        Field("stockOptimoUnidades", decimal),
        Field("aplicaPromocion", boolean),
        Field("aplicaKit", boolean),
        Field("exportable", boolean),
        Field("volumen", decimal),
        Field("ubicacion", decimal),
        Field("ubicacionAlfanumerica", text),
        Field("palabrasClave", text),
        Field(CUSTOM, custom_fields, aliases=(CUSTOM_IN_PUT_EXAMPLE,)),
        Field("aplicaAiu", boolean),
        Field("porcentajeAiu", decimal),
        Field("idgrupocontableAiu", INT),
    ),
    read_only=(ID,),
)

NAMES = frozenset(field.name for field in ARTICLE.fields)


def map_article(
    record: Mapping[str, Any], unknown_fields: str
) -> tuple[dict[str, Any], list[Fault]]:
    """Make an article's payload; only its code must be there.

    Args:
        record: as it came.
        unknown_fields: `reject`, `drop` or `send`.

    Returns:
        the fields that the record gives, and what is wrong with it.
    """
    payload, faults = ARTICLE.map(record, unknown_fields)
    if not faults and not payload.get(CODIGO):
        faults = [Fault(CODIGO, "missing")]
    return payload, faults


def overlaid(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Give what two records of one article come to when the second is written after the first."""
    both = {**first, **second}
    if isinstance(first.get(CUSTOM), dict) and isinstance(second.get(CUSTOM), dict):
        both[CUSTOM] = {**first[CUSTOM], **second[CUSTOM]}
    return both


def merged(stored: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give the whole article that a PUT sends: what SERPI holds, with the record's fields in place.

    Whether SERPI leaves absent fields alone is not documented, so none is absent.

    Args:
        stored: as just read.
        payload: what the record gives.
    """
    held = ARTICLE.stored(stored)
    whole = {
        field.name: _as_held(field.name, held[field.name])
        for field in ARTICLE.fields
        if field.name in held
    }
    return overlaid(whole, payload)


def _as_held(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if name != CUSTOM or value is None:
        return anything(value)
    try:
        return custom_fields(value)
    except UnfitError:
        return anything(value)


def changes(stored: Mapping[str, Any], whole: Mapping[str, Any]) -> list[FieldChange]:
    """Tell which fields a PUT would change, custom fields name by name.

    Args:
        stored: as just read.
        whole: what would be sent.
    """
    held = merged(stored, {})
    found = []
    for name, new in whole.items():
        old = held.get(name)
        if name == CUSTOM and isinstance(new, dict) and isinstance(old, dict | None):
            old = old or {}
            found += [
                FieldChange(f"{CUSTOM}.{child}", old.get(child), value)
                for child, value in new.items()
                if not same_stored(value, old.get(child))
            ]
        elif not same_stored(new, old):
            found.append(FieldChange(name, old, new))
    return found


def holds(stored: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Whether SERPI holds an article as it was sent: every field that was sent is equal.

    Args:
        stored: as just read.
        payload: what was sent.
    """
    held = merged(stored, {})
    for name, value in payload.items():
        if name == CUSTOM and isinstance(value, dict):
            theirs = held.get(CUSTOM) or {}
            if not isinstance(theirs, dict) or not all(
                same_stored(child, theirs.get(key)) for key, child in value.items()
            ):
                return False
        elif name in NAMES and not same_stored(value, held.get(name), null_is_nothing=True):
            return False
    return True
