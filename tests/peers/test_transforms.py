"""Transforms against scikit-learn, on its bundled data with missing values."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.transforms.categories import GroupRare, OneHot, Ordinal
from declnet_plugins.standard.transforms.impute import Impute, MissingIndicator
from declnet_plugins.standard.transforms.quantile import Quantile
from declnet_plugins.standard.transforms.scaling import MinMax, Standardize

compose = pytest.importorskip("sklearn.compose")
datasets = pytest.importorskip("sklearn.datasets")
impute = pytest.importorskip("sklearn.impute")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")


@pytest.fixture(params=["iris", "wine", "breast_cancer", "diabetes"])
def table(request):
    """Training rows and other rows, with a tenth of the numbers missing."""
    x = getattr(datasets, f"load_{request.param}")().data.copy()
    rng = np.random.default_rng(0)
    x[rng.random(x.shape) < 0.1] = np.nan
    order = rng.permutation(len(x))
    return x[order[: len(x) * 2 // 3]], x[order[len(x) * 2 // 3 :]]


@pytest.fixture
def words():
    """Training rows and other rows of text."""
    rng = np.random.default_rng(1)
    values = np.array(["torgersen", "biscoe", "dream", "a b", "é", ""], object)
    return values[rng.integers(0, 5, 90)], values[rng.integers(0, 6, 40)]


def by_column(transform, train, other):
    states = [transform.fit(column) for column in train.T]
    return np.column_stack(
        [transform.apply(column, state) for column, state in zip(other.T, states, strict=True)]
    )


def in_one(transform, train, other):
    return transform.apply(other, transform.fit(train))


@pytest.mark.parametrize("way", [by_column, in_one])
def test_standardize(table, way):
    expected = preprocessing.StandardScaler().fit(table[0]).transform(table[1])
    np.testing.assert_allclose(way(Standardize(), *table), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", [by_column, in_one])
@pytest.mark.parametrize("clip", [False, True])
def test_min_max(table, way, clip):
    theirs = preprocessing.MinMaxScaler((-1, 2), clip=clip).fit(table[0])
    mine = MinMax(low=-1, high=2, clip=clip)
    expected = theirs.transform(table[1])
    np.testing.assert_allclose(way(mine, *table), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", [by_column, in_one])
@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
def test_impute(table, way, strategy):
    theirs = impute.SimpleImputer(strategy=strategy).fit(table[0])
    mine = way(Impute(strategy=strategy), *table)
    np.testing.assert_allclose(mine, theirs.transform(table[1]), rtol=1e-12)


def test_impute_text(words):
    train, other = (np.array([word or None for word in side], object) for side in words)
    train[::7] = None
    theirs = impute.SimpleImputer(strategy="most_frequent", missing_values=None)
    expected = theirs.fit(train[:, None]).transform(other[:, None])[:, 0]
    mine = Impute()
    assert mine.apply(other, mine.fit(train)).tolist() == expected.tolist()


def test_one_hot_and_ordinal(words):
    train, other = words
    theirs = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    expected = theirs.fit(train[:, None]).transform(other[:, None])
    mine = OneHot()
    state = mine.fit(train)
    assert (mine.apply(other, state) == expected).all()
    names = theirs.get_feature_names_out(["island"])
    our_names = mine.feature_names(("island",), state)
    assert [name.replace("=", "_") for name in our_names] == names.tolist()
    their_integers = preprocessing.OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=5
    )
    expected = their_integers.fit(train[:, None]).transform(other[:, None])[:, 0]
    integers = Ordinal(unknown="index")
    assert integers.apply(other, integers.fit(train)).tolist() == expected.tolist()


@pytest.mark.parametrize("limit", [{"min_count": 19}, {"max_categories": 3}])
def test_rare_categories(words, limit):
    train, other = words
    theirs = preprocessing.OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        min_frequency=limit.get("min_count"),
        max_categories=limit["max_categories"] + 1 if "max_categories" in limit else None,
    )
    expected = theirs.fit(train[:, None]).transform(other[:, None])
    group, encode = GroupRare(**{"min_count": 1} | limit, other="ü"), OneHot()
    grouped = [group.apply(column, group.fit(train)) for column in words]
    assert "ü" in grouped[0]
    assert (encode.apply(grouped[1], encode.fit(grouped[0])) == expected).all()


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantiles(table, distribution):
    """On continuous numbers, without ties at the ends."""
    rng = np.random.default_rng(2)
    train, other = (array + 1e-3 * rng.normal(size=array.shape) for array in table)
    theirs = preprocessing.QuantileTransformer(
        n_quantiles=60, output_distribution=distribution, subsample=None
    ).fit(train)
    mine = Quantile(distribution=distribution, quantiles=60)
    inside = np.clip(other, np.nanmin(train, axis=0), np.nanmax(train, axis=0))
    transformed, expected = in_one(mine, train, inside), theirs.transform(inside)
    np.testing.assert_allclose(
        transformed, expected, rtol=5e-3, atol=1e-6
    )  # scikit-learn clips at 1e-7
    np.testing.assert_allclose(
        mine.inverse(transformed, mine.fit(train)), theirs.inverse_transform(expected), rtol=1e-6
    )


def test_missing_indicators(table):
    mine = MissingIndicator()
    indicators = in_one(mine, *table)[:, table[0].shape[1] :]
    theirs = impute.MissingIndicator().fit(table[0]).transform(table[1])
    np.testing.assert_array_equal(indicators, theirs)
