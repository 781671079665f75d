"""The demo: the sandbox, Meltano, real HTTP, and what landed in the database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from erp_sandbox.demo import show
from erp_sandbox.demo.errors import DemoError
from erp_sandbox.demo.pipelines import PIPELINES, Pipeline
from erp_sandbox.demo.project import MeltanoProject
from erp_sandbox.demo.server import RunningSandbox, running_sandbox

DATABASE = "erp.duckdb"
SAMPLE_ROWS = 3


def main() -> int:
    """Run every pipeline once.

    Returns:
        0 when each table holds as many rows as the server, 1 otherwise.
    """
    repository = Path.cwd()
    if not (repository / "meltano.yml").exists():
        sys.stderr.write("demo: run it where meltano.yml is, or with `make demo`\n")
        return 1
    try:
        _run(MeltanoProject(repository, repository / ".demo"))
    except DemoError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except BrokenPipeError:
        # Who reads has read enough; the interpreter's own flush at the end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("demo: stopped\n")
        return 130
    return 0


def _run(project: MeltanoProject) -> None:
    project.prepare()
    plugins = sorted({name for pipeline in PIPELINES for name in pipeline.blocks})
    show.line(f"meltano install {' '.join(plugins)}")
    show.line(f"  {project.install(plugins):.1f} s\n")
    with running_sandbox(project.folder / "sandbox-port") as sandbox:
        show.line(f"The sandbox answers on {sandbox.url}: made-up data over real HTTP.")
        equal = [_show_pipeline(project, sandbox, pipeline) for pipeline in PIPELINES]
    if not all(equal):
        raise DemoError("a table differs from what the server holds; `make clean` starts anew")
    database = (project.folder / DATABASE).relative_to(project.repository)
    show.line(f"The sandbox is stopped; {database} keeps the rows. Run the demo again: the tables")
    show.line("stay as they are, and less is read.")


def _show_pipeline(project: MeltanoProject, sandbox: RunningSandbox, pipeline: Pipeline) -> bool:
    show.line(f"meltano --environment=sandbox run {' '.join(pipeline.blocks)}")
    before = sandbox.requests(pipeline.vendor)
    variables = {"ERP_SANDBOX_PORT": sandbox.port, **pipeline.variables}
    report = project.run(*pipeline.blocks, variables=variables)
    asked = sandbox.requests(pipeline.vendor) - before
    show.line(f"  {report.seconds:.1f} s, of which Meltano and the loader most; {asked} requests\n")
    equal = True
    counts = []
    for table in pipeline.tables:
        read = report.streams[table.stream]
        held = len(sandbox.data(pipeline.vendor, table.kind))
        stored = project.query(DATABASE, f"SELECT count(*) FROM {pipeline.table(table)}")[0][0]  # noqa: S608 - our own names
        equal &= stored == held
        verdict = "equal" if stored == held else "NOT EQUAL"
        counts.append(
            (pipeline.table(table), read.rows, round(read.seconds, 2), stored, held, verdict)
        )
    if counts:
        show.table(("table", "rows read", "seconds", "rows in DuckDB", "at the server", ""), counts)
    show.line(f"\n  {pipeline.note}\n")
    for table in pipeline.tables:
        show.line(f"  {pipeline.table(table)}")
        columns = ", ".join(table.columns)
        sample = f"SELECT {columns} FROM {pipeline.table(table)} ORDER BY 1 LIMIT {SAMPLE_ROWS}"  # noqa: S608 - our own names
        show.table(table.columns, project.query(DATABASE, sample))
        show.line()
    return equal


if __name__ == "__main__":
    sys.exit(main())
