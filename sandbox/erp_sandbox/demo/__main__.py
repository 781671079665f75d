"""The demo: the sandbox, Meltano, real HTTP, and what landed in the database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from erp_sandbox.demo import show
from erp_sandbox.demo.errors import DemoError
from erp_sandbox.demo.landed import DATABASE, Landed
from erp_sandbox.demo.pipelines import PIPELINES, Pipeline
from erp_sandbox.demo.project import MeltanoProject
from erp_sandbox.demo.server import RunningSandbox, running_sandbox


def main() -> int:
    """Run every pipeline once.

    Returns:
        0 when everything that landed is what the servers hold, 1 otherwise.
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
    with running_sandbox(project.folder) as sandbox:
        show.line(f"The sandbox answers on {sandbox.url}: made-up data over real HTTP.")
        equal = [_show_pipeline(project, sandbox, pipeline) for pipeline in PIPELINES]
    if not all(equal):
        raise DemoError("what landed differs from what a server holds; `make clean` starts anew")
    database = (project.folder / DATABASE).relative_to(project.repository)
    show.line(f"The sandbox is stopped; {database} keeps the rows. Run the demo again: the tables")
    show.line("stay as they are, less is read, and nothing is written twice.")


def _show_pipeline(project: MeltanoProject, sandbox: RunningSandbox, pipeline: Pipeline) -> bool:
    show.line(f"meltano --environment=sandbox run {' '.join(pipeline.blocks)}")
    before = sandbox.requests(pipeline.vendor)
    variables = {"ERP_SANDBOX_PORT": sandbox.port, **pipeline.variables}
    report = project.run(*pipeline.blocks, variables=variables)
    asked = sandbox.requests(pipeline.vendor) - before
    show.line(f"  {report.seconds:.1f} s, of which Meltano and the loader most; {asked} requests\n")
    for summary in report.summaries:
        show.line(f"  {summary}")
    landed = Landed(project, sandbox, pipeline)
    equal = landed.show_counts(report) if pipeline.tables else True
    show.line(f"\n  {pipeline.note}")
    landed.show_samples()
    if pipeline.read_back is not None:
        equal &= landed.show_read_back(pipeline.read_back)
    show.line()
    return equal


if __name__ == "__main__":
    sys.exit(main())
