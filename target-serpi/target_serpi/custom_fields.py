"""Whether SERPI obeys the key under which custom fields are sent.

The page of the PUT writes `camposcliente` where everything else says `camposPersonalizados`. Under the
wrong key SERPI may drop custom fields in silence, so the first PUT of a run that carries some is sent
alone and read back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector_kit.errors import RefusedError
from target_serpi.catalogue import Catalogue
from target_serpi.exact import decode
from target_serpi.mapping.articulos import CUSTOM, CUSTOM_IN_PUT_EXAMPLE, holds, merged
from target_serpi.protocol import Write


class CustomFieldsCheck:
    """Picks the writes to read back, two in a run at most, and reads them back."""

    def __init__(self, catalogue: Catalogue, key: str) -> None:
        """Prepare.

        Args:
            catalogue: reads articles.
            key: under which custom fields are sent.
        """
        self._catalogue = catalogue
        self._key = key
        self._keeping_is_proved = False
        self._changing_is_proved = False

    def pick(self, updates: Sequence[Write[str]]) -> Write[str] | None:
        """Choose the write that is to be sent alone and then checked, if one is due."""
        if self._changing_is_proved:
            return None
        changing = next((write for write in updates if _changes_custom(write)), None)
        if changing is not None or self._keeping_is_proved:
            return changing
        return next((write for write in updates if write.payload.get(CUSTOM)), None)

    def check(self, write: Write[str]) -> None:
        """Read an article back.

        Args:
            write: that was sent, and is confirmed or not.

        Raises:
            RefusedError: SERPI does not obey the key.
        """
        found = self._catalogue.fetch([write.item.key]).get(write.item.key, [])
        if len(found) != 1:
            return
        sent = {CUSTOM: write.payload[CUSTOM]}
        if not holds(found[0], sent):
            before = _custom_of(decode(write.attempt.stored))
            now = _custom_of(found[0])
            if now in (before, {}):
                raise RefusedError(_unheeded(write.item.label, self._key))
        self._keeping_is_proved = True
        self._changing_is_proved = self._changing_is_proved or _changes_custom(write)


def _changes_custom(write: Write[str]) -> bool:
    return bool(write.payload.get(CUSTOM)) and any(
        change.field.partition(".")[0] == CUSTOM for change in write.changes
    )


def _custom_of(record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    return merged(record, {}).get(CUSTOM) or {}


def _unheeded(code: str, key: str) -> str:
    other = CUSTOM if key == CUSTOM_IN_PUT_EXAMPLE else CUSTOM_IN_PUT_EXAMPLE
    return (
        f"SERPI took the change of article {code} and not its custom fields, which were sent as"
        f" {key!r}. No more articles are changed. Set `custom_fields_key` to {other!r} and run again;"
        " that article is put right then."
    )
