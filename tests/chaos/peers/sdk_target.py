"""An ordinary target of SERPI's documents on singer-sdk: a BatchSink that posts its batch.

The SDK has no REST sink. This one has what the SDK's own `RESTStream` does by default: the same
exceptions are retried, as often and as long; a refusal raises.
"""

from __future__ import annotations

from typing import Any

import backoff
import requests
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.singerlib.json import serialize_json
from singer_sdk.sinks import BatchSink


class DocumentSink(BatchSink):
    """POST /DocumentoContable with a batch."""

    max_size = 10

    def process_batch(self, context: dict[str, Any]) -> None:
        self._post([_plain(record) for record in context["records"]])

    @backoff.on_exception(
        lambda: backoff.expo(factor=2),
        (
            RetriableAPIError,
            requests.exceptions.ReadTimeout,
            requests.exceptions.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ),
        max_tries=5,
    )
    def _post(self, records: list[dict[str, Any]]) -> None:
        response = requests.post(
            f"{self.config['api_url']}/DocumentoContable",
            data=serialize_json(records).encode(),
            headers={
                "Authorization": f"Bearer {self.config['token']}",
                "secretkey": self.config["secret_key"],
                "Content-Type": "application/json",
            },
            timeout=self.config["request_timeout"],
        )
        said = f"{response.status_code} for {response.url}: {response.text}"
        if response.status_code == 429 or response.status_code >= 500:
            raise RetriableAPIError(said, response)
        if response.status_code >= 400:
            raise FatalAPIError(said)
        if not response.json()["success"]:
            raise FatalAPIError(said)


def _plain(value: Any) -> Any:
    """Give back as text what the SDK has made a date of."""
    if isinstance(value, dict):
        return {
            name: _plain(child) for name, child in value.items() if not name.startswith("_sdc_")
        }
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value.isoformat()[:10] if hasattr(value, "isoformat") else value


class OrdinaryTarget(Target):
    """The ordinary twin of target-serpi."""

    name = "target-ordinary"
    default_sink_class = DocumentSink
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("secret_key", th.StringType, required=True, secret=True),
        th.Property("request_timeout", th.NumberType, default=300),
    ).to_dict()


if __name__ == "__main__":
    OrdinaryTarget.cli()
