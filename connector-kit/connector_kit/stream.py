"""The base of every stream: pages in, checked lines out, with keys, versions and schemas.

A vendor's base stream gives `read_pages`; a stream itself is a declaration. The SDK's `Stream.sync` is
final, sends its one SCHEMA before anything is learned and activates a version before its rows, so a
run goes through `run`; the SDK's own way is left to its dry run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.batch import Batcher
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.helpers._catalog import get_selected_schema, pop_deselected_record_properties
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Catalog, SelectionMask
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from connector_kit.emission import FieldPicker, RawEmission, kept_properties, plain_map
from connector_kit.errors import ConnectorError, SettingsError, UpstreamError
from connector_kit.pages import NotJsonError, Page
from connector_kit.progress import Progress
from connector_kit.schema.stream_schema import SchemaContract, StreamSchema
from connector_kit.seen import SeenRows, row_keys
from connector_kit.signals import GUARD

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.mapper import StreamMap

    from connector_kit.tap import ConnectorTap

SCHEMA_KEY = "schema"
VERSION_KEY = "version"
MAP_FAULTS = (StreamMapConfigError, MapExpressionError, NotImplementedError, ValueError)
"""What the SDK raises for a map that cannot be, and for two columns that flattening gives one name."""
PART = 1000
"""So many records are checked at once: more objects than that no longer fit a processor's cache."""

LINES_AT_ONCE = 250
"""So many lines are written at once, for the same reason."""


class ConnectorStream(Stream):
    """A stream that passes pages on.

    Attributes:
        default_keys: the key properties where the user names no others.
        documented_schema: JSON schema of the vendor's documents; no properties where there are none.
        is_snapshot: whether a complete read is the whole table, so that what is missing is gone.
        pages_can_shift: whether rows can come twice because pages move under the reader.
        learns_date_times: whether a text may be learned as a date-time; not where all values are text.
    """

    # Values are checked against the schema before; the SDK's walk would drop what it does not know.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    default_keys: ClassVar[tuple[str, ...]] = ()
    documented_schema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {}}
    is_snapshot: bool = True
    pages_can_shift: ClassVar[bool] = False
    learns_date_times: ClassVar[bool] = True

    def __init__(self, tap: ConnectorTap) -> None:
        """Make the stream of a tap; nothing is asked of the vendor yet.

        Args:
            tap: whose settings and state it uses.
        """
        super().__init__(tap)
        self.tap = tap
        self.stream_schema = StreamSchema(
            self.name,
            self.documented_schema,
            contract=SchemaContract(tap.values.get("schema_contract", SchemaContract.EVOLVE)),
            date_times=self.learns_date_times,
            logger=self.logger,
        )
        given = tap.values.get("key_properties", {}).get(self.name)
        self._keys_are_given = given is not None
        self._set_keys(self.default_keys if given is None else given)
        self.progress = Progress(self.name, self.logger)
        self._counter = self.get_record_counter()
        self._timer = self.get_sync_timer()
        self._schema_sent: dict[str, Any] | None = None
        self._emission: RawEmission | None = None
        self._picker: FieldPicker | None = None
        self._planned = False
        self._seen: SeenRows | None = None
        self._replaced = 0
        self._running = False

    @abstractmethod
    def read_pages(self) -> Iterator[Page]:
        """Ask the vendor and yield pages of records.

        A page's `bookmark` is set as soon as the page is on standard output, and never without it.
        """

    def prepared(self, page: Page) -> Page:
        """Mend what the vendor spells in two ways; asked only of pages that do not fit."""
        return page

    # Keys, schema, selection

    def _set_keys(self, keys: Sequence[str]) -> None:
        self.primary_keys = tuple(keys)
        self.stream_schema.keys = tuple(keys)

    @property
    def schema(self) -> dict[str, Any]:
        """The schema as it is known now; not to be changed."""
        return self.stream_schema.json_schema()

    @property
    def effective_schema(self) -> dict[str, Any]:
        """The same: the catalog's types are part of it."""
        return self.stream_schema.json_schema()

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take selection, types and (where the settings give none) keys from a catalog."""
        self._tap_input_catalog = catalog
        entry = catalog.get_stream(self.name)
        if entry is None:
            return
        root = entry.metadata.root
        if not self._keys_are_given and (keys := entry.key_properties or root.table_key_properties):
            self._set_keys(keys)
        self.forced_replication_method = entry.replication_method or root.forced_replication_method
        self.stream_schema.apply_catalog(entry.schema.to_dict())

    @property
    def replication_method(self) -> str:
        """What a catalog says of the stream; the SDK would call it full wherever no key is named."""
        if self.forced_replication_method:
            return str(self.forced_replication_method)
        return REPLICATION_FULL_TABLE if self.is_snapshot else REPLICATION_INCREMENTAL

    @property
    def reads_in_full(self) -> bool:
        """Whether the catalog asks for a full read each time."""
        return bool(self.forced_replication_method == REPLICATION_FULL_TABLE)

    @property
    def mask(self) -> SelectionMask:
        """What is selected; keys always are."""
        if self._mask is None:
            mask = self.metadata.resolve_selection()
            if mask.get((), False):
                for name in (*self.primary_keys, self.replication_key):
                    if name:
                        mask["properties", name] = True
            self._mask = mask
        return self._mask

    # Bookmark

    @property
    def bookmark(self) -> dict[str, Any]:
        """The stream's bookmark; changed by `set_bookmark` alone."""
        bookmarks: dict[str, dict[str, Any]] = self.tap_state.get("bookmarks", {})
        return bookmarks.get(self.name, {})

    def set_bookmark(self, **entries: Any) -> None:  # noqa: ANN401 - JSON values
        """Change entries of the bookmark, in one step that no signal divides.

        Args:
            entries: texts, whole numbers or lists of them; None clears (Meltano merges states key by
                key, so an entry that is left out would come back).
        """
        new = {**self.bookmark, **entries}
        memory = self.stream_schema.memory()
        if memory is not None or SCHEMA_KEY in new:
            new[SCHEMA_KEY] = memory
        self.tap_state.setdefault("bookmarks", {})[self.name] = new

    def recall(self) -> None:
        """Take the schema that the bookmark remembers."""
        memory = self.bookmark.get(SCHEMA_KEY)
        if isinstance(memory, str) and memory:
            self.stream_schema.recall(memory)

    # A run

    def run(self) -> None:
        """Read everything and pass it on.

        Raises:
            ConnectorError: the stream is not complete; what went out is bookmarked.
        """
        self.begin()
        self.pass_on(self.read_pages())
        self.complete()

    def begin(self) -> None:
        """Get ready: a version for a snapshot.

        A batch's rows carry no version, so a loader that is told of one would drop them all.
        """
        in_batches = self.get_batch_config(self.config) is not None
        if self.is_snapshot and self.emit_activate_version_messages and not in_batches:
            self._stream_version = self.new_version()
        if self.pages_can_shift and self.primary_keys:
            self._seen = SeenRows()
        self._running = True
        self._timer.__enter__()
        self.progress.start()
        self.logger.debug("%s: begins", self.name)

    def new_version(self) -> int:
        """Return this snapshot's version: greater than the last one, whatever the clock does."""
        last = self.bookmark.get(VERSION_KEY)
        return max(self._initialized_at, last + 1 if isinstance(last, int) else 0)

    def pass_on(self, pages: Iterable[Page]) -> None:
        """Pass pages on, with the bookmark that each carries.

        Args:
            pages: in the order in which they go out.
        """
        batch_config = self.get_batch_config(self.config)
        if batch_config is not None:
            self._pass_on_batches(pages, batch_config)
            return
        for page in pages:
            with GUARD.guarded():
                self.emit(page)
                self._advance(page)
            self.tap.state_lines.write(due_only=True)

    def _advance(self, page: Page) -> None:
        self.set_bookmark(**(page.bookmark or {}))

    def complete(self) -> None:
        """End a complete read: the version is activated, the state goes out."""
        with GUARD.guarded():
            self.send_schema()
            if self._schema_sent is None:
                self.logger.info(
                    "%s: no rows and no remembered schema, so no table is announced", self.name
                )
            if self._stream_version is not None and self.is_snapshot:
                if self._schema_sent is not None:
                    self._write_activate_version_message(self._stream_version)
                self.set_bookmark(**{VERSION_KEY: self._stream_version})
            else:
                self.set_bookmark()
        self._tell_oddities()
        self.close(complete=True)
        self.tap.state_lines.write()

    def close(self, *, complete: bool = False) -> None:
        """Give back what the stream holds, however it ended; a second call does nothing.

        Args:
            complete: whether the stream was read to its end.
        """
        if not self._running:
            return
        self._running = False
        self._counter.exit()
        self._timer.__exit__(None if complete else ConnectorError, None, None)
        self.progress.close()
        if self._seen is not None:
            self._seen.close()

    def _tell_oddities(self) -> None:
        if self._replaced:
            self.logger.warning(
                "%s: %s characters that databases refuse (NUL, lone surrogates) were replaced by"
                " U+FFFD",
                self.name,
                f"{self._replaced:,}",
            )
        if self._seen is not None and self._seen.repeated:
            self.logger.info(
                "%s: %s rows came again unchanged while pages moved and were left out",
                self.name,
                f"{self._seen.repeated:,}",
            )
        if self._seen is not None and self._seen.changed:
            self.logger.warning(
                "%s: %s rows came again with other content under the same key and were passed on",
                self.name,
                f"{self._seen.changed:,}",
            )

    # Pages

    def emit(self, page: Page) -> None:
        """Check a page, widen the schema where it must be, and write its lines.

        Args:
            page: of records; it may be empty.

        Raises:
            RecordError: see `StreamSchema.learn`.
            UpstreamError: the page holds what is no record.
        """
        self._replaced += page.replaced
        if self._schema_sent is None and len(page.slices) > PART:
            # The first SCHEMA knows the whole first page, not its first part alone.
            for part in page.parts(PART):
                self._fitted(part)
        for part in page.parts(PART):
            self._emit_part(part)

    def _emit_part(self, page: Page) -> None:
        page = self._fresh(page)
        if not page.slices:
            return
        self.send_schema()
        for lines in self._lines(page):
            self.tap.writer.write_lines(lines)
        self._count(len(page.slices))

    def _fresh(self, page: Page) -> Page:
        """Check a page and leave out the rows that were passed on already."""
        if self._seen is None and self.stream_schema.holds(page):
            return page
        page, structs = self._fitted(page)
        if self._seen is None or not page.slices:
            return page
        positions = self._seen.add(self._keys_of(page, structs), page.slices)
        return page if positions is None else page.only(positions)

    def _fitted(self, page: Page) -> tuple[Page, Sequence[Any] | None]:
        structs = self.stream_schema.check(page)
        if structs is not None:
            return page, structs
        try:
            prepared = self.prepared(page)
            if prepared is not page:
                structs = self.stream_schema.check(prepared)
                if structs is not None:
                    return prepared, structs
            changes = self.stream_schema.learn(prepared)
        except NotJsonError as error:
            raise UpstreamError(
                f"{self.name}: the answer holds something that is no list of records ({error})."
                " Run again; if it stays, ask the vendor what this call answers."
            ) from error
        if changes.widened:
            self._planned = False
        return prepared, self.stream_schema.check(prepared)

    def _keys_of(self, page: Page, structs: Sequence[Any] | None) -> list[int | str]:
        if structs is not None:
            names = [str(self.stream_schema.attribute(name)) for name in self.primary_keys]
            return row_keys(list(map(attrgetter(*names), structs)))
        return row_keys(list(map(itemgetter(*self.primary_keys), page.records())))

    def _count(self, rows: int) -> None:
        self.progress.add(rows)
        self._counter.increment(rows)
        self.state_manager.is_flushed = False

    def send_schema(self) -> None:
        """Write the SCHEMA message where it is another than the last one, or the first."""
        schema = self.stream_schema.json_schema()
        if schema is self._schema_sent or not self.stream_schema.known:
            return
        if schema != self._schema_sent:
            self.register_maps()
            for message in self._generate_schema_messages():
                self.tap.writer.write_message(message)
        self._schema_sent = schema

    def register_maps(self) -> None:
        """Tell the SDK's mapper the schema as it is now.

        Raises:
            SettingsError: `stream_maps` does not fit the schema.
        """
        selected = get_selected_schema(self.name, self.schema, self.mask)
        try:
            self.tap.mapper.register_raw_stream_schema(self.name, selected, list(self.primary_keys))
        except MAP_FAULTS as error:
            raise SettingsError(
                [f"setting 'stream_maps' or flattening, stream {self.name}: {error}"]
            ) from error
        self._stream_maps = None
        self._planned = False

    def _lines(self, page: Page) -> Iterator[bytes]:
        if not self._planned:
            self._plan_emission()
        if self._emission is None:
            yield self._sdk_lines(page.records())
            return
        slices = page.slices if self._picker is None else self._picker.pick(page.body)
        for start in range(0, len(slices), LINES_AT_ONCE):
            yield self._emission.lines(slices[start : start + LINES_AT_ONCE])

    def _plan_emission(self) -> None:
        self._planned = True
        self._emission = self._picker = None
        plain = plain_map(self)
        if plain is None or self.child_streams or self.ABORT_AT_RECORD_COUNT is not None:
            return
        kept = kept_properties(self, plain.removed)
        if kept is None:
            return
        if len(kept) < len(self.stream_schema.property_names()):
            try:
                self._picker = FieldPicker(kept)
            except ValueError:
                return
        self._emission = RawEmission(plain.alias, self._stream_version)

    def _sdk_lines(self, records: list[dict[str, Any]]) -> bytes:
        try:
            return b"".join(
                self.tap.writer.serialize_message(message)
                for record in records
                for message in self._generate_record_messages(record)
            )
        except Exception as error:
            # The user's expressions run here, and may fail in any way; a message may quote a value.
            reason = str(error) if isinstance(error, MapExpressionError) else type(error).__name__
            fault = (
                f"setting 'stream_maps': it fails on a record of {self.name}: {reason}. A property"
                " that not every record has is read by `_.get('name')`."
            )
            raise SettingsError([fault]) from error

    # BATCH, with the SDK's writer

    def _pass_on_batches(self, pages: Iterable[Page], config: BatchConfig) -> None:
        lines = self.tap.state_lines
        batcher = Batcher(self.tap_name, self.name, config)
        # A bookmark set while a batch fills speaks of records that are in no message yet.
        lines.hold(self.name)
        for manifest in batcher.get_batches(records=self._records_of(pages)):
            with GUARD.guarded():
                self.send_schema()
                self._write_batch_message(encoding=config.encoding, manifest=manifest)
                lines.hold(self.name)
                lines.write()
        lines.release(self.name)

    def _records_of(self, pages: Iterable[Page]) -> Iterator[dict[str, Any]]:
        for page in pages:
            self._replaced += page.replaced
            for part in page.parts(PART):
                records = self._fresh(part).records()
                for record in records:
                    pop_deselected_record_properties(record, self.schema, self.mask)
                    yield record
                self._count(len(records))
            self._advance(page)

    # What the SDK's dry run and its tests ask for; the bookmark is ours alone

    @property
    def stream_maps(self) -> list[StreamMap]:
        """The SDK's maps of this stream, by the schema as it is known."""
        if self.name not in self.tap.mapper.stream_maps:
            self.register_maps()
        return super().stream_maps

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002 - no contexts here
        """Yield the records one by one, the SDK's way."""
        for page in self.read_pages():
            fitted, _ = self._fitted(page)
            self.send_schema()
            yield from fitted.records()

    def _write_schema_message(self) -> None:
        self.send_schema()

    def _write_state_message(self) -> None:
        self.tap.state_lines.write()

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark alone."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Leave the bookmark alone."""

    def get_replication_key_signpost(self, context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's signature
        """Return none: windows bound a read, not this machine's clock."""
        return
