"""Pipelines through Meltano: killed and run again, exact in PostgreSQL, growing, refreshed in full."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from filelock import FileLock

from chaos.canaries import canary, forms, leaks
from chaos.faults import Stop, Trouble
from chaos.pipelines import Pipelines, StartedRun, Victim, same_values
from chaos.proxy import Proxy
from chaos.tap_scenarios import SerpiTap
from chaos.warehouse import Json
from erp_sandbox.demo.project import MeltanoProject
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup
from support.meltano_projects import installed_project
from support.postgres import WHY_NOT, Postgres, programs, running_postgres
from support.servers import RunningSandbox, running_sandbox

PLUGINS = ("tap-serpi", "target-serpi", "target-jsonl", "target-duckdb", "target-postgres")
STREAMS = ("articulos", "documentos_contables", "tipos_documento")

needs_postgres = pytest.mark.skipif(programs() is None, reason=WHY_NOT)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MeltanoProject:
    """A project with the plugins installed, once for all workers of the session."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "meltano-chaos"
    with FileLock(f"{shared}.lock"):
        return installed_project(shared, *PLUGINS)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server of this file's tests."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def small(sandbox_listener: Listener) -> RunningSandbox:
    """A small sandbox: what is tried here hangs on no number of rows."""
    sandbox_listener.sandbox = Sandbox(Setup(scale=0.2))
    return RunningSandbox(sandbox_listener)


def held(sandbox: RunningSandbox, stream: str) -> list[Json]:
    """The rows that SERPI holds."""
    return cast("list[Json]", sandbox.serpi.data(stream))


def by_id(rows: list[Json]) -> dict[int, Any]:
    return {row["id"]: same_values(row) for row in rows}


@needs_postgres
def test_a_tap_killed_half_way_goes_on_where_it_was_and_amounts_are_exact(
    project: MeltanoProject, postgres: Postgres, small: RunningSandbox, tmp_path: Path
) -> None:
    # A field that only the later rows have: the table grows in the middle of the run.
    small.serpi.switches.late_field_from = 100
    secrets = _secrets(small)
    with Proxy(small.url.removeprefix("http://"), SerpiTap.name_of) as proxy:
        pipelines = Pipelines(
            project,
            tmp_path,
            proxy.url,
            postgres,
            {"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "killed", **secrets},
        )
        _killed_at(pipelines, proxy, "target-postgres", "tap", hit=9)
        first_windows = _windows(small)
        small.serpi.requests.clear()
        pipelines.run("tap-serpi", "target-postgres")
    second_windows = _windows(small)
    # Meltano kept the state that left before the kill: no window that was finished is read again,
    # but for the lookback.
    assert second_windows[0] > first_windows[0]
    assert second_windows[0] <= first_windows[-1]
    for stream in STREAMS:
        truth = held(small, stream)
        if stream == "articulos":
            truth = [
                {**row, "campoNuevo": Decimal("1.5")} if n >= 100 else row
                for n, row in enumerate(truth, 1)
            ]
        assert by_id(pipelines.pg_rows(f"killed.{stream}")) == by_id(truth)
    kinds = dict(
        pipelines.pg(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'killed' AND table_name = 'articulos'"
        )
    )
    assert kinds["costo"] == "numeric"
    assert kinds["campoNuevo"] == "numeric"
    digits = pipelines.pg("SELECT costo FROM killed.articulos WHERE id = 4")
    assert digits == [["12345678901234.56789"]]
    # Meltano's logs were written at DEBUG; its database and state are in this folder too.
    assert list(leaks(secrets.values(), tmp_path)) == []
    assert _left_with(secrets.values(), project) == []


def _secrets(sandbox: RunningSandbox) -> dict[str, str]:
    """Have SERPI take new secrets; give them as the tap's settings."""
    chance = random.Random(6)  # noqa: S311 - no secrets but of this test
    sandbox.serpi.token, sandbox.serpi.secret_key = canary(chance), canary(chance)
    return {
        "TAP_SERPI_TOKEN": sandbox.serpi.token,
        "TAP_SERPI_SECRET_KEY": sandbox.serpi.secret_key,
    }


def _left_with(secrets: Iterable[str], project: MeltanoProject) -> list[Path]:
    """Give the files in the project that hold a secret, but for the plugins' own programs."""
    wanted = [form for secret in secrets for form in forms(secret)]
    return [
        path
        for folder in (".meltano/run", ".meltano/logs", "logs", "state")
        for path in (project.folder / folder).rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in wanted)
    ]


@pytest.mark.long
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_what_meltano_leaves_on_disk_when_it_is_killed(
    project: MeltanoProject, small: RunningSandbox, tmp_path: Path, umask: int, mode: int
) -> None:
    """The README says so, and how to guard it: see "After a kill"."""
    secrets = _secrets(small)
    with Proxy(small.url.removeprefix("http://"), SerpiTap.name_of) as proxy:
        pipelines = Pipelines(project, tmp_path, proxy.url, variables=secrets, umask=umask)
        _killed_at(pipelines, proxy, "target-jsonl", "meltano", hit=3)
        left = _left_with(secrets.values(), project)
        assert [path.parent for path in left] == [project.folder / ".meltano" / "run" / "tap-serpi"]
        assert [stat.S_IMODE(path.stat().st_mode) for path in left] == [mode]
        assert all(path.name.endswith(".config.json") for path in left)
        proxy.begin([], lambda _: None)
        pipelines.run("--force", "tap-serpi", "target-jsonl")
        assert _left_with(secrets.values(), project) == left, "the next run does not clean up"
    for path in left:
        path.unlink()


def _killed_at(
    pipelines: Pipelines, proxy: Proxy, loader: str, victim: Victim, *, hit: int
) -> None:
    """Run a pipeline whose victim is killed when SERPI has done the n-th query of documents."""
    trouble = Trouble(0, "consultar", hit, Stop("SIGKILL", "after"))
    started: list[StartedRun] = []
    proxy.begin([trouble], lambda _: started[0].kill(victim))
    with pipelines.started("tap-serpi", loader) as run:
        started.append(run)
        log = run.ended(-9 if victim == "meltano" else 1)
    assert proxy.struck() == [trouble], f"the run ended before it was killed:\n{log[-3000:]}"


def _windows(sandbox: RunningSandbox) -> list[str]:
    """First days of the windows that were asked for, in order."""
    asked = [each.json for each in sandbox.serpi.requests if each.kind == "documento.query"]
    return list(dict.fromkeys(cast("Json", body)["fechaDesde"] for body in asked))


@pytest.mark.long
@pytest.mark.parametrize("victim", ["tap", "loader", "meltano"])
@pytest.mark.parametrize("loader", ["target-jsonl", "target-duckdb", "target-postgres"])
def test_whoever_is_killed_the_next_run_completes_the_warehouse(  # noqa: PLR0917 - fixtures
    project: MeltanoProject, postgres: Postgres, small: RunningSandbox, tmp_path: Path,
    victim: Victim, loader: str,
) -> None:  # fmt: skip
    schema = f"{victim}_{loader.removeprefix('target-')}"
    with Proxy(small.url.removeprefix("http://"), SerpiTap.name_of) as proxy:
        pipelines = Pipelines(
            project, tmp_path, proxy.url, postgres,
            {"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": schema},
        )  # fmt: skip
        _killed_at(pipelines, proxy, loader, victim, hit=5)
        proxy.begin([], lambda _: None)
        # Meltano's own note that a run goes on outlives a kill by five minutes.
        force = ["--force"] if victim == "meltano" else []
        pipelines.run(*force, "tap-serpi", loader)
    for stream in STREAMS:
        truth = by_id(held(small, stream))
        if loader == "target-jsonl":
            assert by_id(pipelines.lines(stream)) == truth
        elif loader == "target-duckdb":
            rows = pipelines.duckdb(f"SELECT id FROM tap_serpi.{stream}")  # noqa: S608 - our names
            assert sorted(identifier for (identifier,) in rows) == sorted(truth)
        else:
            assert by_id(pipelines.pg_rows(f"{schema}.{stream}")) == truth


def test_a_full_refresh_into_serpi_changes_nothing_there(
    project: MeltanoProject, small: RunningSandbox, tmp_path: Path
) -> None:
    with running_sandbox(scale=0.02) as other:
        serpi = other.serpi
        serpi.articles.clear()
        serpi.documents.clear()
        serpi.switches.duplicate_articles = serpi.switches.duplicate_documents = "store"
        pipelines = Pipelines(
            project, tmp_path, small.url,
            variables={
                "TARGET_SERPI_API_URL": other.serpi_url,
                "TAP_SERPI__SELECT": '["articulos.*", "documentos_contables.*"]',
            },
        )  # fmt: skip
        pipelines.run("tap-serpi", "target-serpi")
        assert len(serpi.articles) == len(small.serpi.articles)
        assert len(serpi.documents) == len(small.serpi.documents)
        before, rows = len(serpi.history), (serpi.articles.rows(), serpi.documents.rows())
        pipelines.run("--full-refresh", "tap-serpi", "target-serpi")
        assert len(serpi.history) == before
        assert (serpi.articles.rows(), serpi.documents.rows()) == rows
        assert serpi.counts()["documento.put_delete"] == 0
