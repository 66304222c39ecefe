"""Sparse matrices, which are converted to dense arrays batch by batch."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from declnet.sklearn import DeclnetClassifier, DeclnetRegressor
from declnet.sklearn.sparse_rows import SparseRows
from tests.documents import spec_document

LAYERS = [{"type": "dense", "units": 8}, "relu", {"type": "dense", "units": 2}, "softmax"]
SPEC = spec_document(
    LAYERS,
    optimizer={"type": "adam", "learning_rate": 0.02},
    training={"epochs": 5, "batch_size": 32},
)


@pytest.fixture
def matrix():
    rng = np.random.default_rng(0)
    x = sparse.random_array((150, 40), density=0.1, format="csr", rng=rng)
    return x, (x @ rng.normal(size=40) > 0).astype(int)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data__validation": 0.2},
        {"data__prepare": ["standardize"]},
        {"training__batch_size": None},
    ],
)
def test_sparse_and_dense_samples_give_the_same_bits(matrix, form, changes):
    x, y = matrix
    dense = DeclnetClassifier(SPEC, **changes).fit(x.toarray(), y)
    net = DeclnetClassifier(SPEC, **changes).fit(x.asformat(form), y)
    expected = dense.predict_proba(x.toarray())
    np.testing.assert_array_equal(net.predict_proba(x.asformat(form)), expected)
    np.testing.assert_array_equal(net.predict_proba(x[:3].toarray()), expected[:3])
    net.partial_fit(x, y)
    dense.partial_fit(x.toarray(), y)
    np.testing.assert_array_equal(net.predict_proba(x), dense.predict_proba(x.toarray()))


def test_the_parts_of_a_prediction_are_joined(matrix, monkeypatch):
    x, y = matrix
    calibration = {"steps": [{"type": "conformal", "coverage": 0.8}]}
    net = DeclnetClassifier({**SPEC, "calibration": calibration}, data__validation=0.3).fit(x, y)
    expected = net.predict(x), net.predict_proba(x)
    monkeypatch.setattr(type(net.predictor_), "samples_in_part", 16)
    np.testing.assert_array_equal(net.predict(x), expected[0])
    np.testing.assert_array_equal(net.predict_proba(x), expected[1])
    wrong = x.copy()
    for large in (1e38, 1e300):
        wrong.data[:] = large
        with pytest.raises(ValueError, match=r"^sample \d+: the model's prediction is NaN"):
            net.predict(wrong)


def test_rows_have_the_operations_of_arrays(matrix):
    x, _ = matrix
    rows, dense = SparseRows(x), x.toarray()
    assert (rows.shape, rows.ndim, len(rows), rows.size) == (dense.shape, 2, 150, dense.size)
    some = np.array([7, 2, 149])
    np.testing.assert_array_equal(rows[some], dense[some])
    np.testing.assert_array_equal(
        rows.subset(some).astype(np.dtype("f4"))[:2], dense[some][:2].astype("f4")
    )
    np.testing.assert_array_equal(np.concatenate([*rows.parts()]), dense)
    memory, gather = rows.batch(3)
    for positions in (some, some[::-1]):
        gather(positions)
        np.testing.assert_array_equal(memory, dense[positions])


def test_texts_and_presets_work_in_pipelines():
    texts = [f"{word} film number {at}" for at in range(30) for word in ("good", "bad")]
    labels = ["+", "-"] * 30
    net = make_pipeline(TfidfVectorizer(), DeclnetClassifier(SPEC, training__epochs=30))
    assert cross_val_score(net, texts, labels, cv=2).min() > 0.9
    preset = make_pipeline(TfidfVectorizer(max_features=5), DeclnetRegressor(training__epochs=1))
    assert preset.fit(texts, np.arange(60)).predict(texts[:2]).shape == (2,)


def test_memory_does_not_grow_with_the_number_of_rows():
    """All rows take 320 MB as dense float32, and a part of a prediction at most 64 MB."""
    x = sparse.random_array((4000, 20_000), density=0.001, format="csr", rng=0)
    layers = [{"type": "dense", "units": 2}, "softmax"]
    net = DeclnetClassifier(spec_document(layers, optimizer="sgd"), training__batch_size=64)
    tracemalloc.start()
    net.fit(x, np.arange(4000) % 2).predict_proba(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6


def test_a_model_of_a_table_takes_sparse_rows(matrix):
    pd = pytest.importorskip("pandas")
    x, y = matrix
    dense = x.toarray()
    frame = pd.DataFrame(dense, columns=[f"word {at}" for at in range(40)])
    net = DeclnetClassifier(SPEC).fit(frame, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        probabilities = net.predict_proba(x)
    np.testing.assert_array_equal(probabilities, net.predict_proba(frame))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        net.partial_fit(x, y)
    other = DeclnetClassifier(SPEC).fit(frame, y).partial_fit(frame, y)
    np.testing.assert_array_equal(net.predict_proba(frame), other.predict_proba(frame))
