"""How a batch of writes is brought to SERPI, or, in a dry run, told without being sent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from serpi_client.client import SerpiClient
from target_serpi.accounting import Accounting
from target_serpi.limits import WriteLimits
from target_serpi.mapping.documentos import DocumentKey
from target_serpi.protocol import Call, Resource, Write

Key = TypeVar("Key", bound=Hashable)


class Delivery(Protocol):
    """Brings writes to SERPI."""

    def deliver(self, resource: Resource[Key], writes: Sequence[Write[Key]], call: Call) -> None:
        """Bring them; see `Deliverer.deliver`."""

    def doubt(self, write: Write[Key], reason: str) -> None:
        """Note that a look at a confirmed record showed something else."""


class Replacing(Protocol):
    """Puts documents in the place of stored ones."""

    def replace(self, write: Write[DocumentKey], type_id: int) -> None:
        """Replace one; see `Replacer.replace`."""


@dataclass(frozen=True, slots=True)
class WriterParts:
    """What every writer works with.

    Attributes:
        client: sends.
        delivery: brings writes to SERPI, or does as if in a dry run.
        replacing: the same for documents that take another's place.
        accounting: told what became of each record.
        limits: of this run.
        settings: the target's.
    """

    client: SerpiClient
    delivery: Delivery
    replacing: Replacing
    accounting: Accounting
    limits: WriteLimits
    settings: Mapping[str, Any]


class Rehearsal:
    """Sends nothing and puts down what would be sent."""

    def __init__(self, accounting: Accounting) -> None:
        """Prepare.

        Args:
            accounting: told what would become of each record.
        """
        self._accounting = accounting

    def deliver(self, resource: Resource[Key], writes: Sequence[Write[Key]], call: Call) -> None:
        """Put writes down as if SERPI had taken them."""
        del resource, call
        for write in writes:
            self._accounting.done(write.item, write.outcome, changes=write.changes, body=write.body)

    def doubt(self, write: Write[Key], reason: str) -> None:
        """Do nothing: nothing was confirmed."""

    def replace(self, write: Write[DocumentKey], type_id: int) -> None:
        """Put a document down as if it had taken the stored one's place."""
        del type_id
        self._accounting.done(write.item, write.outcome, changes=write.changes, body=write.body)
