"""Runs in one process load shared data once, with the same result as separate runs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from declnet import DataInfo, Dataset, DataSource, parse_spec, run
from declnet.caching import MOST_RESULTS, sharing_results
from declnet.data import sets
from declnet.data.sources.loading import load_source
from declnet.spec.streams import DataSet


class Counted(DataSource):
    type = "counted"
    rows: int = 3
    loads: ClassVar[list[Any]] = []

    def describe(self) -> DataInfo:
        return DataInfo((2,), samples=self.rows)

    def numbers(self, rng: np.random.Generator) -> np.ndarray:
        return np.ones((self.rows, 2))

    def load(self, rng: np.random.Generator) -> Dataset:
        self.loads.append(self)
        return Dataset(self.numbers(rng), np.zeros((self.rows, 1)))


class Drawn(Counted):
    type = "drawn"

    def numbers(self, rng):
        return rng.standard_normal((self.rows, 2))


class Spawned(Counted):
    type = "spawned"

    def numbers(self, rng):
        return rng.spawn(1)[0].standard_normal((self.rows, 2))


@pytest.fixture(autouse=True)
def loads():
    Counted.loads.clear()
    return Counted.loads


def load(source, seed, data_set=DataSet.TRAIN):
    return load_source(source, seed, data_set)


def test_a_file_is_loaded_once_for_all_seeds(loads):
    with sharing_results():
        first = load(Counted(), 0)
        assert load(Counted(), 1).x.base is first.x.base
        load(Counted(rows=4), 1)
        load(Counted(), 1, DataSet.TEST)
        with sharing_results():
            load(Counted(), 2)
    assert len(loads) == 3
    load(Counted(), 0)
    assert len(loads) == 4


@pytest.mark.parametrize("source", [Drawn(), Spawned()])
def test_random_data_depends_on_the_seed_of_each_run(loads, source):
    alone = [load(source, seed).x for seed in (0, 1)]
    with sharing_results():
        together = [load(source, seed).x for seed in (0, 1, 0)]
    for x, expected in zip(together, (*alone, alone[0]), strict=True):
        np.testing.assert_array_equal(x, expected)
    assert not np.array_equal(*alone)
    assert len(loads) == 4


def test_shared_arrays_are_read_only_and_limited_in_number(loads):
    with sharing_results():
        with pytest.raises(ValueError, match="read-only"):
            load(Counted(), 0).x[0] = 2
        for rows in range(MOST_RESULTS):
            load(Counted(rows=4 + rows), 0)
        before = len(loads)
        load(Counted(), 0)
    assert len(loads) == before + 1


@pytest.mark.parametrize(
    ("data", "times"),
    [({}, 1), ({"validation": 0.2}, 2), ({"folds": 3, "fold": 1}, 2)],
    ids=["whole", "split", "folds"],
)
def test_data_is_prepared_once_for_each_distinct_preparation(document, monkeypatch, data, times):
    document["data"] |= {"prepare": ["standardize"], **data}
    specs = [
        parse_spec(document | {"seed": seed, "optimizer": {"type": "sgd", "learning_rate": rate}})
        for seed in (1, 2)
        for rate in (0.1, 0.2)
    ]
    other = parse_spec(document | {"data": document["data"] | {"prepare": ["min_max"]}})
    alone = [run(spec).metrics for spec in (*specs, other)]
    prepared, prepare = [], sets.prepare_sets
    monkeypatch.setattr(sets, "prepare_sets", lambda *a: prepared.append(a) or prepare(*a))
    with sharing_results():
        assert [run(spec).metrics for spec in (*specs, other)] == alone
    assert len(prepared) == times + 1
