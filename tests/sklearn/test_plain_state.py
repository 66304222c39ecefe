"""The state of fitted estimators, which consists of built-in types and arrays."""

from __future__ import annotations

import pickle
import pickletools

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_iris

import declnet
from declnet.sklearn import DeclnetClassifier, DeclnetRegressor
from tests.documents import spec_document

LAYERS = [{"type": "dense", "units": 4}, "relu", {"type": "dense", "units": 3}, "softmax"]
OWN = spec_document(LAYERS, training={"epochs": 2})


@pytest.fixture(
    scope="module", params=["spec", "parsed spec", "preset", "values", "calibrated", "parts"]
)
def fitted(request, tmp_path_factory):
    x, y = load_iris(return_X_y=True)
    if request.param == "values":
        return DeclnetRegressor(training__epochs=2, out=str(tmp_path_factory.mktemp("out"))).fit(
            x, y
        )
    if request.param == "preset":
        return DeclnetClassifier(training__epochs=2).fit(x, np.array(["a", "b", "c"])[y])
    if request.param == "parsed spec":
        return DeclnetClassifier(declnet.parse_spec(OWN)).fit(x, y)
    if request.param == "calibrated":
        spec = {**OWN, "calibration": {"steps": ["temperature"]}}
        return DeclnetClassifier(spec, data__validation=0.3).fit(x, y)
    net = DeclnetClassifier(OWN, data__prepare=["standardize"]).fit(x, y)
    return net.partial_fit(x, y) if request.param == "parts" else net


def test_a_pickle_names_no_class_of_declnet_but_the_estimator(fitted):
    text = [
        argument
        for _, argument, _ in pickletools.genops(pickle.dumps(fitted))
        if isinstance(argument, str)
    ]
    modules = {
        name for name in text if name.startswith("declnet") and "." in name and " " not in name
    }
    assert modules == {type(fitted).__module__}


def test_a_restored_estimator_continues_with_the_same_bits(fitted):
    x, y = load_iris(return_X_y=True)
    y = np.asarray(fitted.classes_)[y] if isinstance(fitted, DeclnetClassifier) else y
    one, two = (pickle.loads(pickle.dumps(fitted)) for _ in range(2))
    assert one.spec_ == fitted.spec_
    assert one.get_params() == fitted.get_params()
    assert (one.directory_, one.history_, one.metrics_) == (
        fitted.directory_,
        fitted.history_,
        fitted.metrics_,
    )
    np.testing.assert_array_equal(one.predict(x), fitted.predict(x))
    for net in (one.partial_fit(x, y), pickle.loads(pickle.dumps(two.partial_fit(x, y)))):
        net.partial_fit(x, y)
        np.testing.assert_array_equal(net.predict(x), one.predict(x))
        assert net.loss_ == one.loss_


def test_an_unfitted_estimator_is_restored():
    net = pickle.loads(pickle.dumps(DeclnetClassifier(declnet.parse_spec(OWN), random_state=3)))
    assert net.spec == declnet.parse_spec(OWN)
    assert not hasattr(net, "predictor_")


def test_skops_needs_to_trust_only_the_estimator(fitted):
    io = pytest.importorskip("skops.io", reason="skops is not installed")
    content = io.dumps(fitted)
    (name,) = io.get_untrusted_types(data=content)
    assert name == f"{type(fitted).__module__}.{type(fitted).__name__}"
    x = load_iris().data
    np.testing.assert_array_equal(io.loads(content, trusted=[name]).predict(x), fitted.predict(x))
