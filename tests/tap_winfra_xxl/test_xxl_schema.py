"""Schemas that are learned from records, remembered, widened, frozen, selected from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.servers import RunningSandbox
from support.singer import run_tap
from support.winfra_tap import keys_of, read, selecting, settings, texts
from tap_winfra_xxl.tap import TapWinfraXxl

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]


def properties(output: Any, stream: str) -> Json:
    found: Json = output.schemas(stream)[-1]["properties"]
    return found


def test_the_schema_is_remembered(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "articulos", "ventas", key_properties=keys_of("ventas")).ok()
    second = read(
        sandbox, "articulos", "ventas", key_properties=keys_of("ventas"), state=first.state
    ).ok()
    for name in ("articulos", "ventas"):
        assert len(second.schemas(name)) == 1, "nothing new is learned"
        assert properties(second, name) == properties(first, name)


def test_a_field_of_the_last_record_gets_its_column(sandbox: RunningSandbox) -> None:
    last = {**sandbox.winfra.records("stocks")[0], "articulo": "zzz", "campo_nuevo": "ñ"}
    sandbox.winfra.add("stocks", last)
    output = read(sandbox, "stocks", page_size=100).ok()
    assert texts(output, "stocks") == sandbox.winfra.rows("stocks")
    assert "campo_nuevo" not in output.schemas("stocks")[0]["properties"]
    assert properties(output, "stocks")["campo_nuevo"] == {"type": ["string", "null"]}
    output.check_records()


def test_a_kind_that_changes_is_told_once_and_both_are_kept(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "articulos").ok()
    assert properties(first, "articulos")["fecha_alta"]["format"] == "date-time"
    record = sandbox.winfra.records("articulos")[0]
    for code, value in (("n1", "sin fecha"), ("n2", "tampoco")):
        sandbox.winfra.add("articulos", {**record, "codigo": code, "fecha_alta": value})
    run = read(sandbox, "articulos", state=first.state, page_size=50)
    assert texts(run.ok(), "articulos") == sandbox.winfra.rows("articulos")
    assert run.stderr.count("fecha_alta came as date-time so far and now comes as string") == 1
    run.output.check_records()


def test_freeze_takes_what_is_remembered_and_nothing_else(sandbox: RunningSandbox) -> None:
    first = read(sandbox, "stocks", schema_contract="freeze").ok()
    again = read(sandbox, "stocks", schema_contract="freeze", state=first.state)
    assert again.exit_code == 0
    new = {**sandbox.winfra.records("stocks")[0], "campo_nuevo": "secreto-valor"}
    sandbox.winfra.add("stocks", new)
    run = read(sandbox, "stocks", "tarifas", schema_contract="freeze", state=first.state)
    run.failed(4, "stocks", "campo_nuevo", "frozen")
    assert "secreto-valor" not in run.stderr
    assert texts(run.output, "tarifas") == sandbox.winfra.rows("tarifas")
    taken = read(sandbox, "stocks", schema_contract="evolve", state=run.output.state).ok()
    assert "campo_nuevo" in properties(taken, "stocks")


def test_a_record_without_its_key_is_an_error(sandbox: RunningSandbox) -> None:
    run = read(sandbox, "stocks", "tarifas", key_properties={"stocks": ["no_existe"]})
    run.failed(4, "stocks", "'no_existe'", "key_properties")
    assert run.output.records("stocks") == []
    assert texts(run.output, "tarifas") == sandbox.winfra.rows("tarifas")


def test_deselected_properties_are_left_out_and_the_rest_is_untouched(
    sandbox: RunningSandbox,
) -> None:
    catalog = selecting("ventas", deselected={"ventas": ["lineas", "cliente", "id"]})
    config = settings(sandbox, key_properties=keys_of("ventas"), start_date="2026-06-01")
    output = run_tap(TapWinfraXxl, config, catalog=catalog).ok()
    held = sandbox.winfra.records("ventas", fecha_desde="2026-06-01T00:00:00")
    kept = [{name: value for name, value in record.items() if name not in ("lineas", "cliente")}
            for record in held]  # fmt: skip
    assert [json.loads(text) for text in texts(output, "ventas")] == json.loads(
        json.dumps(kept, default=float)
    )
    assert b'"cambio":1.0000000000' in texts(output, "ventas")[0]
    assert "lineas" not in properties(output, "ventas")
    assert "id" in properties(output, "ventas"), "a key is always there"


def test_a_type_that_the_catalog_gives_wins(sandbox: RunningSandbox) -> None:
    catalog = selecting("stocks")
    (entry,) = (each for each in catalog["streams"] if each["stream"] == "stocks")
    name, value = next(
        (name, value)
        for name, value in sandbox.winfra.records("stocks")[0].items()
        if isinstance(value, str) and not value.startswith("20")
    )
    assert value
    entry["schema"]["properties"][name] = {"type": ["string", "null"], "maxLength": 90}
    output = run_tap(TapWinfraXxl, settings(sandbox), catalog=catalog).ok()
    assert properties(output, "stocks")[name] == {"type": ["string", "null"], "maxLength": 90}


@pytest.mark.parametrize("order", [["--discover", "--state"], ["--state", "--discover"]])
def test_discovery_lists_what_a_state_remembers(
    sandbox: RunningSandbox, tmp_path: Path, order: list[str]
) -> None:
    state = read(sandbox, "articulos").ok().state
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state))
    args = [
        arg
        for option in order
        for arg in ((option, str(file)) if option == "--state" else (option,))
    ]
    catalog = json.loads(run_tap(TapWinfraXxl, args=args).ok().stdout)
    listed = {
        entry["stream"]: entry["schema"].get("properties", {}) for entry in catalog["streams"]
    }
    assert {"codigo", "formatos", "precio_coste"} <= set(listed["articulos"])
    assert listed["articulos"]["formatos"]["items"]["properties"]["litros"] == {
        "type": ["number", "null"]
    }
    assert listed["stocks"] == {}


def test_a_stream_map_that_renames(sandbox: RunningSandbox) -> None:
    maps = {"stocks": {"__alias__": "existencias"}}
    output = read(sandbox, "stocks", stream_maps=maps).ok()
    assert texts(output, "existencias") == sandbox.winfra.rows("stocks")
    assert output.activated("existencias")
    assert output.records("stocks") == []


def test_a_stream_map_with_an_expression(sandbox: RunningSandbox) -> None:
    maps = {"tarifas": {"doble": "id * 2"}}
    output = read(sandbox, "tarifas", stream_maps=maps, key_properties=keys_of("tarifas")).ok()
    assert [record["doble"] for record in output.records("tarifas")] == [
        2 * int(str(record["id"])) for record in sandbox.winfra.records("tarifas")
    ]


def test_batch_files_hold_the_same_records(sandbox: RunningSandbox, tmp_path: Path) -> None:
    import gzip  # noqa: PLC0415

    batch = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    output = read(sandbox, "stocks", batch_config=batch, page_size=70).ok()
    files = [path for message in output.of_type("BATCH") for path in message["manifest"]]
    lines = [
        json.loads(line)
        for file in files
        for line in gzip.decompress((tmp_path / file.rsplit("/", 1)[1]).read_bytes()).splitlines()
    ]
    held = json.loads(json.dumps(sandbox.winfra.records("stocks"), default=float))
    assert lines == held
    assert output.bookmark("stocks")["petition"] is None
