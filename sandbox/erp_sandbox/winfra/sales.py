"""Records of `ventas`, about 1.3 kB each, written as text: benchmarks ask for 200,000 of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from erp_sandbox.winfra.clock import at_midnight
from erp_sandbox.winfra.invented import COMPANIES, PRODUCTS, REMARKS, STREETS, TOWNS, Draw
from erp_sandbox.winfra.table import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE_SHARE: Final = 0.8
HIDDEN_SHARE: Final = 20
"""Per this many documents there is one order and one open document more."""

LOCKING_STATES: Final = ("Bloqueado", "Facturado", "Rectificado")
"""The states that `ventas` shows without `todos_estados` (vendor's page)."""

_TAGS: Final = {
    (False, False): frozenset[str](),
    (True, False): frozenset({"pedido"}),
    (False, True): frozenset({"abierto"}),
    (True, True): frozenset({"pedido", "abierto"}),
}


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_COMPANIES: Final = tuple(map(_json, COMPANIES))
_PRODUCTS: Final = tuple(map(_json, PRODUCTS))
_REMARKS: Final = (*map(_json, REMARKS), "null", "null", "null", "null", "null")
_ADDRESSES: Final = tuple(
    f'{{"calle":{_json(street)},"codigo_postal":"{postcode}","poblacion":{_json(town)},'
    f'"provincia":{_json(province)},"pais":"ES"}}'
    for street in STREETS
    for town, province, postcode in TOWNS
)


def ventas(draw: Draw, count: int) -> Iterator[tuple[bytes, Facts]]:
    """Yield Venta records as JSON, with their facts (reading them back would cost the most).

    First `count` delivery notes and direct invoices in a locking state, which is what a petition
    gets by default; after them the orders and the open documents, which it has to ask for.
    """
    hidden = -(-count // HIDDEN_SHARE)
    for position in range(count):
        kind = "factura_directa" if position % 3 == 0 else "albaran"
        yield _sale(draw, position, count, kind, LOCKING_STATES[position % 3])
    for position in range(hidden):
        yield _sale(draw, position, hidden, "pedido", "Bloqueado", first_id=count)
    for position in range(hidden):
        yield _sale(draw, position, hidden, "albaran", "Abierto", first_id=count + hidden)


def _sale(  # noqa: PLR0913 - one call a record: an object around the arguments costs time
    draw: Draw, position: int, count: int, kind: str, state: str, *, first_id: int = 0
) -> tuple[bytes, Facts]:
    below = draw.below
    day = draw.period.day(position, count)
    date, modified = at_midnight(day), draw.modified(day)
    cents = 0
    lines = []
    for line in range(1, 3 + position % 3):
        units, price = 1 + below(40), 100 + below(99_900)
        cents += units * price
        lines.append(
            f'{{"linea":{line},"articulo":"{below(250) + 1:06d}",'
            f'"descripcion":{_PRODUCTS[below(len(_PRODUCTS))]},"unidades":{units}.000,'
            f'"precio":{price // 100}.{price % 100:02d}0000,"descuento":{below(3) * 5}.00,'
            f'"porcentaje_iva":21.00,"importe":{units * price // 100}.{units * price % 100:02d},'
            f'"lote":null,"numeros_serie":[]}}'
        )
    tax = cents * 21
    # Whole in the first half of the documents, fractional after it.
    freight = f"{below(50)}" if position * 2 < count else f"{below(50)}.5"
    late = f',"canal_venta":"{below(4)}"' if position >= count * LATE_SHARE else ""
    agent = f'"agente":"{below(40):03d}",' if position % 5 else ""
    text = (
        f'{{"id":{first_id + position + 1},"tipo":"{kind}","estado":"{state}",'
        f'"serie":"A","numero":{position + 1},"fecha":"{date}",'
        f'"fecha_modificacion":"{modified}","fecha_entrega":null,'
        f'"cliente":{{"codigo":"{below(180) + 1:05d}","razon_social":{_pick(draw, _COMPANIES)},'
        f'"identificacion_fiscal":"B{below(10**8):08d}","email":"compras@ejemplo.invalid"}},'
        f'"direccion_entrega":{_pick(draw, _ADDRESSES)},{agent}"forma_pago":"02",'
        f'"almacen":"001","divisa":"EUR","cambio":1.0000000000,'
        f'"base":{cents // 100}.{cents % 100:02d},"cuota_iva":{tax // 10**4}.{tax % 10**4:04d},'
        f'"total":{(cents * 100 + tax) // 10**4}.{(cents * 100 + tax) % 10**4:04d}0,'
        f'"portes":{freight},"pendiente":{below(3) * 67900}.00000,"cobrado":false,'
        f'"observaciones":{_pick(draw, _REMARKS)},"referencia_cliente":"PED-{below(10**6)}/ñ",'
        f'"documento_origen":null,"hash_venta":{draw.hash32()},'
        f'"lineas":[{",".join(lines)}]{late}}}'
    )
    return text.encode(), Facts(date, modified, tags(kind, state))


def tags(kind: str, state: str) -> frozenset[str]:
    """Return what parameters ask for: whether it is an order, and whether it is still open."""
    return _TAGS[kind == "pedido", state not in LOCKING_STATES]


def _pick(draw: Draw, choices: tuple[str, ...]) -> str:
    return choices[draw.below(len(choices))]
