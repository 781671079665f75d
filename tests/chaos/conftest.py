"""The options of `make chaos`, and what all chaos tests share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    group.addoption("--whole-plan", action="store_true", help="tell a plan that fails as it is")
    group.addoption("--first-seed", type=int, default=FIRST_SEED, help="the first of them")


def pytest_report_header(config: pytest.Config) -> str:
    seeds = seeds_of(config)
    again = f"make chaos CHAOS_ARGS='--seed {seeds[0]}'"
    return f"chaos: seeds {seeds[0]} to {seeds[-1]}; one of them again: {again}"


def seeds_of(config: pytest.Config) -> Sequence[int]:
    """Give the seeds that are played."""
    named: list[int] | None = config.getoption("--seed", default=None)
    if named:
        return list(dict.fromkeys(named))
    is_long = config.getoption("--chaos", default=False)
    first = config.getoption("--first-seed", default=FIRST_SEED)
    count = config.getoption("--seeds", default=None) or (LONG_SEEDS if is_long else SHORT_SEEDS)
    return range(first, first + count)


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
    seeds = seeds_of(metafunc.config)
    metafunc.parametrize("seed", seeds, ids=[f"seed-{seed}" for seed in seeds])


@pytest.fixture
def makes_plans_smaller(request: pytest.FixtureRequest) -> bool:
    """Whether a plan that fails is played again without this and that of its troubles."""
    return not request.config.getoption("--whole-plan", default=False)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where connectors are started."""
    with Nursery() as nursery:
        yield nursery
