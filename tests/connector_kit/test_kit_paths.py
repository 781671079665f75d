"""The central promise: whatever path a page takes, nothing is lost, changed or without a column."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.dummy_tap import Invoices
from support.dummy_vendor import Dummy
from support.json_values import (
    NAMES,
    ODD_NAMES,
    RECORDS,
    STYLES,
    VALUES,
    Number,
    Style,
    digits,
    exact,
    page_bytes,
)
from support.page_server import PageServer
from support.singer import Json, Output, Run

BY_THE_SDK = {"__filter__": "True"}
"""A stream map that changes nothing, and that only the SDK's own path can carry out."""

DOCUMENTED = st.dictionaries(
    st.sampled_from(sorted(Invoices.documented_schema["properties"])), VALUES, max_size=6
)


@dataclass
class Input:
    """Pages of a stream: records, and how each page is written."""

    pages: list[tuple[list[Json], Style]]

    @property
    def bodies(self) -> list[bytes]:
        return [page_bytes(records, style) for records, style in self.pages]

    @property
    def records(self) -> list[Json]:
        return [exact(record) for records, _ in self.pages for record in records]


@st.composite
def inputs(draw: st.DrawFn, records: st.SearchStrategy[Json]) -> Input:
    """Some pages, each record with its own id."""
    pages = draw(st.lists(st.tuples(st.lists(records, min_size=1, max_size=4), STYLES), max_size=4))
    number = 0
    for page, _ in pages:
        for record in page:
            number += 1
            record["id"] = Number(str(number))
    return Input(pages)


def comparable(output: Output) -> list[Any]:
    """The messages without what no two runs share: times, and the versions made of them."""
    messages = []
    for message in output.messages:
        shown = {name: value for name, value in message.items() if name != "time_extracted"}
        if message["type"] == "STATE":
            bookmarks = message["value"]["bookmarks"]
            shown["value"] = {
                stream: [sorted(bookmark), bookmark.get("schema"), bookmark.get("page")]
                for stream, bookmark in bookmarks.items()
            }
        shown["version"] = "version" in message
        messages.append(digits(shown))
    return messages


def missing_columns(schema: Json, value: Any, path: str = "") -> list[str]:
    """Name the values, at any depth, for which a schema has no place."""
    missing = []
    if isinstance(value, dict) and "properties" in schema:
        for name, child in value.items():
            if child is not None and name not in schema["properties"]:
                missing.append(f"{path}.{name}")
            elif child is not None:
                missing += missing_columns(schema["properties"][name], child, f"{path}.{name}")
    elif isinstance(value, list) and schema.get("items"):
        for item in value:
            if item is not None:
                missing += missing_columns(schema["items"], item, f"{path}[]")
    return missing


def check_nothing_is_lost(output: Output, records: list[Json], stream: str) -> None:
    """Judge a run by its input alone."""
    output.check_records()
    assert digits(output.records(stream)) == digits(records)
    for record in records:
        assert missing_columns(output.schemas(stream)[-1], record) == []


def both_paths(dummy: Dummy, stream: str, **how: Any) -> tuple[Run, Run]:
    """Run on the raw path and on the SDK's."""
    fast = dummy.run(stream, **how)
    slow = dummy.run(stream, stream_maps={stream: BY_THE_SDK}, **how)
    assert fast.exit_code == slow.exit_code
    assert comparable(fast.output) == comparable(slow.output)
    return fast, slow


@given(stream=st.sampled_from(["items", "events", "moving"]), given_input=inputs(RECORDS))
@settings(deadline=None, max_examples=100)
def test_both_paths_give_the_same_messages_and_lose_nothing(
    page_server: PageServer, stream: str, given_input: Input
) -> None:
    page_server.reset(**{stream: given_input.bodies})
    fast, _ = both_paths(Dummy(page_server), stream)
    check_nothing_is_lost(fast.ok(), given_input.records, stream)


@given(given_input=inputs(DOCUMENTED))
@settings(deadline=None, max_examples=60)
def test_both_paths_agree_on_documented_streams(
    page_server: PageServer, given_input: Input
) -> None:
    page_server.reset(invoices=given_input.bodies)
    fast, _ = both_paths(Dummy(page_server), "invoices")
    fast.output.check_records()
    if fast.exit_code == 0:
        check_nothing_is_lost(fast.output, given_input.records, "invoices")
    else:
        assert fast.exit_code == 4
        assert "came with a fraction" in fast.stderr


@given(
    given_input=inputs(RECORDS),
    names=st.sets(NAMES | ODD_NAMES, min_size=1, max_size=4),
    nested=st.booleans(),
)
@settings(deadline=None, max_examples=30)
def test_both_paths_agree_on_what_is_selected(
    page_server: PageServer, given_input: Input, names: set[str], nested: bool
) -> None:
    dummy = Dummy(page_server)
    page_server.reset(items=given_input.bodies)
    catalog = dummy.catalog("items")
    [entry] = [entry for entry in catalog["streams"] if entry["stream"] == "items"]
    for name in names:
        breadcrumb = ["properties", name, "properties", "a"] if nested else ["properties", name]
        entry["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": False}})
    fast, _ = both_paths(dummy, "items", catalog=catalog)
    output = fast.ok()
    output.check_records()
    if not nested:
        expected = [
            {name: value for name, value in record.items() if name == "id" or name not in names}
            for record in given_input.records
        ]
        assert digits(output.records()) == digits(expected)


@given(given_input=inputs(RECORDS), names=st.sets(NAMES.filter(lambda name: name != "id")))
@settings(deadline=None, max_examples=30)
def test_both_paths_agree_on_a_plain_map(
    page_server: PageServer, given_input: Input, names: set[str]
) -> None:
    dummy = Dummy(page_server)
    page_server.reset(items=given_input.bodies)
    plain = {"__alias__": "things", **dict.fromkeys(sorted(names))}
    fast = dummy.run("items", stream_maps={"items": plain}).ok()
    slow = dummy.run("items", stream_maps={"items": {**plain, **BY_THE_SDK}}).ok()
    assert comparable(fast) == comparable(slow)
    fast.check_records()


@given(given_input=inputs(RECORDS))
@settings(deadline=None, max_examples=30)
def test_one_answer_cut_while_it_arrives_gives_the_same_records(
    page_server: PageServer, given_input: Input
) -> None:
    rows = [record for records, _ in given_input.pages for record in records]
    style = given_input.pages[0][1] if given_input.pages else Style(0, blanks=False)
    page_server.reset(bulk=[page_bytes(rows, style)])
    output = Dummy(page_server).run("bulk").ok()
    if rows:
        check_nothing_is_lost(output, given_input.records, "bulk")
    assert digits(output.records()) == digits(given_input.records)


@given(first=inputs(RECORDS), second=inputs(RECORDS))
@settings(deadline=None, max_examples=30)
def test_the_next_run_knows_what_this_one_learned(
    page_server: PageServer, first: Input, second: Input
) -> None:
    dummy = Dummy(page_server)
    page_server.reset(items=first.bodies)
    before = dummy.run("items").ok()
    page_server.reset(items=second.bodies)
    after = dummy.run("items", state=before.state).ok()
    after.check_records()
    for record in first.records:
        assert missing_columns(after.schemas()[0], record) == [], "a column went away"
    assert digits(after.records()) == digits(second.records)


@pytest.mark.parametrize("stream", ["items", "bulk", "invoices"])
@pytest.mark.parametrize("late", [b'"new":67900.00000', b'"amount":"text"', b'"text":{"x":1e3}'])
def test_a_field_or_type_of_the_last_record_of_the_last_page_gets_its_column(
    dummy: Dummy, stream: str, late: bytes
) -> None:
    rows = [b'{"id":%d,"amount":1.5,"text":"x"}' % number for number in range(3000)]
    pages = [b"[" + b",".join(rows[start : start + 1500]) + b"]" for start in (0, 1500)]
    pages[1] = pages[1][:-2].replace(b'{"id":2999,"amount":1.5,"text":"x"', b'{"id":2999,' + late)
    pages[1] += b"}]"
    if stream == "bulk":
        pages = [pages[0][:-1] + b"," + pages[1][1:]]
    output = dummy.output(stream, *pages)
    [last] = [record for record in output.records(stream) if record["id"] == 2999]
    assert missing_columns(output.schemas(stream)[-1], last) == []
    assert len(output.records(stream)) == 3000


def test_which_path_was_taken_is_seen_in_the_bytes(dummy: Dummy) -> None:
    """The SDK writes numbers anew, the raw path does not: so these tests do compare two paths."""
    dummy.server.reset(items=[b'[{"id":1,"a":1e3,"b":"\xc3\xb1"}]'])
    fast, slow = both_paths(dummy, "items")
    assert b'"record":{"id":1,"a":1e3,"b":"\xc3\xb1"}' in fast.stdout
    assert b'"record":{"id":1,"a":1E+3,"b":"\\u00f1"}' in slow.stdout
    assert fast.output.records() == slow.output.records()
    assert fast.output.records()[0]["a"] == Decimal(1000)


def test_replaced_characters_are_told_once_a_stream(dummy: Dummy) -> None:
    pages = [rb'[{"id":%d,"a":"x\u0000y\ud800"}]' % number for number in (1, 2)]
    run = dummy.read("items", *pages)
    output = run.ok()
    assert [record["a"] for record in output.records()] == ["x\ufffdy\ufffd"] * 2
    assert run.stderr.count("4 characters that databases refuse") == 1
    assert run.stderr.count("databases refuse") == 1


def test_duplicate_names_are_read_as_every_reader_does(dummy: Dummy) -> None:
    output = dummy.output("items", b'[{"id":1,"a":1,"a":"x"}]', b'[{"id":2,"a":"y"}]')
    assert output.records() == [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]
    [schema] = output.schemas()
    assert schema["properties"]["a"] == {"type": ["string", "null"]}


@pytest.mark.parametrize(
    "body", [b'[{"id":1},5]', b"[null]", b'[null,{"id":1}]', b"[[]]", b'[{"id":1,"a":"\xff"}]']
)
@pytest.mark.parametrize("before", [[], [b'[{"id":1}]'], [b'[{"id":1,"no \\" field":1}]']])
@pytest.mark.parametrize("keys", [["id"], []])
def test_what_is_no_record_ends_the_stream(
    dummy: Dummy, before: list[bytes], keys: list[str], body: bytes
) -> None:
    run = dummy.read("items", *before, body, key_properties={"items": keys})
    run.failed(3)
    assert len(run.output.records()) == len(before)
