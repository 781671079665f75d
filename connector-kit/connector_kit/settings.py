"""Settings: declared once, read from a file or the environment, checked all at once.

The SDK's own check is not used: it shows a secret's value, ends in exit code 1 and does not look at
dates. Text of a number is a number, empty text is a missing setting, unknown names are faults.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})
MOST_DIGITS = 18


class SettingKind(StrEnum):
    """What a setting's value is."""

    STRING = "string"
    URL = "url"
    FILE = "file"
    DATE = "date"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    ANY = "any"


JSON_TYPES: Mapping[SettingKind, str] = {
    SettingKind.STRING: "string",
    SettingKind.URL: "string",
    SettingKind.FILE: "string",
    SettingKind.DATE: "string",
    SettingKind.INTEGER: "integer",
    SettingKind.NUMBER: "number",
    SettingKind.BOOLEAN: "boolean",
    SettingKind.ARRAY: "array",
    SettingKind.OBJECT: "object",
}


class SettingFaultError(ValueError):
    """What is wrong with one value, without the value and without the setting's name."""


@dataclass(frozen=True)
class Setting:
    """One setting of a connector.

    Attributes:
        name: as in a configuration file.
        kind: what its value is.
        title: a few words.
        description: a sentence or two for the user, with the unit.
        required: whether the connector needs it.
        secret: whether its value must never be shown.
        default: used where it is missing; already of the right type.
        minimum, maximum: bounds of a number, included.
        above: a bound of a number, excluded.
        choices: the allowed texts.
        item_kind: of an array: the kind of its items.
        may_be_empty: whether empty text is a value.
        refine: a last check or conversion; raises `SettingFaultError`.
    """

    name: str
    kind: SettingKind
    title: str
    description: str
    required: bool = False
    secret: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    item_kind: SettingKind = SettingKind.STRING
    may_be_empty: bool = False
    refine: Callable[[Any], Any] | None = field(default=None, compare=False)

    def parse(self, value: Any) -> Any:  # noqa: ANN401 - whatever a configuration holds
        """Return the value in its right type.

        Args:
            value: from a file or the environment; not missing.

        Returns:
            str, date, int, float, bool, list or dict.

        Raises:
            SettingFaultError: the value is of no use; the message does not show it.
        """
        parsed = _PARSERS[self.kind](value)
        if self.kind is SettingKind.ARRAY:
            parsed = [_item(item, index, self.item_kind) for index, item in enumerate(parsed)]
        self._check_bounds(parsed)
        if self.choices and parsed not in self.choices:
            raise SettingFaultError(f"must be one of {', '.join(self.choices)}")
        return parsed if self.refine is None else self.refine(parsed)

    def _check_bounds(self, value: Any) -> None:  # noqa: ANN401 - a parsed value
        if self.minimum is not None and value < self.minimum:
            raise SettingFaultError(f"must be {self.minimum:g} or more")
        if self.maximum is not None and value > self.maximum:
            raise SettingFaultError(f"must be {self.maximum:g} or less")
        if self.above is not None and value <= self.above:
            raise SettingFaultError(f"must be more than {self.above:g}")

    def is_missing(self, value: Any) -> bool:  # noqa: ANN401 - whatever a configuration holds
        """Whether a value stands for nothing."""
        return value is None or (value == "" and not self.may_be_empty)

    def json_schema(self) -> dict[str, Any]:
        """Return the property for the SDK's `--about`."""
        schema: dict[str, Any] = {"title": self.title, "description": self.description}
        if self.kind in JSON_TYPES:
            schema["type"] = (
                [JSON_TYPES[self.kind]]
                if self.required
                else [
                    JSON_TYPES[self.kind],
                    "null",
                ]
            )
        if self.kind is SettingKind.ARRAY:
            schema["items"] = {"type": JSON_TYPES[self.item_kind]}
        if self.kind is SettingKind.DATE:
            schema["format"] = "date"
        if self.choices:
            schema["enum"] = [*self.choices] if self.required else [*self.choices, None]
        if self.default is not None:
            schema["default"] = self.default
        if self.secret:
            schema |= {"secret": True, "writeOnly": True}
        return schema


def config_jsonschema(settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the JSON schema that the SDK shows for `--about`."""
    settings = list(settings)
    return {
        "type": "object",
        "properties": {setting.name: setting.json_schema() for setting in settings},
        "required": [setting.name for setting in settings if setting.required],
        "additionalProperties": False,
    }


def environment_config(
    settings: Iterable[Setting], prefix: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """Read the settings that an environment holds.

    Args:
        settings: of the connector.
        prefix: of the variables, `TAP_SERPI_`.
        environment: variables.

    Returns:
        setting -> text.
    """
    variables = {setting.name: prefix + setting.name.upper() for setting in settings}
    return {
        name: environment[variable]
        for name, variable in variables.items()
        if variable in environment
    }


def checked_settings(
    settings: Iterable[Setting], config: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Check a configuration.

    Args:
        settings: of the connector.
        config: as read.

    Returns:
        the values in their right types, defaults included, a missing setting without a default left
        out; and one sentence for each fault.
    """
    values: dict[str, Any] = {}
    known = {setting.name: setting for setting in settings}
    faults = [
        f"setting {name!r}: unknown; {_nearest(name, known)}"
        for name in config
        if name not in known
    ]
    for name, setting in known.items():
        value = config.get(name)
        if setting.is_missing(value):
            if setting.required:
                faults.append(f"setting {name!r}: missing; {setting.description}")
            elif setting.default is not None:
                values[name] = setting.default
            continue
        try:
            values[name] = setting.parse(value)
        except SettingFaultError as error:
            faults.append(f"setting {name!r}: {error}")
    return values, faults


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it, and every run pays for imports

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else "look at the README for the names"


def _string(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    if not isinstance(value, str):
        raise SettingFaultError("must be text; write it in quotes")
    return value


def _url(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    text = _string(value).strip()
    try:
        parts = urlsplit(text)
        port_is_readable = parts.port is None or parts.port >= 0
    except ValueError:
        port_is_readable = False
        parts = urlsplit("")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_is_readable
        or not text.isprintable()
        or " " in text
    ):
        raise SettingFaultError("must be an address that begins with http:// or https://")
    if parts.username or parts.password:
        raise SettingFaultError("must hold no user and password; there are settings for them")
    if parts.query or parts.fragment:
        raise SettingFaultError("must hold no query and no fragment")
    return text


def _file(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    text = _string(value)
    try:
        if "\0" not in text:
            return str(Path(text).expanduser())
    except RuntimeError:
        pass  # `~name` of a user that this machine does not know
    raise SettingFaultError("must be a file's path")


def _date(value: Any) -> date:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _string(value).strip()
    try:
        # The vendors' days have no zone: a time and a zone are read, so as to be real, and left off.
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
    except ValueError as error:
        raise SettingFaultError("must be a real date, written yyyy-mm-dd") from error


def _integer(value: Any) -> int:  # noqa: ANN401 - whatever a configuration holds
    number = _decimal(value)
    if number != number.to_integral_value():
        raise SettingFaultError("must be a whole number")
    return int(number)


def _number(value: Any) -> float:  # noqa: ANN401 - whatever a configuration holds
    return float(_decimal(value))


def _decimal(value: Any) -> Decimal:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise SettingFaultError("must be a number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise SettingFaultError("must be a number") from error
    # An exponent of a million is no setting, but would keep Python busy for minutes.
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise SettingFaultError("must be a number")
    return number


def _boolean(value: Any) -> bool:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in TRUE | FALSE:
        raise SettingFaultError("must be true or false")
    return text in TRUE


def _array(value: Any) -> list[Any]:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, str):
        text = value.strip()
        value = _json(text) if text.startswith("[") else [part.strip() for part in text.split(",")]
    if not isinstance(value, list):
        raise SettingFaultError("must be a list, as JSON where it comes as text")
    if "" in value:
        raise SettingFaultError(f"item {value.index('') + 1} is empty")
    return value


def _item(value: Any, index: int, kind: SettingKind) -> Any:  # noqa: ANN401 - whatever a configuration holds
    try:
        return _PARSERS[kind](value)
    except SettingFaultError as error:
        raise SettingFaultError(f"item {index + 1} {error}") from error


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, str):
        value = _json(value)
    if not isinstance(value, dict):
        raise SettingFaultError("must be an object, as JSON where it comes as text")
    return value


def _any(value: Any) -> Any:  # noqa: ANN401 - whatever a configuration holds
    return value


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingFaultError("is no valid JSON") from error


_PARSERS: Mapping[SettingKind, Callable[[Any], Any]] = {
    SettingKind.STRING: _string,
    SettingKind.URL: _url,
    SettingKind.FILE: _file,
    SettingKind.DATE: _date,
    SettingKind.INTEGER: _integer,
    SettingKind.NUMBER: _number,
    SettingKind.BOOLEAN: _boolean,
    SettingKind.ARRAY: _array,
    SettingKind.OBJECT: _object,
    SettingKind.ANY: _any,
}
