"""The account's providers as the server holds them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from erp_sandbox.facturadirecta.structure import custom_attributes, normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from erp_sandbox.facturadirecta.structure import Provider

Order = Literal["id", "name", "newest_first"]


class Store:
    """Providers by id; the caller sees to it that one thread at a time is in here.

    Attributes:
        labels: Custom fields that the account has defined.
        version: Grows with each change, so that pages made earlier can be told from current ones.
    """

    def __init__(self, providers: Iterable[Provider], labels: Iterable[str]) -> None:
        self.labels = list(labels)
        self.version = 0
        self._providers = {_id_of(provider): provider for provider in providers}
        self._last_id = max(self._providers, default=0)
        self._sorted: dict[Order, tuple[int, list[Provider]]] = {}

    @property
    def providers(self) -> Mapping[int, Provider]:
        """A live view by id, in the order of ids."""
        return MappingProxyType(self._providers)

    def new_id(self) -> int:
        """An id that no provider has or had."""
        return self._last_id + 1

    def put(self, provider: Provider) -> Provider:
        """Store a provider in place of the one with its id; gives what is held.

        Raises:
            ValueError: XML cannot hold it (see `normalised`).
        """
        stored = normalised(provider)
        identifier = _id_of(stored)
        is_in_order = identifier in self._providers or identifier > max(self._providers, default=0)
        self._providers[identifier] = stored
        if not is_in_order:
            self._providers = dict(sorted(self._providers.items()))
        self._last_id = max(self._last_id, identifier)
        for attribute in custom_attributes(stored):
            label = attribute.get("label")
            if isinstance(label, str) and label not in self.labels:
                self.labels.append(label)
        self.version += 1
        return stored

    def remove(self, identifier: int) -> None:
        """Take a provider away; KeyError if there is none with that id."""
        del self._providers[identifier]
        self.version += 1

    def clear(self) -> None:
        """Take all providers away."""
        self._providers = {}
        self.version += 1

    def ordered(self, order: Order) -> list[Provider]:
        """Give all providers in that order; not to be changed."""
        version, providers = self._sorted.get(order, (-1, []))
        if version != self.version:
            providers = list(self._providers.values())
            if order == "name":
                providers.sort(key=_name_of)
            elif order == "newest_first":
                providers.reverse()
            self._sorted[order] = (self.version, providers)
        return providers


def _id_of(provider: Provider) -> int:
    identifier = provider["id"]
    if not isinstance(identifier, int):
        raise TypeError("a provider's id is an integer")
    return identifier


def _name_of(provider: Provider) -> tuple[str, int]:
    name = provider.get("name") or provider.get("personSurname") or ""
    return str(name).casefold(), _id_of(provider)
