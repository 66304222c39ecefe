"""Splits and folds against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, Table
from declnet.data.splits import fold_positions, split_positions
from declnet.spec.data_section import SplitSpec

peers = pytest.importorskip("sklearn.model_selection")


def test_strata_have_equal_sizes():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    data = Dataset(np.zeros((100, 1)), labels)
    mine = split_positions(data, {"test": 0.2}, SplitSpec(method="stratified"), 0)["test"]
    theirs = peers.train_test_split(labels, test_size=0.2, stratify=labels, random_state=0)[1]
    assert np.bincount(labels[mine]).tolist() == np.bincount(theirs).tolist()


def test_folds_of_groups_are_as_even():
    groups = np.random.default_rng(0).integers(0, 20, 200)
    method = SplitSpec(method="grouped", column="patient")
    mine = [len(out) for _, out in fold_positions(Table({"patient": groups}), 4, method, 0)]
    theirs = [len(out) for _, out in peers.GroupKFold(4).split(groups, groups=groups)]
    assert sorted(mine) == sorted(theirs)


@pytest.mark.parametrize("samples", [24, 25, 27])
def test_folds_of_time_are_equal(samples):
    data = Dataset(np.zeros((samples, 1)), np.zeros(samples))
    mine = fold_positions(data, 3, SplitSpec(method="time"), 0)
    theirs = peers.TimeSeriesSplit(3).split(data.x)
    for (rest, out), (their_rest, their_out) in zip(mine, theirs, strict=True):
        assert rest.tolist() == their_rest.tolist()
        assert out.tolist() == their_out.tolist()
