"""The HTML report: its counts, its changes field by field, and that a person can read it anywhere."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.serpi_target import (
    ARTICLES,
    DOCUMENTS,
    Report,
    Target,
    TargetRun,
    article,
    document,
    line,
    record,
    schema,
    state,
    stream_of,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE_WIDTH = 360


def _everything(target: Target, **further: Any) -> TargetRun:
    """A run with each outcome, and with texts that HTML must not take for its own."""
    target.run(stream_of([document(1), document(2)], DOCUMENTS)).ok(created=2)
    changed = document(1, line("D", "67900.00000"), line("C", "67900.00000", cuenta=11050501))
    lines = [
        schema(),
        record(article("<b>N-1</b>", descripcion="</pre><script>alert(1)</script>")),
        record({"codigo": "100009", "costo": Decimal("67900.00000"), "referencia": None}),
        record({"codigo": "100011", "camposPersonalizados": {"AUTOR": "Ñandú & Co"}}),
        record({"codigo": "100012"}),
        record(article("N-2", costo=1)),
        record({"codigo": "N-2", "costo": 2}),
        record(article("N-3", unbekannt="x" * 300)),
        record(article("LONG-" + "X" * 200, descripcion="Y" * 500)),
        schema(DOCUMENTS),
        record(changed, DOCUMENTS),
        record(document(2, nitTerceroEnc="900123456"), DOCUMENTS),
        record(document(3, prefijo="XXX"), DOCUMENTS),
        state(1),
    ]
    return target.run(lines, on_existing_document="replace", **further)


@pytest.mark.parametrize("dry_run", [True, False])
def test_its_counts_are_the_summary_s(target: Target, dry_run: bool) -> None:
    run = _everything(target, dry_run=dry_run).ended(4)
    report = target.report()
    for stream in (ARTICLES, DOCUMENTS):
        counts = dict(report.counts[stream])
        assert counts.pop("read") == sum(counts.values())
        assert counts == run.counts(stream)
    assert report.exit_code == 4
    expected = {"rejected": 2, "updated": 4, "created": 3}
    assert {outcome: len(keys) for outcome, keys in report.records.items()} == expected
    assert ("would be" in report.page) is dry_run
    assert "<b>N-1</b>" in report.records["created"]


def test_changes_are_shown_field_by_field(target: Target) -> None:
    _everything(target)
    text = target.report().text
    assert "costo 6041614.71 67900.00000" in text or re.search(r"costo [\d.]+ 67900\.00000", text)
    assert re.search(r'referencia "R\d+" null', text)
    assert re.search(r'camposPersonalizados\.AUTOR "[^"]+" "Ñandú & Co"', text)
    assert 'nitTerceroEnc "1234567890" "900123456"' in text
    # A line that goes, and the one that comes.
    assert re.search(r'detalles \{"cuenta":23359501[^}]*\} null', text)
    assert re.search(r'detalles null \{"cuenta":11050501', text)
    assert "unbekannt" in text


def test_it_needs_nothing_from_elsewhere(target: Target) -> None:
    _everything(target)
    report = target.report()
    names = {tag for tag, _ in report.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for _, attributes in report.tags:
        assert not {"src", "href", "style", "onload", "onclick"} & attributes.keys()
    style = re.search(r"<style>(.*?)</style>", report.page, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    for needed in ("prefers-color-scheme: dark", "@media print", "overflow-wrap: anywhere"):
        assert needed in style[1]
    assert 'name="viewport"' in report.page
    assert report.page.startswith("<!DOCTYPE html>")


def test_every_element_is_closed(target: Target) -> None:
    _everything(target)
    page = target.report().page
    for name in ("html", "head", "body", "section", "div", "dl", "table", "details", "pre", "td"):
        assert len(re.findall(rf"<{name}[ >]", page)) == page.count(f"</{name}>"), name


def test_many_records_are_counted_and_the_first_shown(target: Target) -> None:
    records = [article(f"N-{number:04d}") for number in range(620)]
    target.run(stream_of(records)).ok(created=620)
    report = target.report()
    assert report.counts[ARTICLES] == {"read": 620, "created": 620}
    assert len(report.records["created"]) == 500
    assert "The first 500 are shown" in report.text


def test_a_report_that_cannot_be_written_is_a_warning(target: Target) -> None:
    (target.folder / "report.html").mkdir()
    run = target.run(stream_of([article("N-1")])).ok(created=1)
    assert "report" in run.stderr
    assert run.states == [{"records": 1}]
    left = [path.name for path in target.folder.iterdir() if path.name.startswith(".report")]
    assert left == []


def test_a_run_that_fails_writes_its_report(target: Target) -> None:
    target.run([*stream_of([article("N-1")]), b"broken\n"], batch_size=1).ended(1)
    report = target.report()
    assert report.exit_code == 1
    assert report.counts[ARTICLES] == {"read": 1, "created": 1}
    assert "line 4" in report.text


def test_a_browser_shows_it_without_scrolling_sideways(target: Target, tmp_path: Path) -> None:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser is installed ({', '.join(BROWSERS)})")
    _everything(target)
    page = (target.folder / "report.html").read_text(encoding="utf-8")
    opened = page.replace("<details>", "<details open>")
    frame = tmp_path / "frame.html"
    # A headless window is never as narrow as a phone, a frame in it is.
    frame.write_text(
        f'<!DOCTYPE html><body><iframe id="f" style="width:{PHONE_WIDTH}px;height:900px;border:0"'
        f' srcdoc="{html.escape(opened)}"></iframe><script>'
        'const f = document.getElementById("f"); f.onload = () => {'
        "const d = f.contentDocument.documentElement;"
        'document.body.dataset.widths = d.scrollWidth + " " + d.clientWidth;'
        "document.body.dataset.heading = d.querySelector('h1').textContent; }</script></body>",
        encoding="utf-8",
    )
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    dom = subprocess.run(
        [browser, *options, "--virtual-time-budget=5000", "--dump-dom", frame.as_uri()],
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()
    widths = re.search(r'data-widths="(\d+) (\d+)"', dom)
    assert widths is not None, dom[-2000:]
    # The vertical scroll bar takes some of the width; nothing is wider than what is left.
    assert PHONE_WIDTH - 20 < int(widths[1]) == int(widths[2]) <= PHONE_WIDTH
    assert "what was done" in dom
    picture = tmp_path / "report.png"
    subprocess.run(
        [browser, *options, f"--screenshot={picture}", "--window-size=800,1200",
         (target.folder / "report.html").as_uri()],
        capture_output=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_the_parser_of_these_tests_sees_a_wrong_count() -> None:
    page = '<dl data-stream="s"><dd data-count="read">3</dd><dd data-count="created">0</dd></dl>'
    assert Report(page).counts == {"s": {"read": 3}}
