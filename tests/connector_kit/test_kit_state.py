"""STATE lines: when they are due, and what a held bookmark says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from connector_kit.output import StdoutWriter
from connector_kit.state import StateLines, loaded_bookmarks
from support.dummy_vendor import Dummy
from support.singer import Output

Capture = pytest.CaptureFixture[bytes]


def written(capsysbinary: Capture) -> list[Any]:
    """The states that were written since the last look."""
    return Output(capsysbinary.readouterr().out).states


def test_only_another_state_is_written(capsysbinary: Capture) -> None:
    state: dict[str, Any] = {}
    lines = StateLines(state, StdoutWriter())
    lines.write()
    assert written(capsysbinary) == [], "nothing is known"
    state["bookmarks"] = {"a": {"page": 1, "gone": None}}
    lines.write()
    lines.write()
    state["bookmarks"]["a"]["page"] = 2
    lines.write()
    assert [value["bookmarks"]["a"] for value in written(capsysbinary)] == [
        {"page": 1, "gone": None},
        {"page": 2, "gone": None},
    ]


def test_due_lines_wait(capsysbinary: Capture) -> None:
    state: dict[str, Any] = {"bookmarks": {"a": {"page": 0}}}
    lines = StateLines(state, StdoutWriter(), seconds_between=0.05)
    lines.write(due_only=True)
    assert written(capsysbinary) == []
    time.sleep(0.06)
    lines.write(due_only=True)
    for page in range(1, 4):
        state["bookmarks"]["a"]["page"] = page
        lines.write(due_only=True)
    assert [value["bookmarks"]["a"]["page"] for value in written(capsysbinary)] == [0]
    time.sleep(0.06)
    lines.write(due_only=True)
    assert [value["bookmarks"]["a"]["page"] for value in written(capsysbinary)] == [3]


def test_many_pages_in_a_short_time_give_one_state(dummy: Dummy) -> None:
    output = dummy.output("events", *[b'[{"id":%d}]' % number for number in range(30)])
    assert len(output.states) == 1


def test_a_held_bookmark_is_written_as_it_was(capsysbinary: Capture) -> None:
    state: dict[str, Any] = {"bookmarks": {"a": {"page": 1}}}
    lines = StateLines(state, StdoutWriter())
    lines.hold("a")
    lines.hold("new")
    state["bookmarks"] |= {"a": {"page": 2}, "new": {"page": 1}, "b": {"page": 7}}
    lines.write()
    assert written(capsysbinary)[-1] == {"bookmarks": {"a": {"page": 1}, "b": {"page": 7}}}
    lines.hold("a")
    state["bookmarks"]["a"]["page"] = 3
    lines.release("new")
    lines.write()
    assert written(capsysbinary)[-1] == {
        "bookmarks": {"a": {"page": 2}, "new": {"page": 1}, "b": {"page": 7}}
    }
    lines.release("a")
    lines.write()
    assert written(capsysbinary)[-1]["bookmarks"]["a"] == {"page": 3}


@pytest.mark.parametrize(
    ("state", "bookmarks"),
    [
        (None, {}),
        ({}, {}),
        ({"bookmarks": None}, {}),
        ({"bookmarks": []}, {}),
        ({"bookmarks": {"a": None, "b": [1], "c": {"x": None}}}, {"c": {"x": None}}),
    ],
)
def test_states_from_outside(state: Any, bookmarks: Any) -> None:
    assert loaded_bookmarks(state) == bookmarks


def test_bookmarks_from_outside_are_copies() -> None:
    state = {"bookmarks": {"a": {"windows": [["x", "y"]]}}}
    loaded_bookmarks(state)["a"]["windows"].append("z")
    assert state == {"bookmarks": {"a": {"windows": [["x", "y"]]}}}
