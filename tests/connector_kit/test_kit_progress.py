"""Progress: lines in a log, a bar on a terminal."""

from __future__ import annotations

import io
import logging

import pytest

from connector_kit.progress import Progress
from support.dummy_vendor import Dummy

LOGGER = logging.getLogger("test")


@pytest.fixture(autouse=True)
def _level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_line_tells_rows_rate_and_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress("items", LOGGER, seconds_between=0)
    progress.start()
    progress.add(100)
    progress.expect(4000)
    progress.add(900)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("items: 100 rows, ")
    assert "left" not in first
    assert second.startswith("items: 1,000 rows, ")
    assert "25% of 4,000" in second
    assert second.endswith("s left")


def test_lines_are_rare(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress("items", LOGGER)
    progress.start()
    for _ in range(1000):
        progress.add(1)
    assert caplog.records == []
    assert progress.summary().startswith("1,000 rows in 0.")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_and_no_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress("items", LOGGER, seconds_between=0)
    assert terminal.getvalue() == "", "nothing before the stream begins"
    progress.expect(4000)
    progress.start()
    progress.add(1000)
    progress.close()
    assert "items" in terminal.getvalue()
    assert "4.00k" in terminal.getvalue()
    assert caplog.records == []


def test_the_end_of_a_stream_tells_its_rows(dummy: Dummy) -> None:
    run = dummy.read("items", b'[{"id":1},{"id":2}]')
    assert "items: complete, 2 rows in " in run.stderr
