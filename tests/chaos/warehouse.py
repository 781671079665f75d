"""What a loader would hold after some runs of a tap: two of them, which differ in what they keep.

The eager one keeps every row that left the tap, as one that commits at the end of its input does. The
careful one keeps only what a STATE message speaks of, as one that commits with its state does. Rows are
their JSON text, members in order and numbers with their very digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from erp_sandbox import exact

Json = dict[str, Any]


def canonical(value: object) -> str:
    """Write a value in the one form in which rows are compared."""
    if isinstance(value, Mapping):
        return exact.dumps({name: _Raw(canonical(value[name])) for name in sorted(value)})
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return exact.dumps(value)


class _Raw(exact.Number):
    """Text that `exact.dumps` writes as it is."""

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, "0")
        made.text = text
        return made


def messages_of(stdout: bytes) -> list[Json]:
    """Read the whole lines of a tap's output; a last line that was cut is no message."""
    return [cast("Json", exact.loads(line)) for line in stdout.split(b"\n")[:-1]]


def merged(old: Any, new: Any) -> Any:
    """Merge a state into an older one key by key, as Meltano does with those of a run that failed."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}


@dataclass
class Table:
    """The rows of one stream.

    Attributes:
        keys: its key properties, by the last SCHEMA.
    """

    keys: tuple[str, ...] = ()
    _rows: list[tuple[int | None, str]] = field(default_factory=list)
    _by_key: dict[str, tuple[int | None, str]] = field(default_factory=dict)

    def take(self, message: Json) -> None:
        """Take a message that concerns this stream."""
        match message["type"]:
            case "SCHEMA":
                self.keys = tuple(message["key_properties"])
            case "RECORD":
                row = message.get("version"), canonical(message["record"])
                if self.keys:
                    names = [message["record"][name] for name in self.keys]
                    self._by_key[canonical(names)] = row
                else:
                    self._rows.append(row)
            case "ACTIVATE_VERSION":
                version = message["version"]
                self._rows = [row for row in self._rows if row[0] == version]
                self._by_key = {k: row for k, row in self._by_key.items() if row[0] == version}

    def rows(self) -> Counter[str]:
        """Give the rows, and how often each is there."""
        rows = self._by_key.values() if self.keys else self._rows
        return Counter(text for _, text in rows)


class Warehouse:
    """Tables by stream."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}

    def take(self, messages: Sequence[Json]) -> None:
        """Take messages in their order."""
        for message in messages:
            if message["type"] != "STATE":
                self.tables.setdefault(message["stream"], Table()).take(message)

    def rows(self, stream: str) -> Counter[str]:
        """Give a stream's rows, none where it was never announced."""
        table = self.tables.get(stream)
        return Counter() if table is None else table.rows()


class Loaders:
    """Both loaders, fed with run after run.

    Attributes:
        eager: keeps every row that left the tap.
        careful: keeps what a state speaks of.
        state: the last one that left, for the next run.
    """

    def __init__(self, *, merges: bool) -> None:
        """Begin empty.

        Args:
            merges: whether the state of a run that failed is merged into the one before.
        """
        self.eager = Warehouse()
        self.careful = Warehouse()
        self.state: Json = {}
        self._merges = merges

    def take(self, stdout: bytes, exit_code: int) -> None:
        """Take the output of a run."""
        messages = messages_of(stdout)
        self.eager.take(messages)
        places = [place for place, each in enumerate(messages) if each["type"] == "STATE"]
        if places:
            state = messages[places[-1]]["value"]
            self.state = merged(self.state, state) if self._merges and exit_code else state
        end = len(messages) if exit_code == 0 else places[-1] + 1 if places else 0
        self.careful.take(messages[:end])


def difference(name: str, found: Counter[str], truth: Counter[str]) -> str:
    """Say in some lines how rows differ; empty where they do not."""
    missing, extra = truth - found, found - truth
    if not missing and not extra:
        return ""
    lines = [f"{name}: {missing.total()} rows missing, {extra.total()} too many"]
    lines += [f"  missing: {row[:300]}" for row in list(missing)[:2]]
    lines += [f"  too many ({found[row]}): {row[:300]}" for row in list(extra)[:2]]
    return "\n".join(lines)
