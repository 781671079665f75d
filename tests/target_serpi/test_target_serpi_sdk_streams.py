"""singer-sdk's own target test streams, each through an aliasing configuration.

An API target cannot take arbitrary streams, so each of the SDK's files is fed with its streams aliased
to `articulos`, and with the stream maps that give its records the fields of an article where that makes
sense. What then happens is written down here, case by case, and is what the README says of such input.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from support.serpi_target import ARTICLES, Target, TargetRun

STREAMS = resources.files("singer_sdk.testing.target_test_streams")

MAPPED: dict[str, Any] = {
    "descripcion": "'made of a record of the SDK'",
    **dict.fromkeys(
        (
            "idgrupocontable",
            "idlinea",
            "idcategoria",
            "idpresentacion",
            "idmarca",
            "idunidadmedida",
        ),
        "int('1')",
    ),
    "activo": "bool(1)",
    "__else__": None,
}


def names_in(case: str) -> list[str]:
    """The streams of a file."""
    lines = (STREAMS / f"{case}.singer").read_bytes().splitlines()
    found = [json.loads(line).get("stream") for line in lines]
    return [name for name in dict.fromkeys(found) if name]


def fed(target: Target, case: str, *, mapped: str | None = None, **further: Any) -> TargetRun:
    """Feed a file, its streams aliased, and mapped where an expression for the code is given."""
    names = names_in(case)
    if mapped:
        maps = {
            name: {**MAPPED, "codigo": mapped, "__key_properties__": ["codigo"]} for name in names
        }
        further["stream_maps"] = maps
    lines = [(STREAMS / f"{case}.singer").read_bytes()]
    return target.run(lines, stream_aliases=dict.fromkeys(names, ARTICLES), **further)


def test_every_file_of_the_sdk_has_its_case_here() -> None:
    files = {entry.name.removesuffix(".singer") for entry in STREAMS.iterdir()}
    cases = {
        *(case for case, *_ in MAPPED_CASES),
        *REJECTED_CASES,
        *BROKEN_CASES,
        "camelcase_complex_schema",
        "multiple_state_messages",
    }
    assert {name for name in files if not name.startswith("__")} == cases


MAPPED_CASES: list[tuple[str, dict[str, int], str]] = [
    # file, counts, the expression for the code
    ("array_data", {"created": 4}, "'A-' + str(id)"),
    ("camelcase", {"created": 2}, "Id"),
    # The same key again in one batch: the last record wins, the earlier ones are merged.
    ("duplicate_records", {"created": 2, "merged": 3}, "'D-' + str(id)"),
    # Three streams of one file whose records get the same codes: one article each.
    ("encoded_string_data", {"created": 11, "merged": 17}, "'E-' + str(id)"),
    ("no_primary_keys", {"created": 3}, "'P-' + str(id)"),
    ("no_primary_keys_append", {"created": 5}, "'P-' + str(id)"),
    ("optional_attributes", {"created": 4}, "'O-' + str(id)"),
    # A new SCHEMA in mid-stream: what was read before it is written before it.
    ("pk_updates", {"created": 2}, "'K-' + str(id)"),
    ("record_missing_fields", {"created": 2}, "'F-' + str(id)"),
    ("schema_updates", {"created": 6}, "'U-' + str(id)"),
    ("special_chars_in_attributes", {"created": 1}, "_id"),
]


@pytest.mark.parametrize(("case", "counts", "code"), MAPPED_CASES)
def test_taken_through_stream_maps(
    target: Target, case: str, counts: dict[str, int], code: str
) -> None:
    fed(target, case, mapped=code).ok(**counts)
    held = [one for one in target.serpi.articles if one["id"] > 1200]
    assert len(held) == counts["created"]
    fed(target, case, mapped=code).ok()
    assert len([one for one in target.serpi.articles if one["id"] > 1200]) == counts["created"]


@pytest.mark.parametrize("case", ["user_location_data", "user_location_upsert_data"])
def test_several_streams_of_one_file(target: Target, case: str) -> None:
    codes = {name: f"'{name}-' + str(id)" for name in names_in(case)}
    maps = {
        name: {**MAPPED, "codigo": code, "__key_properties__": ["codigo"]}
        for name, code in codes.items()
    }
    lines = [(STREAMS / f"{case}.singer").read_bytes()]
    aliases = dict.fromkeys(codes, ARTICLES)
    run = target.run(lines, stream_aliases=aliases, stream_maps=maps).ok()
    assert set(run.summary) == set(codes)
    created = sum(counts["created"] for counts in run.summary.values())
    assert created == len([one for one in target.serpi.articles if one["id"] > 1200])


REJECTED_CASES = {
    # file -> a word of the reason; every record is rejected, the run ends with 4 and no state.
    "record_missing_key_property": "codigo: missing",
    "record_missing_required_property": "codigo: missing",
    "schema_no_properties": "codigo: missing",
    "user_location_data": "codigo: missing",
    "user_location_upsert_data": "codigo: missing",
}


@pytest.mark.parametrize(("case", "reason"), REJECTED_CASES.items())
def test_records_that_are_no_articles_are_rejected_with_their_reason(
    target: Target, case: str, reason: str
) -> None:
    run = fed(target, case, unknown_fields="drop").ended(4, "max_rejects")
    assert run.states == []
    assert set(target.reasons()) == {reason}
    assert target.serpi.requests == []
    fed(target, case).ended(4)
    assert "SERPI's page names no such field" in target.reasons()[0]


BROKEN_CASES = {
    # file -> words of the message; exit 1 with the line's number, nothing is sent.
    "record_before_schema": "line 1 of the input is broken: RECORD of stream",
    "invalid_schema": "line 1 of the input is broken: SCHEMA of stream 'test_invalid_schema' has no",
}


@pytest.mark.parametrize(("case", "words"), BROKEN_CASES.items())
def test_broken_input_is_named_with_its_line(target: Target, case: str, words: str) -> None:
    run = fed(target, case).ended(1, words)
    assert run.states == []
    assert target.serpi.requests == []


def test_a_schema_without_records_is_taken(target: Target) -> None:
    run = fed(target, "camelcase_complex_schema").ok()
    assert run.summary == {"ForecastingTypeToCategory": {}}
    assert target.serpi.requests == []


def test_several_states_come_to_the_last_one_once_all_is_confirmed(target: Target) -> None:
    names = names_in("multiple_state_messages")
    maps = {
        name: {**MAPPED, "codigo": f"'{name}-' + str(id)", "__key_properties__": ["codigo"]}
        for name in names
    }
    lines = [(STREAMS / "multiple_state_messages.singer").read_bytes()]
    run = target.run(lines, stream_aliases=dict.fromkeys(names, ARTICLES), stream_maps=maps).ok()
    assert run.states == [
        {"test_multiple_state_messages_a": 5, "test_multiple_state_messages_b": 6}
    ]


def test_without_an_alias_the_stream_is_named(target: Target) -> None:
    lines = [(STREAMS / "array_data.singer").read_bytes()]
    target.run(lines).ended(2, "test_array_data", "stream_aliases")
