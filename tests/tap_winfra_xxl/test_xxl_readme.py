"""The README's table of the datasets says what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tap_winfra_xxl.datasets import DATASETS, ParameterKind

README = (Path(__file__).parents[2] / "tap-winfra-xxl" / "README.md").read_text(encoding="utf-8")

ROWS = {
    cells[0].strip(" `"): [cell.strip() for cell in cells[1:]]
    for line in README.splitlines()
    if (cells := line.strip("|").split("|"))[0].strip(" `") in DATASETS and len(cells) == 6
}


def test_every_dataset_has_its_row() -> None:
    assert list(ROWS) == list(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_a_row_agrees_with_the_code(name: str) -> None:
    dataset = DATASETS[name]
    records, parameters, window, keyed, keyless = ROWS[name]
    assert records == dataset.record_type
    named = set(re.findall(r"`(\w+)`", parameters))
    if name == "deudas":
        assert named == set(dataset.parameters)
    else:
        # The dates of other datasets are the tap's own.
        own = {each for each, kind in dataset.parameters.items() if kind is ParameterKind.DATE_TIME}
        assert named == set(dataset.parameters) - own
    assert ("`window_days`" in window) == dataset.is_dated
    assert (str(dataset.lookback_days) in keyed) == dataset.is_dated
    assert ("changed" in keyed) == dataset.knows_changes
    assert (keyless == "whole past days, each once") == dataset.is_dated


def test_the_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert set(json.loads(example)) >= {"auth_url", "domain_url", "domain", "start_date"}
