"""`from_estimator`: fitted estimators of scikit-learn predict the same as declnet's models."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DeclnetError, load_predictor, open_run
from declnet_plugins.exchange import Feature, export

pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

from sklearn.compose import ColumnTransformer, make_column_transformer  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import (  # noqa: E402
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.multiclass import OneVsRestClassifier  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

from declnet.sklearn import from_estimator  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 120
NUMBERS, TEXTS = ["age", "pay"], ["city", "kind"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    columns = {
        "age": np.where(rng.random(N) < 0.1, np.nan, rng.normal(40, 9, N)),
        "pay": rng.lognormal(10, 1, N),
        "city": rng.choice(["Rome", "Bern", "Oslo"], N),
        "kind": rng.choice(["a", "b"], N),
        "size": rng.integers(1, 6, N),
        "unused": rng.normal(size=N),
    }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def targets(frame):
    y = np.nan_to_num(frame["age"]) + frame["size"] * 3
    third = np.where(frame["city"] == "Rome", "rom", np.where(y > 50, "old", "mid"))
    return {"values": y.to_numpy(), "two": np.where(y > 50, 7, -2), "three": third}


def network(kind, **fields):
    return kind(hidden_layer_sizes=(6, 4), max_iter=30, random_state=0, **fields)


def prepared(final, *, unknown="ignore", **fields):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    hot = OneHotEncoder(handle_unknown=unknown, **fields)
    return make_pipeline(make_column_transformer((numbers, NUMBERS), (hot, TEXTS)), final)


FILLED = (SimpleImputer(strategy="constant", fill_value=-1.0), NUMBERS)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
PIPELINES = {
    "network of three classes": (prepared(network(MLPClassifier)), "three"),
    "network of two classes": (prepared(network(MLPClassifier, activation="tanh")), "two"),
    "network of values": (
        prepared(network(MLPRegressor, activation="logistic"), unknown="error", drop="first"),
        "values",
    ),
    "logistic regression of two classes": (
        prepared(LogisticRegression(), drop="if_binary", sparse_output=False),
        "two",
    ),
    "logistic regression of three classes": (prepared(LogisticRegression()), "three"),
    "one against the rest": (prepared(OneVsRestClassifier(LogisticRegression())), "three"),
    "ordinal encoder with another value": (
        make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(clip=True)), ["age"]),
                (ORDINAL, TEXTS),
                ("passthrough", ["size"]),
                remainder="drop",
            ),
            ElasticNet(),
        ),
        "values",
    ),
    "all columns scaled after encoding": (
        make_pipeline(
            ColumnTransformer(
                [
                    ("numbers", make_pipeline(SimpleImputer(), MinMaxScaler((-1, 2))), [0, 1]),
                    ("texts", OrdinalEncoder(), slice("city", "kind")),
                    ("size", OneHotEncoder(sparse_output=False), [4]),
                ]
            ),
            FunctionTransformer(),
            StandardScaler(with_mean=False),
            RobustScaler(),
            Ridge(),
        ),
        "values",
    ),
    "Euclidean norm of rows": (
        make_pipeline(
            make_column_transformer(FILLED, (OrdinalEncoder(), ["kind"])),
            MaxAbsScaler(),
            Normalizer(),
            LogisticRegression(),
        ),
        "three",
    ),
    "gaps in texts": (
        make_pipeline(
            make_column_transformer(
                (
                    make_pipeline(
                        SimpleImputer(strategy="most_frequent"),
                        OneHotEncoder(handle_unknown="ignore"),
                    ),
                    TEXTS,
                ),
                FILLED,
            ),
            LinearRegression(),
        ),
        "values",
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_predictions_equal_the_estimators(name, frame, targets, tmp_path):
    estimator, target = PIPELINES[name]
    estimator.fit(frame, targets[target])
    predictor = from_estimator(estimator, tmp_path / "run")
    table = frame.drop(columns="unused").sample(frac=1, random_state=0)
    rows = frame.loc[table.index]
    for loaded in (predictor, load_predictor(tmp_path / "run")):
        prediction = loaded.predict(table)
        expected = estimator.predict(rows)
        if target == "values":
            np.testing.assert_allclose(prediction.prediction, expected, rtol=1e-10)
        else:
            assert prediction.prediction.tolist() == expected.tolist()
            assert loaded.class_names == tuple(map(str, estimator.classes_))
            probabilities = estimator.predict_proba(rows)
            np.testing.assert_allclose(prediction.probabilities, probabilities, atol=1e-12)


def test_rows_that_the_estimator_refuses_are_refused(frame, targets):
    estimator = prepared(LogisticRegression(), unknown="error").fit(frame, targets["two"])
    predictor = from_estimator(estimator)
    rows = frame.head(2).assign(city=["Rome", "Paris"])
    assert predictor.predict(rows, on_error="empty").errors.keys() == {1}


def test_arrays_without_names_have_columns_and_the_run_exports(frame, targets, tmp_path):
    x = frame[["pay", "size"]].to_numpy()
    estimator = make_pipeline(StandardScaler(), Ridge()).fit(x, targets["values"])
    predictor = from_estimator(estimator, tmp_path / "run")
    assert predictor.features == ("x0", "x1")
    result = export(open_run(tmp_path / "run"), tmp_path / "model.py")
    assert result.difference < 1e-12


def unsupported():
    numbers = np.arange(24.0).reshape(12, 2)
    values = numbers.sum(axis=1)
    gaps = np.where(numbers == 4, np.nan, numbers)
    texts = np.array([["a"], ["b"], ["a"], ["a"]] * 3, object)
    two = np.arange(12) % 2
    yield (
        make_pipeline(PolynomialFeatures(), LinearRegression()).fit(numbers, values),
        ('PolynomialFeatures "polynomialfeatures" (supported: ColumnTransformer, StandardScaler, '),
    )
    yield DecisionTreeClassifier().fit(numbers, two), "DecisionTreeClassifier (supported: Linear"
    yield LinearRegression().fit(numbers, numbers), "LinearRegression: it predicts 2 targets"
    yield network(MLPRegressor).fit(numbers, numbers), "MLPRegressor: it predicts 2 targets"
    yield (
        make_pipeline(SimpleImputer(add_indicator=True), Ridge()).fit(gaps, values),
        ('SimpleImputer "simpleimputer": it has add_indicator'),
    )
    yield (
        make_pipeline(OneHotEncoder(min_frequency=5), Ridge()).fit(texts, values),
        ('OneHotEncoder "onehotencoder": it groups infrequent categories'),
    )
    yield make_pipeline(Normalizer("l1"), Ridge()).fit(numbers, values), 'its norm is "l1"'
    both = make_column_transformer((StandardScaler(), [0]), (MinMaxScaler(), [0]))
    yield make_pipeline(both, Ridge()).fit(numbers, values), '"x0" is prepared in two ways'
    missing = OneHotEncoder().fit(np.array([["a"], [None]], object))
    yield (
        make_pipeline(missing, Ridge()).fit(np.where(texts == "b", None, texts), values),
        ("missing values are among its categories"),
    )
    yield (
        make_pipeline(OneHotEncoder(), Ridge()).fit(np.where(texts == "b", "NA", texts), values),
        "the category 'NA' means a missing value",
    )
    yield (
        make_pipeline(OneHotEncoder(drop="first"), Ridge()).fit(
            np.stack([two * 0, two], 1), values
        ),
        "it drops the only category 0",
    )
    empty = SimpleImputer(missing_values="", strategy="most_frequent")
    yield (
        make_pipeline(empty, OneHotEncoder(), Ridge()).fit(texts, values),
        "missing values are '', not NaN",
    )
    yield (
        make_pipeline(SimpleImputer(missing_values=pd.NA), Ridge()).fit(numbers, values),
        "missing values are <NA>, not NaN",
    )
    yield Ridge(), "lacks a fitted attribute"
    yield numbers, "reads fitted scikit-learn estimators, not ndarray"


def test_anything_else_is_refused_by_name():
    for estimator, message in unsupported():
        with pytest.raises(DeclnetError) as caught:
            from_estimator(estimator)
        assert message in str(caught.value)


def test_a_gap_may_be_filled_with_a_string_that_means_a_gap(frame, targets):
    filled = SimpleImputer(strategy="constant", fill_value="NA")
    estimator = make_pipeline(filled, OneHotEncoder(handle_unknown="ignore"), Ridge())
    rows = frame[["city"]].assign(city=frame["city"].where(frame["age"].notna(), np.nan))
    estimator.fit(rows.astype(object), targets["values"])
    prediction = from_estimator(estimator).predict({"city": ["Rome", None, "NA", "Oslo"]})
    expected = estimator.predict(pd.DataFrame({"city": ["Rome", "NA", "NA", "Oslo"]}, dtype=object))
    np.testing.assert_allclose(prediction.prediction, expected, rtol=1e-10)


def test_sparse_coefficients(frame, targets):
    x = frame[["pay", "size"]]
    estimator = LogisticRegression().fit(x, targets["two"])
    expected = estimator.predict_proba(x)
    prediction = from_estimator(estimator.sparsify()).predict(x)
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-12)


def test_a_gap_filled_with_another_value_is_found(frame, targets, monkeypatch):
    x = frame[["age", "size"]]
    estimator = make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(x, targets["values"])
    filled = Feature.impute
    monkeypatch.setattr(
        Feature, "impute", lambda self, value, strategy: filled(self, value + 1, strategy)
    )
    with pytest.raises(DeclnetError, match="differ from the original's"):
        from_estimator(estimator)


def test_a_folder_that_is_not_empty_stays(frame, targets, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    estimator = Ridge().fit(frame[["pay"]], targets["values"])
    with pytest.raises(DeclnetError, match="not empty"):
        from_estimator(estimator, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
