"""What landed, held against what the servers hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erp_sandbox.demo import show
from erp_sandbox.demo.project import StreamReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from erp_sandbox.demo.pipelines import Pipeline, ReadBack
    from erp_sandbox.demo.project import MeltanoProject, RunReport
    from erp_sandbox.demo.server import RunningSandbox

DATABASE = "erp.duckdb"
SAMPLE_ROWS = 3


class Landed:
    """The tables that one pipeline filled."""

    def __init__(
        self, project: MeltanoProject, sandbox: RunningSandbox, pipeline: Pipeline
    ) -> None:
        """Take what is compared.

        Args:
            project: whose database is asked.
            sandbox: whose data are the truth.
            pipeline: which has run.
        """
        self._project = project
        self._sandbox = sandbox
        self._pipeline = pipeline

    def show_counts(self, report: RunReport) -> bool:
        """Show the number of rows of each table.

        Args:
            report: what the tap said.

        Returns:
            whether each is what the server holds.
        """
        stored = self._stored()
        rows = []
        all_equal = True
        for table in self._pipeline.tables:
            read = report.streams.get(table.stream, StreamReport(0, 0))
            held = sum(
                not row.get(table.leaves_out)
                for row in self._sandbox.data(self._pipeline.vendor, table.stream)
            )
            name = self._pipeline.table(table.stream)
            there = stored.get(name, 0)
            all_equal &= there == held
            verdict = "equal" if there == held else "NOT EQUAL"
            rows.append((name, read.rows, round(read.seconds, 2), there, held, verdict))
        show.table(("table", "rows read", "seconds", "rows in DuckDB", "at the server", ""), rows)
        return all_equal

    def _stored(self) -> dict[str, int]:
        tables = "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        there = {name for (name,) in self._query(tables)}
        ours = there & {self._pipeline.table(table.stream) for table in self._pipeline.tables}
        counts = [f"SELECT '{name}', count(*) FROM {name}" for name in ours]  # noqa: S608 - our own names
        return dict(self._query(" UNION ALL ".join(counts))) if counts else {}

    def show_samples(self) -> None:
        """Show a few rows of each table that says which columns."""
        for table in self._pipeline.tables:
            if table.columns:
                name = self._pipeline.table(table.stream)
                show.line(f"\n  {name}")
                self._show_rows(table.columns, f"{', '.join(table.columns)} FROM {name}")

    def show_read_back(self, read_back: ReadBack) -> bool:
        """Show whether what an earlier pipeline wrote is there, as it was before.

        Args:
            read_back: what was written.

        Returns:
            whether every field of every record is equal: at both servers exactly, and in the tables.
        """
        sent = self._sandbox.data(read_back.origin, read_back.stream)
        at_servers = self._equal_at_servers(read_back, sent)
        (key, key_there), *others = read_back.fields.items()
        both = (
            f"{read_back.came_from} AS a JOIN {self._pipeline.table(read_back.stream)} AS b"
            f" ON a.{key} = b.{key_there}"
        )
        equal = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{other}" for name, other in others)
        in_tables = self._query(f"SELECT count(*) FROM {both} WHERE {equal}")[0][0]  # noqa: S608 - our own names
        names = tuple(read_back.fields.values())
        show.line(
            f"\n  {read_back.stream} from {read_back.origin}: {len(sent)}; equal at both servers, to the"
            f" last digit: {at_servers}; equal as read back: {in_tables}"
        )
        self._show_rows(names, f"{', '.join(f'b.{name}' for name in names)} FROM {both}")
        return bool(at_servers == in_tables == len(sent))

    def _equal_at_servers(self, read_back: ReadBack, sent: list[dict[str, Any]]) -> int:
        key, key_there = next(iter(read_back.fields.items()))
        held = {
            row[key_there]: row
            for row in self._sandbox.data(self._pipeline.vendor, read_back.stream)
        }
        return sum(
            record[key] in held
            and all(
                record.get(name) == held[record[key]].get(other)
                for name, other in read_back.fields.items()
            )
            for record in sent
        )

    def _show_rows(self, header: Sequence[str], selection: str) -> None:
        rows = self._query(f"SELECT {selection} ORDER BY 1 LIMIT {SAMPLE_ROWS}")
        show.table(header, rows)

    def _query(self, statement: str) -> list[list[Any]]:
        return self._project.query(DATABASE, statement)
