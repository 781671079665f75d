"""The 19 datasets of the bulk export, as the vendor's page documents them: data, nothing else.

Source: the vendor's page `xxldefinition` (`seeds/winfra-xxl.txt`). Lookbacks are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ParameterKind(StrEnum):
    """What a documented parameter takes; the value is how a message says it."""

    BOOLEAN = "true or false"
    PARTNER = "one of cliente, proveedor, acreedor"
    DATE_TIME = "a date"


PARTNERS = ("cliente", "proveedor", "acreedor")

FROM, UNTIL, CHANGED_SINCE = "fecha_desde", "fecha_hasta", "modificado_desde"

WINDOW = {FROM: ParameterKind.DATE_TIME, UNTIL: ParameterKind.DATE_TIME}

MOST_DAYS = 36_500
"""A century: no window and no lookback is longer."""

LONGEST_DEBTS_MONTHS = 12
"""The page of `deudas`: 'El periodo máximo es de 12 meses'."""


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    Attributes:
        name: as petitions name it; the stream has the same name.
        record_type: the vendor's name of its records.
        parameters: the documented ones and what they take.
        is_dated: whether it is read in windows of days.
        longest_window: days that one petition may ask for, None where no limit is documented.
        lookback_days: days before the bookmark that a later run reads again, unless set otherwise.
    """

    name: str
    record_type: str
    parameters: Mapping[str, ParameterKind] = field(default_factory=dict)
    is_dated: bool = False
    longest_window: int | None = None
    lookback_days: int = 0

    @property
    def knows_changes(self) -> bool:
        """Whether it can be asked for what was changed since a moment."""
        return CHANGED_SINCE in self.parameters


_ATTACHMENTS = {"incluir_ficheros_adjuntos": ParameterKind.BOOLEAN}

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset("articulos", "Articulo", _ATTACHMENTS),
        Dataset("articulos_lotes", "ArticuloLote", _ATTACHMENTS),
        Dataset("centros_coste", "CentroCoste"),
        Dataset("cliente_tipos", "TipoCliente"),
        Dataset("compras", "Compra", WINDOW, is_dated=True, lookback_days=95),
        Dataset("descuentos", "Descuento"),
        Dataset(
            "deudas",
            "Deuda",
            {
                **WINDOW,
                "incluir_deudas": ParameterKind.BOOLEAN,
                "incluir_efectos": ParameterKind.BOOLEAN,
                "incluir_liquidado": ParameterKind.BOOLEAN,
            },
        ),
        Dataset("diario", "Asiento", WINDOW, is_dated=True, lookback_days=95),
        Dataset("empleados", "Empleado"),
        Dataset("facturas_contables", "FacturaContable", WINDOW, is_dated=True, lookback_days=95),
        Dataset("formas_pago", "FormaPago"),
        Dataset(
            "interlocutores",
            "InterlocutorComercial",
            {"tipo": ParameterKind.PARTNER, CHANGED_SINCE: ParameterKind.DATE_TIME},
        ),
        Dataset("movimientos", "MovimientoAlmacen", WINDOW, is_dated=True, lookback_days=35),
        Dataset("stocks", "FormatoStock"),
        Dataset("subcuentas", "Subcuenta"),
        Dataset("tarifas", "Tarifa"),
        Dataset("vehiculos", "Vehiculo"),
        Dataset(
            "ventas",
            "Venta",
            {
                **WINDOW,
                "incluir_pedidos": ParameterKind.BOOLEAN,
                "todos_estados": ParameterKind.BOOLEAN,
                CHANGED_SINCE: ParameterKind.DATE_TIME,
            },
            is_dated=True,
            # 'El intervalo está limitado a un año': a year without 29 February, to be safe.
            longest_window=365,
            lookback_days=400,
        ),
        Dataset("ventas_facturas", "VentaFactura", WINDOW, is_dated=True, lookback_days=95),
    )
}
"""Every dataset by name, in the order of the vendor's page."""

DATED = tuple(name for name, dataset in DATASETS.items() if dataset.is_dated)
