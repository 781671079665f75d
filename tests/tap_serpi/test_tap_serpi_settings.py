"""Settings: every fault at once and before anything is sent, from a file and the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.serpi import SECRET_KEY, TOKEN
from support.serpi_tap import ALL_DOCUMENTS, ARTICLES, DOCUMENTS, TYPES, held, run, selection
from support.serpi_tap import settings as good_settings
from support.singer import run_command, run_tap
from tap_serpi.settings import SETTINGS
from tap_serpi.tap import TapSerpi

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import RunningSandbox

CANARY = "canary-7f3a"


def test_nothing_given() -> None:
    run_ = run_tap(TapSerpi, {})
    run_.failed(2, "setting 'token'", "setting 'secret_key'")
    assert run_.stdout == b""


def test_all_faults_at_once_and_no_value(sandbox: RunningSandbox) -> None:
    faults: dict[str, Any] = {
        "api_url": f"ftp://{CANARY}",
        "token": "",
        "secret_key": [CANARY],
        "start_date": f"2026-02-30{CANARY}",
        "end_date": "2026-13-01",
        "document_types": [CANARY],
        "codigo": [17],
        "page_size": "0",
        "window_days": 1.5,
        "lookback_days": -1,
        "key_properties": {CANARY: ["id"]},
        "verify_tls": CANARY,
        "tls_fingerprint_sha256": [CANARY],
        "request_timeout": 0,
        "retry_wait": "pronto",
        "retry_time": -5,
        "schema_contract": CANARY,
        "emit_activate_version_messages": "quizás",
        "page_sise": CANARY,
    }
    run_ = run(sandbox, **faults)
    run_.failed(2, *(f"'{name}'" for name in faults), "did you mean 'page_size'")
    told = run_.stderr.replace(f"{CANARY!r} is no stream", "")
    assert CANARY not in told
    assert run_.stdout == b""
    assert sandbox.serpi.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_url", "apis.serpi.com.co"),
        ("api_url", "https://"),
        ("api_url", "https://user:canary-pass@host/api"),
        ("api_url", "https://host/api?x=1"),
        ("api_url", 7),
        ("token", 123),
        ("token", "   "),
        ("secret_key", None),
        ("secret_key", "dos\nlíneas"),
        ("token", "ñ\u20ac"),
        ("start_date", "2026-02-29"),
        ("start_date", "2026-2-1"),
        ("start_date", "01/02/2026"),
        ("start_date", 20260201),
        ("start_date", "2026-02-01T25:00:00"),
        ("end_date", "2026-04-31"),
        ("end_date", "mañana"),
        ("document_types", "uno"),
        ("document_types", [1.5]),
        ("document_types", {"1": 1}),
        ("document_types", [True]),
        ("codigo", {"a": 1}),
        ("page_size", 0),
        ("page_size", "muchas"),
        ("page_size", True),
        ("page_size", "1e400"),
        ("window_days", 0),
        ("window_days", "NaN"),
        ("lookback_days", -1),
        ("lookback_days", {"x": 1}),
        ("key_properties", {"articulos": "id"}),
        ("key_properties", {"articulo": ["id"]}),
        ("key_properties", {"articulos": [""]}),
        ("key_properties", "no json"),
        ("request_timeout", "0"),
        ("schema_contract", "FREEZE"),
        ("Token", "x"),
        ("unknown", None),
    ],
)
def test_one_fault(sandbox: RunningSandbox, name: str, value: Any) -> None:
    run_ = run(sandbox, **{"start_date": "2026-01-01", name: value})
    run_.failed(2, f"'{name}'")
    assert "canary-pass" not in run_.stderr
    assert run_.stdout == b""
    assert sandbox.serpi.requests == []


def test_the_days_must_be_in_order(sandbox: RunningSandbox) -> None:
    run_ = run(sandbox, start_date="2026-02-01", end_date="2026-01-31")
    run_.failed(2, "'end_date'", "'start_date'")
    assert sandbox.serpi.requests == []


def test_documents_need_a_first_day(sandbox: RunningSandbox) -> None:
    for streams in ((), (DOCUMENTS,), (ARTICLES, DOCUMENTS)):
        run_ = run(sandbox, *streams)
        run_.failed(2, "'start_date'", DOCUMENTS)
    assert sandbox.serpi.requests == []
    run(sandbox, ARTICLES, TYPES).ok()


@pytest.mark.parametrize(
    "further",
    [
        {
            "page_size": "100",
            "window_days": "31",
            "lookback_days": " 30 ",
            "request_timeout": "9.5",
        },
        {"page_size": 100.0, "document_types": "1, 2,15,16", "verify_tls": "true"},
        {"document_types": '["1", 2, 15, 16]', "key_properties": '{"articulos": ["codigo"]}'},
        {"codigo": "", "end_date": "", "ca_bundle": None, "page_size": "", "document_types": ""},
        {"start_date": " 2026-01-01 ", "emit_activate_version_messages": "no", "verify_tls": 1},
    ],
)
def test_text_forms(sandbox: RunningSandbox, further: dict[str, Any]) -> None:
    output = run(sandbox, ARTICLES, **{"start_date": "2026-01-01", **further}).ok()
    assert len(output.records()) == len(held(sandbox.serpi, ARTICLES))


def environment(sandbox: RunningSandbox, **further: Any) -> dict[str, str]:
    values = good_settings(sandbox, **ALL_DOCUMENTS, **further)
    return {f"TAP_SERPI_{name.upper()}": str(value) for name, value in values.items()}


def test_everything_from_the_environment(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = environment(
        sandbox,
        document_types="1,2",
        page_size="7",
        window_days="100",
        key_properties='{"documentos_contables": ["categoriaDocumento", "prefijo", "numeroDoc"]}',
        verify_tls="TRUE",
        codigo='["00123"]',
    )
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    run_ = run_command(TapSerpi, ["--config=ENV"])
    output = run_.ok()
    assert [record["codigo"] for record in output.records(ARTICLES)] == ["00123"]
    assert {record["prefijo"] for record in output.records(DOCUMENTS)} == {"RCA", "NCC"}
    queries = [asked for asked in sandbox.serpi.requests if asked.kind == "documento.query"]
    assert {asked.query["limite"] for asked in queries} == {"7"}
    assert TOKEN not in run_.stderr


def test_everything_from_a_dotenv_file(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = [f"{name}={value}" for name, value in environment(sandbox).items()]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert len(run_command(TapSerpi, ["--config=ENV"]).ok().records()) == 1804


def test_the_environment_wins_and_is_not_read_unasked(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAP_SERPI_PAGE_SIZE", "9")
    monkeypatch.setenv("TAP_SERPI_TOKEN", "")
    file = tmp_path / "config.json"
    file.write_text(json.dumps(good_settings(sandbox, page_size=11)), encoding="utf-8")
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(selection(TYPES)), encoding="utf-8")
    arguments = [f"--config={file}", f"--catalog={catalog}"]
    run_command(TapSerpi, arguments).ok()
    assert sandbox.serpi.requests[-1].query["limite"] == "11"
    # Empty text in the environment is a missing setting, and wins all the same.
    run_command(TapSerpi, [*arguments, "--config=ENV"]).failed(2, "'token'")
    monkeypatch.delenv("TAP_SERPI_TOKEN")
    run_command(TapSerpi, [*arguments, "--config=ENV"]).ok()
    assert sandbox.serpi.requests[-1].query["limite"] == "9"


def test_faults_from_the_environment(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    faults = {"start_date": "2026-02-30", "page_size": CANARY, "codigo": "[00123]"}
    for name, value in environment(sandbox, token="").items():
        monkeypatch.setenv(name, value)
    for name, value in faults.items():
        monkeypatch.setenv(f"TAP_SERPI_{name.upper()}", value)
    run_ = run_command(TapSerpi, ["--config=ENV"])
    run_.failed(2, "'token'", *(f"'{name}'" for name in faults))
    assert CANARY not in run_.stderr
    assert sandbox.serpi.requests == []


@pytest.mark.parametrize("content", ["", "[]", "7", "{", '{"token": "canary-x"', "\xff"])
def test_a_configuration_that_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content.encode("latin-1"))
    run_ = run_command(TapSerpi, [f"--config={file}"])
    run_.failed(2)
    assert "canary-x" not in run_.stderr
    run_command(TapSerpi, [f"--config={tmp_path / 'none.json'}"]).failed(2, "none.json")


@pytest.mark.parametrize("option", ["--state", "--catalog"])
@pytest.mark.parametrize("content", ["[]", "{", "7"])
def test_a_state_or_catalog_that_is_none(
    sandbox: RunningSandbox, tmp_path: Path, option: str, content: str
) -> None:
    config, file = tmp_path / "config.json", tmp_path / "odd.json"
    config.write_text(json.dumps(good_settings(sandbox)), encoding="utf-8")
    file.write_text(content, encoding="utf-8")
    run_command(TapSerpi, [f"--config={config}", f"{option}={file}"]).failed(2, option)
    assert sandbox.serpi.requests == []


def test_the_defaults() -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    assert defaults["api_url"] == "https://apis.serpi.com.co/api/v1"
    assert (defaults["page_size"], defaults["window_days"]) == (500, 31)
    assert (defaults["lookback_days"], defaults["request_timeout"]) == (30, 120)
    assert (defaults["retry_wait"], defaults["retry_time"]) == (0.5, 300)
    assert {s.name for s in SETTINGS if s.required} == {"token", "secret_key"}
    assert {s.name for s in SETTINGS if s.secret} == {"token", "secret_key"}


def test_secrets_are_the_ones_given(sandbox: RunningSandbox) -> None:
    sandbox.serpi.token, sandbox.serpi.secret_key = "tok en+/=ä", "k" * 300
    given: dict[str, Any] = {"token": sandbox.serpi.token, "secret_key": sandbox.serpi.secret_key}
    assert SECRET_KEY not in given.values()
    run(sandbox, TYPES, **given).ok()
    around: dict[str, Any] = {name: f" {value}\r\n" for name, value in given.items()}
    run(sandbox, TYPES, **around).ok()
