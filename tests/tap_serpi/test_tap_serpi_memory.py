"""Memory does not grow with the number of rows or pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from erp_sandbox.serpi.generate import Made
from erp_sandbox.serpi.store import Articles
from support.serpi_tap import ARTICLES, held, selection, settings

if TYPE_CHECKING:
    from support.servers import RunningSandbox

ROWS = 100_000
MOST_MIB = 40

RUN_AND_TELL = """
import sys
from pathlib import Path
from tap_serpi.tap import TapSerpi
try:
    TapSerpi.cli()
finally:
    status = Path("/proc/self/status").read_text()
    sys.stderr.write("\\n" + status[status.index("VmHWM"):].split()[1])
"""
"""`getrusage` would tell the parent's peak: the kernel carries it over when a program is started."""


def peak_mib(output: Path, *arguments: str) -> float:
    """Run the command in a process of its own and return its peak of resident memory."""
    with output.open("wb") as stdout:
        ended = subprocess.run(
            [sys.executable, "-c", RUN_AND_TELL, *arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=True,
        )
    return int(ended.stderr.split()[-1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
def test_a_long_run_takes_no_more_than_a_discovery(sandbox: RunningSandbox, tmp_path: Path) -> None:
    row = held(sandbox.serpi, ARTICLES)[9]
    identifier = json.loads(row)["id"]
    rest = row.removeprefix(b'{"id":%d,' % identifier)
    numbers = range(1, ROWS + 1)
    rows = {number: b'{"id":%d,' % number + rest for number in numbers}
    sandbox.serpi.articles = Articles(
        Made(rows, {number: str(number) for number in numbers}), sandbox.serpi.lock
    )
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings(sandbox, page_size=1000)), encoding="utf-8")
    catalog.write_text(json.dumps(selection(ARTICLES)), encoding="utf-8")
    output = tmp_path / "out.jsonl"
    discovery = peak_mib(output, f"--config={config}", "--discover")
    run = peak_mib(output, f"--config={config}", f"--catalog={catalog}")
    with output.open("rb") as lines:
        assert sum(line.startswith(b'{"type":"RECORD"') for line in lines) == ROWS
    assert run - discovery < MOST_MIB
