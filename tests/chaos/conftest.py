"""The options of `make chaos`, and what all chaos tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chaos.nursery import Nursery

SHORT_SEEDS = 24
LONG_SEEDS = 200
FIRST_SEED = 1


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--chaos", action="store_true", help="the long form, about ten minutes")
    group.addoption("--seed", type=int, action="append", help="play this seed alone (repeatable)")
    group.addoption("--seeds", type=int, help=f"how many seeds (long form: {LONG_SEEDS})")
    group.addoption("--first-seed", type=int, default=FIRST_SEED, help="the first of them")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: a part of `make chaos` alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--chaos", default=False):
        return
    skip = pytest.mark.skip(reason="a part of `make chaos` alone")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    options = metafunc.config
    is_long = options.getoption("--chaos", default=False)
    first = options.getoption("--first-seed", default=FIRST_SEED)
    count = options.getoption("--seeds", default=None) or (LONG_SEEDS if is_long else SHORT_SEEDS)
    seeds = options.getoption("--seed", default=None) or range(first, first + count)
    metafunc.parametrize("seed", seeds, ids=[f"seed-{seed}" for seed in seeds])


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where connectors are started."""
    with Nursery() as nursery:
        yield nursery
