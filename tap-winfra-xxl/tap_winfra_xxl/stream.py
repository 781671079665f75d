"""The base of the 19 streams: how a dataset's kind decides versions and replication."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from connector_kit.pages import Page
from connector_kit.stream import ConnectorStream
from tap_winfra_xxl.bookmark import Bookmark
from tap_winfra_xxl.datasets import DATASETS, Dataset
from tap_winfra_xxl.planner import Reader
from tap_winfra_xxl.run import Run

if TYPE_CHECKING:
    from tap_winfra_xxl.tap import TapWinfraXxl


class XxlStream(ConnectorStream):
    """A dataset of the bulk export.

    Attributes:
        goes_on: whether this run goes on with rows of a snapshot that an earlier run began.
    """

    goes_on = False

    @property
    def dataset(self) -> Dataset:
        """What the documents say of it."""
        return DATASETS[self.name]

    @property
    def reader(self) -> Reader:
        """How it is read."""
        return Reader(self.dataset, bool(self.primary_keys), self.reads_in_full)

    @property
    def replication_method(self) -> str:
        """INCREMENTAL where a later run reads less, though no record field bounds it."""
        if self.forced_replication_method:
            return str(self.forced_replication_method)
        has_less = self.dataset.is_dated or (self.dataset.knows_changes and self.primary_keys)
        return REPLICATION_INCREMENTAL if has_less else REPLICATION_FULL_TABLE

    def begin(self) -> None:
        """Get ready: a snapshot that goes on keeps its version."""
        self.is_snapshot = self.reader.is_snapshot
        super().begin()
        Bookmark(self).note_snapshot(self._stream_version)

    def new_version(self) -> int:
        """Return this snapshot's version, greater than any before."""
        bookmark = Bookmark(self)
        if self.goes_on and bookmark.snapshot is not None:
            return bookmark.snapshot
        return max(super().new_version(), bookmark.last_version + 1)

    def renew_snapshot(self) -> None:
        """Begin the snapshot anew, so that a loader drops the rows of a petition that is gone.

        One of several windows keeps its version: the other windows' rows are good.
        """
        if self._stream_version is None or self.dataset.is_dated:
            return
        self.goes_on = False
        self._stream_version = self.new_version()
        self._planned = False
        Bookmark(self).note_snapshot(self._stream_version)

    def read_pages(self) -> Iterator[Page]:
        """Yield all pages, for the SDK's dry run: this stream alone."""

        def fail(_: ConnectorStream, error: Exception) -> None:
            raise error

        tap = cast("TapWinfraXxl", self.tap)
        with contextlib.closing(Run(tap, [self], failed=fail, ended=lambda _: None)) as run:
            for read in run.reads():
                yield from read.pages()
