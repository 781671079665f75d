"""`make bench`: measures our connectors against their peers and writes RESULTS.md and results.svg.

    python benchmarks/run.py [--quick] [--only SET ...] [--go-on]

`--quick` runs few rounds of the contenders that a change of ours is judged by, and writes nothing but to
standard output. `--go-on` takes over the sets that a run which broke off had measured: contenders are
compared within a set alone.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import environments
import sets.batch
import sets.end_to_end
import sets.latency
import sets.memory
import sets.paths
import sets.reads_serpi
import sets.reads_winfra
import sets.reads_xml
import sets.start_up
import sets.writes
from plan import FULL, QUICK, Plan
from report import Section, markdown
from svg import bar_chart

HERE = Path(__file__).parent
MEASURED = HERE / ".data" / "measured"
PEERS = ("msdk", "dlt", "airbyte", "singer-python", "limits")
LOADERS = ("dlt", "target-duckdb", "target-postgres", "target-jsonl")

SETS: dict[str, tuple[Callable[[Plan], list[Section]], tuple[str, ...]]] = {
    "winfra": (sets.reads_winfra.measure, PEERS),
    "serpi": (sets.reads_serpi.measure, PEERS),
    "xml": (sets.reads_xml.measure, ("limits",)),
    "latency": (sets.latency.measure, PEERS),
    "paths": (sets.paths.measure, ()),
    "batch": (sets.batch.measure, ()),
    "writes": (sets.writes.measure, ()),
    "end-to-end": (sets.end_to_end.measure, LOADERS),
    "start-up": (sets.start_up.measure, ()),
    "memory": (sets.memory.measure, ()),
}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, few contenders")
    parser.add_argument("--only", nargs="+", choices=[*SETS], metavar="SET", help=", ".join(SETS))
    parser.add_argument("--go-on", action="store_true", help="after a run that broke off")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    chosen = {name: SETS[name] for name in options.only or SETS}
    needed = {name for _, names in chosen.values() for name in names}
    environments.make(["ours", "sdk", *sorted({"limits"} if plan.quick else needed)])
    if not options.go_on:
        for name in chosen:
            _kept(name, plan).unlink(missing_ok=True)
    sections: list[Section] = []
    for name, (measure, _) in chosen.items():
        sys.stderr.write(f"{name}\n")
        sections += _measured_once(name, measure, plan)
    text = markdown(sections, quick=plan.quick)
    if plan.quick or options.only:
        sys.stdout.write(text)
        return 0
    (HERE / "RESULTS.md").write_text(text)
    groups = {section.title: section.picture for section in sections if section.picture}
    title = "Times as fast as an ordinary singer-sdk tap (logarithmic scale)"
    (HERE / "results.svg").write_text(bar_chart(title, groups))
    return 0


def _kept(name: str, plan: Plan) -> Path:
    return MEASURED / f"{name}-{plan.rounds}.pickle"


def _measured_once(
    name: str, measure: Callable[[Plan], list[Section]], plan: Plan
) -> list[Section]:
    """Measure a set, or read what a run that broke off has measured."""
    path = _kept(name, plan)
    if path.exists():
        kept: list[Section] = pickle.loads(path.read_bytes())  # noqa: S301 - our own file
        return kept
    sections = measure(plan)
    MEASURED.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(sections))
    return sections


if __name__ == "__main__":
    sys.exit(main())
