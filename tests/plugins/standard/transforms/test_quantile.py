"""Ranks among the training data; tests/peers compares with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.standard.transforms.quantile import Quantile

RNG = np.random.default_rng(5)
NAN = np.nan


def test_by_hand():
    x = np.array([1.0, 2.0, 4.0, NAN, 8.0, 16.0])
    uniform = Quantile(distribution="uniform")
    state = uniform.fit(x)
    new = np.array([-9.0, 1.0, 3.0, 8.0, 99.0, NAN])
    np.testing.assert_allclose(
        uniform.apply(new, uniform.fit(x[[0, 1, 2, 4, 5]])), [0, 0, 0.375, 0.75, 1, NAN]
    )
    assert len(state["quantiles"]) == 6
    ties = np.array([0.0, 0.0, 0.0, 0.0, 5.0])  # many zeros are in the middle of their ranks
    assert uniform.apply(ties, uniform.fit(ties)).tolist() == [0.375] * 4 + [1]
    normal = Quantile()
    ends = normal.apply(np.array([1.0, 16.0]), state)
    np.testing.assert_allclose(ends, [-5.199337582, 5.199337582])


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(
    st.lists(NUMBERS, min_size=2, max_size=40),
    st.sampled_from(["uniform", "normal"]),
    st.integers(2, 50),
)
def test_the_inverse_gives_back_what_is_in_the_range(values, distribution, quantiles):
    transform = Quantile(distribution=distribution, quantiles=quantiles)
    x = np.array(values)
    state = transform.fit(x)
    back = transform.inverse(transform.apply(x, state), state)
    np.testing.assert_allclose(back, x, rtol=1e-6, atol=1e-7 * np.abs(x).max() + 1e-300)


def test_predictions_stay_in_the_range_of_the_training_data():
    x = RNG.gamma(2, size=500)
    for transform in (Quantile(), Quantile(distribution="uniform")):
        state = transform.fit(x)
        result = transform.inverse(np.array([[-50.0, 0.5], [50.0, 0.1]]), state)
        assert result.shape == (2, 2)
        assert (result[0, 0], result[1, 0]) == (x.min(), x.max())


@pytest.mark.parametrize("quantiles", [None, np.array([1.0]), np.array([2.0, 1.0])])
def test_a_damaged_state_is_refused(quantiles):
    with pytest.raises(ValueError, match="quantiles"):
        Quantile().verify_state({"quantiles": quantiles})
