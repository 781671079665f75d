# mypy: disable-error-code="import-not-found"
"""An ordinary target of SERPI's documents on hotglue-singer-sdk: its REST sink, a record a call.

Retries, hashes of what was sent, summary and state are its own.
"""

from __future__ import annotations

from typing import Any

from hotglue_singer_sdk import typing as th
from hotglue_singer_sdk.target_sdk.client import HotglueSink
from hotglue_singer_sdk.target_sdk.target import TargetHotglue


class DocumentSink(HotglueSink):  # type: ignore[misc]  # its package is in another environment
    """POST /DocumentoContable with a record."""

    name = "documentos_contables"
    endpoint = "/DocumentoContable"
    unified_schema = None

    @property
    def base_url(self) -> str:
        return str(self.config["api_url"])

    @property
    def timeout(self) -> float:
        return float(self.config["request_timeout"])

    @property
    def http_headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.config['token']}",
            "secretkey": self.config["secret_key"],
        }

    def preprocess_record(self, record: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        del context
        return record

    def upsert_record(
        self, record: dict[str, Any], context: dict[str, Any]
    ) -> tuple[None, bool, dict[str, Any]]:
        del context
        response = self.request_api("POST", request_data=[record])
        return None, bool(response.json()["success"]), {}


class HotglueTarget(TargetHotglue):  # type: ignore[misc]  # as above
    """The twin of target-serpi on hotglue's SDK."""

    name = "target-hotglue-twin"
    SINK_TYPES = (DocumentSink,)
    MAX_PARALLELISM = 1
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True),
        th.Property("secret_key", th.StringType, required=True),
        th.Property("request_timeout", th.NumberType),
    ).to_dict()


if __name__ == "__main__":
    HotglueTarget.cli()
