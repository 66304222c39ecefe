from __future__ import annotations

import sys

import numpy as np
import pytest

from declnet import DataError
from declnet_plugins.standard.data.examples import ScikitLearn

RNG = np.random.default_rng(0)


def test_without_scikit_learn_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r'pip install "declnet\[sklearn\]"'):
        ScikitLearn(dataset="iris").describe()


@pytest.mark.parametrize(
    ("dataset", "samples", "features", "classes"),
    [
        ("digits", 1797, 64, 10),
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("diabetes", 442, 10, None),
    ],
)
def test_the_datasets_match_scikit_learn(dataset, samples, features, classes):
    pytest.importorskip("sklearn")
    info = ScikitLearn(dataset=dataset).describe()
    assert (info.samples, info.sample_shape, info.classes) == (samples, (features,), classes)


def test_train_and_test_are_the_whole_and_share_nothing():
    pytest.importorskip("sklearn")
    parts = [ScikitLearn(dataset="iris", part=part).load(RNG) for part in ("train", "test")]
    whole = ScikitLearn(dataset="iris").load(RNG)
    assert [len(part) for part in parts] == [120, 30]
    rows = sorted(map(tuple, np.vstack([part.x for part in parts]).tolist()))
    assert rows == sorted(map(tuple, whole.x.tolist()))
