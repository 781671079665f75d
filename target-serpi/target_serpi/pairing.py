"""Pairing the lines of two lists one to one, whatever their order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]


def unpaired(
    left: Sequence[Line],
    right: Sequence[Line],
    fits: Callable[[Line, Line], bool],
    groups: Callable[[Line], Sequence[Hashable]],
) -> tuple[list[int], list[int]]:
    """Pair as many lines as possible.

    Args:
        left: lines.
        right: lines to pair them with; each serves once.
        fits: whether a left line may be paired with a right one.
        groups: names that lines which fit have in common, to look at few.

    Returns:
        the places of the lines that are left over, on each side.
    """
    pairing = _Pairing(left, right, fits, groups)
    left_over = [place for place in range(len(left)) if not pairing.add(place)]
    return left_over, [place for place in range(len(right)) if place not in pairing.partner]


class _Pairing:
    """Kuhn's algorithm: where a line's fitting partners are taken, earlier pairs are moved."""

    def __init__(
        self,
        left: Sequence[Line],
        right: Sequence[Line],
        fits: Callable[[Line, Line], bool],
        groups: Callable[[Line], Sequence[Hashable]],
    ) -> None:
        self._left = left
        self._right = right
        self._fits = fits
        self._groups = groups
        self._by_group: dict[Hashable, list[int]] = {}
        for place, line in enumerate(right):
            for group in groups(line):
                self._by_group.setdefault(group, []).append(place)
        self.partner: dict[int, int] = {}

    def add(self, place: int) -> bool:
        """Pair one more left line, if that is possible beside those paired before."""
        seen: set[int] = set()
        waiting = [(place, self._candidates(place, seen))]
        path: list[int] = []
        while waiting:
            candidate = next(waiting[-1][1], None)
            if candidate is None:
                waiting.pop()
                if path:
                    path.pop()
                continue
            path.append(candidate)
            holder = self.partner.get(candidate)
            if holder is None:
                for (owner, _), taken in zip(waiting, path, strict=True):
                    self.partner[taken] = owner
                return True
            waiting.append((holder, self._candidates(holder, seen)))
        return False

    def _candidates(self, place: int, seen: set[int]) -> Iterator[int]:
        """Yield the right lines that fit and were not looked at yet, free ones first."""
        line = self._left[place]
        near = dict.fromkeys(
            candidate for group in self._groups(line) for candidate in self._by_group.get(group, ())
        )
        for taken in (False, True):
            for candidate in near:
                if candidate in seen or (candidate in self.partner) != taken:
                    continue
                if self._fits(line, self._right[candidate]):
                    seen.add(candidate)
                    yield candidate
