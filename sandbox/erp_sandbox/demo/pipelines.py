"""What the demo runs: one entry per pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """One stream, as a table of the warehouse.

    Attributes:
        stream: its name, also the table's.
        kind: the same data's name in the sandbox's control routes.
        columns: what the sample rows show.
    """

    stream: str
    kind: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Pipeline:
    """One ``meltano run``; the demo does them in order.

    Attributes:
        blocks: the plugins of meltano.yml, an extractor first.
        vendor: whose API of the sandbox is asked.
        tables: what it fills in DuckDB; none where it writes into an ERP and a later one reads it back.
        note: what a second run shows.
        variables: settings beside those of the environment ``sandbox``.
    """

    blocks: tuple[str, ...]
    vendor: str
    tables: tuple[Table, ...]
    note: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def table(self, table: Table) -> str:
        """Return a table's name in the database; Meltano names the schema after the extractor."""
        return f"{self.blocks[0].replace('-', '_')}.{table.stream}"


PIPELINES = (
    Pipeline(
        blocks=("tap-serpi", "target-duckdb"),
        vendor="serpi",
        tables=(
            Table("articulos", "articulos", ("id", "codigo", "descripcion", "costo", "activo")),
            Table(
                "tipos_documento",
                "tipos_documento",
                ("id", "categoriadocumento", "prefijo", "descripcion"),
            ),
            Table(
                "documentos_contables",
                "documentos_contables",
                ("id", "prefijo", "numerodoc", "fechadocumento", "nombreterceroenc"),
            ),
        ),
        note=(
            "SERPI keeps no date of change for articles and types: both are read whole each time.\n"
            "  Of documentos_contables a later run reads the days since its bookmark less lookback_days."
        ),
    ),
)
