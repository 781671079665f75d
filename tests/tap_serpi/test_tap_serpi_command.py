"""The command: what it shows, discovers, tests, selects and maps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    STREAMS,
    TYPES,
    held,
    run,
    selection,
    settings,
    texts,
)
from support.singer import judge, run_command, run_process, run_tap
from tap_serpi.settings import SETTINGS
from tap_serpi.tap import TapSerpi

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox
    from support.singer import Json

CAPABILITIES = {
    "catalog",
    "discover",
    "state",
    "about",
    "stream-maps",
    "schema-flattening",
    "activate-version",
    "batch",
    "structured-logging",
}


def discovered(**config: Any) -> Json:
    run_ = run_tap(TapSerpi, config, args=["--discover"])
    catalog: Json = json.loads(run_.ok().stdout)
    return catalog


# What it shows


def test_about_as_json() -> None:
    about = json.loads(run_command(TapSerpi, ["--about", "--format=json"]).ok().stdout)
    assert about["name"] == "tap-serpi"
    assert set(about["capabilities"]) >= CAPABILITIES
    properties = about["settings"]["properties"]
    assert {setting.name for setting in SETTINGS} <= set(properties)
    assert about["settings"]["required"] == ["token", "secret_key"]
    assert properties["token"]["secret"] is properties["secret_key"]["writeOnly"] is True
    judge(about["settings"])


@pytest.mark.parametrize("arguments", [["--about"], ["--about", "--format=text"]])
def test_about_as_text(arguments: list[str]) -> None:
    text = run_command(TapSerpi, arguments).ok().stdout.decode()
    assert "tap-serpi" in text
    assert "activate-version" in text


def test_about_as_markdown() -> None:
    text = run_command(TapSerpi, ["--about", "--format=markdown"]).ok().stdout.decode()
    for setting in SETTINGS:
        assert f"| {setting.name} " in text


def test_version() -> None:
    assert b"tap-serpi v0" in run_command(TapSerpi, ["--version"]).ok().stdout


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--test=nothing"], ["--state", "/no/file"]])
def test_a_wrong_command_line(arguments: list[str]) -> None:
    run_command(TapSerpi, arguments).failed(2)


# Discovery


def test_discovery_needs_neither_network_nor_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("discovery uses the network")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    run_ = run_command(TapSerpi, ["--discover"])
    catalog = json.loads(run_.ok().stdout)
    streams = {stream["tap_stream_id"]: stream for stream in catalog["streams"]}
    assert set(streams) == set(STREAMS)
    for name, stream in streams.items():
        judge(stream["schema"])
        (root,) = [e["metadata"] for e in stream["metadata"] if e["breadcrumb"] == []]
        assert root["table-key-properties"] == stream["key_properties"] == ["id"]
        assert root["inclusion"] == "available"
        is_documents = name == DOCUMENTS
        wanted = "INCREMENTAL" if is_documents else "FULL_TABLE"
        assert stream["replication_method"] == wanted
        assert stream.get("replication_key") == ("fechaDocumento" if is_documents else None)


def test_discovery_takes_wrong_settings_as_they_are() -> None:
    assert discovered(page_size="muchas", unknown=1)["streams"]


def test_discovery_shows_the_keys_that_are_set() -> None:
    catalog = discovered(key_properties={DOCUMENTS: ["prefijo", "numeroDoc"], ARTICLES: []})
    keys = {stream["stream"]: stream.get("key_properties") for stream in catalog["streams"]}
    assert keys == {DOCUMENTS: ["prefijo", "numeroDoc"], ARTICLES: [], TYPES: ["id"]}


def test_discovery_with_a_state_shows_what_was_learned(sandbox: RunningSandbox) -> None:
    sandbox.serpi.switches.late_field_from = 1
    state = run(sandbox, ARTICLES).ok().state
    run_ = run_tap(TapSerpi, {}, state=state, args=["--discover"])
    (stream,) = [s for s in json.loads(run_.ok().stdout)["streams"] if s["stream"] == ARTICLES]
    assert stream["schema"]["properties"]["campoNuevo"] == {"type": ["number", "null"]}


def test_the_discovered_catalog_changes_nothing(sandbox: RunningSandbox) -> None:
    catalog = discovered()
    with_it = run(sandbox, catalog=catalog, **ALL_DOCUMENTS).ok()
    without = run(sandbox, **ALL_DOCUMENTS).ok()
    for stream in STREAMS:
        assert texts(with_it, stream) == texts(without, stream)
        assert with_it.schemas(stream) == without.schemas(stream)


# The connection test


@pytest.mark.parametrize("arguments", [["--test"], ["--test=all"]])
def test_a_connection_that_works(sandbox: RunningSandbox, arguments: list[str]) -> None:
    run_ = run(sandbox, args=arguments, **ALL_DOCUMENTS)
    assert run_.ok().stdout == b""
    assert "The connection works" in run_.stderr
    (request,) = sandbox.serpi.requests
    assert request.kind == "tipo_documento.get"
    assert request.query == {"limite": "1", "pagina": "1"}


def test_a_company_without_document_types_is_a_connection(sandbox: RunningSandbox) -> None:
    sandbox.serpi.document_types.clear()
    run(sandbox, args=["--test"], **ALL_DOCUMENTS).ok()


def test_a_connection_test_needs_no_first_day(sandbox: RunningSandbox) -> None:
    run(sandbox, args=["--test"]).ok()
    run(sandbox, args=["--test"], page_size=0, start_date="x").failed(2, "page_size", "start_date")
    assert len(sandbox.serpi.requests) == 1


@pytest.mark.parametrize("place", ["http", "body"])
@pytest.mark.parametrize(("wrong", "code"), [("token", "401"), ("secret_key", "403")])
def test_a_connection_that_is_refused(
    sandbox: RunningSandbox, wrong: str, code: str, place: Any
) -> None:
    sandbox.serpi.switches.credential_refusal = place
    values = {**settings(sandbox, **ALL_DOCUMENTS), wrong: "canary-wrong"}
    run_ = run_tap(TapSerpi, values, args=["--test"])
    run_.failed(2, code, f"`{wrong}`", "connection test")
    assert len(sandbox.serpi.requests) == 1
    for secret in ("canary-wrong", TOKEN, SECRET_KEY):
        assert secret not in run_.stderr


def test_other_failures_of_a_connection(sandbox: RunningSandbox) -> None:
    args = ["--test"]
    with sandbox.down():
        run(sandbox, args=args, **ALL_DOCUMENTS).failed(3, "no connection")
    wrong = f"{sandbox.url}/nowhere"
    run(sandbox, args=args, api_url=wrong, **ALL_DOCUMENTS).failed(3, "404", "`api_url`")
    sandbox.serpi.faults.add(Fault("html", times=None))
    run(sandbox, args=args, **ALL_DOCUMENTS).failed(3, "HTML")
    sandbox.serpi.faults.clear()
    sandbox.serpi.faults.add(Fault("redirect", location="https://new.invalid/x", times=None))
    run(sandbox, args=args, **ALL_DOCUMENTS).failed(2, "https://new.invalid/x")


# Selection


@pytest.mark.parametrize("stream", STREAMS)
def test_a_single_stream(sandbox: RunningSandbox, stream: str) -> None:
    output = run(sandbox, stream, **ALL_DOCUMENTS).ok()
    named = {message["stream"] for message in output.messages if "stream" in message}
    assert named == {stream}
    if stream != DOCUMENTS:
        assert sandbox.serpi.count("documento.query") == 0


def test_nothing_selected(sandbox: RunningSandbox) -> None:
    run_ = run(sandbox, catalog=selection())
    assert run_.ok().of_type("RECORD") == []
    assert sandbox.serpi.requests == []
    assert "No stream is selected" in run_.stderr


def deselected(*paths: tuple[str, ...], stream: str = ARTICLES) -> Json:
    catalog = discovered()
    for entry in catalog["streams"]:
        for part in entry["metadata"]:
            if part["breadcrumb"] == []:
                part["metadata"]["selected"] = entry["stream"] == stream
            path = tuple(part["breadcrumb"][1::2])
            if entry["stream"] == stream and path in paths:
                part["metadata"]["selected"] = False
    return catalog


def test_properties_that_are_not_selected(sandbox: RunningSandbox) -> None:
    catalog = deselected(("costo",), ("camposPersonalizados",), ("id",))
    output = run(sandbox, catalog=catalog).ok()
    output.check_records()
    gone = {"costo", "camposPersonalizados"}
    for record, row in zip(output.records(), held(sandbox.serpi, ARTICLES), strict=True):
        whole = json.loads(row, parse_float=str)
        assert set(record) == set(whole) - gone
    assert not gone & set(output.schemas(ARTICLES)[-1]["properties"])
    kept = [json.loads(text, parse_float=str) for text in texts(output, ARTICLES)]
    truth = [json.loads(row, parse_float=str) for row in held(sandbox.serpi, ARTICLES)]
    assert kept == [{k: v for k, v in row.items() if k not in gone} for row in truth]


def test_the_key_and_the_day_are_always_selected(sandbox: RunningSandbox) -> None:
    catalog = deselected(("id",), ("fechaDocumento",), ("prefijo",), stream=DOCUMENTS)
    output = run(sandbox, catalog=catalog, **ALL_DOCUMENTS).ok()
    for record in output.records():
        assert {"id", "fechaDocumento"} <= set(record)
        assert "prefijo" not in record


def test_properties_of_the_lines_that_are_not_selected(sandbox: RunningSandbox) -> None:
    # Selection reaches into objects, not into the items of a list: the SDK's own rule.
    catalog = deselected(("nombreTerceroEnc",), stream=DOCUMENTS)
    output = run(sandbox, catalog=catalog, **ALL_DOCUMENTS).ok()
    output.check_records()
    assert all("nombreTerceroEnc" not in record for record in output.records())
    assert all(record["detalles"][0]["nombreTerceroDet"] for record in output.records())


def test_a_catalog_of_other_streams(sandbox: RunningSandbox) -> None:
    catalog = selection(TYPES)
    catalog["streams"].append({**catalog["streams"][0], "tap_stream_id": "x", "stream": "x"})
    output = run(sandbox, catalog=catalog).ok()
    assert {message["stream"] for message in output.of_type("RECORD")} == {TYPES}


# Stream maps and flattening


def test_another_name(sandbox: RunningSandbox) -> None:
    output = run(sandbox, TYPES, stream_maps={TYPES: {"__alias__": "clases"}}).ok()
    output.check_records()
    assert texts(output, "clases") == held(sandbox.serpi, TYPES)
    assert {message.get("stream", "clases") for message in output.messages} == {"clases"}


def test_a_property_that_is_dropped(sandbox: RunningSandbox) -> None:
    output = run(sandbox, ARTICLES, stream_maps={ARTICLES: {"descripcion": None}}).ok()
    output.check_records()
    assert all("descripcion" not in record for record in output.records())
    costs = [record["costo"] for record in output.records()]
    truth = [record["costo"] for record in sandbox.serpi.articles.all()]
    assert costs == truth


def test_an_expression_and_a_filter(sandbox: RunningSandbox) -> None:
    maps = {ARTICLES: {"nombre": "descripcion.upper()", "__filter__": "id <= 10"}}
    output = run(sandbox, ARTICLES, stream_maps=maps).ok()
    output.check_records()
    assert [record["id"] for record in output.records()] == list(range(1, 11))
    for record in output.records():
        assert record["nombre"] == record["descripcion"].upper()
    assert output.records()[3]["costo"] == sandbox.serpi.articles.get(4)["costo"]


def test_a_stream_that_is_mapped_away(sandbox: RunningSandbox) -> None:
    output = run(sandbox, ARTICLES, TYPES, stream_maps={ARTICLES: None}).ok()
    assert {message["stream"] for message in output.of_type("RECORD")} == {TYPES}


def test_flattening(sandbox: RunningSandbox) -> None:
    flat: dict[str, Any] = {"flattening_enabled": True, "flattening_max_depth": 3}
    catalog = selection(ARTICLES)
    given = {"type": ["object", "null"], "properties": {"PAGINAS": {"type": ["number", "null"]}}}
    catalog["streams"][0]["schema"]["properties"] = {"camposPersonalizados": given}
    output = run(sandbox, catalog=catalog, **flat).ok()
    output.check_records()
    assert any(record.get("camposPersonalizados__PAGINAS") for record in output.records())
    assert output.records()[3]["costo"] == sandbox.serpi.articles.get(4)["costo"]


def test_flattening_leaves_lists_as_text(sandbox: RunningSandbox) -> None:
    flat: dict[str, Any] = {"flattening_enabled": True, "flattening_max_depth": 3}
    output = run(sandbox, DOCUMENTS, **ALL_DOCUMENTS, **flat).ok()
    output.check_records()
    by_id = {record["id"]: record for record in output.records()}
    lines = by_id[113]["detalles"]
    assert isinstance(lines, str)
    assert "12345678901234.56789" in lines


@pytest.mark.parametrize(
    "maps", [{ARTICLES: {"x": "1 +"}}, {ARTICLES: {"x": "no_such()"}}, {ARTICLES: {"id": None}}]
)
def test_a_map_that_cannot_be(sandbox: RunningSandbox, maps: dict[str, Any]) -> None:
    run(sandbox, ARTICLES, stream_maps=maps).failed(2, "'stream_maps'")


# A process of its own


def test_as_a_process(sandbox: RunningSandbox) -> None:
    run_ = run_process("tap_serpi", settings(sandbox), catalog=selection(ARTICLES))
    assert texts(run_.ok(), ARTICLES) == held(sandbox.serpi, ARTICLES)
    assert run_.stderr.count("articulos: complete") == 1


def test_the_console_script(tmp_path: Path) -> None:
    script = os.path.join(os.path.dirname(sys.executable), "tap-serpi")  # noqa: PTH118, PTH120 - a link stays
    ended = subprocess.run([script, "--discover"], capture_output=True, check=True, cwd=tmp_path)
    assert len(json.loads(ended.stdout)["streams"]) == 3
    ended = subprocess.run([script], capture_output=True, check=False, cwd=tmp_path)
    assert ended.returncode == 2
