"""Tests of splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import DataError, Dataset, Table
from declnet.data.splits import fold_positions, split_positions
from declnet.spec.data_section import SplitSpec

DATA = Dataset(np.arange(40.0)[:, None], np.arange(40))
RANDOM = SplitSpec()
shares = st.floats(0.05, 0.45)


def split(data, shares, method, seed):
    positions = split_positions(data, shares, method, seed)
    return {name: data.take(rows) for name, rows in positions.items()}


def table(**columns):
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Table({n: a.astype(object) if a.dtype.kind == "U" else a for n, a in arrays.items()})


@given(validation=shares, test=shares, seed=st.integers(0, 50))
def test_random_parts_together_are_the_data(validation, test, seed):
    parts = split(DATA, {"validation": validation, "test": test}, RANDOM, seed)
    assert len(parts["validation"]) == round(40 * validation)
    assert len(parts["test"]) == round(40 * test)
    assert sorted(np.concatenate([part.y for part in parts.values()])) == list(range(40))
    for part in parts.values():
        assert (part.x[:, 0] == part.y).all()
        assert (np.diff(part.y) > 0).all()


@pytest.mark.parametrize(
    "held_out",
    [
        lambda seed: split_positions(DATA, {"validation": 0.25}, RANDOM, seed)["validation"],
        lambda seed: folds_of(DATA, 3, seed)[0][1],
    ],
)
def test_held_out_rows_depend_only_on_the_seed(held_out):
    assert held_out(1).tolist() == held_out(1).tolist() != held_out(2).tolist()


def test_test_data_does_not_depend_on_the_validation_share():
    for method in (RANDOM, SplitSpec(method="time"), SplitSpec(method="stratified")):
        data = Dataset(DATA.x, np.arange(40) % 2)
        alone = split_positions(data, {"test": 0.2}, method, 3)["test"]
        both = split_positions(data, {"validation": 0.3, "test": 0.2}, method, 3)["test"]
        assert (alone == both).all()


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_an_empty_part_is_refused(share):
    with pytest.raises(DataError, match=f"data.validation = {share} of 40 samples"):
        split(DATA, {"validation": share}, RANDOM, 0)


@given(
    counts=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    share=shares,
    seed=st.integers(0, 9),
)
def test_strata_keep_their_shares(counts, share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    data = Dataset(np.zeros((len(labels), 1)), labels)
    held_out = round(len(labels) * share)
    if held_out == 0:
        return
    parts = split_positions(data, {"validation": share}, SplitSpec(method="stratified"), seed)
    held = np.bincount(labels[parts["validation"]], minlength=len(counts))
    assert (np.abs(held - np.array(counts) * share) < 1 + 1e-9).all()
    assert held.sum() == held_out or (held == np.array(counts) - 1).any()
    assert set(labels[parts["train"]]) == set(range(len(counts)))


def test_a_column_can_stratify_instead_of_the_target():
    records = table(site=["n"] * 10 + ["s"] * 10, y=np.arange(20.0))
    parts = split(records, {"test": 0.2}, SplitSpec(method="stratified", column="site"), 0)
    assert sorted(parts["test"].columns["site"]) == ["n", "n", "s", "s"]


@given(
    groups=st.lists(st.integers(0, 8), min_size=20, max_size=60),
    share=shares,
    seed=st.integers(0, 9),
)
def test_groups_are_never_divided(groups, share, seed):
    records = table(patient=groups)
    method = SplitSpec(method="grouped", column="patient")
    try:
        parts = split_positions(records, {"validation": share, "test": 0.2}, method, seed)
    except DataError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert "the split leaves none for" in message
        return
    owners = [{groups[row] for row in rows} for rows in parts.values()]
    assert sum(map(len, owners)) == len(set(groups))
    assert sum(map(len, parts.values())) == len(groups)


DAYS = ["2024-02-01", "2024-01-05", "2024-03-01", "2024-01-01", "2024-04-01"]


@pytest.mark.parametrize(
    ("method", "values", "shares", "train", "validation", "test"),
    [
        ("time", DAYS, {"validation": 0.2, "test": 0.2}, [0, 1, 3], [2], [4]),
        ("time", None, {"validation": 0.1, "test": 0.2}, [*range(28)], [*range(28, 32)], None),
        # rows with equal times stay together
        ("time", [1, 1, 2, 2, 2, 3, 3, 3, 3, 3], {"test": 0.3}, [*range(5)], None, [*range(5, 10)]),
        ("column", ["train", "TEST ", "validation", "train"], {}, [0, 3], [2], [1]),
    ],
)
def test_a_column_or_the_row_order_assigns_rows(method, values, shares, train, validation, test):
    data = DATA if values is None else table(key=values)
    spec = SplitSpec(method=method, column=None if values is None else "key")
    parts = {name: rows.tolist() for name, rows in split_positions(data, shares, spec, 0).items()}
    assert parts["train"] == train
    assert parts.get("validation") == validation
    assert parts.get("test") == (test or [*range(32, 40)])


@pytest.mark.parametrize(
    ("records", "method", "message"),
    [
        (table(part=["train", "dev"]), SplitSpec(method="column", column="part"), 'row 2.*"dev"'),
        (
            table(part=["test"] * 3),
            SplitSpec(method="column", column="part"),
            "leaves none for train",
        ),
        (table(a=[1, 2]), SplitSpec(method="grouped", column="A"), 'did you mean "a"'),
        (table(a=[1.0, np.nan]), SplitSpec(method="time", column="a"), 'row 2, column "a"'),
        (DATA, SplitSpec(method="grouped", column="a"), "not a table"),
        (Dataset(DATA.x, DATA.x), SplitSpec(method="stratified"), "no classes"),
    ],
)
def test_impossible_splits_are_reported(records, method, message):
    with pytest.raises(DataError, match=message):
        split(records, {"validation": 0.5} if method.method != "column" else {}, method, 0)


def dates(*texts):
    return table(day=texts), SplitSpec(method="time", column="day")


@pytest.mark.parametrize(
    ("texts", "place", "like"),
    [
        (["2025-02-01", "2025-02-28", "2025-02-29"], 'row 3, column "day"', 'like "2025-02-01"'),
        (["2025-02-01", "Feb 2, 2025", "2025-02-03"], 'row 2, column "day"', 'like "2025-02-01"'),
        (["31.01.24", "01.02.24"], 'row 1, column "day"', "or time in a known form"),
        (["2024Q1", "2024-Q2"], 'row 1, column "day"', "or time in a known form"),
    ],
)
def test_a_text_that_is_not_a_date_is_reported(texts, place, like):
    data, method = dates(*texts)
    with pytest.raises(DataError) as raised:
        split(data, {"validation": 0.5}, method, 0)
    position = int(place[4]) - 1
    assert str(raised.value.message) == f'{place} is "{texts[position]}", not a date {like}'
    assert (raised.value.code, raised.value.path) == ("E036", ("data", "split", "column"))


def test_quarters_are_ordered_by_time():
    data, method = dates("2024Q2", "2023Q4", "2024Q1", "2023Q3")
    assert split_positions(data, {"test": 0.25}, method, 0)["test"].tolist() == [0]


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


def test_folds_never_split_groups():
    groups = np.random.default_rng(0).integers(0, 20, 200)
    records = Table({"patient": groups})
    parts = folds_of(records, 4, method="grouped", column="patient")
    owners = [set(groups[out]) for _, out in parts]
    assert sum(map(len, owners)) == len(set(groups))
    sizes = [len(out) for _, out in parts]
    assert max(sizes) - min(sizes) < 10
