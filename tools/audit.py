# ruff: noqa: INP001 - a program, no package
"""Checks the pinned versions against the known vulnerabilities: ``make audit``.

pip-audit does the work, in an environment of its own. It ends in 0 where it could look up nothing at
all, so what it looked up is counted here. Where the data cannot be reached this says so and ends in 0
for a person without a network, and in 2 on a machine of a CI (``CI=true``), which nobody reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venvs" / "audit"
TOOL = "pip-audit==2.10.1"
CONSTRAINTS = ("constraints.txt", "constraints-target-jsonl.txt")

FOUND = 1
NOT_CHECKED = 2


@dataclass(frozen=True)
class Findings:
    """What one look-up gave: versions checked, names not found in the data, vulnerabilities."""

    checked: int
    skipped: list[str]
    vulnerable: list[str]


def main(tool: Path | None = None, files: Sequence[Path] = ()) -> int:
    """Audit every constraints file.

    Args:
        tool: pip-audit; None makes its environment first.
        files: of constraints; none for the repository's own.

    Returns:
        0 nothing known, 1 a vulnerability is known, 2 (CI) not everything could be checked.
    """
    try:
        command = tool or _tool()
        findings = [_audit(command, path) for path in files or map(ROOT.joinpath, CONSTRAINTS)]
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        sys.stderr.write(f"audit: nothing was checked, the data cannot be reached: {error}\n")
        return _not_checked()
    checked = sum(one.checked for one in findings)
    skipped = [name for one in findings for name in one.skipped]
    vulnerable = [line for one in findings for line in one.vulnerable]
    for line in vulnerable:
        sys.stdout.write(f"{line}\n")
    if skipped and not checked:
        sys.stderr.write("audit: nothing was checked, the data cannot be reached from here\n")
        return _not_checked()
    sys.stdout.write(
        f"audit: {checked} versions checked, {len(vulnerable)} vulnerabilities known\n"
    )
    if skipped:
        names = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
        sys.stderr.write(
            f"audit: {len(skipped)} versions were not checked, their data cannot be reached from"
            f" here: {names}\n"
        )
    return FOUND if vulnerable else _not_checked() if skipped else 0


def _not_checked() -> int:
    return NOT_CHECKED if os.environ.get("CI") else 0


def _tool() -> Path:
    command = ENVIRONMENT / "bin" / "pip-audit"
    if not command.exists():
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", TOOL]
        subprocess.run(pip, check=True, capture_output=True)  # noqa: S603 - fixed words
    return command


def _audit(tool: Path, constraints: Path) -> Findings:
    done = subprocess.run(  # noqa: S603 - fixed words
        [
            str(tool), "--requirement", str(constraints), "--no-deps", "--disable-pip",
            "--format", "json", "--progress-spinner", "off",
        ],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if not done.stdout.startswith("{"):
        raise ValueError(done.stderr.strip().rsplit("\n", maxsplit=1)[-1][:200])
    entries = json.loads(done.stdout)["dependencies"]
    return Findings(
        checked=sum("vulns" in entry for entry in entries),
        skipped=[entry["name"] for entry in entries if "vulns" not in entry],
        vulnerable=[
            f"{entry['name']} {entry['version']}: {found['id']}, "
            f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
            for entry in entries
            for found in entry.get("vulns", ())
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
