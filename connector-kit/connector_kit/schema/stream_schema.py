"""One stream's schema: documented, given by the catalog, remembered and learned, together.

`check` is the fast way: one compiled decode of a whole page. Where it fails, the page is decoded the
slow way, the schema widened (or, frozen, refused) and compiled again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from connector_kit.errors import RecordError, SettingsError
from connector_kit.pages import NotJsonError, Page
from connector_kit.schema.compiled import (
    NOTHING,
    Check,
    NotCompilableError,
    attribute_names,
    compile_record_type,
)
from connector_kit.schema.learning import Changes, is_deeper, learn_records
from connector_kit.schema.memory import recall, remember
from connector_kit.schema.shape import (
    Kind,
    Shape,
    extended,
    merged,
    properties_schema,
    schema_from_shape,
    shape_from_schema,
)

MAX_PROPERTIES = 1500
"""PostgreSQL stops at 1,600 columns, and loaders add some of their own."""

MAX_DEPTH = 50
"""jsonschema, by which the SDK's targets judge, meets Python's limit at some 80."""

NAMES_IN_A_MESSAGE = 20


class SchemaContract(StrEnum):
    """What happens to a field or a kind that the schema does not know."""

    EVOLVE = "evolve"
    FREEZE = "freeze"


class StreamSchema:
    """The schema of one stream in one run."""

    def __init__(
        self,
        stream: str,
        documented: dict[str, Any],
        *,
        contract: SchemaContract = SchemaContract.EVOLVE,
        date_times: bool = True,
        logger: logging.Logger,
    ) -> None:
        """Start from what is documented.

        Args:
            stream: name, for messages.
            documented: JSON schema of the records; without properties where nothing is documented.
            contract: `freeze` refuses what is neither documented nor remembered.
            date_times: whether a text that nothing is known of may be born as a date-time.
            logger: the stream's.
        """
        self.stream = stream
        self._keys: tuple[str, ...] = ()
        self._contract = contract
        self._date_times = date_times
        self._logger = logger
        self._written: dict[str, Any] = dict(documented.get("properties", {}))
        self._written_shapes = {
            name: shape_from_schema(schema) for name, schema in self._written.items()
        }
        self._properties = {name: shape.copy() for name, shape in self._written_shapes.items()}
        self._given: set[str] = set()
        self._known_at_start = bool(self._written)
        self._frozen = contract is SchemaContract.FREEZE and self._known_at_start
        self._check: Check | None = None
        self._json_schema: dict[str, Any] | None = None
        self._memory: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The key properties: required, and integers where every value is one."""
        return self._keys

    @keys.setter
    def keys(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._changed()

    @property
    def known(self) -> bool:
        """Whether a SCHEMA can go out: something is documented, remembered or learned, keys too."""
        return any(shape.born for shape in self._properties.values()) and self._keys_are_known

    @property
    def _keys_are_known(self) -> bool:
        return all(name in self._properties and self._properties[name].born for name in self._keys)

    def apply_catalog(self, schema: dict[str, Any]) -> None:
        """Take the catalog's types: where they differ from the documented ones, they win.

        Raises:
            SettingsError: a property's schema has a type that JSON does not know.
        """
        for name, given in schema.get("properties", {}).items():
            try:
                shape = shape_from_schema(given)
            except ValueError as error:
                fault = f"catalog, stream {self.stream}: property {name!r}: {error}"
                raise SettingsError([fault]) from error
            if not shape.born or shape == self._written_shapes.get(name):
                continue
            self._written[name] = given
            self._written_shapes[name] = shape
            self._properties[name] = shape.copy()
            self._given.add(name)
            self._known_at_start = True
        self._changed()

    def recall(self, text: str) -> None:
        """Add what an earlier run learned; what the catalog gives otherwise stays as given.

        Args:
            text: from the bookmark.
        """
        try:
            remembered = recall(text)
        except ValueError:
            self._logger.warning(
                "%s: the schema remembered in the state cannot be read; it is learned anew",
                self.stream,
            )
            return
        for name, shape in remembered.items():
            known = self._properties.get(name, Shape())
            add = extended if name in self._given else merged
            self._properties[name] = add(known, shape)
        self._known_at_start = self._known_at_start or bool(remembered)
        self._frozen = self._contract is SchemaContract.FREEZE and self._known_at_start
        self._changed()

    def memory(self) -> str | None:
        """Return the text to remember: what is beyond the documented; None where there is nothing."""
        if self._memory is None:
            self._memory = self._made_memory()
        return self._memory or None

    def _made_memory(self) -> str:
        learned = {
            name: shape
            for name, shape in self._properties.items()
            if shape.born and shape != self._written_shapes.get(name)
        }
        return remember(learned) if learned else ""

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema for a SCHEMA message or a catalog; not to be changed."""
        if self._json_schema is None:
            self._json_schema = self._made_json_schema()
        return self._json_schema

    def _made_json_schema(self) -> dict[str, Any]:
        properties = properties_schema(self._properties)
        for name, given in self._written.items():
            if self._properties[name] == self._written_shapes[name]:
                properties[name] = given
        for name in self.keys:
            if name in properties and properties[name] is not self._written.get(name):
                properties[name] = schema_from_shape(self._properties[name], nullable=False)
        return {"type": "object", "additionalProperties": True, "properties": properties}

    def property_names(self) -> list[str]:
        """Return the names of all properties, those seen only as null included."""
        return list(self._properties)

    def check(self, page: Page) -> Sequence[Any] | None:
        """Check a page the fast way.

        Args:
            page: of records.

        Returns:
            one struct a record, whose attributes are read by `attribute`; None where the page does
            not fit or cannot be checked so.
        """
        return self._compiled_check().page(page.body)

    def holds(self, page: Page) -> bool:
        """Check a page before it is emitted: nothing is compiled for it, nothing learned.

        Args:
            page: of records; what it passed is noted on it, so that it is not checked again.

        Returns:
            True where every value fits, so that all of its text is valid UTF-8 too. False says
            nothing: the schema may not be known yet.
        """
        if self.has_held(page):
            return True
        check = self._check
        if check is None or not check.all_fit(page.slices):
            return False
        page.passed = check
        return True

    def has_held(self, page: Page) -> bool:
        """Return whether a page has passed this very schema: a wider one would be another check."""
        return page.passed is not None and page.passed is self._check

    def _compiled_check(self) -> Check:
        if self._check is None:
            self._check = Check(self._record_type())
        return self._check

    def _record_type(self) -> Any:  # noqa: ANN401 - a type made at run time
        if not self._keys_are_known:
            return NOTHING
        try:
            return compile_record_type(self._properties, frozenset(self.keys))
        except NotCompilableError as error:
            self._logger.debug("%s: pages are checked one by one: %s", self.stream, error)
            return NOTHING

    def attribute(self, name: str) -> str | None:
        """Return the attribute of `check`'s structs that holds a property, None if it is unknown."""
        return attribute_names(self._properties).get(name)

    def learn(self, page: Page) -> Changes:
        """Widen the schema until a page fits.

        Args:
            page: of records.

        Returns:
            what changed.

        Raises:
            RecordError: a record lacks its key, a documented integer came with a fraction, the
                schema is frozen, or there are too many properties.
            NotJsonError: an item is no object.
        """
        before = self._copied_properties() if self._frozen else None
        changes = self._learned_from(page)
        if before is not None and changes.visible:
            # A bookmark that is set after the failure must not remember what was refused.
            self._properties = before
            self._changed()
            raise RecordError(self._frozen_message(changes))
        if len(self._properties) > MAX_PROPERTIES:
            raise RecordError(
                f"{self.stream}: the records have more than {MAX_PROPERTIES:,} properties, more than"
                " a database table takes. Deselect the stream, or look whether the source uses values"
                " as names."
            )
        self._tell(changes)
        return changes

    def _learned_from(self, page: Page) -> Changes:
        """Learn from the records that do not fit: one that fits teaches nothing.

        They are taken one, two, four at a time, so that a page of nothing but news is not compiled for
        each of its records.
        """
        changes = Changes()
        place, at_once = 0, 1
        while place < len(page.slices):
            if self._compiled_check().fits(page.slices[place]):
                place += 1
                continue
            some = page.only(range(place, min(place + at_once, len(page.slices))))
            self._learn_records(some.records(), page, changes)
            place += at_once
            at_once *= 2
        return changes

    def _learn_records(self, records: list[dict[str, Any]], page: Page, changes: Changes) -> None:
        self._require_keys(records, page)
        news = self._widened_by(records)
        if news.fractions:
            raise RecordError(
                f"{self.stream}: the documented whole number {_names(news.fractions)} came with"
                " a fraction. Give the property another type in the catalog's schema"
                " (Meltano's `schema` extra) to take it as it is."
            )
        if news.widened:
            self._changed()
        changes.add(news)

    def _widened_by(self, records: list[dict[str, Any]]) -> Changes:
        # The properties are the first level below the record.
        if any(is_deeper(record, MAX_DEPTH + 1) for record in records):
            raise RecordError(
                f"{self.stream}: a record is nested more than {MAX_DEPTH} levels deep, deeper than"
                " loaders can follow. Deselect the stream, or ask the vendor about its records."
            )
        return learn_records(
            self._properties,
            records,
            frozenset(self.keys),
            self._written_integers(),
            date_times=self._date_times,
        )

    def _copied_properties(self) -> dict[str, Shape]:
        return {name: shape.copy() for name, shape in self._properties.items()}

    def _written_integers(self) -> frozenset[str]:
        return frozenset(
            name for name, shape in self._written_shapes.items() if Kind.INTEGER in shape.kinds
        )

    def _require_keys(self, records: list[dict[str, Any]], page: Page) -> None:
        for name in self.keys:
            if all(record.get(name) is not None for record in records):
                continue
            missing = sum(1 for record in page.records() if record.get(name) is None)
            raise RecordError(
                f"{self.stream}: {missing:,} of {len(page.slices):,} records of a page lack the key"
                f" property {name!r}. Correct `key_properties` for this stream, or ask the vendor"
                " why the field is missing."
            )

    def _frozen_message(self, changes: Changes) -> str:
        parts = []
        if changes.new:
            parts.append(f"unknown fields: {_names(changes.new)}")
        parts += [f"{path} came as {new} and not as {old}" for path, old, new in changes.changed]
        return (
            f"{self.stream}: the schema is frozen (`schema_contract`: freeze) and the records differ"
            f" from it: {'; '.join(parts[:NAMES_IN_A_MESSAGE])}. Set `schema_contract` to evolve to"
            " take them."
        )

    def _tell(self, changes: Changes) -> None:
        if changes.new and self._known_at_start:
            self._logger.info(
                "%s: new fields get their columns: %s", self.stream, _names(changes.new)
            )
        for path, old, new in changes.changed:
            self._logger.warning(
                "%s: %s came as %s so far and now comes as %s too; the schema takes both, what the"
                " loader makes of that is in the README",
                self.stream,
                path,
                old,
                new,
            )

    def _changed(self) -> None:
        self._check = None
        self._json_schema = None
        self._memory = None


def _names(paths: list[str]) -> str:
    shown = ", ".join(paths[:NAMES_IN_A_MESSAGE])
    more = len(paths) - NAMES_IN_A_MESSAGE
    return f"{shown} and {more:,} more" if more > 0 else shown


__all__ = ["NotJsonError", "SchemaContract", "StreamSchema"]
