"""`class_weight` of the classifier, as in scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from declnet.sklearn import DeclnetClassifier
from tests.documents import spec_document


def linear(units: int, end: str = "softmax", loss: str = "categorical_crossentropy") -> dict:
    layers = [{"type": "dense", "units": units}, end]
    return spec_document(layers, loss, {"type": "adam", "learning_rate": 0.1}, dtype="float64")


@pytest.fixture
def rare():
    rng = np.random.default_rng(1)
    y = np.array(["common"] * 180 + ["rare"] * 20)
    return rng.normal(size=(200, 2)) + (y == "rare")[:, None], y


@pytest.mark.parametrize("weights", ["balanced", {"rare": 9}, {"common": 0.5, "rare": 4}])
@pytest.mark.parametrize("drawn", [None, "random"])
def test_class_weights_equal_sample_weights(rare, weights, drawn):
    x, y = rare
    drawn = None if drawn is None else np.random.default_rng(0).uniform(0.5, 2, 200)
    by_class = compute_sample_weight(weights, y)
    for spec in (linear(2), None):
        first = DeclnetClassifier(spec, class_weight=weights, training__epochs=2).fit(x, y, drawn)
        second = DeclnetClassifier(spec, training__epochs=2)
        second.fit(x, y, by_class if drawn is None else drawn * by_class)
        np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
        unweighted = DeclnetClassifier(spec, training__epochs=2).fit(x, y, drawn)
        assert (first.predict_proba(x) != unweighted.predict_proba(x)).any()


def test_a_linear_model_agrees_with_scikit_learn(rare):
    x, y = rare
    net = DeclnetClassifier(linear(2), class_weight="balanced", training__epochs=400).fit(x, y)
    peer = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8, solver="newton-cg")
    peer.fit(x, y)
    np.testing.assert_allclose(net.predict_proba(x), peer.predict_proba(x), atol=0.003)


def test_several_outputs_take_a_list(rare):
    x, y = rare
    labels = np.c_[y == "rare", x[:, 0] > 0].astype(int)
    weights = [{0: 1, 1: 5}, {1: 3}]
    spec = linear(2, "sigmoid", "binary_crossentropy")
    first = DeclnetClassifier(spec, class_weight=weights).fit(x, labels)
    second = DeclnetClassifier(spec).fit(x, labels, compute_sample_weight(weights, labels))
    np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
    with pytest.raises(ValueError, match=r"a list of one mapping .* each of the 2 columns of y"):
        DeclnetClassifier(spec, class_weight={1: 5}).fit(x, labels)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("balance", "'class_weight' parameter of compute_class_weight must be"),
        ({"rare": 2, "unknown": 3}, r"The classes, \['common'\], are not in class_weight"),
        ({"rare": -1}, "class_weight must have finite weights of at least 0"),
        ({"rare": float("nan")}, "class_weight must have finite weights"),
        (3, "'class_weight' parameter of compute_class_weight must be"),
    ],
)
def test_invalid_weights_are_refused(rare, weights, message):
    with pytest.raises(ValueError, match=message):
        DeclnetClassifier(linear(2), class_weight=weights).fit(*rare)


def test_partial_fits_take_a_mapping_whatever_classes_they_have(rare):
    x, y = rare
    net = DeclnetClassifier(linear(2), class_weight={"rare": 9}, training__batch_size=20)
    net.partial_fit(x[:100], y[:100], ["common", "rare"])  # only common ones
    weighted = DeclnetClassifier(linear(2), training__batch_size=20)
    weighted.partial_fit(x[:100], y[:100], ["common", "rare"])
    net.partial_fit(x[100:], y[100:])
    weighted.partial_fit(x[100:], y[100:], sample_weight=np.where(y[100:] == "rare", 9.0, 1.0))
    np.testing.assert_array_equal(net.predict_proba(x), weighted.predict_proba(x))
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        net.set_params(class_weight="balanced").partial_fit(x, y)
