"""The sinks, one per incoming stream: thin, because what waits belongs to SERPI's stream.

Two incoming streams that go to one of SERPI's share its writer, so that the order of their records
holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import BatchSink

from target_serpi.items import Source
from target_serpi.reading import Incoming

if TYPE_CHECKING:
    from target_serpi.run import Writer
    from target_serpi.target import TargetSerpi


class SerpiSink(BatchSink):
    """Hands records to the writer of one of SERPI's streams."""

    def __init__(
        self,
        target: TargetSerpi,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Make the sink.

        Args:
            target: that reads.
            stream_name: after stream maps.
            schema: of the stream; SERPI's own field tables decide what is valid.
            key_properties: of the stream; SERPI's business keys are used.
        """
        super().__init__(target, stream_name, schema, key_properties)
        resource = target.resource_of(stream_name)
        self._writer: Writer = target.run.writer(resource)
        self._counts = target.run.outcomes.opened(stream_name)
        self.schema_line = b""

    def get_validator(self) -> None:
        """Return none: records are held against SERPI's field tables."""

    def take(self, record: dict[str, Any], incoming: Incoming) -> bool:
        """Take a record.

        Args:
            record: after stream maps.
            incoming: the message it came in.

        Returns:
            whether a batch is complete.
        """
        self._writer.add(record, self._read(incoming))
        return self._writer.is_full

    def refuse(self, incoming: Incoming, reason: str) -> None:
        """Reject a record that could not be mapped.

        Args:
            incoming: the message it came in.
            reason: for a person.
        """
        self._writer.refuse(self._read(incoming), reason)

    def _read(self, incoming: Incoming) -> Source:
        self._counts.read += 1
        self.tally_record_read()
        return Source(self.stream_name, incoming.stream, incoming.raw, self.schema_line)

    def write_full(self) -> None:
        """Bring full batches to SERPI; what waits beyond them stays, and so does this sink's count."""
        with self.batch_processing_timer:
            self._writer.flush_full()

    def process_batch(self, context: dict[str, Any]) -> None:
        """Bring what waits to SERPI."""
        del context
        self.record_counter_metric.increment(self.current_size)
        self._writer.flush()
