"""The vendor's data: tables made when first asked for, and changed by tests."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, cast

from erp_sandbox import exact
from erp_sandbox.winfra.clock import text_of
from erp_sandbox.winfra.datasets import DATASETS
from erp_sandbox.winfra.invented import Draw, Period, Record
from erp_sandbox.winfra.selection import wanted
from erp_sandbox.winfra.table import Facts, Rows, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from erp_sandbox.vendor import Setup
    from erp_sandbox.winfra.clock import Clock
    from erp_sandbox.winfra.switches import WinfraSwitches

WITHOUT_ATTACHMENT = 5
"""Each n-th record has an empty list of attachments."""


class Data:
    """The 19 datasets.

    A table is made with the first request for it, from the seed, the scale and the clock's day,
    and made again when `history_days` or `row_counts` say something else. A change by a test
    makes a new table; what a petition has prepared stays as it was.
    """

    def __init__(self, setup: Setup, switches: WinfraSwitches, clock: Clock) -> None:
        self._setup = setup
        self._switches = switches
        self._clock = clock
        self._made: dict[str, tuple[tuple[int, int | None], Table]] = {}

    def table(self, dataset: str) -> Table:
        """Return all rows of a dataset as they are now; KeyError if there is no such dataset."""
        spec = DATASETS[dataset]
        count = self._switches.row_counts.get(dataset)
        recipe = (self._switches.history_days, count)
        if dataset not in self._made or self._made[dataset][0] != recipe:
            period = Period(self._clock.today(), self._switches.history_days)
            draw = Draw(self._setup.seed, dataset, period)
            made = (
                spec.rows(draw, self._setup.scale) if count is None else spec.rows_of(draw, count)
            )
            self._made[dataset] = recipe, Table(made)
        return self._made[dataset][1]

    def select(self, dataset: str, parameters: Mapping[str, object]) -> Rows:
        """Return the rows that a petition with these parameters gets at this moment."""
        rows = self.table(dataset).select(wanted(dataset, parameters, self._switches))
        if parameters.get("incluir_ficheros_adjuntos") is True:
            return Rows.of(self._with_attachment(row) for row in rows)
        return rows

    def add(self, dataset: str, *records: Mapping[str, object] | bytes) -> None:
        """Add records at the end, as JSON values or as their very JSON text."""
        spec = DATASETS[dataset]
        new = []
        for given in records:
            text = given if isinstance(given, bytes) else exact.dumps(given).encode()
            new.append((text, spec.facts(cast("Record", exact.loads(text)))))
        self._replace(dataset, [*self.table(dataset).pairs(), *new])

    def change(self, dataset: str, *key: object, **fields: object) -> None:
        """Set fields of one record, and its date of change unless that is among them.

        Args:
            dataset: The record's dataset.
            key: Values of the dataset's key fields.
            fields: New values; numbers with a fraction as `exact.Number`.

        Raises:
            LookupError: If there is no such record.
        """
        spec = DATASETS[dataset]
        position, record = self._find(dataset, key)
        if spec.modified_field:
            fields = {spec.modified_field: text_of(self._clock.local()), **fields}
        record.update(fields)
        pairs = list(self.table(dataset).pairs())
        pairs[position] = exact.dumps(record).encode(), spec.facts(record)
        self._replace(dataset, pairs)

    def remove(self, dataset: str, *key: object) -> None:
        """Take one record away; LookupError if it is not there."""
        position, _ = self._find(dataset, key)
        pairs = list(self.table(dataset).pairs())
        del pairs[position]
        self._replace(dataset, pairs)

    def _find(self, dataset: str, key: tuple[object, ...]) -> tuple[int, Record]:
        for position, record in enumerate(records_of(self.table(dataset).rows)):
            if DATASETS[dataset].identity(record) == key:
                return position, record
        raise LookupError(f"{dataset} has no record with the key {key!r}")

    def _replace(self, dataset: str, pairs: list[tuple[bytes, Facts]]) -> None:
        self._made[dataset] = self._made[dataset][0], Table(pairs)

    def _with_attachment(self, row: bytes) -> bytes:
        """Return the row with a last field `ficheros_adjuntos`, the same for the same row."""
        number = zlib.crc32(row)
        files: list[Record] = []
        if number % WITHOUT_ATTACHMENT:
            period = Period(self._clock.today(), self._switches.history_days)
            draw = Draw(number, "adjunto", period)
            files.append(draw.attachment("imagen ñ.jpg", self._switches.attachment_bytes))
        return row[:-1] + b',"ficheros_adjuntos":' + exact.dumps(files).encode() + b"}"


def records_of(rows: Rows) -> Iterator[Record]:
    """Yield rows as JSON values, fractions as `exact.Number`."""
    for row in rows:
        yield cast("Record", exact.loads(row))
