"""Singer input: broken lines, new schemas, aliases, stream maps, states."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from connector_kit.errors import SettingsError
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.serpi_target import (
    ARTICLES,
    DOCUMENTS,
    Target,
    article,
    document,
    message,
    record,
    schema,
    state,
    stream_of,
)
from support.singer import run_command
from target_serpi.target import TargetSerpi


@pytest.mark.parametrize(
    "broken",
    [
        b"{not json}\n",
        b'{"type": "RECORD", "stream": "articulos", "record": {"codigo": "x"}\n',
        b'{"type": "RECORD", "stream": "articulos", "record": {"a": NaN}}\n',
        b'{"type": "RECORD", "stream": "articulos", "record": {"codigo": "\xff"}}\n',
        b'{"type": "RECORD", "stream": "articulos", "record": ["codigo"]}\n',
        b'{"type": "RECORD", "stream": "articulos"}\n',
        b'{"type": "RECORD", "record": {"codigo": "x"}}\n',
        b'{"type": "RECORD", "stream": "others", "record": {"codigo": "x"}}\n',
        b'{"type": "SCHEMA", "stream": "articulos"}\n',
        b'{"type": "SCHEMA", "stream": "articulos", "schema": {"type": "object"}}\n',
        b'{"type": "STATE"}\n',
        b'{"type": "NEWS", "stream": "articulos"}\n',
        b'{"stream": "articulos"}\n',
        b'["a list"]\n',
        b'{"type": "BATCH", "stream": "articulos", "encoding": {}, "manifest": []}\n',
    ],
)
def test_a_broken_line_is_named_and_nothing_half_sent(target: Target, broken: bytes) -> None:
    whole = [record(article(f"N-{number}")) for number in range(4)]
    lines = [schema(), *whole[:3], state(1), broken, whole[3], state(2)]
    run = target.run(lines, batch_size=2).ended(1, "line 6 of the input")
    assert run.states == []
    # One whole batch was sent before; the record that waited for its batch was not.
    assert [target.has_article(f"N-{number}") for number in range(4)] == [True, True, False, False]
    assert run.counts() == {"created": 2, "not dealt with": 1}
    target.run([schema(), *whole, state(2)]).ok(created=2, unchanged=2)


def test_empty_input_and_blank_lines(target: Target) -> None:
    assert target.run([]).ok().states == []
    run = target.run([b"\n", schema(), b"  \n", record(article("N-1")), state(3), b"\n"])
    assert run.ok(created=1).states == [3]


def test_a_file_in_place_of_standard_input(target: Target) -> None:
    path = target.folder / "input.jsonl"
    path.write_bytes(b"".join(stream_of([article("N-1")])))
    target.run(args=["--input", str(path)]).ok(created=1)


def test_half_a_surrogate_pair_is_rejected_and_the_rest_goes_on(target: Target) -> None:
    bad = (
        b'{"type":"RECORD","stream":"articulos","record":%b}\n'
        % json.dumps({**article("N-2", costo=1), "descripcion": "\ud83d"}).encode()
    )
    target.run([schema(), record(article("N-1")), bad]).ended(4, created=1, rejected=1)
    assert "surrogate" in target.reasons()[0]
    bad_code = json.dumps({**article("\ud83d", costo=1)}).encode()
    bad = b'{"type":"RECORD","stream":"articulos","record":%b}\n' % bad_code
    target.run([schema(), bad]).ended(4, rejected=1)


def test_a_state_keeps_its_numbers(target: Target) -> None:
    lines = [*stream_of([article("N-1")]), b'{"type":"STATE","value":{"a":1.10,"b":"\\u00f1"}}\n']
    run = target.run(lines).ok()
    assert run.run.stdout == '{"a":1.10,"b":"ñ"}\n'.encode()


def test_activate_version_is_passed_over(target: Target) -> None:
    lines = [
        *stream_of([article("N-1")]),
        message(type="ACTIVATE_VERSION", stream=ARTICLES, version=1),
    ]
    target.run(lines).ok(created=1)


def test_an_unknown_stream_ends_the_run_and_names_what_it_may_map_to(target: Target) -> None:
    run = target.run(stream_of([article("N-1")], "products")).ended(
        2, "'products'", "'articulos'", "'documentos_contables'", "stream_aliases"
    )
    assert run.states == []
    assert target.serpi.requests == []


def test_aliases(target: Target) -> None:
    lines = [
        *stream_of([article("N-1")], "products"),
        *stream_of([article("N-2")], "more"),
        *stream_of([document(1)], "entries"),
    ]
    aliases = {"products": ARTICLES, "more": ARTICLES, "entries": DOCUMENTS}
    run = target.run(lines, stream_aliases=aliases).ok()
    assert run.summary == {stream: {"created": 1} for stream in ("products", "more", "entries")}
    assert {row["stream"] for row in target.ledger()} == {ARTICLES, DOCUMENTS}
    assert {row["source"] for row in target.ledger()} == set(aliases)


def test_two_incoming_streams_of_one_resource_keep_their_order(target: Target) -> None:
    lines = [schema("a"), schema("b")]
    lines += [record(article("N-1", costo=1), "a"), record(article("N-2"), "b")]
    lines += [record(article("N-1", costo=2), "b"), record(article("N-2", costo=3), "a")]
    run = target.run(lines, stream_aliases={"a": ARTICLES, "b": ARTICLES}).ok()
    assert run.counts("a") == {"merged": 1, "created": 1}
    assert run.counts("b") == {"merged": 1, "created": 1}
    assert target.serpi.articles.only("N-1")["costo"] == 2
    assert target.serpi.articles.only("N-2")["costo"] == 3


def test_a_new_schema_in_mid_stream_keeps_the_order(target: Target) -> None:
    wider = message(
        type="SCHEMA", stream=ARTICLES, schema={"properties": {"x": {}}}, key_properties=["codigo"]
    )
    lines = [
        schema(),
        record(article("N-1", costo=1)),
        wider,
        record({"codigo": "N-1", "costo": 2}),
    ]
    target.run([*lines, schema(), record({"codigo": "N-1", "costo": 3})]).ok(created=1, merged=2)
    assert target.serpi.articles.only("N-1")["costo"] == 3


def test_stream_maps_rename_compute_filter_and_remove(target: Target) -> None:
    lines = [
        *stream_of(
            [
                {"sku": "N-1", "name": "one", "price": Decimal("67900.00000"), "keep": True},
                {"sku": "N-2", "name": "two", "price": Decimal("0.1"), "keep": True},
                {"sku": "N-3", "name": "three", "price": 1, "keep": False},
            ],
            "products",
        ),
        *stream_of([{"anything": 1}], "noise"),
    ]
    properties = {
        "sku": {"type": "string"},
        "name": {"type": "string"},
        "price": {"type": "number"},
    }
    lines[0] = message(
        type="SCHEMA",
        stream="products",
        schema={"properties": {**properties, "keep": {"type": "boolean"}}},
        key_properties=["sku"],
    )
    maps: dict[str, Any] = {
        "products": {
            "__alias__": ARTICLES,
            "__key_properties__": ["codigo"],
            "__filter__": "keep",
            "__else__": None,
            "codigo": "sku",
            "descripcion": "'Artículo ' + name",
            "costo": "price",
            "activo": "keep",
            **dict.fromkeys(("idgrupocontable", "idlinea", "idcategoria"), "1"),
            **dict.fromkeys(("idpresentacion", "idmarca", "idunidadmedida"), "1"),
        },
        "noise": None,
    }
    maps["products"] |= {name: "int('1')" for name in maps["products"] if name.startswith("id")}
    run = target.run(lines, stream_maps=maps).ok(created=2)
    assert run.states == [{"records": 1}]
    (body,) = target.bodies("articulo.post")
    assert b'"costo":67900.00000' in body
    assert b'"costo":0.1' in body
    assert target.serpi.articles.only("N-2")["descripcion"] == "Artículo two"


def test_a_stream_map_that_fails_for_a_record_rejects_it(target: Target) -> None:
    lines = stream_of([article("N-1"), {**article("N-2"), "descripcion": 5}])
    lines[0] = message(
        type="SCHEMA",
        stream=ARTICLES,
        schema={"properties": {"descripcion": {"type": "string"}}},
        key_properties=[],
    )
    maps = {ARTICLES: {"descripcion": "descripcion.upper()"}}
    run = target.run(lines, stream_maps=maps).ended(4)
    assert run.counts()["rejected"] == 1
    assert target.serpi.articles.only("N-1")["descripcion"] == "ARTÍCULO N-1"
    assert "stream map" in target.reasons()[0]


def test_a_stream_map_of_a_stream_that_is_wrong_is_a_setting_fault(target: Target) -> None:
    maps = {ARTICLES: {"__key_properties__": ["nothing"]}}
    target.run(stream_of([article("N-1")]), stream_maps=maps).ended(2, "stream_maps")
    target.run(stream_of([article("N-1")]), stream_maps={"__what__": 1}).ended(2, "stream_maps")


def test_flattening_is_the_mappers(target: Target) -> None:
    nested = article("N-1", camposPersonalizados={"AUTOR": "X"})
    run = target.run(
        stream_of([nested]), flattening_enabled=True, flattening_max_depth=0, unknown_fields="drop"
    )
    run.ok(created=1)


def test_state_leaves_when_an_old_batch_is_done(target: Target) -> None:
    """The SDK drains every five minutes; what leaves then speaks of confirmed records only."""
    config = target.settings(batch_size=2)
    made = TargetSerpi(config=config)
    made._MAX_RECORD_AGE_IN_MINUTES = -1
    written: list[Any] = []
    made._stdout.write_lines = lambda lines: written.append(json.loads(lines))  # type: ignore[method-assign]
    lines = [schema()]
    for number in range(4):
        lines += [record(article(f"N-{number}")), state({"n": number})]
    made.listen(io.StringIO(b"".join(lines).decode()))
    # Each state leaves with the drain after the next record.
    assert [value["n"] for value in written] == [0, 1, 2, 3]


def test_state_is_held_after_a_rejected_record(target: Target) -> None:
    lines = [schema(), record(article("N-1")), state(1), record({"codigo": "N-2"}), state(2)]
    lines += [record(article("N-3")), state(3)]
    run = target.run(lines).ended(4, "max_rejects", created=2, rejected=1)
    assert run.states == []
    run = target.run(lines, max_rejects=1).ok(unchanged=2, rejected=1)
    assert run.states == [3]


def test_about_and_version_need_no_settings() -> None:
    about = run_command(TargetSerpi, ["--about", "--format=json"])
    assert about.exit_code == 0
    shown = json.loads(about.stdout)
    names = set(shown["settings"]["properties"])
    assert {"write_mode", "stream_maps", "flattening_enabled", "settle_time"} <= names
    assert not names & {"add_record_metadata", "load_method", "batch_size_rows", "validate_records"}
    assert "validate-records" not in shown["capabilities"]
    version = run_command(TargetSerpi, ["--version"])
    assert version.stdout.startswith(b"target-serpi v")


def test_all_setting_faults_come_at_once(target: Target) -> None:
    run = target.run(
        [],
        token="",
        write_mode="delete",
        batch_size=0,
        stream_aliases={"a": "customers"},
        report_path=str(target.folder / "ledger.sqlite3"),
        colour="red",
    )
    run.ended(2)
    for name in ("token", "write_mode", "batch_size", "stream_aliases", "colour"):
        assert f"setting '{name}'" in run.stderr
    run = target.run([], report_path=str(target.folder / "ledger.sqlite3")).ended(2, "of its own")
    run = target.run([], ledger_path=str(target.folder / "no" / "l.sqlite3")).ended(
        2, "ledger_path"
    )


def test_blanks_around_secrets_are_no_part_of_them(target: Target) -> None:
    around = {"token": f" {TOKEN}\r\n", "secret_key": f"{SECRET_KEY}\n"}
    target.run(stream_of([article("N-1")]), **around).ok(created=1)
    target.run(token="to\nken", secret_key="\u20ac").ended(2, "'token'", "'secret_key'", "header")


def test_settings_from_the_environment(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in target.settings(batch_size="7", stream_aliases='{"p": "articulos"}').items():
        monkeypatch.setenv(f"TARGET_SERPI_{name.upper()}", str(value))
    lines = stream_of([article(f"N-{number}") for number in range(10)], "p")
    run = run_command(TargetSerpi, ["--config", "ENV"], b"".join(lines))
    assert run.exit_code == 0, run.stderr
    assert [len(batch) for batch in target.sent("articulo.post")] == [7, 3]


def test_the_class_itself_raises_setting_faults() -> None:
    with pytest.raises(SettingsError, match="token"):
        TargetSerpi(config={})
