from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from declnet_report.page.charts import curve_positions, even_positions


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(4, 60))
def test_ends_and_extremes_of_a_curve_stay(values, most):
    y = np.array(values)
    kept = curve_positions(y, most)
    assert list(kept) == sorted(set(kept.tolist()))
    assert (kept[0], kept[-1]) == (0, len(y) - 1)
    assert y[kept].min() == y.min()
    assert y[kept].max() == y.max()
    assert len(kept) <= most + 2


def test_a_single_spike_stays():
    y = np.zeros(10_000)
    y[4321] = 1
    assert 4321 in curve_positions(y, 50)


@given(st.integers(1, 5000), st.integers(1, 100))
def test_even_positions_are_spread(n, most):
    kept = even_positions(n, most)
    assert len(kept) == min(n, most)
    assert kept[0] == 0
    steps = np.diff(kept)
    assert steps.size == 0 or (steps.min() >= 1 and steps.max() - steps.min() <= 1)
