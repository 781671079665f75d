"""What the demo runs: one entry per pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from erp_sandbox.winfra.datasets import DATASETS, KEYS


@dataclass(frozen=True)
class Table:
    """One stream, as a table of the warehouse; the sandbox's control routes have it by that name.

    Attributes:
        stream: its name, also the table's.
        columns: what the sample rows show; without them there is no sample.
        leaves_out: a flag of the rows that the API leaves out unless it is asked for them.
    """

    stream: str
    columns: tuple[str, ...] = ()
    leaves_out: str = ""


@dataclass(frozen=True)
class ReadBack:
    """Records that an earlier pipeline brought from one vendor to another, read back from there.

    Attributes:
        origin: the vendor that they come from.
        came_from: the table in which they were read there.
        stream: their name at both vendors.
        fields: what was written, by the name that it has where it comes from; the key first.
    """

    origin: str
    came_from: str
    stream: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Pipeline:
    """One ``meltano run``; the demo does them in order.

    Attributes:
        blocks: the plugins of meltano.yml, an extractor first.
        vendor: whose API of the sandbox is asked.
        tables: what it fills in DuckDB; none where it writes into an ERP and a later one reads it back.
        note: what a second run shows.
        read_back: what an earlier pipeline wrote and this one reads.
        variables: settings beside those of the environment ``sandbox``.
    """

    blocks: tuple[str, ...]
    vendor: str
    note: str
    tables: tuple[Table, ...] = ()
    read_back: ReadBack | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def table(self, stream: str) -> str:
        """Return a table's name in the database; Meltano names the schema after the extractor."""
        return f"{self.blocks[0].replace('-', '_')}.{stream}"


COLUMNS = {
    "articulos": ("codigo", "descripcion", "precio_coste", "peso"),
    "ventas": ("id", "fecha", "tipo", "estado"),
}

PIPELINES = (
    Pipeline(
        blocks=("tap-winfra-xxl", "target-duckdb"),
        vendor="winfra",
        tables=tuple(
            Table(name, COLUMNS.get(name, ()), "liquidado" if name == "deudas" else "")
            for name in DATASETS
        ),
        note=(
            "All 19 datasets; vehiculos has no rows, so no table either. Keys are set for all, so a\n"
            "  later run reads the dated ones from the bookmark less lookback_days, and of\n"
            "  interlocutores and ventas what was changed since."
        ),
        variables={
            # WINFRA names no keys: these are of the sandbox's own data.
            "TAP_WINFRA_XXL_KEY_PROPERTIES": json.dumps(KEYS),
            "TAP_WINFRA_XXL_DATASET_PARAMS": json.dumps(
                {"ventas": {"incluir_pedidos": True, "todos_estados": True}}
            ),
        },
    ),
    Pipeline(
        blocks=("tap-winfra-articulos", "target-serpi-articulos"),
        vendor="serpi",
        note=(
            "WINFRA's articles, mapped to SERPI's fields in meltano.yml. Each is written once: a later\n"
            "  run looks first, finds them equal and writes nothing. serpi-report.html beside the\n"
            "  database shows what was done, serpi-ledger.sqlite3 keeps it."
        ),
    ),
    Pipeline(
        blocks=("tap-serpi", "target-duckdb"),
        vendor="serpi",
        tables=(
            Table("articulos", ("id", "codigo", "descripcion", "costo", "activo")),
            Table("tipos_documento", ("id", "categoriadocumento", "prefijo", "descripcion")),
            Table(
                "documentos_contables",
                ("id", "prefijo", "numerodoc", "fechadocumento", "nombreterceroenc"),
            ),
        ),
        read_back=ReadBack(
            origin="winfra",
            came_from="tap_winfra_xxl.articulos",
            stream="articulos",
            fields={
                "codigo": "codigo",
                "descripcion": "descripcion",
                "precio_coste": "costo",
                "peso": "peso",
                "codigo_barras": "barras",
                "activo": "activo",
            },
        ),
        note=(
            "SERPI keeps no date of change for articles and types: both are read whole each time.\n"
            "  Of documentos_contables a later run reads the days since its bookmark less lookback_days."
        ),
    ),
    Pipeline(
        blocks=("tap-facturadirecta", "target-duckdb"),
        vendor="facturadirecta",
        tables=(Table("providers", ("id", "name", "taxcode", "email")),),
        note="FacturaDirecta has no date of change: every provider is read each time.",
    ),
)
