"""Accounting documents: which days are asked for, and what a later run reads again."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from erp_sandbox.serpi.generate import DOCUMENT_TYPES, FIRST_DAY, LAST_DAY
from support.serpi_tap import (
    ALL_DOCUMENTS,
    DOCUMENTS,
    day,
    held,
    held_between,
    ids,
    run,
    texts,
    windows,
)
from support.singer import run_command
from tap_serpi.tap import TapSerpi

if TYPE_CHECKING:
    from support.servers import RunningSandbox
    from support.singer import Json

TODAY = datetime(2026, 3, 15, 12, tzinfo=UTC)
"""What the server's clock says in most of these tests; it is the same day in Bogotá."""


@pytest.fixture(autouse=True)
def _clock(sandbox: RunningSandbox) -> None:
    sandbox.serpi.now = lambda: TODAY


def bodies(sandbox: RunningSandbox) -> list[Any]:
    return [asked.json for asked in sandbox.serpi.requests if asked.kind == "documento.query"]


def asked_by(sandbox: RunningSandbox, **further: Any) -> list[tuple[str, str]]:
    """Run the tap for documents and return the windows that it asked for."""
    sandbox.serpi.requests.clear()
    run(sandbox, DOCUMENTS, **further).ok()
    return windows(sandbox.serpi)


def days(first: str, last: str) -> dict[str, Any]:
    return {"start_date": first, "end_date": last}


# Windows


@pytest.mark.parametrize("window_days", [1, 2, 7, 31, 400, 10**12])
def test_windows_touch_and_never_overlap(sandbox: RunningSandbox, window_days: int) -> None:
    asked = asked_by(sandbox, **days("2026-01-05", "2026-02-20"), window_days=window_days)
    assert asked[0][0] == "2026-01-05"
    assert asked[-1][1] == "2026-02-20"
    for (first, last), (following, _) in itertools.pairwise(asked):
        assert (day(last) - day(first)).days == window_days - 1
        assert day(following) - day(last) == timedelta(days=1)
    assert asked == sorted(asked)


def test_both_days_of_a_window_are_included(sandbox: RunningSandbox) -> None:
    sandbox.serpi.documents.clear()
    for number, text in enumerate(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"], 1):
        sandbox.serpi.documents.add(numeroDoc=number, fechaDocumento=text)
    output = run(sandbox, DOCUMENTS, **days("2026-02-28", "2026-03-01"), window_days=1).ok()
    found = [record["fechaDocumento"] for record in output.records()]
    assert found == ["2026-02-28", "2026-03-01"]
    assert windows(sandbox.serpi) == [("2026-02-28", "2026-02-28"), ("2026-03-01", "2026-03-01")]


@pytest.mark.parametrize("window_days", [1, 5, 31, 1000])
def test_the_rows_do_not_depend_on_the_window(sandbox: RunningSandbox, window_days: int) -> None:
    chosen = days("2025-12-20", "2026-01-31")
    output = run(sandbox, DOCUMENTS, **chosen, window_days=window_days, page_size=9).ok()
    wanted = held_between(sandbox.serpi, chosen["start_date"], chosen["end_date"])
    assert sorted(texts(output, DOCUMENTS)) == sorted(wanted)
    assert len(wanted) > 40


def test_what_a_window_asks_for(sandbox: RunningSandbox) -> None:
    run(sandbox, DOCUMENTS, **days("2026-01-01", "2026-01-02")).ok()
    (request, _) = [r for r in sandbox.serpi.requests if r.kind == "documento.query"]
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.query == {"limite": "500", "pagina": "1"}
    assert json.loads(request.body) == {
        "tiposDocumentos": [1, 2, 15, 16],
        "numeroDesde": None,
        "numeroHasta": None,
        "fechaDesde": "2026-01-01",
        "fechaHasta": "2026-01-02",
    }


def test_a_single_day(sandbox: RunningSandbox) -> None:
    assert asked_by(sandbox, **days("2026-01-01", "2026-01-01")) == [("2026-01-01", "2026-01-01")]


def test_the_last_day_is_today_in_bogota(sandbox: RunningSandbox) -> None:
    # Three in the morning of the 16th in Greenwich is the evening of the 15th in Bogotá.
    sandbox.serpi.now = lambda: datetime(2026, 3, 16, 3, tzinfo=UTC)
    assert asked_by(sandbox, start_date="2026-03-10") == [("2026-03-10", "2026-03-15")]
    sandbox.serpi.now = lambda: datetime(2026, 3, 16, 5, tzinfo=UTC)
    assert asked_by(sandbox, start_date="2026-03-10") == [("2026-03-10", "2026-03-16")]


def test_a_last_day_in_the_future_is_today(sandbox: RunningSandbox) -> None:
    assert asked_by(sandbox, **days("2026-03-10", "2030-01-01")) == [("2026-03-10", "2026-03-15")]


def test_a_first_day_in_the_future_asks_for_nothing(sandbox: RunningSandbox) -> None:
    assert asked_by(sandbox, start_date="2026-03-16") == []


@pytest.mark.parametrize("text", ["2026-03-10T23:59:59", "2026-03-10T00:00:00-05:00"])
def test_a_time_is_left_off_a_date(sandbox: RunningSandbox, text: str) -> None:
    assert asked_by(sandbox, start_date=text) == [("2026-03-10", "2026-03-15")]


# Document types


def test_a_subset_of_the_types(sandbox: RunningSandbox) -> None:
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, document_types=["16", 1, 16]).ok()
    prefixes = {kind.prefix for kind in DOCUMENT_TYPES if kind.id in (1, 16)}
    assert {record["prefijo"] for record in output.records()} == prefixes
    assert {tuple(body["tiposDocumentos"]) for body in bodies(sandbox)} == {(1, 16)}


@pytest.mark.parametrize("types", [None, [], ""])
def test_all_types_where_none_is_named(sandbox: RunningSandbox, types: Any) -> None:
    run(sandbox, DOCUMENTS, **days("2026-01-01", "2026-01-02"), document_types=types).ok()
    assert {tuple(body["tiposDocumentos"]) for body in bodies(sandbox)} == {(1, 2, 15, 16)}


def test_types_on_several_pages(sandbox: RunningSandbox) -> None:
    run(sandbox, DOCUMENTS, **days("2026-01-01", "2026-01-02"), page_size=3).ok()
    assert {tuple(body["tiposDocumentos"]) for body in bodies(sandbox)} == {(1, 2, 15, 16)}


def test_a_type_that_serpi_does_not_list(sandbox: RunningSandbox) -> None:
    run_ = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, document_types=[1, 99, 98])
    run_.failed(2, "document_types", "99, 98")
    assert sandbox.serpi.count("documento.query") == 0
    assert "1, 2, 15, 16" in run_.stderr


def test_a_type_without_documents(sandbox: RunningSandbox) -> None:
    for identifier, key, _, _ in sandbox.serpi.documents.days():
        if key[1] == "RCA":
            sandbox.serpi.documents.remove(identifier)
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, document_types=[1]).ok()
    assert output.records() == []
    assert output.bookmark(DOCUMENTS)["until"] == "2026-03-15"


def test_no_types_at_all(sandbox: RunningSandbox) -> None:
    sandbox.serpi.document_types.clear()
    run_ = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS)
    assert run_.ok().records() == []
    assert "SERPI lists no document types" in run_.stderr
    assert sandbox.serpi.count("documento.query") == 0
    assert run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, document_types=[1]).exit_code == 2


def test_no_types_for_once_lose_nothing(sandbox: RunningSandbox) -> None:
    state = run(sandbox, DOCUMENTS, start_date="2026-01-01", end_date="2026-01-31").ok().state
    listed = list(sandbox.serpi.document_types)
    for before in (None, state):
        sandbox.serpi.document_types.clear()
        empty = run(sandbox, DOCUMENTS, start_date="2026-01-01", state=before).ok()
        until = (state["bookmarks"][DOCUMENTS] if before else {}).get("until")
        assert (empty.state["bookmarks"].get(DOCUMENTS) or {}).get("until") == until
        sandbox.serpi.document_types.extend(listed)
        asked = asked_by(sandbox, start_date="2026-01-01", state=empty.state, window_days=1000)
        assert asked == [("2026-01-01", "2026-03-15")]


def test_a_type_that_is_listed_later(sandbox: RunningSandbox) -> None:
    kinds = sandbox.serpi.document_types
    late = kinds.pop()
    # The sandbox finds a document's type in its list, so the documents are hidden with it.
    state = run(sandbox, DOCUMENTS, start_date="2025-12-01").ok().state
    kinds.append(late)
    sandbox.serpi.requests.clear()
    run_ = run(sandbox, DOCUMENTS, start_date="2025-12-01", state=state, window_days=1000)
    asked = {(b["fechaDesde"], b["fechaHasta"]): b["tiposDocumentos"] for b in bodies(sandbox)}
    assert asked == {
        ("2025-12-01", "2026-02-12"): [late.id],
        ("2026-02-13", "2026-03-15"): [1, 2, 15, 16],
    }
    found = texts(run_.ok(), DOCUMENTS)
    prefix = f'"prefijo":"{late.prefix}"'.encode()
    wanted = [
        row for row in held_between(sandbox.serpi, "2025-12-01", "2026-03-15") if prefix in row
    ]
    assert sorted(row for row in found if prefix in row) == sorted(wanted)
    assert f"did not list before ({late.id})" in run_.stderr
    # From then on it is known.
    asked_again = asked_by(
        sandbox, start_date="2025-12-01", state=run_.ok().state, window_days=1000
    )
    assert asked_again == [("2026-02-13", "2026-03-15")]


def test_a_new_type_whose_earlier_days_were_cut_off(sandbox: RunningSandbox) -> None:
    kinds = sandbox.serpi.document_types
    late = kinds.pop()
    state = run(sandbox, DOCUMENTS, start_date="2025-12-01").ok().state
    kinds.append(late)
    sandbox.serpi.faults.add(Fault("status", "POST", "Consultar", status=400, skip=2, times=None))
    given: dict[str, Any] = {"start_date": "2025-12-01", "window_days": 10}
    output = run(sandbox, DOCUMENTS, state=state, **given).failed(3)
    sandbox.serpi.faults.clear()
    assert output.bookmark(DOCUMENTS) == state["bookmarks"][DOCUMENTS]
    assert asked_by(sandbox, state=output.state, **given)[0] == ("2025-12-01", "2025-12-10")


def test_two_ids_for_one_kind_of_document(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.double_type = True
    sandbox.serpi.now = lambda: datetime(2026, 11, 2, tzinfo=UTC)
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS).ok()
    assert sorted(texts(output, DOCUMENTS)) == sorted(held(sandbox.serpi, DOCUMENTS))


# Later runs


def first_state(sandbox: RunningSandbox, **further: Any) -> Json:
    state = run(sandbox, DOCUMENTS, **{"start_date": "2025-12-01", **further}).ok().state
    sandbox.serpi.requests.clear()
    return state


def test_a_second_run_reads_its_lookback_alone(sandbox: RunningSandbox) -> None:
    state = first_state(sandbox)
    assert state["bookmarks"][DOCUMENTS]["until"] == "2026-03-15"
    sandbox.serpi.now = lambda: TODAY + timedelta(days=2)
    run_ = run(sandbox, DOCUMENTS, start_date="2025-12-01", state=state)
    assert windows(sandbox.serpi) == [("2026-02-13", "2026-03-15"), ("2026-03-16", "2026-03-17")]
    assert "read in full" not in run_.stderr
    assert run_.ok().bookmark(DOCUMENTS)["until"] == "2026-03-17"
    wanted = held_between(sandbox.serpi, "2026-02-13", "2026-03-17")
    assert sorted(texts(run_.ok(), DOCUMENTS)) == sorted(wanted)


@pytest.mark.parametrize(
    ("lookback", "first"),
    [(0, "2026-03-15"), (5, "2026-03-10"), (95, "2025-12-10"), (10**6, "2025-12-01")],
)
def test_any_lookback(sandbox: RunningSandbox, lookback: int, first: str) -> None:
    state = first_state(sandbox)
    asked = asked_by(sandbox, start_date="2025-12-01", lookback_days=lookback, state=state)
    assert (asked[0][0], asked[-1][1]) == (first, "2026-03-15")


def test_a_document_that_is_back_dated_later(sandbox: RunningSandbox) -> None:
    state = first_state(sandbox)
    late = sandbox.serpi.documents.add(numeroDoc=77, fechaDocumento="2026-02-20")
    changed = sandbox.serpi.documents.add(numeroDoc=78, fechaDocumento="2026-01-01")
    output = run(sandbox, DOCUMENTS, start_date="2025-12-01", state=state).ok()
    found = ids(texts(output, DOCUMENTS))
    assert late["id"] in found
    assert changed["id"] not in found


def test_an_end_date_and_a_later_run_without_it(sandbox: RunningSandbox) -> None:
    state = first_state(sandbox, end_date="2026-01-31")
    assert state["bookmarks"][DOCUMENTS]["until"] == "2026-01-31"
    asked = asked_by(sandbox, start_date="2025-12-01", state=state, window_days=1000)
    assert asked == [("2026-01-01", "2026-03-15")]


def test_an_end_date_before_the_bookmark_moves_nothing(sandbox: RunningSandbox) -> None:
    state = first_state(sandbox)
    run_ = run(sandbox, DOCUMENTS, **days("2025-12-01", "2026-01-10"), state=state)
    assert run_.ok().records() == []
    assert sandbox.serpi.count("documento.query") == 0
    assert all(s["bookmarks"][DOCUMENTS]["until"] == "2026-03-15" for s in run_.ok().states)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"document_types": [1, 2]}, "the document types"),
        ({"key_properties": {DOCUMENTS: ["numeroDoc"]}}, "the key"),
        ({"start_date": "2025-11-30"}, "`start_date`"),
    ],
)
def test_other_parameters_read_in_full(
    sandbox: RunningSandbox, change: dict[str, Any], reason: str
) -> None:
    state = first_state(sandbox)
    settings = {"start_date": "2025-12-01", **change}
    run_ = run(sandbox, DOCUMENTS, state=state, window_days=1000, **settings)
    run_.ok()
    assert windows(sandbox.serpi) == [(settings["start_date"], "2026-03-15")]
    (line,) = [line for line in run_.stderr.splitlines() if "read in full" in line]
    assert reason in line
    # From then on it is incremental again.
    state = run_.ok().state
    asked = asked_by(sandbox, state=state, window_days=1000, **settings)
    assert asked == [("2026-02-13", "2026-03-15")]


@pytest.mark.parametrize(
    "same",
    [
        {"page_size": 3},
        {"window_days": 3},
        {"start_date": "2026-01-10"},
        {"schema_contract": "freeze"},
        {"request_timeout": 9},
    ],
)
def test_what_changes_no_rows_reads_nothing_in_full(
    sandbox: RunningSandbox, same: dict[str, Any]
) -> None:
    state = first_state(sandbox, document_types=[2, 1])
    settings = {"start_date": "2025-12-01", **same, "document_types": [1, 2, 2]}
    asked = asked_by(sandbox, state=state, api_url=f"{sandbox.serpi_url}/", **settings)
    assert (asked[0][0], asked[-1][1]) == ("2026-02-13", "2026-03-15")


@pytest.mark.parametrize(
    "bookmark",
    [
        None,
        {},
        [],
        {"until": None},
        {"until": 20260315},
        {"until": "2026-02-31", "from": "2025-12-01", "fingerprint": "x"},
        {"until": "yesterday"},
        {"version": 7},
    ],
)
def test_a_bookmark_that_says_nothing(sandbox: RunningSandbox, bookmark: Any) -> None:
    state = {"bookmarks": {DOCUMENTS: bookmark}}
    asked = asked_by(sandbox, start_date="2025-12-01", state=state, window_days=1000)
    assert asked == [("2025-12-01", "2026-03-15")]


def test_a_bookmark_from_a_wrong_clock_loses_nothing(sandbox: RunningSandbox) -> None:
    sandbox.serpi.now = lambda: TODAY + timedelta(days=20)
    state = first_state(sandbox)
    sandbox.serpi.now = lambda: TODAY
    run_ = run(sandbox, DOCUMENTS, start_date="2025-12-01", state=state, window_days=1000)
    assert windows(sandbox.serpi) == [("2025-12-01", "2026-03-15")]
    assert run_.ok().bookmark(DOCUMENTS)["until"] == "2026-03-15"
    assert "a clock was wrong" in run_.stderr


@pytest.mark.parametrize(
    "place", ["replication_method", "forced-replication-method", "replication-method"]
)
def test_a_full_read_asked_for_by_the_catalog(sandbox: RunningSandbox, place: str) -> None:
    state = first_state(sandbox)
    catalog = json.loads(run_command(TapSerpi, ["--discover"]).ok().stdout)
    for entry in catalog["streams"]:
        (root,) = [part["metadata"] for part in entry["metadata"] if not part["breadcrumb"]]
        root["selected"] = entry["stream"] == DOCUMENTS
        (entry if place == "replication_method" else root)[place] = "FULL_TABLE"
    run_ = run(sandbox, start_date="2025-12-01", state=state, catalog=catalog, window_days=1000)
    run_.ok()
    assert windows(sandbox.serpi) == [("2025-12-01", "2026-03-15")]
    assert "the catalog asks for it" in run_.stderr


# Keys


def test_documents_by_their_number(sandbox: RunningSandbox) -> None:
    # Each reading shows other ids; the number stays.
    key = {DOCUMENTS: ["categoriaDocumento", "prefijo", "numeroDoc"]}
    sandbox.serpi.switches.document_ids_change = True
    first = run(sandbox, DOCUMENTS, start_date="2025-12-01", key_properties=key).ok()
    assert first.of_type("SCHEMA")[0]["key_properties"] == key[DOCUMENTS]
    second = run(
        sandbox, DOCUMENTS, start_date="2025-12-01", key_properties=key, state=first.state
    ).ok()
    assert second.records()

    def numbers(records: list[Json]) -> set[tuple[Any, ...]]:
        return {tuple(record[name] for name in key[DOCUMENTS]) for record in records}

    assert numbers(second.records()) <= numbers(first.records())
    assert len(numbers(first.records())) == len(first.records())


def test_a_key_that_no_record_has(sandbox: RunningSandbox) -> None:
    run_ = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, key_properties={DOCUMENTS: ["numero"]})
    output = run_.failed(4, DOCUMENTS, "numero", "key_properties")
    assert output.records() == []
    assert all(DOCUMENTS not in state["bookmarks"] for state in output.states)


def test_without_a_key_whole_past_days_are_read_once(sandbox: RunningSandbox) -> None:
    keyless: dict[str, Any] = {"key_properties": {DOCUMENTS: []}, "start_date": "2026-02-01"}
    first = run(sandbox, DOCUMENTS, **keyless).ok()
    assert first.of_type("SCHEMA")[0]["key_properties"] == []
    assert windows(sandbox.serpi)[-1][1] == "2026-03-14"
    wanted = held_between(sandbox.serpi, "2026-02-01", "2026-03-14")
    assert sorted(texts(first, DOCUMENTS)) == sorted(wanted)
    assert asked_by(sandbox, state=first.state, **keyless) == []
    sandbox.serpi.now = lambda: TODAY + timedelta(days=2)
    assert asked_by(sandbox, state=first.state, **keyless) == [("2026-03-15", "2026-03-16")]


def test_without_a_key_the_tap_says_so(sandbox: RunningSandbox) -> None:
    keyless: dict[str, Any] = {"key_properties": {DOCUMENTS: []}, "start_date": "2026-02-01"}
    run_ = run(sandbox, DOCUMENTS, **keyless)
    run_.ok()
    lines = [line for line in run_.stderr.splitlines() if "key_properties" in line]
    assert len(lines) == 1
    assert DOCUMENTS in lines[0]


def test_identical_rows_of_a_keyless_stream_are_all_kept(sandbox: RunningSandbox) -> None:
    rows = held_between(sandbox.serpi, "2026-02-01", "2026-02-01")[:1] * 2
    body = b'{"success":true,"code":200,"errors":null,"message":"","result":[%b]}'
    one = Fault("status", "POST", "Consultar", status=200, body=body % b",".join(rows))
    sandbox.serpi.faults.add(one)
    settings = {**days("2026-02-01", "2026-02-01"), "key_properties": {DOCUMENTS: []}}
    output = run(sandbox, DOCUMENTS, **settings).ok()
    assert len(texts(output, DOCUMENTS)) >= 2


# What the days look like


def test_days_that_come_with_a_time(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.dates = "datetime"
    output = run(sandbox, DOCUMENTS, **days("2026-01-01", "2026-01-31")).ok()
    output.check_records()
    wanted = held_between(sandbox.serpi, "2026-01-01", "2026-01-31")
    assert sorted(ids(texts(output, DOCUMENTS))) == sorted(ids(wanted))
    assert all(record["fechaDocumento"].endswith("T00:00:00") for record in output.records())
    assert output.bookmark(DOCUMENTS)["until"] == "2026-01-31"


def test_a_server_without_a_clock(sandbox: RunningSandbox) -> None:
    kinds = [{"id": 1, "categoriaDocumento": "NC", "prefijo": "RCA", "descripcion": ""}]
    body = json.dumps({"success": True, "code": 200, "message": "", "result": kinds})
    odd = {"Date": "the day before yesterday"}
    sandbox.serpi.faults.add(Fault("status", "GET", "pagina=1", status=200, body=body, headers=odd))
    sandbox.serpi.faults.add(Fault("status", "GET", "pagina=2", status=204, headers=odd))
    assert (asked := asked_by(sandbox, start_date="2026-01-01", window_days=10_000))
    this_machine = datetime.now(UTC).date()
    assert abs(day(asked[0][1]) - this_machine) <= timedelta(days=1)


def test_the_sandbox_is_what_these_tests_take_it_for() -> None:
    assert (FIRST_DAY.isoformat(), LAST_DAY.isoformat()) == tuple(ALL_DOCUMENTS.values())
