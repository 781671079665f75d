"""dlt's rest_api source.

python dlt_read.py extract                    its first step alone
python dlt_read.py files|duckdb|postgres      extract, normalise, load (BENCH_DATABASE: where to)
"""

from __future__ import annotations

import os
import sys
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from contenders.job import Job, given_job


def source_of(job: Job) -> Any:  # noqa: ANN401 - dlt's own type
    """Describe the list in dlt's way."""
    paginator = {
        "offset": {
            "type": "offset",
            "limit": job.page_size,
            "total_path": None,
            "stop_after_empty_page": True,
        },
        "page": {
            "type": "page_number",
            "base_page": 1,
            "page_param": "pagina",
            "total_path": None,
            "stop_after_empty_page": True,
        },
    }[job.paging]
    params = {"limite": job.page_size} if job.paging == "page" else {}
    endpoint = {
        "path": job.path.lstrip("/"),
        "params": params,
        "data_selector": job.records or "$",
        "paginator": paginator,
    }
    return rest_api_source(
        {
            "client": {"base_url": job.base_url, "headers": job.headers},
            "resources": [{"name": job.stream, "primary_key": "id", "endpoint": endpoint}],
        },
        # One table, lists as JSON, as the loaders of Singer make it; a table for each list takes longer.
        max_table_nesting=0,
    )


def destination_of(name: str, job: Job) -> Any:  # noqa: ANN401 - dlt's own type
    """Return where the rows go."""
    if name == "duckdb":
        return dlt.destinations.duckdb(os.environ["BENCH_DATABASE"])
    if name == "postgres":
        return dlt.destinations.postgres(os.environ["BENCH_DATABASE"])
    return dlt.destinations.filesystem(bucket_url=f"file://{job.folder}/files")


def main(name: str) -> None:
    """Read the list."""
    job = given_job()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{job.folder}/pipelines",
        destination=destination_of(name, job),
        dataset_name="bench",
    )
    if name == "extract":
        pipeline.extract(source_of(job))
    elif name == "files":
        os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"
        pipeline.run(source_of(job), loader_file_format="jsonl", write_disposition="append")
    else:
        pipeline.run(source_of(job), write_disposition="merge")


if __name__ == "__main__":
    main(sys.argv[1])
