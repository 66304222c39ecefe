from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.runs.many.ensembles.series import series_of, spread
from declnet.runs.many.execution.tasks import Outcome

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


@given(numbers)
@settings(max_examples=30)
def test_the_spread_is_numpys(values):
    found = spread(values)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    assert found.standard_deviation == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)
    assert (found.minimum, found.maximum) == (np.min(values), np.max(values))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_spread_of_what_is_no_number_is_none(value):
    assert all(map(math.isnan, spread([1.0, value]).as_data().values()))


def outcome(name, seed, loss=None):
    if loss is None:
        return Outcome(name, seed, Path(f"seed-{seed}"), error="it failed")
    return Outcome(name, seed, Path(f"seed-{seed}"), {"train": {"loss": loss}}, 1.5)


def test_series_are_by_name_and_their_runs_by_seed():
    first, second = series_of(
        [outcome("b", 2, 0.5), outcome("a", 1, 0.25), outcome("b", 1), outcome("a", 0, 0.75)]
    )
    assert (first.name, second.name) == ("b", "a")
    assert [each.seed for each in first.outcomes] == [1, 2]
    assert second.metrics() == {("train", "loss"): [0.75, 0.25]}
