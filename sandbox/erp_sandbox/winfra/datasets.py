"""The 19 datasets of the bulk export: parameters as the vendor documents them, and their records.

Source: the vendor's page `xxldefinition` (names, parameters). Keys, counts and record makers are
the sandbox's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from erp_sandbox import exact
from erp_sandbox.winfra import documents, masters, sales
from erp_sandbox.winfra.table import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from erp_sandbox.winfra.invented import Draw, Record

ParameterKind = Literal["datetime", "bool", "tipo"]

_WINDOW: Final[Mapping[str, ParameterKind]] = {
    "fecha_desde": "datetime",
    "fecha_hasta": "datetime",
}


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    Attributes:
        name: As petitions name it.
        make: Makes this many records.
        count: How many there are at scale 1.
        key: Fields that together are different in each record.
        parameters: The documented parameters and their types.
        date_field: What `fecha_desde` and `fecha_hasta` look at.
        modified_field: What `modificado_desde` looks at.
        tags: Gives a record's roles and states.
    """

    name: str
    make: Callable[[Draw, int], Iterator[Record] | Iterator[tuple[bytes, Facts]]]
    count: int
    key: tuple[str, ...]
    parameters: Mapping[str, ParameterKind] = field(default_factory=dict)
    date_field: str = ""
    modified_field: str = ""
    tags: Callable[[Record], frozenset[str]] = lambda _record: frozenset()

    def facts(self, record: Record) -> Facts:
        """Return what petitions select this record by."""
        return Facts(
            date=str(record.get(self.date_field, "")),
            modified=str(record.get(self.modified_field, "")),
            tags=self.tags(record),
        )

    def identity(self, record: Record) -> tuple[object, ...]:
        """Return the values of the record's key."""
        return tuple(record[name] for name in self.key)

    def rows(self, draw: Draw, scale: float) -> Iterator[tuple[bytes, Facts]]:
        """Make the records with their facts; vehicles only above scale 1."""
        count = round(self.count * (scale - 1 if self.name == EMPTY_AT_FIRST else scale))
        return self.rows_of(draw, max(count, 0))

    def rows_of(self, draw: Draw, count: int) -> Iterator[tuple[bytes, Facts]]:
        """Make this many records with their facts."""
        for made in self.make(draw, count):
            if isinstance(made, tuple):
                yield made
            else:
                yield exact.dumps(made).encode(), self.facts(made)


EMPTY_AT_FIRST: Final = "vehiculos"
"""The dataset that has no rows at scale 1."""


def _true_fields(*names: str) -> Callable[[Record], frozenset[str]]:
    """Tag a record with the fields (without ``es_`` and ``en_``) that are true in it."""
    return lambda record: frozenset(name[3:] for name in names if record.get(name) is True)


def _debt_tags(record: Record) -> frozenset[str]:
    settled = {"liquidado"} if record["liquidado"] is True else set()
    return frozenset({str(record["tipo"])} | settled)


def _sale_tags(record: Record) -> frozenset[str]:
    return sales.tags(str(record["tipo"]), str(record["estado"]))


DATASETS: Final[Mapping[str, Dataset]] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "articulos",
            masters.articulos,
            250,
            ("codigo",),
            {"incluir_ficheros_adjuntos": "bool"},
        ),
        Dataset(
            "articulos_lotes",
            masters.articulos_lotes,
            120,
            ("id",),
            {"incluir_ficheros_adjuntos": "bool"},
            tags=_true_fields("en_tienda"),
        ),
        Dataset("centros_coste", masters.centros_coste, 12, ("codigo",)),
        Dataset("cliente_tipos", masters.cliente_tipos, 6, ("id",)),
        Dataset("compras", documents.compras, 400, ("id",), _WINDOW, "fecha"),
        Dataset("descuentos", documents.descuentos, 90, ("articulo", "cliente_tipo", "fecha")),
        Dataset(
            "deudas",
            documents.deudas,
            150,
            ("id",),
            {
                **_WINDOW,
                "incluir_deudas": "bool",
                "incluir_efectos": "bool",
                "incluir_liquidado": "bool",
            },
            "fecha",
            tags=_debt_tags,
        ),
        Dataset("diario", documents.diario, 900, ("id",), _WINDOW, "fecha"),
        Dataset("empleados", masters.empleados, 25, ("codigo",)),
        Dataset(
            "facturas_contables",
            documents.facturas_contables,
            450,
            ("id",),
            _WINDOW,
            "fecha_registro",
        ),
        Dataset("formas_pago", masters.formas_pago, 8, ("codigo",)),
        Dataset(
            "interlocutores",
            masters.interlocutores,
            420,
            ("codigo",),
            {"tipo": "tipo", "modificado_desde": "datetime"},
            modified_field="fecha_modificacion",
            tags=_true_fields("es_cliente", "es_proveedor", "es_acreedor"),
        ),
        Dataset("movimientos", documents.movimientos, 600, ("id",), _WINDOW, "fecha"),
        Dataset("stocks", masters.stocks, 300, ("articulo", "almacen")),
        Dataset("subcuentas", masters.subcuentas, 140, ("codigo",)),
        Dataset("tarifas", masters.tarifas, 260, ("id",)),
        Dataset(EMPTY_AT_FIRST, masters.vehiculos, 5, ("matricula",)),
        Dataset(
            "ventas",
            sales.ventas,
            1200,
            ("id",),
            {
                **_WINDOW,
                "incluir_pedidos": "bool",
                "todos_estados": "bool",
                "modificado_desde": "datetime",
            },
            "fecha",
            "fecha_modificacion",
            _sale_tags,
        ),
        Dataset(
            "ventas_facturas",
            documents.ventas_facturas,
            500,
            ("serie", "numero"),
            _WINDOW,
            "fecha",
        ),
    )
}
"""Every dataset by name, in the order of the vendor's page."""

KEYS: Final[Mapping[str, list[str]]] = {name: list(each.key) for name, each in DATASETS.items()}
"""What a connector can be told as keys of the sandbox's records (the vendor names none)."""
