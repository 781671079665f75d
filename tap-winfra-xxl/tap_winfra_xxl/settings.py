"""The settings of tap-winfra-xxl, the one source of their names, types and defaults."""

from __future__ import annotations

import json
from typing import Any

from connector_kit.common_settings import http_settings, tap_settings
from connector_kit.settings import Setting, SettingFaultError, SettingKind
from tap_winfra_xxl.datasets import DATASETS, DATED, MOST_DAYS
from tap_winfra_xxl.parameters import checked_dataset_params

STREAM_NAMES = tuple(DATASETS)

DEFAULT_LOOKBACK = {name: DATASETS[name].lookback_days for name in DATED}


def _lookback_days(value: Any) -> dict[str, int]:  # noqa: ANN401 - a number or an object
    """Return dataset -> days for every dated dataset."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SettingFaultError("must be a number, or an object as JSON") from error
    if not isinstance(value, dict):
        days = _days(value)
        return dict.fromkeys(DATED, days)
    unknown = [name for name in value if name not in DATED]
    if unknown:
        raise SettingFaultError(
            f"{', '.join(map(repr, unknown))}: only the dated datasets have a lookback:"
            f" {', '.join(DATED)}"
        )
    return DEFAULT_LOOKBACK | {name: _days(days) for name, days in value.items()}


_DAYS = Setting("lookback_days", SettingKind.INTEGER, "", "", minimum=0, maximum=MOST_DAYS)


def _days(value: Any) -> int:  # noqa: ANN401 - whatever a configuration holds
    try:
        return int(_DAYS.parse(value))
    except SettingFaultError as error:
        raise SettingFaultError(f"the days {error}") from error


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise SettingFaultError("must be an address that begins with http:// or https://")
    return value


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "auth_url", SettingKind.URL, "Auth server",
        "Address of the server that gives tokens, with any prefix before /api_token/.",
        required=True,
    ),
    Setting(
        "auth_user", SettingKind.STRING, "Auth user",
        "The third party's user on the auth server, given by the vendor.",
        required=True,
    ),
    Setting(
        "auth_password", SettingKind.STRING, "Auth password",
        "The third party's password on the auth server; may be empty.",
        required=True, secret=True, may_be_empty=True,
    ),
    Setting(
        "domain", SettingKind.STRING, "Domain",
        "Name of the company's domain.",
        required=True,
    ),
    Setting(
        "domain_url", SettingKind.URL, "Domain server",
        "Address of the server that holds the domain's data, with any prefix before /api_v1/.",
        required=True,
    ),
    Setting(
        "domain_user", SettingKind.STRING, "Domain user",
        "User on the domain server.",
        required=True,
    ),
    Setting(
        "domain_password", SettingKind.STRING, "Domain password",
        "Password on the domain server; may be empty.",
        required=True, secret=True, may_be_empty=True,
    ),
    Setting(
        "api_name", SettingKind.STRING, "API name",
        "Name of the API that the token is for.",
        default="xxl",
    ),
    Setting(
        "start_date", SettingKind.DATE, "Start date",
        "First day to read; required when a dated dataset is selected.",
    ),
    Setting(
        "end_date", SettingKind.DATE, "End date",
        "Last day to read, included; today in Madrid where it is missing.",
    ),
    Setting(
        "dataset_params", SettingKind.OBJECT, "Dataset parameters",
        "Dataset -> the API's own parameters for it; one newer than the documents begins with +.",
        refine=checked_dataset_params,
    ),
    Setting(
        "window_days", SettingKind.INTEGER, "Window",
        "Days of a dated dataset that are asked for at once; never above the API's own limit.",
        default=365, minimum=1, maximum=MOST_DAYS,
    ),
    Setting(
        "lookback_days", SettingKind.ANY, "Lookback",
        "Days before the bookmark that are read again: a number for all, or dataset -> days.",
        default=DEFAULT_LOOKBACK, refine=_lookback_days,
    ),
    Setting(
        "page_size", SettingKind.INTEGER, "Slice size",
        "Records asked for in one call; 0 takes a dataset in one answer.",
        default=1000, minimum=0,
    ),
    Setting(
        "download_ahead", SettingKind.INTEGER, "Download ahead",
        "Slices asked for ahead, taken in order; none after a 429 or 503.",
        default=2, minimum=0, maximum=8,
    ),
    Setting(
        "poll_interval", SettingKind.NUMBER, "First look",
        "Seconds before the first look at a petition; doubles up to poll_max_interval.",
        default=60, above=0,
    ),
    Setting(
        "poll_max_interval", SettingKind.NUMBER, "Longest wait",
        "Most seconds between two looks at a petition.",
        default=600, above=0,
    ),
    Setting(
        "generation_timeout", SettingKind.NUMBER, "Generation timeout",
        "Seconds after which a petition that is not ready is an error.",
        default=39600, above=0,
    ),
    Setting(
        "webhook", SettingKind.STRING, "Webhook",
        "Address that the server tells of a petition's state; the tap polls all the same.",
        secret=True, refine=_web_address,
    ),
    *tap_settings(STREAM_NAMES),
    *http_settings(request_timeout=300),
)  # fmt: skip
