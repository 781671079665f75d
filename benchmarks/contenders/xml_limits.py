"""The limits for XML: a download alone, and a download with a parse of which nothing is made.

python -m contenders.xml_limits download|lxml
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import urllib3
from lxml import etree

from contenders.job import given_job


def main(work: str) -> None:
    """Read all pages."""
    job = given_job()
    url = urlsplit(job.base_url)
    pool = urllib3.HTTPConnectionPool(str(url.hostname), url.port)
    start = 0
    while True:
        path = f"{url.path}{job.path}?start={start}&limit={job.page_size}"
        body = pool.urlopen("GET", path, headers=job.headers, decode_content=False).data
        if b"<provider>" not in body:
            return
        if work == "lxml":
            etree.fromstring(body)
        start += job.page_size


if __name__ == "__main__":
    main(sys.argv[1])
