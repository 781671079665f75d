"""Articles that wait to be written: new codes by the batch, known ones by the look at SERPI.

A known article is read right before it is changed. Where that takes the whole catalogue, so many of them
wait for one look that reading costs no more calls than writing.
"""

from __future__ import annotations

from target_serpi.catalogue import Catalogue
from target_serpi.items import Item
from target_serpi.mapping.articulos import overlaid

MOST_WAITING = 5000
"""Articles that wait for one look, whatever the catalogue's size: some 25 MB."""

Items = dict[str, Item[str]]


class ArticleQueue:
    """What waits, each code once."""

    def __init__(self, catalogue: Catalogue, batch_size: int) -> None:
        """Start empty.

        Args:
            catalogue: knows which codes are known.
            batch_size: records that are sent in one call.
        """
        self._catalogue = catalogue
        self._batch_size = batch_size
        self._new: Items = {}
        self._known: Items = {}

    def put(self, item: Item[str]) -> None:
        """Add an article, or lay it over the one with its code that waits already.

        Args:
            item: as if it were written after the other: the last one wins, field by field.
        """
        for waiting in (self._new, self._known):
            earlier = waiting.get(item.key)
            if earlier is not None:
                earlier.payload = overlaid(earlier.payload, item.payload)
                earlier.sources += item.sources
                return
        # What is not known yet is looked up like what is.
        waiting = self._new if self._catalogue.has(item.key) is False else self._known
        waiting[item.key] = item

    @property
    def is_full(self) -> bool:
        """Whether enough waits to be written."""
        return len(self._new) >= self._batch_size or len(self._known) >= self._look_size

    @property
    def _look_size(self) -> int:
        if not self._catalogue.is_complete:
            return self._batch_size
        return max(self._batch_size, min(MOST_WAITING, self._batch_size * self._catalogue.calls))

    def take_full(self) -> Items:
        """Take out what waits long enough."""
        items: Items = {}
        if len(self._known) >= self._look_size:
            items, self._known = self._known, {}
        if len(self._new) >= self._batch_size:
            items, self._new = items | self._new, {}
        return items

    def take_all(self) -> Items:
        """Take out everything."""
        items = self._new | self._known
        self._new, self._known = {}, {}
        return items
