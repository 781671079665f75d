"""What is to be asked for: windows of days per stream, and the items of petitions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connector_kit.windows import DayWindow, cut_days
from tap_winfra_xxl.datasets import CHANGED_SINCE, FROM, MOST_DAYS, UNTIL, Dataset
from tap_winfra_xxl.moments import (
    an_hour_before,
    first_moment,
    last_moment,
    read_moment,
    year_until,
)
from tap_winfra_xxl.parameters import SETTLED
from tap_winfra_xxl.spans import DAY, covers, merged, shared, without


@dataclass(frozen=True)
class Reader:
    """How a stream is read.

    Attributes:
        dataset: what.
        has_key: whether its records have a key, so that they may be read again.
        in_full: whether the catalog asks for all of it each time.
    """

    dataset: Dataset
    has_key: bool
    in_full: bool

    @property
    def reads_changes(self) -> bool:
        """Whether later runs ask for what was changed since the last one."""
        return self.dataset.knows_changes and self.has_key and not self.in_full

    @property
    def is_snapshot(self) -> bool:
        """Whether each complete read is the whole table."""
        return self.in_full or not (self.dataset.is_dated or self.reads_changes)


class Planner:
    """Plans by the settings and the server's day."""

    def __init__(self, values: Mapping[str, Any], today: date) -> None:
        """Take the settings.

        Args:
            values: of the tap.
            today: the day that it is for the server.
        """
        self._values = values
        self.today = today

    def spans(self, reader: Reader, known: Sequence[DayWindow]) -> list[DayWindow]:
        """Return the days that a new run reads of a dated dataset.

        Args:
            reader: of the stream.
            known: the days that were read, in order.

        Returns:
            spans in order; those that were read before stay apart from new ones where the dataset can
            be asked for changes alone.
        """
        start: date = self._values["start_date"]
        last = self._last_day(reader)
        if last < start:
            return []
        whole = DayWindow(start, last)
        if reader.in_full:
            return [whole]
        new = without([whole], known)
        if not reader.has_key or not known:
            return new
        again = self._again(reader, known, whole)
        spans = sorted([*new, *again], key=lambda span: span.first)
        # A document that is new in its days may have been written long before.
        return spans if reader.dataset.knows_changes else merged(spans)

    def _again(
        self, reader: Reader, known: Sequence[DayWindow], whole: DayWindow
    ) -> list[DayWindow]:
        bookmark = known[-1].last
        lookback = timedelta(days=self._values["lookback_days"][reader.dataset.name])
        first = max(whole.first, bookmark - min(lookback, bookmark - date.min))
        return shared(known, [DayWindow(first, whole.last)])

    def resumed_spans(self, reader: Reader, todo: Sequence[DayWindow]) -> list[DayWindow]:
        """Return what an unfinished run still has to read, up to this run's last day.

        Args:
            reader: of the stream.
            todo: as the unfinished run left it.
        """
        if not todo:
            return []
        after = DayWindow(todo[-1].last + DAY, self._last_day(reader))
        if after.last < after.first:
            return list(todo)
        spans = [*todo, after]
        return spans if reader.dataset.knows_changes else merged(spans)

    def windows(self, dataset: Dataset, spans: Iterable[DayWindow]) -> list[DayWindow]:
        """Cut spans into windows that one petition may ask for."""
        days = min(self._values["window_days"], dataset.longest_window or MOST_DAYS)
        return [window for span in spans for window in cut_days(span.first, span.last, days)]

    def _last_day(self, reader: Reader) -> date:
        end: date = self._values.get("end_date") or self.today
        # Without a key rows cannot be read again, so a day that still grows is left for later.
        return end if reader.has_key else min(end, self.today - DAY)

    def parameters(
        self,
        reader: Reader,
        window: DayWindow | None,
        *,
        known: Sequence[DayWindow],
        since: str | None,
    ) -> dict[str, Any]:
        """Return a dataset's parameters for one petition.

        Args:
            reader: of the stream.
            window: days, None where the dataset has none.
            known: the days that were read.
            since: when the last complete read began to ask, by the server's clock.

        Returns:
            the API's own parameters, dates as `yyyy-mm-ddThh:mm:ss`.
        """
        parameters: dict[str, Any] = dict(self.given(reader.dataset))
        if window is not None:
            parameters |= {FROM: first_moment(window), UNTIL: last_moment(window)}
        elif parameters.get(SETTLED) is True and FROM not in parameters:
            last = read_moment(parameters[UNTIL]).date() if UNTIL in parameters else self.today
            year = year_until(last)
            parameters = {FROM: first_moment(year), UNTIL: last_moment(year), **parameters}
        was_read = window is None or covers(known, window)
        if since and reader.reads_changes and was_read and (moment := an_hour_before(since)):
            parameters[CHANGED_SINCE] = moment
        return parameters

    def given(self, dataset: Dataset) -> Mapping[str, Any]:
        """Return the parameters that the user gave."""
        given: Mapping[str, Any] = self._values.get("dataset_params", {}).get(dataset.name, {})
        return given
