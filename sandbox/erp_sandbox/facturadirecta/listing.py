"""The list call: filters, order, ``start`` and ``limit``, and pages that are made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from erp_sandbox.facturadirecta.data import OWNERS
from erp_sandbox.facturadirecta.filters import FilterError, make_tests, parse_query
from erp_sandbox.facturadirecta.xml_writer import XmlWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.facturadirecta.store import Store
    from erp_sandbox.facturadirecta.structure import Provider
    from erp_sandbox.facturadirecta.switches import FacturaDirectaSwitches


class Page(NamedTuple):
    """An answer to a list call: its status and its bytes."""

    status: int
    body: bytes


class Listing:
    """Makes pages and keeps them until a provider or a switch changes."""

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self._made_for: tuple[object, ...] = ()

    def page(self, query: str, store: Store, switches: FacturaDirectaSwitches) -> Page:
        """Give the page that a query asks for.

        Args:
            query: The query string as it came over the wire.
            store: The account's providers.
            switches: Order, limits and form.

        Raises:
            FilterError: The query asks for what the documents exclude.
        """
        made_for = (id(store), store.version, *vars(switches).values())
        if made_for != self._made_for:
            self._pages.clear()
            self._made_for = made_for
        if query not in self._pages:
            self._pages[query] = _make_page(query, store, switches)
        return self._pages[query]


def _make_page(query: str, store: Store, switches: FacturaDirectaSwitches) -> Page:
    parameters = parse_query(query, encoded_colon=switches.encoded_colon == "understood")
    start, limit = _range(dict(parameters), switches)
    tests = make_tests(parameters, OWNERS)
    rows = store.ordered(switches.order)
    if tests:
        rows = [row for row in rows if all(test(row) for test in tests)]
    if rows and start >= len(rows) and switches.past_end == "last_page":
        start = (len(rows) - 1) // limit * limit
    page = rows[start : start + limit]
    writer = XmlWriter(switches)
    if page:
        return Page(200, writer.provider_list(_item(row, switches) for row in page))
    if switches.empty_list == "not_found_404":
        return Page(404, writer.status(404))
    if switches.empty_list == "not_found_200":
        return Page(200, writer.status(404))
    return Page(200, writer.empty_list())


def _range(values: Mapping[str, str], switches: FacturaDirectaSwitches) -> tuple[int, int]:
    try:
        start = int(values.get("start", "0"))
        limit = int(values.get("limit", str(switches.default_limit)))
    except ValueError:
        raise FilterError("start y limit deben ser números") from None
    if start < 0 or limit < 1:
        raise FilterError("start y limit deben ser positivos")
    if limit > switches.maximum_limit:
        if switches.over_maximum == "400":
            raise FilterError(f"El máximo de limit es {switches.maximum_limit}")
        limit = switches.maximum_limit
    return start, min(limit, switches.silent_cap or limit)


def _item(provider: Provider, switches: FacturaDirectaSwitches) -> Provider:
    match switches.list_items:
        case "thin":
            return {"id": provider["id"]}
        case "without_custom_attributes":
            return {name: value for name, value in provider.items() if name != "customAttributes"}
        case _:
            return provider
