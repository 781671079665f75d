"""A target for SERPI's articles on singer-sdk, written the ordinary way: a BatchSink that posts.

BENCH_SINK: post, or drop (reads and checks, as the SDK does by default, and sends nothing).
"""

from __future__ import annotations

import os
from typing import Any

import requests
from singer_sdk import BatchSink, Target
from singer_sdk import typing as th
from singer_sdk.singerlib.json import serialize_json


class ArticulosSink(BatchSink):
    """POST /Articulo, so many at a time."""

    max_size = 100

    @property
    def session(self) -> requests.Session:
        """One connection, kept."""
        session: requests.Session | None = getattr(self, "_session", None)
        if session is None:
            session = self._session = requests.Session()
            token = f"Bearer {self.config['token']}"
            session.headers.update({"Authorization": token, "secretkey": self.config["secret_key"]})
        return session

    def process_batch(self, context: dict[str, Any]) -> None:
        """Send what came."""
        if os.environ["BENCH_SINK"] == "drop":
            return
        self.session.post(
            f"{self.config['api_url']}/Articulo",
            data=serialize_json(context["records"]),
            headers={"Content-Type": "application/json"},
            timeout=120,
        ).raise_for_status()


class TargetPlain(Target):
    """The ordinary twin of target-serpi."""

    name = "target-plain"
    default_sink_class = ArticulosSink
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("secret_key", th.StringType, required=True, secret=True),
    ).to_dict()


if __name__ == "__main__":
    TargetPlain.cli()
