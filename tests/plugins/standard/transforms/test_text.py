"""The transform `tokenize`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import ColumnError
from declnet_plugins.standard.transforms.text import WORDS, Tokenize


def text(*cells):
    column = np.empty(len(cells), object)
    column[:] = cells
    return column


def test_words_are_numbered_by_frequency_and_padded_at_the_end():
    x = text("The cat, the dog!", "the cat", "a bird")
    transform = Tokenize(min_count=1)
    state = transform.fit(x)
    assert state == {"tokens": ["the", "cat", "!", ",", "a", "bird", "dog"], "length": 6}
    y = transform.apply(x, state)
    np.testing.assert_array_equal(
        y.values, [[2, 3, 5, 2, 8, 4], [2, 3, 0, 0, 0, 0], [6, 7, 0, 0, 0, 0]]
    )
    np.testing.assert_array_equal(y.lengths, [6, 2, 2])
    assert transform.levels(state) == 9


def test_rare_and_new_tokens_are_unknown_and_an_empty_text_is_one_of_them():
    transform = Tokenize(missing="empty", max_tokens=1)
    state = transform.fit(text("ja nein", "ja nein ja", "vielleicht"))
    assert state["tokens"] == ["ja"]
    y = transform.apply(text("nein ja", "", None), state)
    np.testing.assert_array_equal(y.values, [[1, 2, 0], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(y.lengths, [2, 1, 1])


@pytest.mark.parametrize(("cut", "remainder"), [("end", "abc"), ("start", "cde")])
def test_longer_texts_are_cut(cut, remainder):
    transform = Tokenize(unit="characters", length=3, min_count=1, cut=cut)
    state = transform.fit(text("abcde"))
    (row,) = transform.apply(text("abcde"), state).values
    assert "".join(state["tokens"][number - 2] for number in row) == remainder


def test_composed_and_decomposed_letters_are_the_same_and_case_may_matter():
    (row,) = Tokenize(unit="characters", min_count=1)._rows(text("e\u0301É"))
    assert row == ["é", "é"]
    (row,) = Tokenize(lowercase=False)._rows(text("Don't shout, Café"))
    assert row == ["Don't", "shout", ",", "Café"]


REVIEWS = text("Good, good tea!", "bad tea", "", "so good: the tea", "bad, bad day", None)


@pytest.mark.parametrize(("unit", "ngrams"), [("words", 2), ("words", 1), ("characters", 3)])
def test_weights_match_scikit_learn(unit, ngrams):
    extraction = pytest.importorskip("sklearn.feature_extraction.text")
    transform = Tokenize(unit=unit, ngrams=ngrams, weights="tf_idf", missing="empty")
    pattern = WORDS.pattern if unit == "words" else None
    vectorizer = extraction.TfidfVectorizer(
        analyzer={"words": "word", "characters": "char"}[unit],
        ngram_range=(1, ngrams),
        sublinear_tf=True,
        min_df=2,
        token_pattern=pattern,
    )
    texts = ["" if cell is None else cell for cell in REVIEWS]
    expected = vectorizer.fit_transform(texts)
    state = transform.fit(REVIEWS)
    assert sorted(state["tokens"]) == sorted(vectorizer.vocabulary_)
    y = transform.apply(REVIEWS, state)
    actual = np.zeros((len(REVIEWS), transform.levels(state)))
    np.put_along_axis(actual, y.values, y.weights, axis=1)
    columns = [vectorizer.vocabulary_[token] for token in state["tokens"]]
    np.testing.assert_allclose(actual[:, 2:], expected.toarray()[:, columns], rtol=1e-12)
    assert y.lengths.tolist() == np.diff(expected.indptr).tolist()


def test_the_lightest_tokens_of_a_longer_text_are_left_out():
    transform = Tokenize(weights="tf_idf", min_count=1, length=2)
    state = transform.fit(text("a b", "a c", "a d d"))
    assert (state["tokens"], state["length"]) == (["a", "b", "c", "d"], 2)
    y = transform.apply(text("a b c d d"), state)
    assert y.values.tolist() == [[3, 5]]  # d occurs twice; of b and c, as rare, b comes first
    np.testing.assert_allclose((y.weights**2).sum(), 1)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.lists(st.text(max_size=20)))
def test_any_text_becomes_integers_of_the_vocabulary(training, other):
    transform = Tokenize(unit="characters", min_count=1)
    try:
        state = transform.fit(text(*training))
    except ColumnError:
        assert not "".join(training)
        return
    y = transform.apply(text(*other), state)
    assert y.values.shape == (len(other), state["length"])
    there = np.arange(state["length"]) < y.lengths[:, None]
    assert (y.lengths >= 1).all()
    assert (y.values[there] >= 1).all()
    assert (y.values[~there] == 0).all()
    assert (y.values < transform.levels(state)).all()


@pytest.mark.parametrize(
    ("x", "message", "row"),
    [
        (np.arange(3), "holds numbers", None),
        (np.zeros((3, 2)), "several numbers", None),
        (text("a", None), "is missing", 1),
        (text("a b", "c"), "no token 2 times", None),
        (text("", " "), "has no tokens", None),
    ],
)
def test_other_columns_are_refused(x, message, row):
    with pytest.raises(ColumnError, match=message) as caught:
        Tokenize().fit(x)
    assert caught.value.row == row


@pytest.mark.parametrize(
    "state",
    [
        {"tokens": ["a"]},
        {"tokens": "ab", "length": 2},
        {"tokens": ["a", 1], "length": 2},
        {"tokens": ["a", "a"], "length": 2},
        {"tokens": ["a"], "length": True},
        {"tokens": ["a"], "length": 0},
    ],
)
def test_states_of_other_types_are_refused(state):
    with pytest.raises(ValueError, match="tokenize"):
        Tokenize().verify_state(state)


@pytest.mark.parametrize("factors", [None, [1.0], np.ones(2), np.zeros(1), np.ones(1, int)])
def test_factors_of_other_types_are_refused(factors):
    state = {"tokens": ["a"], "length": 1, "factors": factors}
    with pytest.raises(ValueError, match="positive factor"):
        Tokenize(weights="tf_idf").verify_state(state)
