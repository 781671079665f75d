"""The tuned start of a process leaves Python as it was, but for what was imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = "import {module}, gc, sys; sys.stdout.write(f'{{gc.isenabled()}} {{gc.get_freeze_count()}}')"


@pytest.mark.parametrize("module", ["tap_serpi.__main__", "tap_winfra_xxl.__main__"])
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
