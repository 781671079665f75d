"""The settings of tap-facturadirecta, the one source of their names, types and defaults."""

from __future__ import annotations

import re

from connector_kit.common_settings import http_settings, tap_settings
from connector_kit.settings import Setting, SettingFaultError, SettingKind
from tap_facturadirecta.filters import checked_filters

STREAM_NAMES = ("providers",)

LARGEST_PAGE = 250
"""The API's maximum of `limit` (https://dev.facturadirecta.com/site/rest-api/providers.html)."""

_ACCOUNT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_TOKEN = re.compile(r"[!-9;-~]+")


def _account(value: str) -> str:
    account = value.strip()
    if not _ACCOUNT.fullmatch(account):
        raise SettingFaultError(
            "must be the first part alone of https://ACCOUNT.facturadirecta.com: letters, digits, -"
        )
    return account


def _api_url(value: str) -> str:
    address = value.rstrip("/")
    if address.endswith("/api"):
        raise SettingFaultError("must be written without /api at its end; the tap adds it")
    return address


def _token(value: str) -> str:
    token = value.strip()
    if not _TOKEN.fullmatch(token):
        raise SettingFaultError("holds characters that no token has (a blank, a colon, an accent)")
    return token


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "account", SettingKind.STRING, "Account",
        "Name of the account, the first part of its address; needed unless api_url is given.",
        refine=_account,
    ),
    Setting(
        "api_url", SettingKind.URL, "API address",
        "Scheme, host and any prefix, without /api; wins over account.",
        refine=_api_url,
    ),
    Setting(
        "api_token", SettingKind.STRING, "API token",
        "Token of the account's API; sent as the user of HTTP Basic.",
        required=True, secret=True, refine=_token,
    ),
    Setting(
        "page_size", SettingKind.INTEGER, "Page size",
        "Providers asked for in one call; 250 is the API's maximum.",
        default=LARGEST_PAGE, minimum=1, maximum=LARGEST_PAGE,
    ),
    Setting(
        "filters", SettingKind.OBJECT, "Filters",
        "tax_code, code, term, email, email_match, owner_email, custom_attributes.",
        refine=checked_filters,
    ),
    Setting(
        "details", SettingKind.STRING, "Details",
        "Whether each provider's own call is made: auto looks whether lists are complete.",
        default="auto", choices=("auto", "always", "never"),
    ),
    Setting(
        "archive_raw", SettingKind.BOOLEAN, "Archive raw",
        "Keeps each provider's own XML in the property _xml.",
        default=False,
    ),
    *tap_settings(STREAM_NAMES),
    *http_settings(request_timeout=60),
)  # fmt: skip
