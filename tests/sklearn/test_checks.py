"""scikit-learn's own checks of its estimators."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    estimator_checks_generator,
    parametrize_with_checks,
)

from declnet.sklearn import DeclnetClassifier, DeclnetRegressor
from tests.documents import spec_document

WEIGHTS = (
    "presets train on mini-batches of samples drawn at random, and standardize without weights; "
    "scikit-learn's MLP with mini-batches fails it too"
)
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
    "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
}
QUICK = {"optimizer__learning_rate": 0.01, "training__epochs": 8}
"""Of the many epochs of the default preset; the rate is for so few."""

PARAMETERS = QUICK if "DECLNET_TEST_ESTIMATORS" not in os.environ else {}


@parametrize_with_checks(
    [DeclnetClassifier(**PARAMETERS), DeclnetRegressor(**PARAMETERS)],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_scikit_learn_approves(estimator, check):
    check(estimator)


def test_as_many_checks_run_as_for_the_mlp_of_scikit_learn():
    pairs = (DeclnetClassifier(), MLPClassifier()), (DeclnetRegressor(), MLPRegressor())
    counts = [
        [len(list(estimator_checks_generator(estimator))) for estimator in pair] for pair in pairs
    ]
    (ours, theirs), (our_values, their_values) = counts
    assert min(ours, our_values) > 50
    if sklearn.__version__.startswith("1.9."):  # a preset takes gaps; the MLP has no class weights
        assert (ours, our_values) == (67, 60) == (theirs, their_values)


def small(units: int, *end: str, loss: str) -> dict:
    return spec_document(
        [{"type": "dense", "units": 8}, "relu", {"type": "dense", "units": units}, *end],
        loss,
        {"type": "adam", "learning_rate": 0.02},
        dtype="float64",
        training={"epochs": 30, "log_every": 30},
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            DeclnetClassifier(small(3, "softmax", loss="categorical_crossentropy")),
            MLPClassifier(batch_size=8, max_iter=15),
        ),
        (
            DeclnetRegressor(small(1, loss="mean_squared_error")),
            MLPRegressor(batch_size=8, max_iter=15),
        ),
    ],
)
@pytest.mark.parametrize(
    "check",
    [check_sample_weight_equivalence_on_dense_data, check_sample_weight_equivalence_on_sparse_data],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_are_exact_without_mini_batches_and_never_with_them(check, ours, theirs):
    assert check.__name__ in EXPECTED
    check("DeclnetClassifier", ours)
    with pytest.raises(AssertionError, match="not equivalent"):
        check("MLPClassifier", theirs)
