"""`DeclnetClassifier` and `DeclnetRegressor`, alone and with scikit-learn's tools."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import declnet
from declnet.sklearn import DeclnetClassifier, DeclnetRegressor

NUMBERS = {"type": "dense", "units": 1}


def spec_of(*end, loss="categorical_crossentropy", **changes):
    return {
        "model": {"layers": [{"type": "dense", "units": 16}, "relu", *end]},
        "loss": loss,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 40},
        **changes,
    }


def classes(units: int, **changes):
    return spec_of({"type": "dense", "units": units}, "softmax", **changes)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def frame():
    pytest.importorskip("pandas")
    return load_iris(as_frame=True)


@pytest.fixture(scope="module")
def houses():
    """A data frame with numbers, strings, booleans and gaps, and whether houses are expensive."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    size, city = rng.uniform(1, 9, 120), rng.choice(["Ulm", "Rome", "Oslo"], 120)
    table = pandas.DataFrame(
        {
            "size": np.where(rng.random(120) < 0.1, np.nan, size),
            "city": pandas.Categorical(np.where(rng.random(120) < 0.1, None, city)),
            "new": rng.random(120) < 0.5,
            "rooms": pandas.array(rng.integers(1, 9, 120), "Int64"),
        },
        index=np.arange(1000, 1120),
    )
    table.loc[1003, "rooms"] = pandas.NA
    price = size + 3 * (city == "Rome")
    return table, pandas.Series(price, table.index, name="price")


def test_parameters_are_those_of_the_estimator_and_any_keys_of_the_spec(iris):
    estimator = DeclnetClassifier(classes(3), optimizer__learning_rate=0.1, random_state=3)
    estimator.set_params(**{"training.epochs": 4}, model__layers__0__units=5)
    copied = clone(estimator)
    assert copied.get_params() == {
        "spec": classes(3),
        "random_state": 3,
        "warm_start": False,
        "verbose": False,
        "class_weight": None,
        "out": None,
        "optimizer__learning_rate": 0.1,
        "training__epochs": 4,
        "model__layers__0__units": 5,
    }
    assert repr(copied) == repr(estimator)
    copied.set_params(optimizer="sgd", random_state=np.random.RandomState(0)).fit(*iris)
    spec = copied.spec_
    assert (spec.optimizer.type, spec.optimizer.learning_rate) == ("sgd", 0.1)
    assert (spec.training.epochs, spec.model.layers[0].units) == (4, 5)
    assert spec.seed == np.random.RandomState(0).randint(2**31 - 1)
    named = DeclnetClassifier(**{"variables.a__b": 3})
    assert clone(named).get_params()["variables.a__b"] == 3


def test_wrong_names_are_refused(iris):
    with pytest.raises(ValueError, match=r"'optimzer__decay'.*did you mean 'optimizer'"):
        DeclnetClassifier(optimzer__decay=1)
    estimator = DeclnetClassifier()
    with pytest.raises(ValueError, match="did you mean 'verbose'"):
        estimator.set_params(verbos=1, random_state=3)
    assert estimator.random_state is None
    wrong = DeclnetClassifier(classes(3), optimizer__learnin_rate=1)
    with pytest.raises(ValueError, match=r'unknown key "learnin_rate".*did you mean') as error:
        wrong.fit(*iris)
    assert isinstance(error.value.__cause__, declnet.SpecError)


def test_a_spec_is_a_file_tables_a_run_spec_or_a_preset(iris, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"declnet": 1, **classes(3)}), "utf-8")
    forms = str(path), path, classes(3), declnet.parse_spec(classes(3))
    fitted = [DeclnetClassifier(form, training__epochs=3).fit(*iris) for form in forms]
    expected = declnet.run(classes(3) | {"training": {"epochs": 3}}, iris).predict(iris[0])
    for estimator in fitted:
        assert np.array_equal(estimator.predict_proba(iris[0]), expected.probabilities)
    by_preset = DeclnetClassifier("realmlp_td_s", training__epochs=2).fit(*iris)
    assert any(layer.type == "ntp_dense" for layer in by_preset.spec_.model.layers)
    with pytest.raises(ValueError, match='template type "realmlp" is not installed'):
        DeclnetClassifier("realmlp").fit(*iris)
    with pytest.raises(ValueError, match="does not suit DeclnetRegressor: use DeclnetClassifier"):
        DeclnetRegressor(classes(3)).fit(*iris)


@pytest.mark.filterwarnings("ignore:.*L-BFGS-B:DeprecationWarning")  # scikit-learn 1.7's own
def test_a_pipeline_is_searched_scored_calibrated_and_stacked(iris):
    pipeline = make_pipeline(StandardScaler(), DeclnetClassifier(classes(3)))
    rates = {"declnetclassifier__optimizer__learning_rate": [1e-5, 0.02]}
    search = GridSearchCV(pipeline, rates, cv=3).fit(*iris)
    assert list(search.best_params_.values()) == [0.02]
    assert cross_val_score(search.best_estimator_, *iris, cv=3).min() > 0.85
    calibrated = CalibratedClassifierCV(pipeline, cv=2).fit(*iris)
    assert calibrated.score(*iris) > 0.9
    members = [("net", pipeline), ("linear", LogisticRegression(max_iter=500))]
    assert StackingClassifier(members, cv=2).fit(*iris).score(*iris) > 0.9


@pytest.mark.parametrize(
    "names",
    [
        ["setosa", "versicolor", "virginica"],
        np.array(["b", "a", "c"], object),
        np.array([10, -3, 2]),
        np.array([2.0, 0.0, 1.0]),
        np.array([7, 9, 8], object),
        [True, False, True],
    ],
)
@pytest.mark.parametrize("spec", [None, "own"])
def test_labels_keep_their_type(iris, names, spec):
    x, y = iris[0], np.asarray(names)[iris[1]]
    count = len(set(np.asarray(names).tolist()))
    spec = classes(count) if spec else None
    estimator = DeclnetClassifier(spec, training__epochs=60 if spec else 12, random_state=1)
    estimator.fit(x, y)
    predicted = estimator.predict(x)
    assert estimator.classes_.tolist() == sorted(set(y.tolist()))
    assert {*map(type, predicted.tolist())} == {*map(type, y.tolist())}
    assert (predicted == y).mean() > (0.6 if count == 2 else 0.8)
    if isinstance(y[0], str) or y.dtype != object:  # scikit-learn's metrics take no other objects
        assert estimator.score(x, y) == (predicted == y).mean()
    assert np.array_equal(estimator.classes_[estimator.predict_proba(x).argmax(axis=1)], predicted)


def test_columns_of_probabilities_are_sorted_whatever_the_order_of_the_network(iris):
    x, y = iris[0], np.array(["low", "mid", "high"])[iris[1]]
    spec = classes(3, data={"class_order": ["low", "mid", "high"]})
    estimator = DeclnetClassifier(spec).fit(x, y)
    assert estimator.predictor_.class_names == ("low", "mid", "high")
    assert estimator.classes_.tolist() == ["high", "low", "mid"]
    assert estimator.score(x, y) > 0.9
    most = estimator.classes_[estimator.predict_proba(x).argmax(axis=1)]
    assert np.array_equal(most, estimator.predict(x))
    assert np.allclose(np.exp(estimator.predict_log_proba(x)), estimator.predict_proba(x))


def test_margins_are_a_decision_function_and_not_probabilities(iris):
    x, y = iris[0][:100], np.where(iris[1][:100], "yes", "no")
    for changes in ({}, {"data": {"positive_class": "no"}}):
        spec = spec_of({"type": "dense", "units": 1}, loss="hinge", **changes)
        estimator = DeclnetClassifier(spec).fit(x, y)
        assert not hasattr(estimator, "predict_proba")
        assert np.array_equal(estimator.decision_function(x) > 0, estimator.predict(x) == "yes")
        assert estimator.score(x, y) > 0.9
    assert not hasattr(DeclnetClassifier(classes(3)).fit(*iris), "decision_function")


@pytest.mark.parametrize("names", [["low", "high"], ["low", "mid", "high"]])
def test_scores_of_classes_are_in_the_order_of_the_classes(iris, names):
    x, y = iris[0][: 50 * len(names)], np.repeat(names, 50)
    estimator = DeclnetClassifier(classes(len(names), data={"class_order": names})).fit(x, y)
    predictor = estimator.predictor_
    predictor.readings = (replace(predictor.readings[0], scores=True),)  # as of a third-party loss
    ordered = predictor.predict(x).outputs[:, np.argsort(names)]
    expected = ordered if len(names) > 2 else ordered[:, 1] - ordered[:, 0]
    np.testing.assert_array_equal(estimator.decision_function(x), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_is_prepared(houses, library):
    x, price = houses
    y = np.where(price > price.median(), "dear", "cheap")
    if library == "polars":
        columns = {
            name: [None if v != v else v for v in x[name].tolist()]
            for name in ["size", "city", "new"]
        }
        columns["rooms"] = x["rooms"].to_numpy(object, na_value=None)
        x = pytest.importorskip("polars").DataFrame(columns)
    estimator = DeclnetClassifier(training__epochs=40).fit(x, y)
    assert estimator.feature_names_in_.tolist() == ["size", "city", "new", "rooms"]
    assert estimator.score(x, y) > 0.85
    part = x[:5]
    assert np.array_equal(estimator.predict(part), estimator.predict(x)[:5])
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.predict(x[["city", "size", "new", "rooms"]])
    fitted = DeclnetRegressor(training__epochs=40).fit(x, price)
    assert fitted.score(x, price) > 0.8


def test_a_row_without_a_prediction_is_an_error_and_the_predictor_leaves_it_empty(houses):
    x, price = houses
    classifier = DeclnetClassifier(training__epochs=2).fit(x, price > price.median())
    regressor = DeclnetRegressor(training__epochs=2).fit(x.to_numpy(object)[:, [0, 3]], price)
    part = x[:3].assign(size=[2.0, "large", 3.0])
    array = part.to_numpy(object)[:, [0, 3]]
    columns = dict(zip(regressor.predictor_.features, array.T, strict=True))
    for estimator, samples, named in [(classifier, part, part), (regressor, array, columns)]:
        for predict in ("predict", "predict_proba")[: 1 + (estimator is classifier)]:
            with pytest.raises(ValueError, match=r'^row 2, column "(size|x0)"'):
                getattr(estimator, predict)(samples)
        predictions = estimator.predictor_.predict(named, on_error="empty")
        assert [*predictions.errors] == [1]
        others = (
            samples[[0, 2]] if samples is array else samples.iloc[[0, 2]].astype({"size": float})
        )
        assert np.array_equal(predictions.prediction[[0, 2]], estimator.predict(others))


@pytest.mark.parametrize("spec", [None, "one loss", "losses"])
def test_several_outputs(spec):
    x, y = make_regression(80, 4, n_targets=2, random_state=0)
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    if spec == "one loss":
        spec = spec_of({"type": "dense", "units": 2}, loss="mean_squared_error")
    elif spec == "losses":
        ends = [{**NUMBERS, "name": name, "inputs": ["relu_1"]} for name in ("u", "v")]
        spec = spec_of(*ends, losses={n: {"type": "mean_squared_error"} for n in ("u", "v")})
        del spec["loss"]
        spec["model"]["outputs"] = ["u", "v"]
    estimator = DeclnetRegressor(spec, training__epochs=60, optimizer__learning_rate=0.02)
    estimator.fit(x, y)
    assert estimator.predict(x).shape == (80, 2)
    assert estimator.score(x, y) > 0.9
    assert estimator.partial_fit(x, y).predict(x).shape == (80, 2)
    labels = (y > 0).astype(int)
    if spec is None:
        classifier = DeclnetClassifier(training__epochs=40)
    elif "loss" in spec:
        end = [{"type": "dense", "units": 2}, "sigmoid"]
        classifier = DeclnetClassifier(spec_of(*end, loss="binary_crossentropy"))
    else:
        return
    classifier.fit(x, labels)
    assert classifier.classes_.tolist() == [0, 1]
    assert classifier.predict_proba(x).shape == (80, 2)
    predicted = classifier.predict(x)
    assert np.array_equal(predicted, (classifier.predict_proba(x) > 0.5).astype(int))
    assert (predicted == labels).mean() > 0.9


@pytest.mark.parametrize("spec", [None, "own"])
def test_parts_are_fitted_in_sequence(iris, spec):
    x, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    parts = 40 if spec else 12  # of a preset, which takes longer
    estimator = DeclnetClassifier(classes(3) if spec else None, training__batch_size=16)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        estimator.partial_fit(x, y)
    estimator.partial_fit(x[:60], y[:60], ["c", "a", "b"])  # without a "c"
    rng = np.random.default_rng(0)
    for _ in range(parts):
        rows = rng.permutation(150)[:60]
        estimator.partial_fit(x[rows], y[rows])
    assert estimator.score(x, y) > (0.85 if spec else 0.6)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 1 + parts
    with pytest.raises(ValueError, match="has classes not in `classes`"):
        estimator.partial_fit(x[:3], ["a", "b", "d"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        estimator.partial_fit(x[:2], y[:2], classes=["a", "b"])
    estimator.fit(x, y).partial_fit(x, y)
    assert estimator.loss_ < 1.0  # about 1.1 for a new network, and 0.8 as the learning rate rises


def test_fitted_estimators_pickle_and_copy(iris, tmp_path):
    estimator = DeclnetClassifier(classes(3)).fit(*iris).partial_fit(*iris)
    for again in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        assert np.array_equal(again.predict_proba(iris[0]), estimator.predict_proba(iris[0]))
        again.partial_fit(*iris)
    estimator.partial_fit(*iris)
    assert np.array_equal(again.predict_proba(iris[0]), estimator.predict_proba(iris[0]))
    many = np.tile(iris[0], (20, 1)), np.tile(iris[1], 20)
    sizes = [len(pickle.dumps(DeclnetClassifier(classes(3)).fit(*data))) for data in (iris, many)]
    assert sizes[1] < sizes[0] + 1000


def test_a_warm_start_continues(iris):
    estimator = DeclnetClassifier(classes(3), warm_start=True, training__epochs=20)
    losses = [estimator.fit(*iris).loss_ for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]
    cold = clone(estimator).set_params(warm_start=False)
    assert cold.fit(*iris).loss_ == cold.fit(*iris).loss_ == losses[0]
    with pytest.raises(ValueError, match="the given parameters"):
        estimator.set_params(model__layers__0__units=3).fit(*iris)


def test_runs_are_written_and_read_again(iris, frame, tmp_path):
    estimator = DeclnetClassifier(out=tmp_path, training__epochs=3, name="iris")
    for _ in range(2):
        estimator.fit(frame.data, frame.target_names[frame.target])
    assert estimator.directory_ == tmp_path / "iris-2"
    assert declnet.open_run(estimator.directory_).status == "finished"
    again = DeclnetClassifier.from_run(estimator.directory_)
    assert np.array_equal(again.predict_proba(frame.data), estimator.predict_proba(frame.data))
    assert np.array_equal(again.predict(frame.data), estimator.predict(frame.data))
    assert again.loss_curve_ == estimator.loss_curve_
    assert clone(again).fit(frame.data, frame.target).score(frame.data, frame.target) > 0.5
    result = declnet.run(classes(3), iris, tmp_path / "arrays")
    again = DeclnetClassifier.from_run(tmp_path / "arrays")
    assert np.array_equal(again.predict_proba(iris[0]), result.predict(iris[0]).probabilities)
    with pytest.raises(ValueError, match="use DeclnetClassifier"):
        DeclnetRegressor.from_run(tmp_path / "arrays")


def test_labels_of_pandas_keep_their_type(iris):
    pandas = pytest.importorskip("pandas")
    x, y = iris
    forms = {
        bool: pandas.Series(y == 1, dtype="boolean", name="species"),
        int: pandas.array(y, dtype="Int64"),
        str: pandas.Categorical(np.array(["a", "b", "c"])[y]),
    }
    for kind, labels in forms.items():
        estimator = DeclnetClassifier(training__epochs=1).fit(x, labels)
        assert {*map(type, estimator.classes_.tolist())} == {kind}
    with pytest.raises(ValueError, match="row 1 of y has no label"):
        DeclnetClassifier().fit(x[:4], ["a", None, "b", "b"])


def test_without_scikit_learn_the_extra_is_named(tmp_path):
    code = "import sys; sys.modules['sklearn'] = None; import declnet.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "needs scikit-learn 1.6 or newer: pip install 'declnet[sklearn]'" in done.stderr
