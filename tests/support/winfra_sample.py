"""Runs the vendor's own sample program against the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.servers import RunningSandbox

PROGRAM = Path(__file__).parents[1] / "sandbox" / "data" / "winfra_sample_program.txt"


def run_sample(sandbox: RunningSandbox, folder: Path) -> str:
    """Run the program with our address and without its ten minutes; return what it printed."""
    text = PROGRAM.read_text(encoding="utf-8")
    address, waiting = '"http://127.0.0.1:5000/"', "time.sleep(10 * 60)"
    assert text.count(address) == 2
    assert text.count(waiting) == 1
    text = text.replace(address, json.dumps(f"{sandbox.winfra_url}/"))
    program = folder / "sample.py"
    program.write_text(text.replace(waiting, "time.sleep(0.01)"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program.name], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
