"""The settings of every connector that talks to SERPI."""

from __future__ import annotations

from connector_kit.common_settings import header_text
from connector_kit.settings import Setting, SettingKind

CONNECTION: tuple[Setting, ...] = (
    Setting(
        "api_url", SettingKind.URL, "API address",
        "Address of SERPI's API, up to and with the version.",
        default="https://apis.serpi.com.co/api/v1",
    ),
    Setting(
        "token", SettingKind.STRING, "Token",
        "Access token that SERPI ERP generates; sent as `Authorization: Bearer`.",
        required=True, secret=True, refine=header_text,
    ),
    Setting(
        "secret_key", SettingKind.STRING, "Secret key",
        "The company's `secretkey` for API calls.",
        required=True, secret=True, refine=header_text,
    ),
)  # fmt: skip
"""Where SERPI is, and with which credentials it is asked."""
