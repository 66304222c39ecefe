"""The gain of a study: the best trial compared with the spec's own values, with its noise."""

from __future__ import annotations

import math

import pytest

from declnet.runs.many.gain import gain_of


def test_pairs_of_runs_tell_a_small_steady_gain_from_noise():
    """The folds differ more from each other than the trials: only the pairs tell them apart."""
    folds = [0.9, 0.5, 0.7, 0.2, 0.4]
    steady = [value - step for value, step in zip(folds, [0.1, 0.11, 0.1, 0.09, 0.1], strict=True)]
    gain = gain_of(folds, sum(steady) / 5, steady, "lower")
    assert (gain.untuned, gain.value) == pytest.approx((0.54, 0.1))
    assert gain.standard_error == pytest.approx(math.sqrt(0.0002 / 4 / 5))
    assert gain.is_beyond_noise
    said = gain.sentence("validation.loss")
    assert said.endswith("(standard error of 5 pairs of runs), beyond noise")
    noisy = [value - step for value, step in zip(folds, [0.9, -0.5, 0.3, -0.4, 0.2], strict=True)]
    gain = gain_of(folds, sum(noisy) / 5, noisy, "lower")
    assert gain.value == pytest.approx(0.1)
    assert gain.is_beyond_noise is False
    assert gain.sentence("validation.loss").endswith("within noise")


def test_two_pairs_need_a_gain_of_many_standard_errors():
    """With one degree of freedom, twice the standard error is not evidence."""
    assert gain_of([1.0, 1.0], 0.85, [0.8, 0.9], "lower").is_beyond_noise is False
    assert gain_of([1.0, 1.0], 0.85, [0.849, 0.851], "lower").is_beyond_noise


@pytest.mark.parametrize(("better", "verb"), [("higher", "better"), ("lower", "worse")])
def test_one_run_cannot_tell_whether_a_difference_is_noise(better, verb):
    gain = gain_of([0.8], 0.9, [0.9], better)
    assert (gain.pairs, gain.standard_error, gain.is_beyond_noise) == (1, None, None)
    said = gain.sentence("validation.accuracy")
    assert f"the best trial is {verb} by 0.1000; a single run cannot tell" in said
    assert "seeds = [0, 1, 2]" in said


def test_runs_on_another_machine_or_that_failed_are_not_compared():
    gain = gain_of([0.8, 0.7], 0.9, (), "higher")
    assert (gain.pairs, gain.value) == (0, pytest.approx(0.15))
    assert "another machine" in gain.sentence("validation.accuracy")
    assert gain_of([0.8, math.nan], 0.9, [0.9, 0.9], "higher") is None
