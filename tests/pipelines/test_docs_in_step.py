"""The settings in code, in meltano.yml, in plugin.yml, in .env.example and in the README are the same.

When one of these fails: ``python tools/settings_docs.py`` writes them anew from the code.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from connector_kit.settings import Setting, SettingKind
from support.meltano_projects import REPOSITORY, definitions

CONNECTORS = [
    name
    for name in ("tap-serpi", "tap-winfra-xxl", "tap-facturadirecta", "target-serpi")
    if importlib.util.find_spec(f"{name.replace('-', '_')}.settings")
]

KINDS = {
    "string": {SettingKind.STRING, SettingKind.URL},
    "options": {SettingKind.STRING},
    "file": {SettingKind.FILE},
    "date_iso8601": {SettingKind.DATE},
    "integer": {SettingKind.INTEGER},
    "boolean": {SettingKind.BOOLEAN},
    "array": {SettingKind.ARRAY},
    "object": {SettingKind.OBJECT},
    None: {SettingKind.ANY, SettingKind.NUMBER},
}
"""Meltano's kinds; a setting that takes a number, or a number or an object, must have none there."""


@dataclass(frozen=True)
class Described:
    """What a document says of one setting."""

    required: bool
    secret: bool
    default: Any


def settings_of(name: str) -> dict[str, Setting]:
    module = importlib.import_module(f"{name.replace('-', '_')}.settings")
    return {setting.name: setting for setting in module.SETTINGS}


def in_code(name: str) -> dict[str, Described]:
    return {
        setting.name: Described(setting.required, setting.secret, _as_json(setting.default))
        for setting in settings_of(name).values()
    }


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def definition(name: str, file: str) -> dict[str, Any]:
    if file == "meltano.yml":
        return definitions()[name]
    content: dict[str, Any] = yaml.safe_load((REPOSITORY / name / file).read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("file", ["meltano.yml", "plugin.yml"])
@pytest.mark.parametrize("name", CONNECTORS)
def test_a_plugin_definition_lists_the_settings_of_the_code(name: str, file: str) -> None:
    plugin = definition(name, file)
    required = {setting for group in plugin["settings_group_validation"] for setting in group}

    assert {
        entry["name"]: Described(
            entry["name"] in required, entry.get("sensitive", False), entry.get("value")
        )
        for entry in plugin["settings"]
    } == {
        # Meltano would mix the members of an object's default with the user's: it has none there.
        setting: Described(
            said.required,
            said.secret,
            None if isinstance(said.default, dict) else said.default,
        )
        for setting, said in in_code(name).items()
    }


@pytest.mark.parametrize("file", ["meltano.yml", "plugin.yml"])
@pytest.mark.parametrize("name", CONNECTORS)
def test_a_plugin_definition_says_kinds_choices_and_texts_of_the_code(name: str, file: str) -> None:
    settings = settings_of(name)
    for entry in definition(name, file)["settings"]:
        setting = settings[entry["name"]]
        if setting.name == "dry_run":
            # Meltano would read a misspelt one as false, and the dry run would be a real one.
            assert "kind" not in entry
        else:
            assert setting.kind in KINDS[entry.get("kind")], setting.name
        assert tuple(option["value"] for option in entry.get("options", ())) == setting.choices
        assert (entry["label"], entry["description"]) == (setting.title, setting.description)


@pytest.mark.parametrize("name", CONNECTORS)
def test_both_definitions_differ_in_nothing_but_where_the_code_comes_from(name: str) -> None:
    here, elsewhere = definition(name, "meltano.yml"), definition(name, "plugin.yml")
    packages = re.findall(r"-e \./(\S+)", here.pop("pip_url"))

    assert elsewhere.pop("pip_url").split() == [
        f"git+${{ERP_CONNECTORS_REPOSITORY}}#subdirectory={package}" for package in packages
    ]
    assert here == elsewhere
    assert packages[-1] == name
    assert all((REPOSITORY / package / "pyproject.toml").exists() for package in packages)


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_example_of_an_environment_lists_the_settings_of_the_code(name: str) -> None:
    prefix = f"{name}_".replace("-", "_").upper()
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    found = re.findall(rf"^# (.+)\n(#?){prefix}(\w+)=(.*)$", text, flags=re.MULTILINE)

    assert {
        variable.lower(): Described(", required" in title, ", secret" in title, value)
        for title, _, variable, value in found
    } == {
        setting: Described(said.required, said.secret, _as_text(said.default))
        for setting, said in in_code(name).items()
    }
    # What is required is there to be filled in, what is not is there to be uncommented.
    assert {variable.lower() for _, mark, variable, _ in found if not mark} == {
        setting for setting, said in in_code(name).items() if said.required
    }


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_table_of_the_readme_lists_the_settings_of_the_code(name: str) -> None:
    text = (REPOSITORY / name / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if re.match(r"\| `\w+` \| `[A-Z_0-9]+` \|", line)
    ]

    assert {
        setting: Described(required == "yes", secret == "yes", default)
        for setting, _, _, required, secret, default, _ in rows
    } == {
        setting: Described(said.required, said.secret, _as_text(said.default))
        for setting, said in in_code(name).items()
    }
    for setting, variable, *_ in rows:
        assert variable == f"{name}_{setting}".replace("-", "_").upper()


def _as_text(default: Any) -> str:
    if default is None:
        return ""
    return default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
