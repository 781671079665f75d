"""Records of the datasets without dates: articles, partners, stocks, tariffs and small masters.

The vendor publishes no field list: names and values are invented, only the type names behind them
(Articulo, Formato, InterlocutorComercial, ...) and the vocabulary of the screens are its own. Each
dataset shows some of what a reader has to bear: nested lists, nulls, missing keys, keys that come
only later, numbers that turn fractional, unsigned hashes, many decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from erp_sandbox.exact import Number
from erp_sandbox.winfra.clock import at_midnight
from erp_sandbox.winfra.invented import (
    COMPANIES,
    FIRST_NAMES,
    PRODUCTS,
    REMARKS,
    SURNAMES,
    Draw,
    Record,
    places,
    whole_then_fraction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE_SHARE = 0.8
"""From this share of a dataset on, its records carry a key that the earlier ones lack."""


def article_code(position: int) -> str:
    """Return an article's code; its leading zeros belong to it."""
    return f"{position + 1:06d}"


def articulos(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Articulo records; attachments are added when a petition asks for them."""
    for position in range(count):
        made = draw.period.day(position, count)
        record: Record = {
            "codigo": article_code(position),
            "descripcion": f"{draw.one_of(PRODUCTS)} nº {position + 1}",
            "descripcion_ampliada": draw.one_of(REMARKS) if draw.chance(0.3) else None,
            "fabricante": draw.one_of(COMPANIES) if draw.chance(0.9) else None,
            "proveedor_habitual": {"codigo": f"P{draw.below(99):04d}", "plazo_dias": draw.below(30)}
            if draw.chance(0.4)
            else None,
            "impuesto": {"codigo": "IVA21", "porcentaje": Number("21.00")},
            "peso": whole_then_fraction(position, count, 1 + draw.below(40)),
            "precio_coste": places(draw.below(9_000_000), 5),
            "coste_medio": Number(f"{draw.below(900)}.{draw.random.getrandbits(66):020d}"),
            "activo": draw.chance(0.95),
            "fecha_alta": at_midnight(made),
            "fecha_modificacion": draw.modified(made),
            "fecha_baja": None,
            "formatos": [
                {
                    "codigo": f"{article_code(position)}-{n}",
                    "referencia_fabricante": f"RF/{draw.below(10**6):06d}",
                    "equivalencia": places(draw.below(5000), 3),
                    "contenedor": None,
                    "litros": draw.below(25),
                }
                for n in range(draw.below(4))
            ],
            "etiquetas": [draw.one_of(("ofertas", "campaña", "jardín"))] * draw.below(3),
            "hash_datos": draw.hash32(),
        }
        if draw.chance(0.5):
            record["codigo_barras"] = f"84{draw.below(10**11):011d}"
        if position >= count * LATE_SHARE:
            record["huella_carbono"] = places(draw.below(90_000), 4)
        yield record


def articulos_lotes(draw: Draw, count: int) -> Iterator[Record]:
    """Yield ArticuloLote records, some of them shown in the shop (`solo_tienda`)."""
    for position in range(count):
        yield {
            "id": draw.uuid(),
            "articulo": article_code(draw.below(250)),
            "lote": f"L-{position:05d}/ñ",
            "fecha_caducidad": draw.some_day() if draw.chance(0.7) else None,
            "en_tienda": draw.chance(0.3),
            "lineas": [
                {
                    "almacen": f"{n + 1:03d}",
                    "ubicacion": None,
                    "cantidad": places(draw.below(9999), 3),
                }
                for n in range(1 + draw.below(3))
            ],
            "hash_lote": draw.hash32(),
        }


def centros_coste(draw: Draw, count: int) -> Iterator[Record]:
    """Yield CentroCoste records, a tree by `padre`."""
    for position in range(count):
        yield {
            "codigo": f"{position:03d}",
            "descripcion": f"Centro {draw.one_of(('Almacén', 'Taller', 'Oficina'))} {position}",
            "padre": f"{position // 3:03d}" if position else None,
            "activo": True,
        }


def cliente_tipos(draw: Draw, count: int) -> Iterator[Record]:
    """Yield TipoCliente records."""
    for position in range(count):
        yield {
            "id": position + 1,
            "descripcion": f"Tipo {chr(65 + position % 26)}",
            "descuento": whole_then_fraction(position, count, draw.below(15)),
        }


def empleados(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Empleado records; some have no `telefono` at all."""
    for position in range(count):
        record: Record = {
            "codigo": f"{position + 1:04d}",
            "nombre": draw.one_of(FIRST_NAMES),
            "apellidos": f"{draw.one_of(SURNAMES)} {draw.one_of(SURNAMES)}",
            "fecha_alta": draw.some_day(),
            "fecha_baja": draw.some_day() if draw.chance(0.2) else None,
            "activo": draw.chance(0.8),
        }
        if draw.chance(0.6):
            record["telefono"] = f"6{draw.below(10**8):08d}"
        yield record


def formas_pago(draw: Draw, count: int) -> Iterator[Record]:
    """Yield FormaPago records with the days at which each part is due."""
    for position in range(count):
        yield {
            "codigo": f"{position + 1:02d}",
            "descripcion": f"Giro a {30 * position} días" if position else "Contado",
            "vencimientos": [30 * n for n in range(1, position + 1)],
            "recargo": places(draw.below(300), 2),
        }


def interlocutores(draw: Draw, count: int) -> Iterator[Record]:
    """Yield InterlocutorComercial records: customers, suppliers, creditors, and who is several."""
    for position in range(count):
        made = draw.period.day(position, count)
        role = position % 4
        record: Record = {
            "codigo": f"{position + 1:05d}",
            "razon_social": f"{draw.one_of(COMPANIES)} ({position + 1})",
            "nombre_comercial": None,
            "es_cliente": role in (0, 1),
            "es_proveedor": role in (1, 2),
            "es_acreedor": role == 3,
            "identificacion_fiscal": {"tipo": "NIF", "numero": draw.tax_number(), "pais": "ES"},
            "limite_credito": whole_then_fraction(position, count, 100 * draw.below(600)),
            "direcciones": [draw.address() for _ in range(draw.below(3))],
            "contactos": [
                {
                    "nombre": f"{draw.one_of(FIRST_NAMES)} {draw.one_of(SURNAMES)}",
                    "email": f"contacto{position}@ejemplo.invalid",
                    "telefonos": [f"9{draw.below(10**8):08d}"] * draw.below(3),
                }
                for _ in range(draw.below(3))
            ],
            "etiquetas": [],
            "fecha_alta": at_midnight(made),
            "fecha_modificacion": draw.modified(made),
            "hash_datos": draw.hash32(),
        }
        if position >= count * LATE_SHARE:
            record["consentimiento_rgpd"] = {"fecha": at_midnight(made), "canal": "web"}
        yield record


def stocks(draw: Draw, count: int) -> Iterator[Record]:
    """Yield FormatoStock records: one per format and warehouse, negative ones too."""
    for position in range(count):
        yield {
            "articulo": article_code(position // 2),
            "formato": f"{article_code(position // 2)}-0",
            "almacen": f"{position % 2 + 1:03d}",
            "stock": places(draw.below(90_000) - 5_000, 3, 2),
            "stock_minimo": whole_then_fraction(position, count, draw.below(50)),
            "pendiente_recibir": None if draw.chance(0.5) else places(draw.below(9999), 3),
        }


def subcuentas(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Subcuenta records; one balance has more digits than a binary float can hold."""
    for position in range(count):
        large = position == count // 2
        yield {
            "codigo": f"{430_00000 + position:08d}",
            "descripcion": f"Clientes {draw.one_of(COMPANIES)}",
            "saldo": Number("12345678901234.56789") if large else places(draw.below(10**9), 5),
            "bloqueada": False,
            "observaciones": None,
        }


def tarifas(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Tarifa records: a price per article and tariff, with price steps."""
    for position in range(count):
        yield {
            "id": 10_000 + position,
            "tarifa": f"T{position % 3 + 1}",
            "articulo": article_code(position // 3),
            "precio": places(draw.below(999_999), 4),
            "tramos": [
                {"desde": 10 * n, "precio": places(draw.below(99_999), 4)}
                for n in range(1, 1 + draw.below(3))
            ],
            "hash_tarifa": draw.hash32(),
        }


def vehiculos(draw: Draw, count: int) -> Iterator[Record]:
    """Yield Vehiculo records: none at all at scale 1."""
    for position in range(count):
        yield {
            "matricula": f"{position:04d} ÑÑÑ",
            "descripcion": "Camión cisterna",
            "tara": whole_then_fraction(position, count, 1000 + draw.below(9000)),
            "fecha_itv": draw.some_day(),
        }
