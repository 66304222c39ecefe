"""embedding_bag: weighted sums of embeddings, and with them logistic regression."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet_plugins.standard.transforms.text import WORDS

RNG = np.random.default_rng(5)


def test_it_sums_the_rows_of_weights_by_their_scores():
    layer = {"type": "embedding_bag", "units": 3, "name": "bag", "inputs": ["input.x", "input.w"]}
    spec = declnet.ModelSpec.model_validate({"dtype": "float64", "layers": [layer]})
    infos = {"x": declnet.InputInfo((4,), "integer", vocabulary=9), "w": declnet.InputInfo((4,))}
    model = declnet.build_model(spec, infos)
    x, w = RNG.integers(0, 9, (20, 4)), RNG.normal(size=(20, 4)).round()
    rows = model.parameters()["bag.weights"]
    assert rows.shape == (9, 3)
    expected = np.einsum("ns,nsu->nu", w, rows[x])
    np.testing.assert_allclose(model.predict({"x": x, "w": w}), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("fields", "info", "message"),
    [
        ({}, declnet.InputInfo((4,), "integer"), "number of categories is unknown"),
        ({"categories": 5}, declnet.InputInfo((4,), "integer", vocabulary=9), "vocabulary of 9"),
        ({}, declnet.InputInfo((3,), "integer", vocabulary=9), "as many scores"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(fields, info, message):
    layer = {"type": "embedding_bag", "units": 3, "inputs": ["input.x", "input.w"], **fields}
    spec = declnet.ModelSpec.model_validate({"layers": [layer]})
    with pytest.raises(declnet.DeclnetError, match=message):
        declnet.build_model(spec, {"x": info, "w": declnet.InputInfo((4,))})


def test_with_softmax_it_is_logistic_regression_of_words_and_pairs():
    """With l2 = 1 / (2 C n), the penalty of scikit-learn; equal to 1e-6 in probability."""
    extraction = pytest.importorskip("sklearn.feature_extraction.text")
    linear_model = pytest.importorskip("sklearn.linear_model")
    words = np.array(["tea", "good", "bad", "day", "night", "so", "very", "the", "a", "not"])
    texts = [" ".join(RNG.choice(words, size=n)) for n in RNG.integers(1, 9, 60)]
    classes = RNG.integers(0, 3, 60)
    vectorizer = extraction.TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=WORDS.pattern
    )
    x = vectorizer.fit_transform(texts)
    regression = linear_model.LogisticRegression(solver="newton-cg", tol=1e-10).fit(x, classes)
    bag = {
        "type": "embedding_bag",
        "units": 3,
        "inputs": ["input", "input.weights"],
        "weight_regularizer": {"type": "l2", "strength": 1 / (2 * 60)},
    }
    document = {
        "declnet": 1,
        "data": {"prepare": [{"type": "tokenize", "ngrams": 2, "weights": "tf_idf"}]},
        "model": {"dtype": "float64", "layers": [bag, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "sgd", "learning_rate": 2.0, "momentum": 0.9},
        "training": {"epochs": 1000, "metrics": []},
    }
    data = ({"text": texts, "y": classes}, "y")
    actual = declnet.run(declnet.parse_spec(document), data=data).predict({"text": texts})
    np.testing.assert_allclose(actual.probabilities, regression.predict_proba(x), rtol=0, atol=1e-6)
