"""The settings of target-serpi, the one source of their names, types and defaults."""

from __future__ import annotations

from typing import Any

from connector_kit.common_settings import http_settings
from connector_kit.settings import Setting, SettingFaultError, SettingKind
from serpi_client.settings import CONNECTION

ARTICULOS = "articulos"
DOCUMENTOS = "documentos_contables"
STREAM_NAMES = (ARTICULOS, DOCUMENTOS)


def _aliases(value: dict[str, Any]) -> dict[str, str]:
    for stream, resource in value.items():
        if resource not in STREAM_NAMES:
            raise SettingFaultError(
                f"{stream!r} must be given one of {' and '.join(STREAM_NAMES)}, as text"
            )
    return value


SETTINGS: tuple[Setting, ...] = (
    *CONNECTION,
    Setting(
        "stream_aliases", SettingKind.OBJECT, "Stream aliases",
        "Incoming stream name -> `articulos` or `documentos_contables`.",
        refine=_aliases,
    ),
    Setting(
        "batch_size", SettingKind.INTEGER, "Batch size",
        "Records that are sent in one call.",
        default=100, minimum=1,
    ),
    Setting(
        "write_mode", SettingKind.STRING, "Write mode of articles",
        "`upsert` creates unknown codes and changes known ones; `create` skips known codes, `update`"
        " unknown ones.",
        default="upsert", choices=("upsert", "create", "update"),
    ),
    Setting(
        "on_existing_document", SettingKind.STRING, "Documents that differ",
        "What happens to a document that SERPI holds with another content: `skip`, `fail` (it is"
        " rejected) or `replace` (the stored one is deleted and the new one created).",
        default="skip", choices=("skip", "fail", "replace"),
    ),
    Setting(
        "unknown_fields", SettingKind.STRING, "Unknown fields",
        "What happens to a field that SERPI's pages do not name: `reject` the record, `drop` the"
        " field or `send` it. `_sdc_*` fields are always dropped.",
        default="reject", choices=("reject", "drop", "send"),
    ),
    Setting(
        "check_balance", SettingKind.BOOLEAN, "Check the balance",
        "Whether a document whose debits and credits differ is rejected before it is sent.",
        default=True,
    ),
    Setting(
        "custom_fields_key", SettingKind.STRING, "Key of custom fields",
        "The key under which a changed article's custom fields are sent; SERPI's page writes both.",
        default="camposPersonalizados", choices=("camposPersonalizados", "camposcliente"),
    ),
    Setting(
        "max_rejects", SettingKind.INTEGER, "Rejected records allowed",
        "With more rejected records than this the run ends with exit code 4 and no state.",
        default=0, minimum=0,
    ),
    Setting(
        "max_creates", SettingKind.INTEGER, "Records created at most",
        "The batch that would pass this number is not sent; no limit where it is missing.",
        minimum=0,
    ),
    Setting(
        "max_updates", SettingKind.INTEGER, "Records changed at most",
        "The batch that would pass this number is not sent; no limit where it is missing.",
        minimum=0,
    ),
    Setting(
        "rejects_path", SettingKind.FILE, "File of rejected records",
        "Singer input with the rejected records of the last run, each with its reason.",
        default="serpi-rejects.jsonl",
    ),
    Setting(
        "ledger_path", SettingKind.FILE, "Ledger",
        "SQLite file with a row for every write, made before the write is sent.",
        default="serpi-ledger.sqlite3",
    ),
    Setting(
        "settle_time", SettingKind.NUMBER, "Settle time",
        "Seconds before a write whose outcome is unknown is looked up again.",
        default=30, minimum=0,
    ),
    Setting(
        "lock_timeout", SettingKind.NUMBER, "Lock timeout",
        "Seconds to wait for another target that uses the same token.",
        default=600, minimum=0,
    ),
    Setting(
        "dry_run", SettingKind.BOOLEAN, "Dry run",
        "Whether everything is done but the writes; no state is written.",
        default=False,
    ),
    Setting(
        "report_path", SettingKind.FILE, "Report",
        "HTML file that shows what was done, or in a dry run what would be done.",
        default="serpi-report.html",
    ),
    *http_settings(request_timeout=120),
)  # fmt: skip
