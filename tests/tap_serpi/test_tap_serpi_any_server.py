"""Any mixture of SERPI's unknowns: a run that ends well is complete, any other says so."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from erp_sandbox.faults import Fault
from support.serpi_tap import (
    ALL_DOCUMENTS,
    ARTICLES,
    DOCUMENTS,
    STREAMS,
    TYPES,
    held,
    ids,
    run,
    texts,
)
from support.servers import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import RunningSandbox

ROWS = 45
UNKNOWNS: dict[str, list[Any]] = {
    "page_maximum": [0, 0, 2, 7, 20],
    "ignore_limite": [False, False, False, True],
    "past_end": ["empty", "last_page", "http404"],
    "empty_answer": ["code204", "code201", "http204", "null_result", "empty_list"],
    "message_count": ["page", "total"],
    "row_order": ["stored", "reversed", "shuffled"],
    "custom_fields": ["held", "null", "list", "absent", "mixed"],
    "key_spelling": ["json", "table", "mixed"],
    "padded_text": [False, True],
    "late_field_from": [0, 0, 1, 30],
    "dates": ["day", "datetime"],
    "charset": ["utf-8", "utf-8", "latin1_declared"],
}
PASSING = ["drop", "reset", "cut_body", "html", "garbage", "lost_answer"]


@pytest.fixture(scope="module")
def small() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=ROWS / 1200) as sandbox:
        yield sandbox


def prepare(sandbox: RunningSandbox, chance: random.Random) -> dict[str, Any]:
    """Set every unknown by chance, and return some settings."""
    sandbox.serpi.reset()
    for name, values in UNKNOWNS.items():
        setattr(sandbox.serpi.switches, name, chance.choice(values))
    for _ in range(chance.randrange(3)):
        kind: Any = chance.choice(PASSING)
        sandbox.serpi.faults.add(Fault(kind, skip=chance.randrange(8)))
    return {
        "page_size": chance.choice([1, 3, 10, 44, 45, 46, 500]),
        "window_days": chance.choice([20, 31, 100, 1000]),
        "retry_time": 5,
    }


@pytest.mark.parametrize("seed", range(25))
def test_whatever_serpi_does_every_row_comes_out_once(small: RunningSandbox, seed: int) -> None:
    given = prepare(small, random.Random(seed))  # noqa: S311 - a predictable one is wanted
    run_ = run(small, **ALL_DOCUMENTS, **given)
    switches = small.serpi.switches
    if run_.exit_code == 3 and switches.past_end == "last_page":
        # One page that comes again whatever is asked for cannot be told from `pagina` ignored.
        assert switches.ignore_limite
        assert "`pagina`" in run_.stderr
        return
    output = run_.ok()
    output.check_records()
    for stream in STREAMS:
        assert sorted(ids(texts(output, stream))) == sorted(ids(held(small.serpi, stream)))
    assert small.serpi.overlaps == 0


@pytest.mark.parametrize("seed", range(25, 40))
def test_pagina_ignored_never_makes_a_short_table(small: RunningSandbox, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a predictable one is wanted
    given = prepare(small, chance)
    small.serpi.switches.ignore_pagina = True
    small.serpi.switches.insert_before_page = chance.choice([0, 2, 3])
    run_ = run(small, **ALL_DOCUMENTS, **{**given, "page_size": max(2, given["page_size"])})
    run_.failed(3, "`pagina`")
    for stream in (ARTICLES, TYPES):
        assert run_.output.activated(stream) == []
    bookmark = run_.output.state["bookmarks"].get(DOCUMENTS) or {}
    assert "until" not in bookmark
