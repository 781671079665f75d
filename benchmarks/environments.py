"""An environment of its own for each family of contenders, at pinned versions.

Versions stand in `constraints/<name>.txt`; `python benchmarks/environments.py --renew` writes them
from the newest ones that an index has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ENVS = HERE / ".envs"
READY = ".ready"

OURS = ("connector-kit", "serpi-client", "tap-serpi", "tap-winfra-xxl", "tap-facturadirecta",
        "target-serpi")  # fmt: skip
REQUIREMENTS = {
    "ours": [part for package in OURS for part in ("-e", str(ROOT / package))],
    "sdk": ["singer-sdk[msgspec]", "lxml", "xmltodict"],
    "limits": ["urllib3", "requests", "orjson", "msgspec", "lxml"],
    "singer-python": ["singer-python", "requests"],
    "msdk": ["tap-rest-api-msdk", "setuptools<81"],
    "airbyte": ["airbyte-cdk"],
    "dlt": ["dlt[duckdb,postgres,filesystem]"],
    "target-duckdb": ["target-duckdb", "setuptools<81"],
    "target-postgres": ["meltanolabs-target-postgres"],
    "target-jsonl": ["target-jsonl"],
}
CONSTRAINTS = {
    "ours": ROOT / "constraints.txt",
    "target-duckdb": ROOT / "constraints.txt",
    "target-postgres": ROOT / "constraints.txt",
    "target-jsonl": ROOT / "constraints-target-jsonl.txt",
}
"""The loaders and our own packages have the versions of the workspace."""


def python_of(name: str) -> str:
    """Return the interpreter of an environment."""
    return str(ENVS / name / "bin" / "python")


def program_of(name: str, program: str) -> str:
    """Return a program that is installed in an environment."""
    return str(ENVS / name / "bin" / program)


def constraints_of(name: str) -> Path:
    """Return the file with an environment's versions."""
    return CONSTRAINTS.get(name, HERE / "constraints" / f"{name}.txt")


def make(names: Iterable[str]) -> None:
    """Make the environments that are not there, or whose versions have changed.

    Args:
        names: of `REQUIREMENTS`.
    """
    for name in names:
        wanted = f"{sys.version}\n{REQUIREMENTS[name]}\n{constraints_of(name).read_text()}"
        stamp = ENVS / name / READY
        if not stamp.exists() or stamp.read_text() != wanted:
            sys.stderr.write(f"installing {name}\n")
            _install(name, ["-c", str(constraints_of(name)), *REQUIREMENTS[name]])
            stamp.write_text(wanted)


def _install(name: str, arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVS / name)], check=True)
    log = ENVS / f"{name}.log"
    command = [python_of(name), "-m", "pip", "install", *arguments]
    with log.open("wb") as file:
        done = subprocess.run(command, check=False, stdout=file, stderr=file)
    if done.returncode != 0:
        last = log.read_text(errors="replace").splitlines()[-5:]
        raise SystemExit("\n".join([f"installing {name} failed; all of it is in {log}:", *last]))


def renew() -> None:
    """Write the constraints anew, from what an index gives without any."""
    for name in REQUIREMENTS.keys() - CONSTRAINTS.keys():
        _install(name, REQUIREMENTS[name])
        frozen = subprocess.run(
            [python_of(name), "-m", "pip", "freeze"], check=True, capture_output=True, text=True
        )
        constraints_of(name).write_text(frozen.stdout)


if __name__ == "__main__" and "--renew" in sys.argv:
    renew()
