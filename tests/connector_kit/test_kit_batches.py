"""BATCH messages, written by the SDK's writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.dummy_vendor import Dummy
from support.singer import Json, Output

PAGES = tuple(
    b'[{"id":%d,"amount":67900.00000,"secret":"x"},{"id":%d,"amount":1e3}]' % (n, n + 1)
    for n in (1, 3, 5)
)


@pytest.fixture
def batches(tmp_path: Path) -> Json:
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 3,
    }


def test_batches_hold_every_record_to_the_last_digit(dummy: Dummy, batches: Json) -> None:
    output = dummy.read("events", *PAGES, batch_config=batches).ok()
    records = [record for message in output.of_type("BATCH") for record in output.batch(message)]
    assert [record["id"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert str(records[0]["amount"]) == "67900.00000"
    assert output.of_type("RECORD") == []
    assert [message["type"] for message in output.messages][:2] == ["SCHEMA", "BATCH"]


def rows_out(output: Output, message: Json) -> int:
    before = output.messages[: output.messages.index(message)]
    return sum(len(output.batch(one)) for one in before if one["type"] == "BATCH")


@pytest.mark.parametrize("failure", [None, 500, 401])
def test_a_state_never_speaks_of_rows_in_no_batch(
    dummy: Dummy, batches: Json, failure: int | None
) -> None:
    dummy.server.reset(events=PAGES, items=[b'[{"id":1}]'])
    if failure is not None:
        dummy.server.statuses["/events", 3] = failure
    output = dummy.run("events", batch_config=batches).output
    for message in output.of_type("STATE"):
        page = message["value"].get("bookmarks", {}).get("events", {}).get("page", 1)
        assert rows_out(output, message) >= 2 * (page - 1)
    pages = [state["bookmarks"]["events"]["page"] for state in output.states if state["bookmarks"]]
    assert pages[-1:] == ([4] if failure is None else [2])


def test_selection_holds_in_batches(dummy: Dummy, batches: Json) -> None:
    catalog = dummy.catalog("events")
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "events"]
    breadcrumb = ["properties", "secret"]
    entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": False}})
    output = dummy.read("events", *PAGES, batch_config=batches, catalog=catalog).ok()
    assert all("secret" not in record for record in output.batch(output.of_type("BATCH")[0]))
    assert "secret" not in output.schemas()[0]["properties"]


def test_a_snapshot_in_batches_activates_no_version(dummy: Dummy, batches: Json) -> None:
    """The rows of a batch carry none, so a loader would drop them all."""
    output = dummy.read("items", *PAGES, batch_config=batches).ok()
    assert len(output.of_type("BATCH")) == 2
    assert output.activated("items") == []


def test_replaced_characters_are_counted_in_batches(dummy: Dummy, batches: Json) -> None:
    run = dummy.read("events", b'[{"id":1,"a":"\\u0000"}]', batch_config=batches)
    assert "1 characters that databases refuse" in run.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoding": {"format": "nonsense"}, "storage": {"root": "file:///tmp"}},
        {"encoding": {"form": "jsonl"}, "storage": {"root": "file:///tmp"}},
        {"encoding": {"format": "jsonl"}, "storage": {"rot": "x"}},
        {"encoding": {"format": "jsonl"}},
        {"encoding": 5, "storage": {"root": "x"}},
    ],
)
def test_wrong_batch_settings_are_faults(dummy: Dummy, wrong: dict[str, Any]) -> None:
    dummy.read("events", *PAGES, batch_config=wrong).failed(2, "setting 'batch_config'")
    assert dummy.server.asked == []


@pytest.mark.parametrize(
    "wish",
    [
        {"stream_maps": {"events": {"secret": "md5(secret)"}}},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
)
def test_what_a_batch_would_pass_over_is_a_fault(dummy: Dummy, batches: Json, wish: Json) -> None:
    """The SDK writes a batch's records as they were before the maps: a hash would be none."""
    run = dummy.read("events", *PAGES, batch_config=batches, **wish)
    run.failed(2, "pass neither 'stream_maps' nor flattening")
    assert dummy.server.asked == []
