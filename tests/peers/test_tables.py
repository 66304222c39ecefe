"""Real tables with gaps and categories: inputs and results compared with scikit-learn."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from declnet import parse_spec
from declnet.data.preparing.targets import WantedTarget
from declnet.data.sets import load_sets, prepare_sets, split_sets

datasets = pytest.importorskip("sklearn.datasets")
compose = pytest.importorskip("sklearn.compose")
impute = pytest.importorskip("sklearn.impute")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")


@pytest.fixture(params=["iris", "wine", "breast_cancer"])
def table(request, tmp_path):
    """A CSV of a bundled data set: a twentieth of the cells empty, a column of text added."""
    data = getattr(datasets, f"load_{request.param}")()
    rng = np.random.default_rng(0)
    path = tmp_path / f"{request.param}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "size", "class"])
        for row in rng.permutation(len(data.data)):
            x = data.data[row]
            cells = ["" if rng.random() < 0.05 else repr(float(value)) for value in x]
            size = "" if rng.random() < 0.05 else ("large", "not large")[int(x[0] < 5.5)]
            writer.writerow([*cells, size, data.target_names[data.target[row]]])
    return path, len(data.feature_names), len(data.target_names)


@pytest.fixture
def spec(table):
    path, _, classes = table
    return parse_spec(
        {
            "data": {
                "train": {"type": "csv", "path": str(path), "target": "class"},
                "test": 0.25,
                "split": {"method": "stratified"},
                "prepare": ["impute", "standardize", "one_hot"],
            },
            "model": {"layers": [{"type": "dense", "units": classes}, "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": "adam",
            "training": {"epochs": 1},
        }
    )


def test_what_the_model_sees_is_what_scikit_learn_makes(spec, table):
    numbers = table[1]
    loaded = load_sets(spec.data, spec.seed)
    sets = split_sets(loaded, spec.data, spec.seed)
    prepared = prepare_sets(sets, spec.data, [WantedTarget("", "classes")]).datasets
    frames = {
        name: np.column_stack(
            [records.columns[each].astype(object) for each in records.feature_columns]
        )
        for name, records in sets.items()
    }
    theirs = compose.ColumnTransformer(
        [
            (
                "numbers",
                pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()),
                list(range(numbers)),
            ),
            (
                "text",
                pipeline.make_pipeline(
                    impute.SimpleImputer(missing_values=None, strategy="most_frequent"),
                    preprocessing.OneHotEncoder(sparse_output=False),
                ),
                [numbers],
            ),
        ]
    ).fit(frames["train"])
    for name, dataset in prepared.items():
        expected = theirs.transform(frames[name]).astype(float)
        np.testing.assert_allclose(dataset.x, expected, rtol=1e-9, atol=1e-12)
    labels = preprocessing.LabelEncoder().fit(sets["train"].columns["class"])
    assert (labels.transform(sets["test"].columns["class"]) == prepared["test"].y).all()
    assert prepared["test"].class_names == tuple(labels.classes_)
