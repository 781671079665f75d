"""SERPI's quirks."""

from __future__ import annotations

import dataclasses

from erp_sandbox.switches import Switches


@dataclasses.dataclass
class SerpiSwitches(Switches):
    """Every quirk and its default."""
