"""The tuned start of a process leaves Python as it was, but for what was imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = "import {module}, gc, sys; sys.stdout.write(f'{{gc.isenabled()}} {{gc.get_freeze_count()}}')"


CONNECTORS = ("tap_serpi", "tap_winfra_xxl", "tap_facturadirecta", "target_serpi")


@pytest.mark.parametrize("module", [f"{name}.__main__" for name in CONNECTORS])
def test_the_collector_works_again_and_passes_over_the_modules(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    enabled, frozen = done.stdout.split()
    assert enabled == "True"
    assert int(frozen) > 10_000
