"""The limits: a download alone, and a download with the least work that makes Singer lines of it.

    python limits.py WORK

WORK: download; orjson (loads, and dumps of each message); raw (msgspec.Raw slices, nothing checked).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import orjson
import urllib3

from contenders.job import given_job

HEAD = b'{"type":"RECORD","stream":"ventas","record":'


def now() -> str:
    """Return the time of extraction."""
    return datetime.now(UTC).isoformat()


def with_orjson(body: bytes) -> bytes:
    """Parse everything, and write one message a record."""
    stamp = now()
    return b"".join(
        orjson.dumps(
            {"type": "RECORD", "stream": "ventas", "record": record, "time_extracted": stamp},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for record in orjson.loads(body)
    )


_slices = msgspec.json.Decoder(list[msgspec.Raw]).decode


def with_raw(body: bytes) -> bytes:
    """Cut the records out and put each into the envelope, untouched and unchecked."""
    tail = b',"time_extracted":"%b"}\n' % now().encode()
    return HEAD + (tail + HEAD).join(_slices(body)) + tail


WORKS: dict[str, Callable[[bytes], bytes]] = {
    "download": lambda _: b"",
    "orjson": with_orjson,
    "raw": with_raw,
}


def main(work: Callable[[bytes], bytes]) -> None:
    """Read all slices."""
    job = given_job()
    url = urlsplit(job.slices)
    pool = urllib3.HTTPConnectionPool(str(url.hostname), url.port)
    offset = 0
    while True:
        path = f"{url.path}/{offset}/{job.page_size}"
        body = pool.urlopen("GET", path, headers=job.headers, decode_content=False).data
        if len(body) < 3:
            return
        sys.stdout.buffer.write(work(body))
        offset += job.page_size


if __name__ == "__main__":
    main(WORKS[sys.argv[1]])
