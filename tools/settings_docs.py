# ruff: noqa: INP001 - a program, no package
"""Writes the settings of the connectors into every place that repeats them.

``python tools/settings_docs.py`` rewrites what stands between the markers ``settings of NAME`` in
meltano.yml, the connector's plugin.yml, .env.example and the README's table, from the connector's own
``SETTINGS``. tests/pipelines/test_docs_in_step.py reads these files by itself and holds them equal.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector_kit.settings import Setting, SettingKind

ROOT = Path(__file__).parent.parent

CONNECTORS = ("tap-serpi", "tap-winfra-xxl", "tap-facturadirecta", "target-serpi")

MELTANO_KINDS = {
    SettingKind.STRING: "string",
    SettingKind.URL: "string",
    SettingKind.FILE: "file",
    SettingKind.DATE: "date_iso8601",
    SettingKind.INTEGER: "integer",
    SettingKind.BOOLEAN: "boolean",
    SettingKind.ARRAY: "array",
    SettingKind.OBJECT: "object",
}
"""A setting of any type has no kind: Meltano would refuse a number where it knows of an object. Nor has
a number: Meltano makes a `Decimal` of the text of a `decimal`, and then cannot write its own JSON."""

CHECKED_BY_US = frozenset({"dry_run"})
"""Settings without a kind: Meltano reads a boolean that is none (`ture`) as false, and a dry run would
become a real one. The connector refuses it."""


@dataclass(frozen=True)
class Place:
    """A block of a file that repeats the settings, and how it is written there."""

    path: Path
    begin: str
    end: str
    block: str

    def write(self) -> bool:
        """Rewrite the block.

        Returns:
            whether the file changed.

        Raises:
            ValueError: the file has no such markers.
        """
        text = self.path.read_text(encoding="utf-8")
        pattern = re.compile(
            rf"(^[^\n]*{re.escape(self.begin)}[^\n]*\n).*?(^[^\n]*{re.escape(self.end)})",
            re.DOTALL | re.MULTILINE,
        )
        changed, found = pattern.subn(lambda match: match[1] + self.block + match[2], text)
        if found != 1:
            raise ValueError(f"{self.path}: {self.begin!r} and {self.end!r} are not there once")
        self.path.write_text(changed, encoding="utf-8")
        return changed != text


def main() -> int:
    """Rewrite all places of every connector that has settings."""
    for name in CONNECTORS:
        settings = settings_of(name)
        if settings is None:
            sys.stdout.write(f"{name}: no settings module yet\n")
            continue
        changed = [place.path for place in places(name, settings) if place.write()]
        sys.stdout.write(f"{name}: {', '.join(str(path.relative_to(ROOT)) for path in changed)}\n")
    return 0


def settings_of(name: str) -> tuple[Setting, ...] | None:
    """Return a connector's settings, None while it has no settings module."""
    try:
        module = importlib.import_module(f"{name.replace('-', '_')}.settings")
    except ModuleNotFoundError:
        return None
    settings: tuple[Setting, ...] = module.SETTINGS
    return settings


def places(name: str, settings: tuple[Setting, ...]) -> list[Place]:
    """Return every place that repeats the settings of a connector."""
    begin, end = f"settings of {name}", f"end of the settings of {name}"
    plugin = plugin_settings(settings)
    return [
        Place(ROOT / "meltano.yml", begin, end, _indented(plugin, 4)),
        Place(ROOT / name / "plugin.yml", begin, end, plugin),
        Place(ROOT / ".env.example", begin, end, env_example(name, settings)),
        Place(ROOT / name / "README.md", begin, end, readme_table(name, settings)),
    ]


def plugin_settings(settings: tuple[Setting, ...]) -> str:
    """Return the settings as a Meltano plugin definition lists them."""
    lines = ["settings_group_validation:"]
    lines += [f"- [{', '.join(setting.name for setting in settings if setting.required)}]"]
    lines += ["settings:"]
    for setting in settings:
        lines += [f"- name: {setting.name}", f"  label: {_yaml(setting.title)}"]
        if setting.choices:
            lines += ["  kind: options", "  options:"]
            for choice in setting.choices:
                lines += [f"  - label: {choice}", f"    value: {choice}"]
        elif setting.kind in MELTANO_KINDS and setting.name not in CHECKED_BY_US:
            lines += [f"  kind: {MELTANO_KINDS[setting.kind]}"]
        if setting.secret:
            lines += ["  sensitive: true"]
        if has_plain_default(setting):
            lines += [f"  value: {_yaml(setting.default)}"]
        lines += [f"  description: {_yaml(setting.description)}"]
    return "".join(f"{line}\n" for line in lines)


def has_plain_default(setting: Setting) -> bool:
    """Whether a default stands in a plugin definition.

    Not an object: Meltano would mix its members with the user's.
    """
    return setting.default is not None and not isinstance(setting.default, dict)


def env_example(name: str, settings: tuple[Setting, ...]) -> str:
    """Return the settings as variables: required ones to fill in, the others commented out."""
    lines = []
    for setting in settings:
        marks = [word for word in ("required", "secret") if getattr(setting, word)]
        lines += [f"# {setting.title}{''.join(f', {mark}' for mark in marks)}"]
        default = "" if setting.default is None else _text(setting.default)
        lines += [f"{'' if setting.required else '#'}{variable(name, setting)}={default}"]
    return "".join(f"{line}\n" for line in lines)


def readme_table(name: str, settings: tuple[Setting, ...]) -> str:
    """Return the settings as the table of a README."""
    lines = [
        "| Setting | Environment variable | Type | Required | Secret | Default | What it is |",
        "|---|---|---|---|---|---|---|",
    ]
    for setting in settings:
        cells = [
            f"`{setting.name}`",
            f"`{variable(name, setting)}`",
            _type(setting),
            "yes" if setting.required else "",
            "yes" if setting.secret else "",
            "" if setting.default is None else f"`{_text(setting.default)}`",
            setting.description.replace("|", r"\|"),
        ]
        lines += [f"| {' | '.join(cells)} |"]
    return "".join(f"{line}\n" for line in lines)


def variable(name: str, setting: Setting) -> str:
    """Return the environment variable of a setting."""
    return f"{name}_{setting.name}".replace("-", "_").upper()


def _type(setting: Setting) -> str:
    if setting.kind is SettingKind.ARRAY:
        return f"list of {setting.item_kind}s"
    return "number or object" if setting.kind is SettingKind.ANY else str(setting.kind)


def _text(value: Any) -> str:  # noqa: ANN401 - a setting's default
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _yaml(value: Any) -> str:  # noqa: ANN401 - a setting's default
    return json.dumps(value, ensure_ascii=False)


def _indented(text: str, spaces: int) -> str:
    return "".join(" " * spaces + line for line in text.splitlines(keepends=True))


if __name__ == "__main__":
    sys.exit(main())
