"""The report as one HTML file: no script, nothing loaded from elsewhere, readable on a phone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from target_serpi.comparing import FieldChange
from target_serpi.exact import encode
from target_serpi.outcomes import Entry, Outcome, Outcomes, StreamCounts
from target_serpi.report import RunFacts, Verdict

PRIVATE = 0o600

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7ddc9f; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.end { border-left: .4rem solid var(--good); background: var(--soft); padding: .5rem 1rem; }
.end.bad { border-color: var(--bad); }
.counts { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .5rem;
  margin: 0 0 1rem; }
.counts div { border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .6rem; }
.counts dt { font-size: .8rem; } .counts dd { margin: 0; font-size: 1.3rem;
  font-variant-numeric: tabular-nums; }
.record { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .8rem; margin: .5rem 0;
  break-inside: avoid; }
.record h3 { font-size: 1rem; margin: 0; } .record p { margin: .2rem 0; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .4rem;
  border-top: 1px solid var(--line); }
pre { white-space: pre-wrap; font-size: .8rem; background: var(--soft); padding: .5rem;
  margin: .3rem 0; }
summary { cursor: pointer; }
@media print { body { max-width: none; padding: 0; } .record { border-color: #888; } }
"""

TITLES = {
    Outcome.REJECTED: ("Rejected", "Would be rejected"),
    Outcome.UNKNOWN: ("Outcome unknown", "Outcome unknown"),
    Outcome.UPDATED: ("Changed", "Would be changed"),
    Outcome.CREATED: ("Created", "Would be created"),
    Outcome.SKIPPED: ("Skipped", "Would be skipped"),
}
"""The outcomes whose records are shown; unchanged and merged ones are counted only."""


def write_report(path: str, facts: RunFacts, outcomes: Outcomes, verdict: Verdict) -> None:
    """Write the report, whole or not at all.

    Args:
        path: of the file; its mode is 0600, because it shows records.
        facts: of the run.
        outcomes: of all records.
        verdict: how the run ends.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    page = "".join(_page(facts, outcomes, verdict))
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(file, "w", encoding="utf-8", errors="replace") as opened:
            opened.write(page)
        draft.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _page(facts: RunFacts, outcomes: Outcomes, verdict: Verdict) -> Iterable[str]:
    title = "target-serpi: what would be done" if facts.dry_run else "target-serpi: what was done"
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    )
    bad = " bad" if verdict.exit_code else ""
    yield (
        f'<p class="end{bad}">Exit code <b data-exit-code="{verdict.exit_code}">'
        f"{verdict.exit_code}</b>. {escape(verdict.words)}</p>\n"
    )
    yield from _facts(facts)
    for stream, counts in outcomes.streams.items():
        yield from _counts(stream, counts)
    if not outcomes.streams:
        yield "<p>No stream came in.</p>\n"
    for outcome, titles in TITLES.items():
        yield from _section(outcome, titles[facts.dry_run], outcomes)
    yield "</body></html>\n"


def _facts(facts: RunFacts) -> Iterable[str]:
    times = f"{facts.started:%Y-%m-%d %H:%M:%S} to {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    mode = "Dry run: nothing was sent but reads" if facts.dry_run else "Run"
    yield f"<p>{mode}, {times}, {escape(facts.api_url)}, target-serpi {escape(facts.version)}.</p>\n"
    if facts.settled:
        words = ", ".join(f"{count} {state}" for state, count in facts.settled.items())
        yield f"<p>Writes of earlier runs that had no end were looked up first: {words}.</p>\n"
    if not facts.dry_run:
        yield (
            f"<p>Every write is in {escape(facts.ledger_path)}, every rejected record in"
            f" {escape(facts.rejects_path)}.</p>\n"
        )


def _counts(stream: str, counts: StreamCounts) -> Iterable[str]:
    yield f'<h2>{escape(stream)}</h2>\n<dl class="counts" data-stream="{escape(stream)}">'
    yield _count("read", counts.read)
    for outcome in Outcome:
        yield _count(outcome, counts.by_outcome[outcome])
    if counts.waiting:
        yield _count("not dealt with", counts.waiting)
    yield "</dl>\n"


def _count(name: str, number: int) -> str:
    return f'<div><dt>{name}</dt><dd data-count="{name}">{number}</dd></div>'


def _section(outcome: Outcome, title: str, outcomes: Outcomes) -> Iterable[str]:
    total, entries = outcomes.count(outcome), outcomes.entries[outcome]
    if not entries:
        return
    yield f'<section data-outcome="{outcome}"><h2>{title}: {total}</h2>\n'
    if total > len(entries):
        yield f"<p>The first {len(entries)} are shown.</p>\n"
    for entry in entries:
        yield from _record(entry)
    yield "</section>\n"


def _record(entry: Entry) -> Iterable[str]:
    yield f'<div class="record"><h3>{escape(entry.key)}</h3><p>{escape(entry.stream)}</p>'
    if entry.reason:
        yield f'<p class="reason">{escape(entry.reason)}</p>'
    if entry.changes:
        yield from _changes(entry.changes)
    if entry.body:
        yield f"<details><summary>Body</summary><pre>{escape(_pretty(entry.body))}</pre></details>"
    yield "</div>\n"


def _changes(changes: Sequence[FieldChange]) -> Iterable[str]:
    yield "<table><thead><tr><th>field</th><th>old</th><th>new</th></tr></thead><tbody>"
    for change in changes:
        cells = (escape(change.field), _value(change.old), _value(change.new))
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"


def _value(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return escape(encode(value).decode())


def _pretty(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A rejected record may hold what only the standard library reads.
        return body.decode("utf-8", "replace")
