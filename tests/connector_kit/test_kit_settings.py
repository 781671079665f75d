"""Settings: kinds and their text forms, all faults at once, no value in any message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_kit.common_settings import tap_settings
from connector_kit.errors import SettingsError
from connector_kit.plugin import BUILT_IN_SETTINGS
from connector_kit.settings import (
    Setting,
    SettingFaultError,
    SettingKind,
    checked_settings,
    config_jsonschema,
    environment_config,
)
from support.dummy_tap import SECRET, SETTINGS, DummyTap
from support.dummy_vendor import Dummy
from support.singer import run_command


def setting(kind: SettingKind, name: str = "it", **limits: Any) -> Setting:
    return Setting(name, kind, "Title", "What it is for.", **limits)


def parsed(kind: SettingKind, value: Any, **limits: Any) -> Any:
    return setting(kind, **limits).parse(value)


def fault(kind: SettingKind, value: Any, **limits: Any) -> str:
    with pytest.raises(SettingFaultError) as caught:
        parsed(kind, value, **limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (SettingKind.STRING, "a b", "a b"),
        (SettingKind.URL, " https://h.example:8443/a/b/ ", "https://h.example:8443/a/b/"),
        (SettingKind.URL, "http://[::1]:80", "http://[::1]:80"),
        (SettingKind.DATE, "2024-02-29", date(2024, 2, 29)),
        (SettingKind.DATE, "2024-02-29T23:59:59", date(2024, 2, 29)),
        (SettingKind.DATE, "2024-02-29T23:59:59+05:00", date(2024, 2, 29)),
        (SettingKind.DATE, "2024-02-29T00:00:00Z", date(2024, 2, 29)),
        (SettingKind.INTEGER, 5, 5),
        (SettingKind.INTEGER, " 5 ", 5),
        (SettingKind.INTEGER, "5.0", 5),
        (SettingKind.NUMBER, "0.25", 0.25),
        (SettingKind.NUMBER, 3, 3.0),
        (SettingKind.BOOLEAN, True, True),
        (SettingKind.BOOLEAN, "False", False),
        (SettingKind.BOOLEAN, "1", True),
        (SettingKind.BOOLEAN, "no", False),
        (SettingKind.ARRAY, ["a", "b"], ["a", "b"]),
        (SettingKind.ARRAY, "a, b", ["a", "b"]),
        (SettingKind.ARRAY, '["a, b", "c"]', ["a, b", "c"]),
        (SettingKind.OBJECT, {"a": 1}, {"a": 1}),
        (SettingKind.OBJECT, '{"a": [1]}', {"a": [1]}),
        (SettingKind.ANY, 7, 7),
    ],
)
def test_value_in_its_kind(kind: SettingKind, value: Any, expected: Any) -> None:
    result = parsed(kind, value)
    assert result == expected
    assert type(result) is type(expected)


def test_items_of_a_list_have_a_kind() -> None:
    assert parsed(SettingKind.ARRAY, "1, 2", item_kind=SettingKind.INTEGER) == [1, 2]
    assert "item 2" in fault(SettingKind.ARRAY, ["1", "x"], item_kind=SettingKind.INTEGER)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SettingKind.STRING, 5),
        (SettingKind.URL, "ftp://h.example"),
        (SettingKind.URL, "h.example"),
        (SettingKind.URL, "http:///canary"),
        (SettingKind.URL, "http://[::1"),
        (SettingKind.URL, "http://h.example:port"),
        (SettingKind.URL, "http://h.exa mple"),
        (SettingKind.URL, "http://h.exa\nmple"),
        (SettingKind.URL, "http://user:canary@h.example"),
        (SettingKind.URL, "http://h.example/?token=canary"),
        (SettingKind.FILE, "a\0b"),
        (SettingKind.FILE, "~canary-user/file"),
        (SettingKind.DATE, "2024-02-30"),
        (SettingKind.DATE, "30/12/2024"),
        (SettingKind.DATE, "2024-1-2"),
        (SettingKind.DATE, 20240101),
        (SettingKind.INTEGER, "5.5"),
        (SettingKind.INTEGER, True),
        (SettingKind.INTEGER, "1e999999999"),
        (SettingKind.NUMBER, "canary"),
        (SettingKind.NUMBER, "nan"),
        (SettingKind.NUMBER, "1e400"),
        (SettingKind.BOOLEAN, "perhaps"),
        (SettingKind.BOOLEAN, 2),
        (SettingKind.ARRAY, 5),
        (SettingKind.ARRAY, '["a"'),
        (SettingKind.ARRAY, "a,,b"),
        (SettingKind.OBJECT, "[]"),
        (SettingKind.OBJECT, "{"),
        (SettingKind.OBJECT, [1]),
    ],
)
def test_fault_does_not_show_the_value(kind: SettingKind, value: Any) -> None:
    message = fault(kind, value)
    assert str(value) not in message
    assert "canary" not in message


@given(
    kind=st.sampled_from(SettingKind),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
)
@settings(deadline=None, max_examples=200)
def test_any_value_is_taken_or_is_a_fault(kind: SettingKind, value: Any) -> None:
    values, faults = checked_settings([setting(kind)], {"it": value})
    assert len(values) + len(faults) <= 1


def test_bounds() -> None:
    assert parsed(SettingKind.INTEGER, 1, minimum=1, maximum=3) == 1
    assert "1 or more" in fault(SettingKind.INTEGER, 0, minimum=1)
    assert "3 or less" in fault(SettingKind.INTEGER, 4, maximum=3)
    assert "more than 0" in fault(SettingKind.NUMBER, 0, above=0)


def test_choices_are_told() -> None:
    assert fault(SettingKind.STRING, "canary", choices=("a", "b")) == "must be one of a, b"


def test_missing_values() -> None:
    declared = [
        setting(SettingKind.STRING, "needed", required=True),
        setting(SettingKind.STRING, "empty", required=True, may_be_empty=True),
        setting(SettingKind.INTEGER, "defaulted", default=7),
        setting(SettingKind.STRING, "absent"),
    ]
    values, faults = checked_settings(declared, {"needed": "", "empty": "", "defaulted": None})
    assert values == {"empty": "", "defaulted": 7}
    assert faults == ["setting 'needed': missing; What it is for."]


def test_all_faults_at_once_unknown_names_too() -> None:
    values, faults = checked_settings(SETTINGS, {"tokn": "canary", "page_size": 0, "last_day": "x"})
    assert [line.split(":")[0] for line in faults] == [
        "setting 'tokn'",
        "setting 'api_url'",
        "setting 'token'",
        "setting 'last_day'",
        "setting 'page_size'",
    ]
    assert "did you mean 'token'?" in faults[0]
    assert "canary" not in "".join(faults)
    assert values["verify_tls"] is True


def test_every_setting_is_documented_for_about() -> None:
    schema = config_jsonschema(SETTINGS)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["api_url", "token"]
    for name, about in schema["properties"].items():
        assert about["title"], name
        assert about["description"], name
    assert schema["properties"]["token"]["secret"] is True
    assert schema["properties"]["first_day"]["format"] == "date"
    assert schema["properties"]["schema_contract"]["enum"] == ["evolve", "freeze", None]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"itms": ["id"]}, "'itms' is no stream of this tap: items"),
        ({"items": "id"}, "list of field names"),
        ({"items": [5]}, "list of field names"),
        ({"items": [""]}, "list of field names"),
    ],
)
def test_key_properties_name_streams_and_fields(value: Mapping[str, Any], words: str) -> None:
    [keys, *_] = tap_settings(("items",))
    with pytest.raises(SettingFaultError, match=words):
        keys.parse(value)
    assert keys.parse('{"items": []}') == {"items": []}


def test_fingerprints_are_normalised() -> None:
    hexadecimal = "ab" * 32
    [pins] = [one for one in SETTINGS if one.name == "tls_fingerprint_sha256"]
    written = ":".join(["AB"] * 32)
    assert pins.parse([written]) == pins.parse(hexadecimal) == [hexadecimal]
    with pytest.raises(SettingFaultError, match="64 hexadecimal digits"):
        pins.parse(["ab:cd"])


def test_built_in_settings_are_checked_like_ours() -> None:
    _, faults = checked_settings(
        BUILT_IN_SETTINGS, {"stream_maps": "x", "flattening_enabled": "perhaps"}
    )
    assert len(faults) == 2


def test_environment_wins_over_the_file(dummy: Dummy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_DUMMY_PAGE_SIZE", "7")
    monkeypatch.setenv("TAP_DUMMY_KEY_PROPERTIES", '{"items": ["code"]}')
    monkeypatch.setenv("TAP_DUMMY_RETRY_TIME", "")
    config = dummy.config(page_size=9, retry_time=11)
    assert DummyTap(config=config).values["page_size"] == 9
    tap = DummyTap(config=config, parse_env_config=True)
    assert tap.values["page_size"] == 7
    assert tap.values["key_properties"] == {"items": ["code"]}
    assert tap.values["retry_time"] == 300, "empty text is a missing setting"


def test_environment_alone(dummy: Dummy, monkeypatch: pytest.MonkeyPatch) -> None:
    dummy.server.reset(items=[b'[{"id": 1}]'])
    monkeypatch.setenv("TAP_DUMMY_API_URL", dummy.server.url)
    monkeypatch.setenv("TAP_DUMMY_TOKEN", SECRET)
    output = run_command(DummyTap, ["--config=ENV"]).ok()
    assert output.records("items") == [{"id": 1}]


def test_dotenv_file_is_found_upwards_and_loses_to_the_environment(
    dummy: Dummy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dummy.server.reset(items=[b'[{"id": 1}]'])
    (tmp_path / ".env").write_text(
        f"TAP_DUMMY_API_URL={dummy.server.url}\nTAP_DUMMY_TOKEN=\nTAP_DUMMY_PAGE_SIZE=no\n"
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("TAP_DUMMY_PAGE_SIZE", "5")
    run = run_command(DummyTap, ["--config=ENV"])
    run.failed(2, "setting 'token': missing")
    assert "page_size" not in run.stderr
    assert "api_url" not in run.stderr


def test_dotenv_file_that_is_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes("TAP_DUMMY_TOKEN=contrase\xf1a".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    run = run_command(DummyTap, ["--config=ENV"])
    run.failed(2, f"the file {tmp_path / '.env'} is not UTF-8")
    assert "contrase" not in run.stderr


def test_variables_that_are_no_settings_are_left_alone() -> None:
    environment = {"TAP_DUMMY_PAGE_SIZE": "5", "TAP_DUMMY_LOGLEVEL": "DEBUG", "PAGE_SIZE": "6"}
    assert environment_config(SETTINGS, "TAP_DUMMY_", environment) == {"page_size": "5"}


def test_http_settings_are_the_users(dummy: Dummy) -> None:
    config = dummy.config(
        request_timeout="2.5",
        retry_time=7,
        retry_wait="0.25",
        verify_tls="no",
        ca_bundle="~/ca.pem",
    )
    http = DummyTap(config=config).http_settings(byte_cap=5)
    assert (http.request_timeout, http.retry_wait, http.retry_time) == (2.5, 0.25, 7.0)
    assert http.byte_cap == 5
    assert http.tls.verify_tls is False
    assert http.tls.ca_bundle == str(Path("~/ca.pem").expanduser())
    assert DummyTap(config=dummy.config()).http_settings().tls.verify_tls is True


def test_cross_check_of_settings(dummy: Dummy) -> None:
    config = dummy.config(first_day="2024-02-01", last_day="2024-01-31")
    with pytest.raises(SettingsError, match="'last_day'"):
        DummyTap(config=config)


def test_no_value_of_any_setting_is_shown(dummy: Dummy) -> None:
    canaries: dict[str, Any] = {one.name: f"canary-{one.name}" for one in SETTINGS}
    run = dummy.run("items", **{**canaries, "token": 12345678})
    run.failed(2, "setting 'token': must be text; write it in quotes")
    assert "canary" not in run.stderr.replace("s3cr3t-canary", "")
    assert "12345678" not in run.stderr
    assert json.dumps(run.output.messages) == "[]"
