"""tap-facturadirecta as its tests run it, and the records that it owes for what the server holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from erp_sandbox.facturadirecta import TOKEN
from support.singer import Run, run_tap
from tap_facturadirecta.tap import TapFacturaDirecta

if TYPE_CHECKING:
    from erp_sandbox.facturadirecta.structure import Node, Provider
    from support.servers import RunningSandbox

STREAM = "providers"
Path = tuple[str, ...]


def config(sandbox: RunningSandbox, **settings: Any) -> dict[str, Any]:
    """Settings that reach the sandbox and wait for nothing."""
    return {
        "api_url": sandbox.facturadirecta_url,
        "api_token": TOKEN,
        "retry_wait": 0,
        "retry_time": 5,
        "request_timeout": 5,
        **settings,
    }


def run(
    sandbox: RunningSandbox,
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    args: tuple[str, ...] = (),
    **settings: Any,
) -> Run:
    """Run the tap; it may make no call that does something, nor put the token into an address."""
    ended = run_tap(
        TapFacturaDirecta, config(sandbox, **settings), catalog=catalog, state=state, args=args
    )
    counts = sandbox.facturadirecta.counts()
    writes = ("create", "update", "delete", "template")
    assert not any(counts[f"provider.{kind}"] for kind in writes)
    assert not counts["send"]
    assert not counts["api_token"]
    assert not sandbox.facturadirecta.sent
    assert TOKEN not in ended.stderr
    assert TOKEN.encode() not in ended.stdout
    return ended


def ids(ended: Run) -> list[Any]:
    """The ids that a run which ended well passed on."""
    return [record["id"] for record in ended.ok().records(STREAM)]


def records_of(providers: Iterable[Provider], lists: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The records of providers that come in one page.

    Args:
        providers: as the server holds them.
        lists: paths that were lists before.
    """
    held = list(providers)
    known = set(lists).union(*(_repeated(provider) for provider in held))
    return [_record(provider, known) for provider in held]


def _repeated(node: Node, path: Path = ()) -> Iterator[Path]:
    if isinstance(node, dict):
        for name, value in node.items():
            below = (*path, name)
            items = value if isinstance(value, list) else [value]
            if len(items) > 1 and below != ("customAttributes",):
                yield below
            for item in items:
                yield from _repeated(item, below)


def _record(provider: Provider, lists: set[Path]) -> dict[str, Any]:
    record = {
        name: _value(value, (name,), lists)
        for name, value in provider.items()
        if name != "customAttributes"
    }
    if "customAttributes" in provider:
        attributes = provider["customAttributes"]
        assert isinstance(attributes, list)
        path = ("customAttributes",)
        record["customAttributes"] = [_value(item, path, lists) for item in attributes] or None
    return record


def _value(node: Node, path: Path, lists: set[Path]) -> Any:
    if isinstance(node, list):
        if path in lists:
            return [_single(item, path, lists) for item in node]
        return _value(node[0], path, lists)
    if path in lists:
        return [_single(node, path, lists)]
    return _single(node, path, lists)


def _single(node: Node, path: Path, lists: set[Path]) -> Any:
    if isinstance(node, dict):
        return {name: _value(value, (*path, name), lists) for name, value in node.items()} or None
    return node
