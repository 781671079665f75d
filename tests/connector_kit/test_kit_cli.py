"""The command: options, files, exit codes, messages for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.dummy_tap import SECRET, SETTINGS, STREAM_NAMES, DummyTap
from support.dummy_vendor import Dummy
from support.singer import Run, run_command, run_tap

ONE = b'[{"id":1}]'


def run_files(*args: Any) -> Run:
    return run_command(DummyTap, [str(arg) for arg in args])


@pytest.fixture
def config_file(dummy: Dummy, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(dummy.config()))
    return path


# Exit codes


def test_done_is_0(dummy: Dummy) -> None:
    dummy.read("items", ONE).ok()


@pytest.mark.parametrize(
    ("status", "exit_code", "words"),
    [
        (401, 2, "HTTP 401"),
        (403, 2, "HTTP 403"),
        (422, 2, "HTTP 422"),
        (302, 2, "HTTP 302"),
        (404, 2, "HTTP 404"),
        (429, 3, "HTTP 429"),
        (500, 3, "HTTP 500"),
        (503, 3, "HTTP 503"),
    ],
)
def test_what_the_vendor_says_decides(
    dummy: Dummy, status: int, exit_code: int, words: str
) -> None:
    dummy.server.reset(items=[ONE, ONE])
    dummy.server.statuses["/items", 2] = status
    run = dummy.run("items")
    run.failed(exit_code, words, "stream items")
    assert len(run.output.records("items")) == 1
    assert SECRET not in run.stderr


def test_an_answer_that_cannot_be_read_is_3(dummy: Dummy) -> None:
    dummy.read("items", b'[{"id":1}').failed(3, "stream items")
    dummy.read("items", b"[5]").failed(3, "items: the answer holds something that is no list")


def test_records_are_4(dummy: Dummy) -> None:
    dummy.read("items", b'[{"a":1}]').failed(4)


def test_an_error_that_was_not_foreseen_is_1(dummy: Dummy) -> None:
    class BrokenTap(DummyTap):
        @property
        def client(self) -> Any:
            raise LookupError("not foreseen")

    run = dummy.read("items", ONE, tap=BrokenTap)
    run.failed(1, "an error that was not foreseen; please report it", "LookupError: not foreseen")


def test_settings_are_2_and_nothing_is_asked(dummy: Dummy) -> None:
    dummy.server.reset(items=[ONE])
    run = dummy.run("items", api_url="ftp://x", page_size=0, tokn="x")
    run.failed(2, "'api_url'", "'page_size'", "'tokn'", "Correct what is named above")
    assert dummy.server.asked == []
    assert run.stdout == b""


def test_selection_is_checked_with_the_settings(dummy: Dummy) -> None:
    dummy.read("notes", ONE).failed(2, "not for notes alone")


@pytest.mark.parametrize("args", [["--nonsense"], ["--format", "yaml"], ["--test=more"], ["x"]])
def test_wrong_options_are_2(args: list[str]) -> None:
    run_command(DummyTap, args).failed(2, "Usage")


# Files


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize(
    "content", [b'{"canary"', b"[]", b"5", b'"canary"', b'{"a": "\xff"}', "{}".encode("utf-16")]
)
def test_files_that_are_no_json_objects(
    dummy: Dummy, config_file: Path, tmp_path: Path, option: str, content: bytes
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    run = run_files("--config", config_file, option, bad)
    run.failed(2, f"option {option}")
    assert "canary" not in run.stderr.replace(SECRET, "")
    assert dummy.server.asked == []


def test_files_may_begin_with_a_byte_order_mark(dummy: Dummy, tmp_path: Path) -> None:
    dummy.server.reset(items=[ONE])
    args = []
    files = {"config": dummy.config(), "catalog": dummy.catalog("items"), "state": {}}
    for name, content in files.items():
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8-sig")
        args += [f"--{name}", path]
    assert len(run_files(*args).ok().records("items")) == 1


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_files_that_are_not_there(config_file: Path, option: str) -> None:
    run_files("--config", config_file, option, "nowhere.json").failed(2, "nowhere.json")


def test_every_bad_config_file_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    run = run_files("--config", bad, "--config", tmp_path, "--config", "nowhere.json")
    run.failed(2, "bad.json", "nowhere.json", f"the file {tmp_path} cannot be read")


@pytest.mark.parametrize(
    "content", ["", "  \n", "{}", '{"bookmarks": 5}', '{"bookmarks": {"items": 5}}']
)
def test_a_state_that_says_nothing_is_none(
    dummy: Dummy, config_file: Path, tmp_path: Path, content: str
) -> None:
    dummy.server.reset(items=[ONE])
    state = tmp_path / "state.json"
    state.write_text(content)
    run = run_files("--config", config_file, "--state", state)
    assert run.ok().records("items") == [{"id": 1}]


@pytest.mark.parametrize(
    "catalog",
    [
        {"streams": [{}]},
        {"streams": 5},
        {"streams": ["x"]},
        {"streams": [{"tap_stream_id": "items", "metadata": [{}]}]},
    ],
)
def test_catalogs_that_are_none(dummy: Dummy, catalog: dict[str, Any]) -> None:
    run = dummy.run("items", catalog=catalog)
    run.failed(2, "option --catalog: the file is no Singer catalog")


def test_a_catalog_without_streams_selects_nothing(dummy: Dummy) -> None:
    run = dummy.run("items", catalog={"streams": []})
    assert run.ok().messages == []
    assert "No stream is selected" in run.stderr


def test_later_config_files_win(config_file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.json"
    later.write_text('{"page_size": 0}')
    run_files("--config", config_file, "--config", later).failed(2, "'page_size'")
    run_files("--config", later, "--config", config_file).failed(2, "'page_size'")
    later.write_text('{"token": ""}')
    run_files("--config", config_file, "--config", later).failed(2, "'token': missing")


# What asks nothing of the vendor


def test_version() -> None:
    run = run_command(DummyTap, ["--version"])
    assert run.exit_code == 0
    assert run.stdout.startswith(b"tap-dummy v")


def test_help() -> None:
    run = run_command(DummyTap, ["--help"])
    assert run.exit_code == 0
    for option in (b"--config", b"--discover", b"--test", b"--state", b"--catalog", b"--about"):
        assert option in run.stdout


@pytest.mark.parametrize("style", [None, "text", "json", "markdown", "JSON"])
def test_about(style: str | None) -> None:
    args = ["--about"] if style is None else ["--about", "--format", style]
    run = run_command(DummyTap, args)
    assert run.exit_code == 0
    text = run.stdout.decode()
    for setting in SETTINGS:
        assert setting.name in text
    for built_in in ("stream_maps", "flattening_enabled", "batch_config"):
        assert built_in in text
    if style in ("json", "JSON"):
        about = json.loads(text)
        assert about["settings"]["required"] == ["api_url", "token"]
        assert about["settings"]["properties"]["token"]["secret"] is True


def test_discovery_needs_no_config(dummy: Dummy) -> None:
    run = run_command(DummyTap, ["--discover"])
    assert run.exit_code == 0
    catalog = json.loads(run.stdout)
    assert [entry["stream"] for entry in catalog["streams"]] == sorted(STREAM_NAMES)
    by_name = {entry["stream"]: entry for entry in catalog["streams"]}
    assert by_name["items"]["schema"]["properties"] == {}
    assert by_name["items"]["key_properties"] == ["id"]
    assert by_name["items"]["replication_method"] == "FULL_TABLE"
    assert by_name["events"]["replication_method"] == "INCREMENTAL"
    assert set(by_name["invoices"]["schema"]["properties"]) >= {"id", "party"}
    assert dummy.server.asked == []


@pytest.mark.parametrize("config", [{}, {"api_url": "nonsense", "page_size": "x", "a": 1}])
def test_discovery_with_settings_that_are_wrong(config: dict[str, Any]) -> None:
    run = run_tap(DummyTap, config, args=["--discover"])
    assert run.exit_code == 0
    assert len(json.loads(run.stdout)["streams"]) == len(STREAM_NAMES)


@pytest.mark.parametrize("order", [0, 1])
def test_discovery_knows_what_a_state_remembers(tmp_path: Path, order: int) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"bookmarks": {"items": {"schema": "{\\"id\\":\\"i\\",\\"a\\":\\"n\\"}"}}}')
    parts = [["--discover"], ["--state", str(state)]]
    run = run_command(DummyTap, [*parts[order], *parts[1 - order]])
    assert run.exit_code == 0
    [items] = [entry for entry in json.loads(run.stdout)["streams"] if entry["stream"] == "items"]
    assert items["schema"]["properties"]["a"] == {"type": ["number", "null"]}
    assert ["properties", "a"] in [part["breadcrumb"] for part in items["metadata"]]


def test_discovered_keys_are_those_of_the_settings(dummy: Dummy) -> None:
    run = run_tap(DummyTap, dummy.config(key_properties={"items": ["code"]}), args=["--discover"])
    [items] = [entry for entry in json.loads(run.stdout)["streams"] if entry["stream"] == "items"]
    assert items["key_properties"] == ["code"]


# The connection


def test_connection_test_makes_one_call(dummy: Dummy) -> None:
    run = run_tap(DummyTap, dummy.config(), args=["--test"])
    assert run.exit_code == 0
    assert run.stdout == b""
    assert "The connection works" in run.stderr
    assert dummy.server.asked == [("/ping", 1)]


@pytest.mark.parametrize(("status", "exit_code"), [(401, 2), (500, 3)])
def test_connection_test_that_fails(dummy: Dummy, status: int, exit_code: int) -> None:
    dummy.server.statuses["/ping", 1] = status
    run_tap(DummyTap, dummy.config(), args=["--test"]).failed(exit_code, f"HTTP {status}")


def test_connection_test_checks_the_settings(dummy: Dummy) -> None:
    run_tap(DummyTap, dummy.config(page_size=0), args=["--test"]).failed(2, "'page_size'")
    assert dummy.server.asked == []


def test_schemas_alone(dummy: Dummy) -> None:
    run = run_tap(DummyTap, dummy.config(), args=["--test=schema"])
    assert [message["stream"] for message in run.ok().of_type("SCHEMA")] == ["invoices"]
    assert dummy.server.asked == []


# Click


def test_under_clicks_own_runner(dummy: Dummy, config_file: Path) -> None:
    dummy.server.reset(items=[ONE])
    command: Any = DummyTap.cli
    result = CliRunner().invoke(command, ["--config", str(config_file)])
    assert result.exit_code == 0
    assert '"record":{"id":1}' in result.stdout
    assert CliRunner().invoke(command, ["--config", "nowhere.json"]).exit_code == 2
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0
