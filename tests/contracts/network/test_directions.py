"""Better values of a metric: higher, lower, or close to a number."""

from __future__ import annotations

from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import Metric, RegistryError, as_loss

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_better_value_has_the_lower_loss(first, second, target):
    assert (as_loss(first, "lower") < as_loss(second, "lower")) == (first < second)
    assert (as_loss(first, "higher") < as_loss(second, "higher")) == (first > second)
    nearer = abs(first - target) < abs(second - target)
    assert (as_loss(first, target) < as_loss(second, target)) == nearer
    assert all(isnan(as_loss(nan, better)) for better in ("lower", "higher", target))


@pytest.mark.parametrize("better", ["max", True, nan, inf, (0.0,)])
def test_other_directions_are_rejected_at_registration(better):
    class Bias(Metric):
        type = "bias"

        def start(self): ...
        def update(self, state, y_pred, y_true): ...
        def result(self, state): ...

    for number in ("lower", 0, -0.5, None):
        Bias.better = number
        Bias.verify_contract()
    Bias.better = better
    with pytest.raises(RegistryError, match=r"^Bias\.better is "):
        Bias.verify_contract()
