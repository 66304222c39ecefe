"""Agreement beyond chance, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from declnet_plugins.standard.metrics.agreement import CohenKappa, Matthews


def test_a_single_class_has_no_agreement_beyond_chance(value_of):
    assert value_of(Matthews(), [[0.9], [0.9]], [1, 0]) == 0
    assert value_of(CohenKappa(), [[0.9], [0.9]], [1, 0]) == 0
    assert isnan(value_of(CohenKappa(), [[0.9], [0.9]], [1, 1]))


def test_many_samples_do_not_overflow():
    metric, state = Matthews(), Matthews().start()
    metric.update(state, np.eye(2), np.array([0, 1]))
    state.counts = np.array([[4, 1], [1, 4]]) * 10**10
    assert metric.result(state) == pytest.approx(0.6)
