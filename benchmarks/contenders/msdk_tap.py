"""tap-rest-api-msdk: a tap that is configured and not written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tap_rest_api_msdk.tap import TapRestApiMsdk

from contenders.job import Job, given_job


def config_of(job: Job) -> dict[str, Any]:
    """Describe the list in the tap's way."""
    stream = {
        "name": job.stream,
        "path": job.path,
        "primary_keys": ["id"],
        "records_path": f"$.{job.records}[*]" if job.records else "$.[*]",
        "num_inference_records": 50,
    }
    common = {"api_url": job.base_url, "headers": job.headers, "streams": [stream]}
    if job.paging == "page":
        stream["params"] = {"limite": job.page_size}
        return {
            **common,
            "pagination_request_style": "page_number_paginator",
            "pagination_response_style": "page",
            "pagination_next_page_param": "pagina",
            # Its default is 0.
            "pagination_initial_offset": 1,
            # It asks whether there is more by a member of the answer; rows have one.
            "next_page_token_path": f"$.{job.records}[0].id",
        }
    return {
        **common,
        "pagination_request_style": "simple_offset_paginator",
        "pagination_response_style": "offset",
        # Its default, 1, leaves out the first record.
        "pagination_initial_offset": 0,
        "pagination_page_size": job.page_size,
    }


def main() -> None:
    """Read the list."""
    job = given_job()
    path = Path(job.folder, "config.json")
    path.write_text(json.dumps(config_of(job)))
    sys.argv[1:] = ["--config", str(path)]
    TapRestApiMsdk.cli()


if __name__ == "__main__":
    main()
