"""What a contender is told to read; only the standard library, as it runs in every environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A list that is served page by page.

    Attributes:
        base_url, path: of the list; pages are asked for by query string.
        slices: address of the same list with `/OFFSET/LIMIT` behind it; empty where there is none.
        headers: with the credentials.
        paging: `offset` (names `offset` and `limit`) or `page` (`pagina` from 1, `limite`).
        page_size: rows of a page.
        records: member of an answer that holds the rows; empty where the answer is the list.
        stream: name.
        schema: file with the JSON schema.
        folder: where files may be written.
    """

    base_url: str
    path: str
    slices: str
    headers: dict[str, str]
    paging: str
    page_size: int
    records: str
    stream: str
    schema: str
    folder: str

    def params(self, page: int) -> dict[str, int]:
        """Return the query of a page.

        Args:
            page: counted from 0.
        """
        if self.paging == "page":
            return {"limite": self.page_size, "pagina": page + 1}
        return {"limit": self.page_size, "offset": page * self.page_size}


def given_job() -> Job:
    """Read the job from the environment (BENCH_JOB, a JSON object)."""
    return Job(**json.loads(os.environ["BENCH_JOB"]))
