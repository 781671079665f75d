"""Records of the dated datasets but `ventas`, and of debts and discounts.

Names and values are invented (see `masters`). Most dates are pure dates, at 00:00:00; warehouse
movements carry a time of day, which is where windows read by days and by times differ.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from erp_sandbox.exact import Number
from erp_sandbox.winfra.clock import at_midnight
from erp_sandbox.winfra.invented import (
    COMPANIES,
    PRODUCTS,
    Draw,
    Record,
    places,
    whole_then_fraction,
)
from erp_sandbox.winfra.masters import LATE_SHARE, article_code

if TYPE_CHECKING:
    from collections.abc import Iterator

DISCOUNT_DAYS = 8
"""`descuentos` covers today and the next 7 days."""


def compras(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Compra records with their lines; some have none."""
    for position in range(count):
        day = draw.period.day(position, count)
        record: Record = {
            "id": 500_000 + position,
            "serie": "C",
            "numero": position + 1,
            "fecha": at_midnight(day),
            "proveedor": {
                "codigo": f"P{draw.below(99):04d}",
                "razon_social": draw.one_of(COMPANIES),
            },
            "referencia_proveedor": f"PED {draw.below(9999)}/Ñ" if draw.chance(0.6) else None,
            "portes": whole_then_fraction(position, count, draw.below(60)),
            "lineas": [
                {
                    "linea": n + 1,
                    "articulo": article_code(draw.below(250)),
                    "descripcion": draw.one_of(PRODUCTS),
                    "cantidad": places(draw.below(90_000), 3),
                    "precio": places(draw.below(9_999_999), 6),
                    "lote": None,
                }
                for n in range(draw.below(5))
            ],
            "total": places(draw.below(5_000_000), 2, 3),
            "hash_compra": draw.hash32(),
        }
        if position >= count * LATE_SHARE:
            record["codigo_proyecto"] = f"PRY-{draw.below(40):02d}"
        yield record


def deudas(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Deuda records: debts and bills of exchange, one in three settled."""
    for position in range(count):
        day = draw.period.day(position, count)
        cents = 1 + draw.below(900_000)
        settled = position % 3 == 0
        yield {
            "id": draw.uuid(),
            "tipo": "efecto" if position % 2 else "deuda",
            "cliente": f"{draw.below(180) + 1:05d}",
            "fecha": at_midnight(day),
            "fecha_vencimiento": at_midnight(day + timedelta(days=30)),
            "importe": places(cents, 2),
            "pendiente": Number("0.00") if settled else places(cents, 2),
            "liquidado": settled,
        }


def descuentos(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Descuento records for today and the next 7 days."""
    for position in range(count):
        day = draw.period.today + timedelta(days=position % DISCOUNT_DAYS)
        yield {
            "articulo": article_code(position),
            "cliente_tipo": 1 + position % 6,
            "fecha": at_midnight(day),
            "porcentaje": whole_then_fraction(position, count, 1 + draw.below(30)),
        }


def diario(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Asiento records whose entries balance to the cent."""
    for position in range(count):
        day = draw.period.day(position, count)
        cents = [1 + draw.below(400_000) for _ in range(1 + draw.below(3))]
        entries: list[Record] = [
            {"subcuenta": f"{430_00000 + n:08d}", "debe": places(part, 2), "haber": Number("0.00")}
            for n, part in enumerate(cents)
        ]
        entries.append(
            {"subcuenta": "70000000", "debe": Number("0.00"), "haber": places(sum(cents), 2)}
        )
        yield {
            "id": draw.uuid(),
            "numero": position + 1,
            "fecha": at_midnight(day),
            "concepto": f"S/factura {position + 1} - año {day.year}",
            "centro_coste": f"{draw.below(12):03d}" if draw.chance(0.3) else None,
            "confirmado": False,
            "apuntes": entries,
            "hash_asiento": draw.hash32(),
        }


def facturas_contables(draw: Draw, count: int) -> Iterator[Record]:
    """Yield FacturaContable records with their taxes."""
    for position in range(count):
        day = draw.period.day(position, count)
        base = 100 + draw.below(900_000)
        yield {
            "id": draw.uuid(),
            "numero": f"FC{day:%y}/{position + 1:06d}",
            "fecha_registro": at_midnight(day),
            "fecha_factura": at_midnight(day - timedelta(days=draw.below(10))),
            "interlocutor": f"{draw.below(180) + 1:05d}",
            "desglose_iva": [
                {
                    "tipo": Number("21.00"),
                    "base": places(base, 2),
                    "cuota": places(base * 21, 4),
                    "recargo": None,
                }
            ],
            "registro_iva": None,
            "total": places(base * 121, 4),
        }


def movimientos(draw: Draw, count: int) -> Iterator[Record]:
    """Yield MovimientoAlmacen records, at all times of the day up to the last second."""
    for position in range(count):
        day = draw.period.day(position, count)
        late = position % 10 == 9
        hour = f"{draw.below(24):02d}:{draw.below(60):02d}:{draw.below(60):02d}"
        yield {
            "id": 900_000_000 + position,
            "tipo": draw.one_of(("ENTRADA", "SALIDA", "REGULARIZACIÓN")),
            "fecha": f"{day.isoformat()}T{'23:59:59' if late else hour}",
            "almacen_origen": "001",
            "almacen_destino": "002" if draw.chance(0.5) else None,
            "lineas": [
                {
                    "articulo": article_code(draw.below(250)),
                    "cantidad": places(draw.below(50_000) - 20_000, 3),
                    "coste": places(draw.below(10**9), 8),
                }
                for _ in range(1 + draw.below(4))
            ],
        }


def ventas_facturas(draw: Draw, count: int) -> Iterator[Record]:
    """Yield VentaFactura records with the documents they invoice."""
    for position in range(count):
        day = draw.period.day(position, count)
        base = 100 + draw.below(900_000)
        yield {
            "serie": f"V{day:%y}",
            "numero": position + 1,
            "fecha": at_midnight(day),
            "cliente": f"{draw.below(180) + 1:05d}",
            "ventas": [1 + draw.below(1000) for _ in range(1 + draw.below(3))],
            "base": places(base, 2),
            "cuota_iva": places(base * 21, 4),
            "total": places(base * 121, 4),
            "rectifica": None,
            "hash_factura": draw.hash32(),
        }
