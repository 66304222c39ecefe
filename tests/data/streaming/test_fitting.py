"""Preparation fitted in blocks: equal to fitting all rows; errors come before training."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import Blocks, ChangedFileError, DataError, Dataset, DataSource, Table
from declnet.data.preparing.targets import LossTarget
from declnet.data.reservoir import Reservoir
from declnet.data.sets import class_weights, prepare_sets
from declnet.data.streaming import source as survey
from declnet.data.streaming.fitting import streamed_sets
from declnet.spec.data_section import DataSpec, SplitSpec, StreamSpec
from declnet_plugins.standard.transforms.categories import GroupRare, OneHot, Ordinal
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.quantile import Quantile
from declnet_plugins.standard.transforms.scaling import Log, Standardize

ROWS = 300
CLASSES = LossTarget("", "classes")
VALUES = LossTarget("", "values")


class Rows(DataSource):
    """A third party's source: data of this process, in blocks of 1 to 8 rows."""

    type = "rows"
    data: ClassVar[dict[str, Dataset | Table]] = {}
    reads: ClassVar[list[int]] = []

    name: str = "train"

    def blocks(self, samples: int, numbers: int) -> Blocks:
        data = self.data[self.name]
        sizes, left = [], len(data)
        while left:
            sizes.append(min(left, 1 + len(sizes) % 8, samples))
            left -= sizes[-1]
        starts = np.cumsum([0, *sizes])

        def read(number: int) -> Dataset | Table:
            self.reads.append(number)
            return data.take(np.arange(starts[number], starts[number + 1]))

        return Blocks(tuple(sizes), read)


def table(target="kind", **columns):
    rng = np.random.default_rng(3)
    age = rng.normal(40, 10, ROWS)
    age[5::17] = np.nan
    city = rng.choice(["rome", "oslo", "lima", "bern"], ROWS, p=[0.6, 0.3, 0.09, 0.01])
    all_columns = {
        "age": age,
        "income": np.exp(rng.normal(8, 2, ROWS)),
        "rooms": rng.integers(1, 9, ROWS),
        "city": city.astype(object),
        "kind": rng.choice(["house", "flat", "boat"], ROWS).astype(object),
        **columns,
    }
    return Table(all_columns, target)


def spec(data, **fields):
    Rows.data, Rows.reads = {"train": data, **fields.pop("other", {})}, []
    return DataSpec(train=Rows(), stream=StreamSpec(window=40), **fields)


def streamed(data, loss_target=CLASSES, seed=1, **fields):
    return streamed_sets(spec(data, **fields), [loss_target], seed)


def rows(stream):
    parts = list(stream.parts())
    assert [len(size) for size in parts] == [size for size in stream.sizes if size]
    return np.concatenate([p.x for p in parts]), np.concatenate([p.y for p in parts])


PREPARE = (
    Impute(),
    Log(columns=("income",)),
    Standardize(),
    GroupRare(columns=("city",), min_share=0.05),
    OneHot(),
    Quantile(columns=("rooms",)),
)


def test_fitting_in_blocks_equals_fitting_in_memory():
    fields = {"prepare": PREPARE}
    from_blocks = streamed(table(), **fields)
    in_memory = prepare_sets({"train": table()}, DataSpec(**fields), [CLASSES])
    x, y = rows(from_blocks.blocks["train"])
    np.testing.assert_allclose(x, in_memory.datasets["train"].x, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(y, in_memory.datasets["train"].y)
    assert from_blocks.preparation.feature_names == in_memory.preparation.feature_names
    assert from_blocks.preparation.class_names == ("boat", "flat", "house")
    assert from_blocks.preparation.training == in_memory.preparation.training


def test_a_split_depends_on_the_seed_and_the_rows_but_not_on_the_blocks():
    def held(seed, window):
        section = spec(table(), validation=0.2, prepare=(Impute(), Ordinal(columns=("city",))))
        section = section.model_copy(update={"stream": StreamSpec(window=window)})
        x, _ = rows(streamed_sets(section, [CLASSES], seed).blocks["validation"])
        return x[:, 1].tolist()

    assert held(1, 8) == held(1, 40)
    assert held(1, 40) != held(2, 40)


@pytest.mark.parametrize("method", ["grouped", "column", "time"])
def test_rows_are_held_out_by(method):
    group = np.arange(ROWS) // 3 % 50
    said = np.where(group < 10, "validation", "train").astype(object)
    column = {"grouped": "group", "column": "said", "time": None}[method]
    shares = {} if method == "column" else {"validation": 0.2}
    fields = {"split": SplitSpec(method=method, column=column), **shares}
    number = np.arange(ROWS, dtype=float)
    data = Table({"n": number, "group": group, "said": said, "y": number}, "y", ("n",))
    sets = streamed(data, VALUES, **fields)
    train, held = (rows(sets.blocks[name])[1].astype(int) for name in ("train", "validation"))
    assert sorted([*train, *held]) == list(range(ROWS))
    if method == "time":
        assert held.tolist() == list(range(240, 300))
    else:
        assert not {*group[train]} & {*group[held]}
        assert len(held) == 60 if method == "column" else 20 < len(held) < 120


def test_balanced_class_weights_count_all_samples():
    sets = streamed(table(), prepare=PREPARE, class_weights="balanced")
    whole = prepare_sets({"train": table()}, DataSpec(prepare=PREPARE), [CLASSES]).datasets["train"]
    sizes = dict(enumerate(np.bincount(whole.y).tolist()))
    weights = class_weights(sizes, whole.class_names, "balanced")
    expected = [weights[label] for label in whole.y]
    weights_read = np.concatenate([part.weights for part in sets.blocks["train"].parts()])
    np.testing.assert_allclose(weights_read, expected)


def test_balanced_class_weights_follow_a_changed_class_order():
    y = (np.arange(ROWS) % 5 == 0).astype(int)
    data = Dataset(np.zeros((ROWS, 2)), y, class_names=("no", "yes"))
    sets = streamed(data, class_weights="balanced", positive_class="no")
    weights = np.concatenate([part.weights for part in sets.blocks["train"].parts()])
    np.testing.assert_allclose(weights, np.where(y == 1, 2.5, 0.625))


@pytest.mark.parametrize(
    ("changes", "fields", "message"),
    [
        ({"city": np.full(ROWS, "rome", object)}, {}, 'row 6, column "age" is missing'),
        (
            {"age": np.where(np.arange(ROWS) == 290, np.inf, 1.0)},
            {},
            'row 291, column "age" is inf',
        ),
        ({}, {"prepare": (Impute(),)}, 'row 1, column "city" is the text'),
        ({}, {"prepare": PREPARE, "sample_weights": "weight"}, 'there is no column "weight"'),
        ({"kind": np.full(ROWS, "x", object)}, {"prepare": PREPARE}, "only one class"),
        ({}, {"prepare": PREPARE, "class_order": ("boat", "flat")}, "is missing from the order"),
    ],
)
def test_errors_name_the_row_or_the_class(changes, fields, message):
    fields = {"prepare": (Standardize(), Ordinal()), **fields}
    with pytest.raises(DataError, match=message):
        streamed(table(**changes), **fields)


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(1, 9))
def test_a_reservoir_keeps_the_samples_with_the_smallest_keys(sizes, most):
    keys, reservoir = np.random.default_rng(most).random(sum(sizes)), Reservoir()
    whole = Dataset(keys, keys)
    for start, size in zip(np.cumsum([0, *sizes]).tolist(), sizes, strict=False):
        part = np.arange(start, start + size)
        reservoir.add(whole.take(part), keys[part], most)
        assert len(reservoir) <= max(most, 1.25 * most)
    reservoir.trim(most)
    smallest = keys[keys < np.inf if len(keys) <= most else keys < np.sort(keys)[most]]
    np.testing.assert_array_equal(np.concatenate([part.x for part in reservoir.parts]), smallest)


@pytest.mark.parametrize(("numbers", "size"), [(2**22, 50), (61, 30), (2, 1), (1, 1)])
def test_a_sample_is_limited_by_its_rows_and_its_numbers(numbers, size, monkeypatch):
    monkeypatch.setattr(survey, "SAMPLED", 50)
    monkeypatch.setattr(survey, "SAMPLED_NUMBERS", numbers)
    sets = streamed(Table({"n": np.zeros(300), "y": np.zeros(300)}, "y"), VALUES)
    assert len(sets.raw["train"]) == size + 1  # plus one extreme value


def test_a_transform_without_incremental_fit_is_fitted_to_a_sample(monkeypatch):
    monkeypatch.setattr(survey, "SAMPLED", 50)
    data = Table({"n": np.arange(3000.0), "y": np.zeros(3000)}, "y")
    sets = streamed(data, VALUES, prepare=(Quantile(),))
    assert len(sets.raw["train"]) < 110
    x, _ = rows(sets.blocks["train"])
    assert x[0, 0] < x[750, 0] < x[2250, 0] < x[-1, 0]
    assert abs(x[1500, 0]) < 0.5 < x[2250, 0] < 0.9
    again = streamed(data, VALUES, prepare=(Quantile(),))
    np.testing.assert_array_equal(rows(again.blocks["train"])[0], x)


def test_a_validation_row_that_cannot_be_prepared_is_an_error():
    strange = table(city=np.where(np.arange(ROWS) == 250, "oz", "rome").astype(object))
    fields = {"validation": Rows(name="validation"), "other": {"validation": strange}}
    with pytest.raises(DataError, match='row 251, column "city" is "oz"'):
        streamed(table(), prepare=(Impute(), Ordinal()), **fields)


def test_samples_that_change_after_the_survey_are_an_error():
    stream = streamed(table(), prepare=PREPARE).blocks["train"]
    Rows.data["train"].columns["age"][7] += 1
    stream.read(2)
    with pytest.raises(ChangedFileError, match="the data of rows changed"):
        stream.read(3)


def test_samples_that_change_during_the_survey_are_an_error():
    class Fickle(Rows):
        def blocks(self, samples, numbers):
            def read(number):
                if len(self.reads) == 20:
                    self.data["train"].columns["age"][7] += 1
                return blocks.read(number)

            blocks = super().blocks(samples, numbers)
            return Blocks(blocks.sizes, read)

    source = spec(table(), prepare=PREPARE)
    with pytest.raises(ChangedFileError, match="the data of rows changed during the fit"):
        streamed_sets(source.model_copy(update={"train": Fickle()}), [CLASSES], 1)
