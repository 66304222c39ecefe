"""The log loss, calibration error and coverage, compared with the metrics and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import default_registry
from declnet.runs.inference.predictions import OutputReading
from declnet.runs.inference.reliability import Coverage, Reliability


@pytest.mark.parametrize("sort", ["classes", "binary"])
def test_parts_of_any_size_give_the_values_of_the_metrics(sort):
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(3), 500) if sort == "classes" else rng.random((500, 1))
    y = rng.integers(0, p.shape[1] if sort == "classes" else 2, 500)
    reading = OutputReading(sort, (0, 1, 2) if sort == "classes" else (0, 1), p.shape[1])
    reliability = Reliability(reading)
    for part in (slice(7), slice(7, 300), slice(300, None)):
        reliability.add(p[part], y[part])
    for name, value in reliability.as_data().items():
        metric = default_registry().find("metric", name)()
        state = metric.start()
        metric.update(state, p, y)
        assert value == pytest.approx(metric.result(state))


def test_each_flag_counts_as_a_sample():
    reading = OutputReading("flags", None, 2)
    reliability = Reliability(reading)
    reliability.add(np.array([[0.9, 0.2], [0.9, 0.2]]), np.array([[1, 0], [0, 0]]))
    assert reliability.counts.sum() == 4
    assert reliability.expected_calibration_error == pytest.approx((2 * 0.4 + 2 * 0.2) / 4)


def test_coverage_by_hand():
    coverage = Coverage()
    coverage.add_intervals((np.array([0.0, 1.0]), np.array([1.0, 3.0])), np.array([1.0, 3.5]))
    assert coverage.as_data("mean_width") == {"coverage": 0.5, "mean_width": 1.5}
    coverage = Coverage()
    coverage.add_sets(np.array([[True, True], [False, False]]), np.array([0, 1]))
    assert coverage.as_data("mean_set_size") == {"coverage": 0.5, "mean_set_size": 1.0}
