"""How the predictions of several networks are combined."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.exchange.ensembles import majority, mean_of, median


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_combinations_match_numpy(count):
    rng = np.random.default_rng(count)
    parts, weights = rng.normal(size=(count, 9, 2)), rng.uniform(size=count)
    weights /= weights.sum()
    mean = mean_of(weights, np.dtype("float32"))(*parts, {})
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, np.average(parts, axis=0, weights=weights), rtol=1e-5)
    np.testing.assert_array_equal(median(*parts, {}), np.median(parts, axis=0))
    sets = parts > 0
    np.testing.assert_array_equal(majority(*sets, {}), sets.mean(axis=0) > 0.5)
