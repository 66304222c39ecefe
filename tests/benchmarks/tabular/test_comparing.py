"""`benchmarks/tabular/comparing.py`: statistics against calculations by hand."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def comparing(repository: Path) -> dict[str, Any]:
    return runpy.run_path(str(repository / "benchmarks" / "tabular" / "comparing.py"))


ERRORS = np.array([[0.2, 0.1, 0.3, 0.9], [0.5, 0.5, 0.5, 0.5], [0.0, 0.4, 0.0, 0.1]])


def test_errors_are_normalized_between_the_best_and_the_worst_method(
    comparing: dict[str, Any],
) -> None:
    normalized = comparing["normalized"](ERRORS, np.array([True, True, True, False]))
    assert normalized == pytest.approx(np.array([[0.5, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0.25]]))


def test_the_interval_contains_the_mean_in_95_of_100_samples(comparing: dict[str, Any]) -> None:
    generator, inside = np.random.default_rng(2), 0
    for _ in range(400):
        low, high = comparing["interval"](generator.standard_normal(40), draws=1000)
        inside += low < 0 < high
    assert 0.91 < inside / 400 < 0.98


def test_standard_errors_are_corrected_for_overlapping_splits(comparing: dict[str, Any]) -> None:
    differences = np.array([[0.1, 0.3, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1]])
    # the first has the variance 0.02 / 3: 1/4 of it, plus 1/4 for a test share of 0.25
    errors = comparing["standard_errors"](differences, 0.25)
    assert errors == pytest.approx([(0.02 / 3 / 2) ** 0.5, 0])
