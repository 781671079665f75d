"""The vendor's own sample program runs against the sandbox and gets what the sandbox holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.certificates import self_signed
from support.servers import RunningSandbox, running_sandbox
from support.winfra_client import array_of
from support.winfra_sample import run_sample

SLICE = 100


def test_it_writes_every_slice_as_the_sandbox_holds_it(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sandbox.winfra.switches.sample_users = True
    sandbox.winfra.switches.pending_looks = 2
    printed = run_sample(sandbox, tmp_path)

    suppliers = sandbox.winfra.rows("interlocutores", tipo="proveedor")
    articles = sandbox.winfra.rows("articulos")
    assert len(suppliers) > SLICE
    assert len(articles) > 2 * SLICE
    expected = {
        f"xxl.{name}.{offset}.json": array_of(rows[offset : offset + SLICE])
        for name, rows in (("interlocutores", suppliers), ("articulos", articles))
        for offset in range(0, len(rows), SLICE)
    }
    written = {path.name: path.read_bytes() for path in tmp_path.glob("xxl.*.json")}
    assert written == expected
    assert printed.count("PENDING") == 2
    assert f"articulos: {len(articles)} registros." in printed
    assert printed.endswith("Finalizado\n")


def test_it_names_the_dataset_that_failed(sandbox: RunningSandbox, tmp_path: Path) -> None:
    sandbox.winfra.switches.sample_users = True
    sandbox.winfra.switches.failing_datasets = {"articulos": "Sin espacio en el servidor"}
    printed = run_sample(sandbox, tmp_path)
    assert "articulos Sin espacio en el servidor" in printed
    assert not list(tmp_path.glob("xxl.*.json"))


def test_it_runs_over_https_with_a_self_signed_certificate(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with running_sandbox(tls=certificate.files) as sandbox:
        sandbox.winfra.switches.sample_users = True
        printed = run_sample(sandbox, tmp_path)
    assert "200 GET https://127.0.0.1" in printed
    assert len(list(tmp_path.glob("xxl.articulos.*.json"))) == 3


@pytest.mark.parametrize("allowed", [True, False])
def test_its_users_are_let_in_by_a_switch_only(
    sandbox: RunningSandbox, tmp_path: Path, *, allowed: bool
) -> None:
    sandbox.winfra.switches.sample_users = allowed
    if allowed:
        run_sample(sandbox, tmp_path)
        return
    with pytest.raises(AssertionError, match="401"):
        run_sample(sandbox, tmp_path)
