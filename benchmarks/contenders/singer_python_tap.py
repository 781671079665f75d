"""A tap on singer-python, written by hand the ordinary way.

    python singer_python_tap.py [transform]

With `transform` each record goes through its Transformer, as in most older taps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import requests
import singer

from contenders.job import given_job


def main(*, transform: bool) -> None:
    """Read the list."""
    job = given_job()
    schema = json.loads(Path(job.schema).read_bytes())
    session = requests.Session()
    session.headers.update(job.headers)
    singer.write_schema(job.stream, schema, ["id"])
    page = 0
    with singer.metrics.record_counter(job.stream) as counter, singer.Transformer() as transformer:
        while True:
            response = session.get(job.base_url + job.path, params=job.params(page), timeout=60)
            response.raise_for_status()
            answer = response.json()
            records = answer.get(job.records) if job.records else answer
            if not records:
                break
            stamp = singer.utils.now()
            for record in records:
                row = transformer.transform(record, schema) if transform else record
                singer.write_record(job.stream, row, time_extracted=stamp)
                counter.increment()
            page += 1
            singer.write_state({"page": page})


if __name__ == "__main__":
    main(transform="transform" in sys.argv[1:])
