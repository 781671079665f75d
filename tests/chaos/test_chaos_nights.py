"""Ten nightly runs of each tap: after each of them the warehouse equals the source.

Keyed streams and snapshots hold what the source holds; dated streams without a key hold each row once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.nights import NIGHTS, SOURCES, Source, catalog
from chaos.nursery import Nursery
from chaos.proxy import Proxy
from chaos.running import Workshop
from chaos.tap_scenarios import CALM
from chaos.warehouse import Loaders, difference
from erp_sandbox.running import Listener
from erp_sandbox.server import Sandbox
from erp_sandbox.vendor import Setup

ALL_OF_SERPI = ("articulos", "documentos_contables", "tipos_documento")


@pytest.mark.parametrize("kind", SOURCES)
def test_the_warehouse_equals_the_source_after_each_night(
    kind: type[Source], sandbox_listener: Listener, nursery: Nursery, tmp_path: Path
) -> None:
    sandbox_listener.sandbox = Sandbox(Setup(scale=0.1))
    source = kind(sandbox_listener.sandbox, seed=1)
    loaders = Loaders(merges=False)
    with Proxy(sandbox_listener.url.removeprefix("http://"), lambda _: "any") as proxy:
        shop = Workshop(nursery, proxy, tmp_path)
        for night in range(NIGHTS):
            if night:
                source.change()
            ended = shop.run(
                source.connector,
                {**source.settings(proxy.url), **CALM},
                catalog=catalog(source),
                state=loaders.state,
            )
            assert ended.exit_code == 0, ended.stderr[-3000:]
            loaders.take(ended.stdout, 0)
            for stream in source.streams:
                found = source.seen(loaders.eager.rows(stream))
                gap = difference(stream, found, source.truth(stream))
                assert gap == "", f"night {night}: {gap}"
