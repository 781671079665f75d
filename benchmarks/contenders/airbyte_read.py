"""airbyte-cdk: a declarative source (a manifest, no code), `read` to standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)

from contenders.job import Job, given_job


def manifest_of(job: Job) -> dict[str, Any]:
    """Describe the list in airbyte's way."""

    def option(name: str) -> dict[str, str]:
        return {
            "type": "RequestOption",
            "inject_into": "request_parameter",
            "field_name": name,
        }

    by_page = job.paging == "page"
    strategy = {
        "page_size": job.page_size,
        "inject_on_first_request": True,
        **(
            {"type": "PageIncrement", "start_from_page": 1}
            if by_page
            else {"type": "OffsetIncrement"}
        ),
    }
    stream = {
        "type": "DeclarativeStream",
        "name": job.stream,
        "primary_key": ["id"],
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": job.base_url,
                "path": job.path,
                "http_method": "GET",
                "request_headers": job.headers,
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {
                    "type": "DpathExtractor",
                    "field_path": [job.records] if job.records else [],
                },
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_token_option": option("pagina" if by_page else "offset"),
                "page_size_option": option("limite" if by_page else "limit"),
                "pagination_strategy": strategy,
            },
        },
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": json.loads(Path(job.schema).read_bytes()),
        },
    }
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [job.stream]},
        "streams": [stream],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
    }


def main() -> None:
    """Read the list."""
    job = given_job()
    chosen = {
        "stream": {
            "name": job.stream,
            "json_schema": {},
            "supported_sync_modes": ["full_refresh"],
        },
        "sync_mode": "full_refresh",
        "destination_sync_mode": "append",
    }
    folder = Path(job.folder)
    (folder / "config.json").write_text("{}")
    (folder / "catalog.json").write_text(json.dumps({"streams": [chosen]}))
    source = ConcurrentDeclarativeSource(
        catalog=ConfiguredAirbyteCatalogSerializer.load({"streams": [chosen]}),
        config={},
        state=None,
        source_config=manifest_of(job),
    )
    paths = ["--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json")]
    launch(source, ["read", *paths])


if __name__ == "__main__":
    main()
