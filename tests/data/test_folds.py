from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import DataError, Dataset, Table
from declnet.data.folds import fold_positions
from declnet.data.sets import split_sets
from declnet.spec.data_section import DataSpec, SplitSpec


def folds_of(data, folds, seed=0, **method):
    return list(fold_positions(data, folds, SplitSpec(**method), seed))


@given(samples=st.integers(2, 60), folds=st.integers(2, 7), stratified=st.booleans())
def test_each_sample_is_held_out_once(samples, folds, stratified):
    data = Dataset(np.zeros((samples, 1)), np.arange(samples) % 3)
    method = {"method": "stratified"} if stratified else {}
    if samples < folds:
        with pytest.raises(DataError, match="too few"):
            folds_of(data, folds, **method)
        return
    parts = folds_of(data, folds, **method)
    assert len(parts) == folds
    held = np.concatenate([out for _, out in parts])
    assert sorted(held) == list(range(samples))
    sizes = [len(out) for _, out in parts]
    assert max(sizes) - min(sizes) <= 1
    for rest, out in parts:
        assert sorted([*rest, *out]) == list(range(samples))
        if stratified:
            counts = np.bincount(data.y[out], minlength=3)
            assert counts.max() - counts.min() <= 2


def test_folds_follow_from_the_seed_alone():
    data = Dataset(np.zeros((30, 1)), np.zeros(30))
    first, same, other = (folds_of(data, 3, seed)[0][1].tolist() for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_groups_are_never_torn():
    groups = np.random.default_rng(0).integers(0, 20, 200)
    records = Table({"patient": groups})
    parts = folds_of(records, 4, method="grouped", column="patient")
    owners = [set(groups[out]) for _, out in parts]
    assert sum(map(len, owners)) == len(set(groups))
    sizes = [len(out) for _, out in parts]
    assert max(sizes) - min(sizes) < 10


def test_times_are_never_torn():
    records = Table({"day": np.random.default_rng(0).permutation(np.arange(60) // 3)})
    for rest, out in folds_of(records, 4, method="time", column="day"):
        assert records.columns["day"][rest].max() < records.columns["day"][out].min()


def test_each_value_of_a_column_is_a_fold():
    records = Table({"site": np.array(["n", "s", "n", "e"], object)})
    parts = folds_of(records, 3, method="column", column="site")
    assert [out.tolist() for _, out in parts] == [[3], [0, 2], [1]]


@pytest.mark.parametrize(
    ("column", "method"),
    [([1, 1, 2, 2], "grouped"), ([1, 1, 2, 2], "column"), ([1, 1, 2, 2], "time")],
)
def test_too_few_values_for_so_many_folds(column, method):
    records = Table({"g": np.array(column)})
    with pytest.raises(DataError, match="too few"):
        folds_of(records, 3, method=method, column="g")


def test_the_test_data_is_held_out_of_all_folds_and_the_same_in_each():
    data = Dataset(np.arange(50.0)[:, None], np.arange(50))
    seen, tests = [], set()
    for fold in (1, 2, 3, 4):
        spec = DataSpec(test=0.2, folds=4, fold=fold)
        parts = split_sets({"train": data}, spec, seed=3)
        assert sorted(np.concatenate([each.y for each in parts.values()])) == list(range(50))
        seen += parts["validation"].y.tolist()
        tests.add(tuple(parts["test"].y))
    assert len(tests) == 1
    assert sorted([*seen, *tests.pop()]) == list(range(50))


def test_of_a_column_each_value_is_a_fold():
    data = Table({"site": np.array(["a", "b", "b", "c"], object), "x": np.arange(4.0)})
    split = SplitSpec(method="column", column="site")
    parts = split_sets({"train": data}, DataSpec(folds=3, fold=2, split=split), seed=0)
    assert parts["validation"].columns["x"].tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match="the column has 3 values: too few for 4 folds"):
        split_sets({"train": data}, DataSpec(folds=4, split=split), seed=0)
