"""Field tables, and how a record is held against one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from target_serpi.mapping.kinds import Converter, UnfitError, anything

METADATA = "_sdc_"
UNKNOWN = "SERPI's page names no such field (setting `unknown_fields`)"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that SERPI takes.

    Attributes:
        name: as the JSON examples of its page spell it.
        convert: takes a value or says why not.
        required: whether a write must have it.
        aliases: other names that a record may use.
    """

    name: str
    convert: Converter
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of one record, without its value."""

    field: str
    reason: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.field}: {self.reason}"


class FieldTable:
    """The fields of one kind of record; names are found without regard to case."""

    def __init__(self, fields: Iterable[Field], read_only: Iterable[str]) -> None:
        """Prepare the look-up.

        Args:
            fields: what SERPI takes.
            read_only: names that only a read gives; they are left out.
        """
        self.fields = tuple(fields)
        self.required = tuple(field.name for field in self.fields if field.required)
        self._exact = {field.name: field.convert for field in self.fields}
        self._folded = {
            name.casefold(): field for field in self.fields for name in (field.name, *field.aliases)
        }
        self._read_only = frozenset(name.casefold() for name in read_only)

    def map(
        self, record: Mapping[str, Any], unknown_fields: str
    ) -> tuple[dict[str, Any], list[Fault]]:
        """Make a payload of a record.

        Args:
            record: as it came.
            unknown_fields: `reject`, `drop` or `send`.

        Returns:
            the fields that are sent, in SERPI's spelling, and what is wrong with the others. Whether
            a required field is there is not asked here.
        """
        payload: dict[str, Any] = {}
        faults: list[Fault] = []
        exact = self._exact
        for name, value in record.items():
            convert = exact.get(name)
            if convert is None or name in payload:
                self._map_odd(name, value, payload, faults, unknown_fields)
                continue
            try:
                payload[name] = None if value is None else convert(value)
            except UnfitError as error:
                faults.append(Fault(name, str(error)))
        return payload, faults

    def _map_odd(
        self,
        name: str,
        value: Any,  # noqa: ANN401 - whatever a record holds
        payload: dict[str, Any],
        faults: list[Fault],
        unknown_fields: str,
    ) -> None:
        """Map a field that is not spelt as in SERPI's examples."""
        folded = name.casefold()
        field = self._folded.get(folded)
        if folded.startswith(METADATA) or folded in self._read_only:
            return
        if field is None and unknown_fields != "send":
            if unknown_fields == "reject":
                faults.append(Fault(name, UNKNOWN))
            return
        target, convert = (name, anything) if field is None else (field.name, field.convert)
        try:
            converted = None if value is None else convert(value)
        except UnfitError as error:
            faults.append(Fault(name, str(error)))
            return
        if target in payload and payload[target] != converted:
            faults.append(Fault(name, f"given twice, also as {target}, with another value"))
            return
        payload[target] = converted

    def stored(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Give a record that SERPI holds the one spelling; what is not in the table is left out.

        Args:
            record: as it was read.
        """
        found: dict[str, Any] = {}
        for name, value in record.items():
            field = self._folded.get(name.casefold())
            if field is not None and found.get(field.name) is None:
                found[field.name] = value
        return found

    def missing(self, payload: Mapping[str, Any]) -> list[Fault]:
        """Tell which required fields a payload lacks; blank text is none."""
        return [
            Fault(name, MISSING)
            for name in self.required
            if (value := payload.get(name)) is None
            or (isinstance(value, str) and not value.strip())
        ]
