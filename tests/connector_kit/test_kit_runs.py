"""Whole runs: several streams, snapshots, states, and what another run makes of them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.pages import Page
from connector_kit.signals import GUARD
from support.dummy_tap import DummyTap, Events, Items
from support.dummy_vendor import Dummy
from support.page_server import PageServer
from support.singer import Json, Output, without_times

ONE = b'[{"id":1}]'


# Snapshots


def test_a_snapshot_has_its_version_on_every_record_and_activates_it_once(dummy: Dummy) -> None:
    output = dummy.output("items", ONE, b'[{"id":2,"a":1}]')
    [version] = output.activated("items")
    assert [message["version"] for message in output.of_type("RECORD")] == [version, version]
    kinds = [message["type"] for message in output.messages]
    assert kinds.index("ACTIVATE_VERSION") > max(
        place for place, kind in enumerate(kinds) if kind == "RECORD"
    )
    assert output.bookmark("items")["version"] == version


def test_a_version_grows_whatever_the_clock_does(dummy: Dummy) -> None:
    state = dummy.output("items", ONE).state
    ahead = state["bookmarks"]["items"]["version"] + 10**9
    state["bookmarks"]["items"]["version"] = ahead
    output = dummy.output("items", ONE, state=state)
    assert output.activated("items") == [ahead + 1]


def test_a_snapshot_that_failed_activates_nothing(dummy: Dummy) -> None:
    dummy.server.reset(items=[ONE, ONE])
    dummy.server.statuses["/items", 2] = 500
    output = dummy.run("items").failed(3)
    assert output.activated("items") == []
    assert "version" not in output.bookmark("items")
    assert [message["version"] for message in output.of_type("RECORD")]


def test_an_empty_snapshot_drops_what_is_gone(dummy: Dummy) -> None:
    state = dummy.output("items", ONE).state
    output = dummy.read("items", state=state).ok()
    [version] = output.activated("items")
    assert version > state["bookmarks"]["items"]["version"]
    assert output.of_type("SCHEMA"), "a loader needs the SCHEMA before"


def test_no_versions_where_they_are_not_wanted(dummy: Dummy) -> None:
    output = dummy.output("items", ONE, emit_activate_version_messages=False)
    assert output.activated("items") == []
    assert "version" not in output.of_type("RECORD")[0]


def test_an_incremental_stream_has_no_version(dummy: Dummy) -> None:
    output = dummy.output("events", ONE)
    assert output.activated("events") == []
    assert "version" not in output.of_type("RECORD")[0]


# Several streams


def failing(dummy: Dummy, **failures: bytes | int) -> Json:
    """Let streams fail: by a status on page 2, or by a page that breaks a rule."""
    dummy.server.reset(items=[ONE], events=[ONE, ONE], invoices=[ONE], bulk=[ONE], moving=[ONE])
    for stream, failure in failures.items():
        if isinstance(failure, int):
            dummy.server.statuses[f"/{stream}", 2] = failure
        else:
            dummy.server.pages[f"/{stream}"] = [ONE, failure]
    return {}


@pytest.mark.parametrize(
    ("failures", "exit_code"),
    [
        ({"events": 500}, 3),
        ({"events": b'[{"id":null}]'}, 4),
        ({"events": 422}, 2),
        ({"events": 500, "items": b'[{"id":null}]'}, 3),
        ({"events": b'[{"id":null}]', "items": 422}, 2),
    ],
)
def test_one_failing_stream_does_not_stop_the_others(
    dummy: Dummy, failures: dict[str, Any], exit_code: int
) -> None:
    failing(dummy, **failures)
    run = dummy.run()
    output = run.failed(exit_code, f"{len(failures)} of the selected streams did not complete")
    complete = {"items", "events", "invoices", "bulk", "moving"} - set(failures)
    for stream in complete:
        assert len(output.records(stream)) >= 1
        assert f"{stream}: complete" in run.stderr
    for stream in failures:
        assert f"{stream}: not complete" in run.stderr
        assert f"{stream}: complete" not in run.stderr
    output.check_records()


def test_an_error_that_was_not_foreseen_stops_its_stream_alone(dummy: Dummy) -> None:
    class Broken(Events):
        def read_pages(self) -> Iterator[Page]:
            yield from super().read_pages()
            raise LookupError("not foreseen")

    class BrokenTap(DummyTap):
        stream_classes = (Broken, Items)

    dummy.server.reset(items=[ONE], events=[ONE])
    run = dummy.run(tap=BrokenTap)
    run.failed(1, "events: not complete: an error that was not foreseen", "items: complete")
    assert run.output.bookmark("events")["page"] == 2
    assert len(run.output.activated("items")) == 1


def test_a_signal_within_a_part_that_fails_is_obeyed_before_the_next_stream(
    dummy: Dummy, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Events):
        def prepared(self, page: Page) -> Page:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().prepared(page)

    class StoppedTap(DummyTap):
        stream_classes = (Stopped, Items)

    dummy.server.reset(items=[ONE], events=[b'[{"id":null}]'])
    monkeypatch.setattr(GUARD, "_seen", None)  # put back after the test: it is the process's own
    run = dummy.run("events", "items", tap=StoppedTap)
    run.failed(143, "events: not complete", "lack the key property", "stopped by SIGTERM")
    assert "/items" not in dummy.server.counts()


def test_refused_credentials_stop_the_run_and_what_went_out_is_bookmarked(dummy: Dummy) -> None:
    failing(dummy, events=401)
    output = dummy.run().failed(2, "HTTP 401")
    assert dummy.server.counts()["/events"] == 2
    assert "/items" not in dummy.server.counts()
    assert output.bookmark("events")["page"] == 2, "the next run need not ask again"


def test_metrics_tell_how_each_stream_ended(dummy: Dummy) -> None:
    failing(dummy, events=500)
    run = dummy.run()
    timers = [line for line in run.stderr.splitlines() if '"timer"' in line]
    status = {json.loads(line.split("METRIC: ")[1])["tags"]["stream"]: line for line in timers}
    assert '"failed"' in status["events"]
    assert '"succeeded"' in status["items"]
    assert len(timers) == 5


def test_deselected_streams_are_not_asked_for(dummy: Dummy) -> None:
    dummy.server.reset(items=[ONE], events=[ONE])
    output = dummy.run("items").ok()
    assert dummy.server.counts().keys() == {"/items"}
    assert {message.get("stream") for message in output.messages} == {"items", None}


# States


def check_states(output: Output, rows: dict[str, list[int]]) -> None:
    """No state speaks of records that are not out: `page` n means that pages 1 to n - 1 are."""
    seen: dict[str, int] = dict.fromkeys(rows, 0)
    for message in output.messages:
        if message["type"] == "RECORD":
            seen[message["stream"]] += 1
        elif message["type"] == "STATE":
            for stream, bookmark in message["value"]["bookmarks"].items():
                if stream in rows:
                    pages = bookmark.get("page", 1) - 1
                    assert seen[stream] >= sum(rows[stream][:pages])


def test_states_follow_what_they_speak_of(dummy: Dummy) -> None:
    output = dummy.output("events", ONE, ONE, b'[{"id":2},{"id":3}]')
    check_states(output, {"events": [1, 1, 2]})
    assert output.messages[-1]["type"] == "STATE"
    assert output.bookmark("events")["page"] == 4


def test_a_state_is_not_written_twice(dummy: Dummy) -> None:
    first = dummy.output("events", ONE)
    assert len(first.states) == 1
    again = dummy.output("events", ONE, state=first.state)
    assert again.states == [first.state]


def test_what_is_known_of_other_streams_is_kept(dummy: Dummy) -> None:
    state = {"bookmarks": {"gone": {"x": 1}, "items": {"version": 5}}}
    output = dummy.output("events", ONE, state=state)
    assert output.state["bookmarks"]["gone"] == {"x": 1}
    assert output.bookmark("items") == {"version": 5}


def test_null_entries_of_a_bookmark_stay(dummy: Dummy) -> None:
    """Meltano merges states key by key: an entry that is left out would come back."""
    state = {"bookmarks": {"events": {"petition": None, "page": 1}}}
    output = dummy.output("events", ONE, state=state)
    assert output.bookmark("events")["petition"] is None


def test_full_table_in_the_catalog_reads_all_again(dummy: Dummy) -> None:
    state = dummy.output("events", ONE).state
    catalog = dummy.catalog("events")
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "events"]
    assert dummy.output("events", ONE, state=state, catalog=catalog).records() == []
    entry["replication_method"] = "FULL_TABLE"
    assert len(dummy.output("events", ONE, state=state, catalog=catalog).records()) == 1


class Vendor:
    """Pages of events whose ids say where they stand."""

    def __init__(self, sizes: list[int]) -> None:
        numbers = iter(range(1, sum(sizes) + 1))
        self.pages = [
            json.dumps([{"id": next(numbers), f"f{page}": page} for _ in range(size)]).encode()
            for page, size in enumerate(sizes)
        ]
        self.ids = set(range(1, sum(sizes) + 1))


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    batch_size=st.none() | st.integers(1, 6),
    fail_at=st.none() | st.integers(2, 4),
)
@settings(deadline=None, max_examples=30)
def test_resuming_from_any_state_gives_with_what_came_before_it_every_record(
    page_server: PageServer,
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    batch_size: int | None,
    fail_at: int | None,
) -> None:
    dummy, vendor = Dummy(page_server), Vendor(sizes)
    how: Json = {}
    if batch_size is not None:
        root = tmp_path_factory.mktemp("batches")
        how["batch_config"] = {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": root.as_uri()},
            "batch_size": batch_size,
        }
    page_server.reset(events=vendor.pages)
    if fail_at is not None:
        page_server.statuses["/events", fail_at] = 500
    output = dummy.run("events", **how).output
    page_server.statuses.clear()
    for place, message in enumerate(output.messages):
        if message["type"] == "STATE":
            before = ids_of(output.messages[:place])
            rest = dummy.run("events", state=message["value"], **how).ok()
            assert before | ids_of(rest.messages) == vendor.ids


def ids_of(messages: list[Json]) -> set[int]:
    """The ids in RECORD messages and in the files of BATCH messages."""
    ids = {message["record"]["id"] for message in messages if message["type"] == "RECORD"}
    for message in messages:
        if message["type"] == "BATCH":
            ids |= {record["id"] for record in Output.batch(message)}
    return ids


def test_equal_runs_write_equal_messages(dummy: Dummy) -> None:
    first, second = (dummy.output("events", ONE, b'[{"id":2,"a":1.50}]') for _ in range(2))
    assert without_times(first.messages) == without_times(second.messages)
