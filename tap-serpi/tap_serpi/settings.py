"""The settings of tap-serpi, the one source of their names, types and defaults."""

from __future__ import annotations

from connector_kit.common_settings import http_settings, tap_settings
from connector_kit.settings import Setting, SettingFaultError, SettingKind
from serpi_client.settings import CONNECTION

STREAM_NAMES = ("articulos", "documentos_contables", "tipos_documento")


def _codes(values: list[str]) -> list[str]:
    # SERPI takes an empty filter for none.
    if not all(value.strip() for value in values):
        raise SettingFaultError("no item may be empty")
    return values


SETTINGS: tuple[Setting, ...] = (
    *CONNECTION,
    Setting(
        "start_date", SettingKind.DATE, "Start date",
        "First day of `fechaDocumento` to read; required when documentos_contables is selected.",
    ),
    Setting(
        "end_date", SettingKind.DATE, "End date",
        "Last day of `fechaDocumento` to read, included; today in Bogotá where it is missing.",
    ),
    Setting(
        "document_types", SettingKind.ARRAY, "Document types",
        "Ids of the document types to read (stream tipos_documento lists them); all where missing.",
        item_kind=SettingKind.INTEGER,
    ),
    Setting(
        "codigo", SettingKind.ARRAY, "Article codes",
        "Codes of the articles to read, as text in quotes: leading zeros count; all where missing.",
        refine=_codes,
    ),
    Setting(
        "page_size", SettingKind.INTEGER, "Page size",
        "Rows asked for in one call (`limite`).",
        default=500, minimum=1,
    ),
    Setting(
        "window_days", SettingKind.INTEGER, "Window",
        "Days of accounting documents that are asked for at once.",
        default=31, minimum=1,
    ),
    Setting(
        "lookback_days", SettingKind.INTEGER, "Lookback",
        "Days before the bookmark that are read again, because entries are back-dated.",
        default=30, minimum=0,
    ),
    *tap_settings(STREAM_NAMES),
    *http_settings(request_timeout=120),
)  # fmt: skip
