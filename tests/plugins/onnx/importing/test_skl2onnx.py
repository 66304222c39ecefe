"""Pipelines of scikit-learn, written by skl2onnx, predict as scikit-learn does once imported."""

from __future__ import annotations

import os

import numpy as np
import pytest

from declnet import default_registry, load_predictor
from declnet_plugins.exchange import import_network

skl2onnx = pytest.importorskip("skl2onnx")
pd = pytest.importorskip("pandas")
pytest.importorskip("onnxruntime")

from sklearn.compose import make_column_transformer  # noqa: E402
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
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from .fuzzed import DirectImporter  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

N, MOST_ROWS = 300, 2000
NUMBERS, TEXTS = ["age", "pay"], ["city", "kind"]


def rows():
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.normal(40, 9, N),
        "pay": rng.lognormal(10, 1, N),
        "city": rng.choice(["Rome", "Bern", "Oslo"], N),
        "kind": rng.choice(["a", "b", 'Ü,"x"'], N),
        "size": rng.integers(1, 6, N),
    }
    frame = pd.DataFrame(columns)
    frame.loc[::7, "age"] = np.nan
    return frame


FRAME = rows()
VALUES = FRAME["age"].fillna(0).to_numpy() + 3 * FRAME["size"].to_numpy()
TWO = np.where(VALUES > 50, "yes", "no")
THREE = np.where(FRAME["city"] == "Rome", 7, np.where(VALUES > 50, -1, 3))
HOT = OneHotEncoder(handle_unknown="ignore")
IMPUTED = make_pipeline(SimpleImputer(), StandardScaler())
RANGES = make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(clip=True))
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
GAPS = make_pipeline(SimpleImputer(missing_values="", strategy="most_frequent"), HOT)


def network(kind, **fields):
    return kind(hidden_layer_sizes=(6, 4), max_iter=30, random_state=0, **fields)


def table(*columns, final):
    return make_pipeline(make_column_transformer(*columns), final)


SHORT = {
    "network of three classes": (
        table((IMPUTED, NUMBERS), (HOT, TEXTS), final=network(MLPClassifier)),
        THREE,
    ),
    "logistic regression of two classes": (
        table(
            (RANGES, NUMBERS), (OneHotEncoder(drop="first"), ["size"]), final=LogisticRegression()
        ),
        TWO,
    ),
    "elastic net": (
        table((IMPUTED, NUMBERS), (ORDINAL, TEXTS), ("passthrough", ["size"]), final=ElasticNet()),
        VALUES,
    ),
}
LONG = {
    "network of two classes": (
        table((RANGES, NUMBERS), (HOT, TEXTS), final=network(MLPClassifier, activation="tanh")),
        TWO,
    ),
    "network of values": (
        table((IMPUTED, NUMBERS), final=network(MLPRegressor, activation="logistic")),
        VALUES,
    ),
    "logistic regression of three classes": (
        table((IMPUTED, NUMBERS), (GAPS, TEXTS), final=LogisticRegression()),
        THREE,
    ),
    "one against the rest": (
        table((IMPUTED, NUMBERS), final=OneVsRestClassifier(LogisticRegression())),
        THREE,
    ),
    "one of two": (table((IMPUTED, NUMBERS), final=OneVsRestClassifier(LogisticRegression())), TWO),
    "linear regression": (table((SimpleImputer(), NUMBERS), final=LinearRegression()), VALUES),
    "ridge of unscaled integers": (
        table((OneHotEncoder(), ["size"]), (SimpleImputer(), ["pay"]), final=Ridge()),
        VALUES,
    ),
    "scaled after encoding": (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(sparse_output=False), TEXTS), (SimpleImputer(), NUMBERS)
            ),
            StandardScaler(),
            LogisticRegression(),
        ),
        TWO,
    ),
    "Euclidean norm": (
        make_pipeline(make_column_transformer((IMPUTED, NUMBERS)), Normalizer(), Ridge()),
        VALUES,
    ),
}
ALL = SHORT | (LONG if os.environ.get("DECLNET_TEST_PIPELINES") == "all" else {})


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_predictions_match_scikit_learn(name, dtype, zipmap, tmp_path):
    estimator, y = ALL[name]
    frame = FRAME.astype(dict.fromkeys(NUMBERS, dtype))
    frame = frame[[*dict.fromkeys(part for _, _, part in _columns(estimator) for part in part)]]
    estimator.fit(frame, y)
    is_classifier = hasattr(estimator, "classes_")
    if not is_classifier and not zipmap:
        pytest.skip("values have no ZipMap")
    options = {id(estimator): {"zipmap": zipmap}} if is_classifier else None
    model = skl2onnx.to_onnx(estimator, frame[:1], options=options)
    path = tmp_path / "pipeline.onnx"
    path.write_bytes(model.SerializeToString())
    summary = import_network(DirectImporter(), path, tmp_path / "run", default_registry())
    assert summary.odd_samples > 0
    sample = frame.sample(MOST_ROWS, replace=True, random_state=0)
    predicted = load_predictor(tmp_path / "run").predict(sample)
    if is_classifier:
        expected = estimator.predict_proba(sample)
        np.testing.assert_allclose(predicted.probabilities, expected, atol=1e-5)
        certain = np.ptp(np.sort(expected, axis=1)[:, -2:], axis=1) > 1e-4
        assert (predicted.prediction == estimator.predict(sample))[certain].all()
    else:
        expected = estimator.predict(sample)
        largest = np.abs(expected).max()
        np.testing.assert_allclose(predicted.prediction, expected, atol=1e-5 * largest)


def _columns(estimator):
    return estimator[0].transformers
