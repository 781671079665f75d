"""What taps and targets share: settings by our own check, and a command that tells the truth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from dotenv import find_dotenv, load_dotenv
from singer_sdk.helpers.capabilities import (
    FLATTENING_CONFIG,
    STREAM_MAPS_CONFIG,
)
from singer_sdk.plugin_base import BaseSingerIO

from connector_kit.errors import SettingsError
from connector_kit.http import HttpSettings
from connector_kit.redaction import REDACTOR
from connector_kit.settings import (
    Setting,
    SettingKind,
    checked_settings,
    config_jsonschema,
    environment_config,
)
from connector_kit.tls import TlsSettings

_SDK_KINDS = {
    "object": SettingKind.OBJECT,
    "boolean": SettingKind.BOOLEAN,
    "integer": SettingKind.INTEGER,
    "string": SettingKind.STRING,
}


def sdk_settings(*definitions: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the SDK's built-in settings, so that they are checked like ours.

    Args:
        definitions: the SDK's JSON schemas of them.
    """
    return tuple(
        Setting(
            name,
            _sdk_kind(schema),
            schema.get("title", name),
            schema.get("description", ""),
            # The SDK reads a missing value its own way, and a default of its own is not ours to set.
        )
        for definition in definitions
        for name, schema in definition["properties"].items()
    )


def _sdk_kind(schema: Mapping[str, Any]) -> SettingKind:
    names = schema.get("type", ())
    for name in [names] if isinstance(names, str) else names:
        if name in _SDK_KINDS:
            return _SDK_KINDS[name]
    return SettingKind.ANY


BUILT_IN_SETTINGS = sdk_settings(STREAM_MAPS_CONFIG, FLATTENING_CONFIG)


class ConnectorPlugin(BaseSingerIO):
    """Base of the connectors: declare `settings`, get them checked before anything else happens."""

    settings: ClassVar[tuple[Setting, ...]]
    built_in_settings: ClassVar[tuple[Setting, ...]] = BUILT_IN_SETTINGS

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they are
        """Make the SDK's view of the settings from ours."""
        super().__init_subclass__(**kwargs)
        if "settings" in cls.__dict__:
            cls.config_jsonschema = config_jsonschema(cls.settings)

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **kwargs: Any,  # noqa: ANN401 - passed on as they are
    ) -> None:
        """Read and check the settings.

        Args:
            config: as read from files.
            parse_env_config: whether the environment's values are read too; they win.
            validate_config: whether a fault is an error; discovery needs none of them.
            kwargs: for the SDK's class.

        Raises:
            SettingsError: all faults at once.
        """
        given = dict(config or {})
        if parse_env_config:
            _load_dotenv()
            given |= environment_config(self._all_settings(), self._env_var_prefix, os.environ)
        self._keep_secrets(given)
        values, self.setting_faults = checked_settings(self._all_settings(), given)
        if not self.setting_faults:
            self.setting_faults = self.check_settings(values)
        # The SDK asks for JSON: dates are handed to it as text.
        self.values: Mapping[str, Any] = values
        super().__init__(
            config={name: _plain(value) for name, value in values.items()},
            parse_env_config=False,
            validate_config=False,
            **kwargs,
        )
        if validate_config:
            self.raise_setting_faults()

    @classmethod
    def _all_settings(cls) -> tuple[Setting, ...]:
        return (*cls.settings, *cls.built_in_settings)

    def _keep_secrets(self, config: Mapping[str, Any]) -> None:
        for setting in self._all_settings():
            value = config.get(setting.name)
            if setting.secret and isinstance(value, str):
                REDACTOR.add(value)

    def check_settings(self, values: Mapping[str, Any]) -> list[str]:  # noqa: ARG002 - a hook
        """Check what single settings cannot say of themselves.

        Args:
            values: every setting in its right type.

        Returns:
            one sentence for each fault, with the settings' names.
        """
        return []

    def raise_setting_faults(self) -> None:
        """Raise all faults found so far, if any."""
        if self.setting_faults:
            raise SettingsError(self.setting_faults)

    def http_settings(self, **overrides: Any) -> HttpSettings:  # noqa: ANN401 - of HttpSettings
        """Return the settings of HTTP that the user gave."""
        values = self.values
        return HttpSettings(
            request_timeout=values["request_timeout"],
            retry_wait=values["retry_wait"],
            retry_time=values["retry_time"],
            tls=TlsSettings(
                verify_tls=values["verify_tls"],
                ca_bundle=values.get("ca_bundle"),
                fingerprints=tuple(values.get("tls_fingerprint_sha256", ())),
            ),
            **overrides,
        )

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's settings that this connector honours, and no others."""
        for setting in cls.built_in_settings:
            config_jsonschema["properties"].setdefault(setting.name, setting.json_schema())

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:  # noqa: ARG002 - the SDK's signature
        return []

    def _setup_signal_handlers(self) -> None:
        """Install none here: the command does, once for the process."""


def _load_dotenv() -> None:
    """Add the variables of a `.env` file, here or in a folder above, to those of the process."""
    path = find_dotenv(usecwd=True)
    try:
        load_dotenv(path)
    except UnicodeDecodeError as error:
        raise SettingsError([f"the file {path} is not UTF-8"]) from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - a setting's value
    return value.isoformat() if hasattr(value, "isoformat") else value


def user_agent(plugin: str, version: str) -> str:
    """Return the User-Agent header of a connector."""
    return f"{plugin}/{version} (singer)"


__all__: Sequence[str] = ("BUILT_IN_SETTINGS", "ConnectorPlugin", "sdk_settings", "user_agent")
