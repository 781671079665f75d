"""Which rows of a dataset a petition's parameters ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from erp_sandbox.winfra.switches import WinfraSwitches
    from erp_sandbox.winfra.table import Facts

_DAY_LENGTH: Final = len("yyyy-mm-dd")

# Texts before and after any datetime of the API's form.
_BEFORE_ALL, _AFTER_ALL = "", "~"


def wanted(
    dataset: str, parameters: Mapping[str, object], switches: WinfraSwitches
) -> Callable[[Facts], bool]:
    """Return the test that a row has to pass.

    The API's datetimes have one fixed form, so comparing texts compares times.
    """
    length = _DAY_LENGTH if switches.windows == "days" else None
    first = str(parameters.get("fecha_desde", _BEFORE_ALL))[:length]
    last = str(parameters.get("fecha_hasta", _AFTER_ALL))[:length]
    required, forbidden = _tags(dataset, parameters)
    changed = _changed_since(str(parameters.get("modificado_desde", "")), switches)

    def passes(facts: Facts) -> bool:
        return (
            first <= facts.date[:length] <= last
            and changed(facts.modified)
            and required <= facts.tags
            and not forbidden & facts.tags
        )

    return passes


def _changed_since(since: str, switches: WinfraSwitches) -> Callable[[str], bool]:
    if not since or switches.modified_since == "ignored":
        return lambda _modified: True
    if switches.modified_since == "exclusive":
        return lambda modified: modified > since
    return lambda modified: modified >= since


def _tags(dataset: str, parameters: Mapping[str, object]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the tags that a row must have and those that it must not have."""

    def on(name: str) -> bool:
        return parameters.get(name) is True

    required, forbidden = set(), set()
    match dataset:
        case "interlocutores":
            required = {str(parameters["tipo"])} if "tipo" in parameters else set()
        case "articulos_lotes":
            required = {"tienda"} if on("solo_tienda") else set()
        case "ventas":
            forbidden = {
                tag
                for tag, shown in (("pedido", "incluir_pedidos"), ("abierto", "todos_estados"))
                if not on(shown)
            }
        case "deudas":
            if on("incluir_deudas") != on("incluir_efectos"):
                required = {"deuda" if on("incluir_deudas") else "efecto"}
            forbidden = set() if on("incluir_liquidado") else {"liquidado"}
    return frozenset(required), frozenset(forbidden)
