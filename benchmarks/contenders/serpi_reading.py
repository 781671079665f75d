"""target-serpi's own reader and field table, up to the payloads: what is read, checked and mapped.

python serpi_reading.py --config ... --input FILE (the settings are not needed)
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from connector_kit.tuning import starting

with starting():
    from target_serpi.mapping.articulos import map_article
    from target_serpi.reading import Incoming, SerpiReader


def main(path: str) -> None:
    """Read a file of messages."""

    def take(incoming: Incoming) -> None:
        _, faults = map_article(incoming.record, "reject")
        assert not faults

    reader = SerpiReader(contextlib.nullcontext)
    with Path(path).open("rb") as messages:
        reader.process_lines(messages, {"RECORD": take, "SCHEMA": lambda _: None})


if __name__ == "__main__":
    main(sys.argv[-1])
