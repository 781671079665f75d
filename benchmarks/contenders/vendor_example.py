"""WINFRA's own sample program, its download loop: each slice's bytes into a file, nothing parsed."""

from __future__ import annotations

from pathlib import Path

import requests

from contenders.job import given_job


def main() -> None:
    """Download all slices."""
    job = given_job()
    offset = 0
    while True:
        address = f"{job.slices}/{offset}/{job.page_size}"
        response = requests.get(address, headers=job.headers, timeout=60)
        response.raise_for_status()
        if len(response.content) < 3:
            return
        Path(job.folder, f"xxl.{job.stream}.{offset}.json").write_bytes(response.content)
        offset += job.page_size


if __name__ == "__main__":
    main()
