"""Tests of windows: their contents, forecasts from them, and that no split leaks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import DataError, DeclnetWarning, Table, load_predictor, parse_spec, resume, run
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.targets import LossTarget
from declnet.data.preparing.windows import Windows
from declnet.data.streaming.fitting import prepared_sets
from declnet.spec.data_section import DataSpec, WindowSpec
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.transforms.scaling import Standardize


def series(rows, **more):
    """Return a table of row numbers, so that every value identifies its row."""
    row = np.arange(rows, dtype=float)
    return Table({"level": row, "plan": 1000 + row, "sales": row, **more}, "sales")


def fitted(table, transforms=(), time=None, without=(), **windows):
    return fit_preparation(
        table,
        transforms,
        [LossTarget("", "values")],
        [time, *without] if time else without,
        None,
        Windows(WindowSpec(**windows), time),
    )


def test_windows_hold_consecutive_rows_and_the_targets_of_the_next_rows():
    table = series(12)
    preparation = fitted(table, past=4, horizon=3, step=2, known=("plan",))
    data = preparation.apply_to_set(table)
    assert {name: array.shape for name, array in data.x.items()} == {
        "past": (3, 4, 3),
        "future": (3, 3, 1),
    }
    for at, start in enumerate((0, 2, 4)):
        past, future = np.arange(start, start + 4), np.arange(start + 4, start + 7)
        np.testing.assert_array_equal(
            data.x["past"][at], np.stack([past, 1000 + past, past], axis=1)
        )
        np.testing.assert_array_equal(data.x["future"][at, :, 0], 1000 + future)
        np.testing.assert_array_equal(data.y[at], future)
    assert WindowSpec(past=4, horizon=3, step=2).count(12) == 3
    assert [WindowSpec(past=4, horizon=3, step=2).count(rows) for rows in (6, 7, 8, 9)] == [
        0,
        1,
        1,
        2,
    ]


@settings(deadline=None)
@given(
    rows=st.integers(12, 90),
    past=st.integers(1, 8),
    horizon=st.integers(1, 5),
    step=st.integers(1, 4),
    validation=st.floats(0.1, 0.45),
    test=st.floats(0.1, 0.4),
    column=st.booleans(),
    folds=st.one_of(st.none(), st.integers(2, 3)),
)
def test_a_split_by_time_never_trains_on_what_follows(
    rows, past, horizon, step, validation, test, column, folds
):
    split = {"method": "time"} | ({"column": "when"} if column else {})
    held = {"validation": validation} if folds is None else {"folds": folds, "fold": 1}
    windows = {"past": past, "horizon": horizon, "step": step, "known": ("plan",)}
    spec = DataSpec(test=test, split=split, windows=windows, prepare=(Standardize(),), **held)
    when = np.datetime64("2020-02-25") + 3 * np.arange(rows)
    table = series(rows, when=when.astype(str).astype(object))
    if not column:
        table = series(rows)
    try:
        sets = prepared_sets(spec, [LossTarget("", "values")], 0, {"train": table})
    except DataError as error:
        if error.code not in ("E033", "E036", "E039"):  # too few rows for this
            raise
        return
    mean, std = (sets.preparation.steps[0].states["sales"][key] for key in ("mean", "std"))
    spans = {}
    for name, data in sets.datasets.items():
        seen = data.x["past"][:, :, 2 if not column else -1] * (std or 1) + mean
        y = data.y.reshape(len(data), -1)
        whole = np.concatenate([seen, y], axis=1)
        np.testing.assert_allclose(np.diff(whole, axis=1), 1)  # rows in order, without a gap
        spans[name] = y.min(), y.max()
    order = [spans[name] for name in ("train", "validation", "test")]
    assert all(before[1] < after[0] - 0.5 for before, after in itertools.pairwise(order))
    training_rows = np.arange(round(2 * mean) + 1)  # the mean of rows 0 to k is k / 2
    assert len(training_rows) > spans["train"][1]
    assert order[1][0] == len(training_rows)  # its past is the end of the training rows
    np.testing.assert_allclose(std, training_rows.std(), rtol=1e-9)


def test_a_forecast_reads_the_last_rows_and_what_is_known_after_them():
    table = series(20)
    preparation = fitted(table, past=4, horizon=3, known=("plan",))
    sales, level = table.columns["sales"].copy(), table.columns["level"].copy()
    sales[-3:] = level[-3:] = np.nan  # not known yet
    x = preparation.apply(series(20, sales=sales, level=level))
    np.testing.assert_array_equal(x["past"][0, :, 0], [13, 14, 15, 16])
    np.testing.assert_array_equal(x["future"][0, :, 0], [1017, 1018, 1019])
    ((only,),) = fitted(table, past=4, horizon=3).apply(table).values()
    np.testing.assert_array_equal(only[:, 0], [16, 17, 18, 19])


def spec_of(folder, **data):
    return parse_spec(
        {
            "declnet": 1,
            "data": {
                "train": {"type": "csv", "path": str(folder / "sales.csv"), "target": "sales"},
                "validation": 0.2,
                "test": 0.2,
                "split": {"method": "time", "column": "day"},
                "windows": {"past": 7, "horizon": 2, "known": ["promotion"]},
                "prepare": ["standardize"],
                **data,
            },
            "model": {
                "layers": [
                    {"type": "flatten", "inputs": ["input.past"]},
                    {"type": "flatten", "inputs": ["input.future"]},
                    {"type": "concatenate", "inputs": ["flatten_1", "flatten_2"]},
                    {"type": "dense", "units": 2},
                ]
            },
            "loss": {"type": "mean_squared_error"},
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 20, "batch_size": 16},
        }
    )


@pytest.fixture
def folder(tmp_path):
    day = np.arange(140)
    lines = [f"2024-{1 + at // 28:02}-{1 + at % 28:02},{at % 5 == 0},{at % 7}" for at in day]
    (tmp_path / "sales.csv").write_text("\n".join(["day,promotion,sales", *lines]))
    return tmp_path


def test_a_run_forecasts_from_a_file_as_from_a_frame_and_resumes_to_the_bit(folder):
    given_spec = spec_of(folder)
    whole = run(given_spec, out=folder / "whole")
    assert whole.metrics["test"]["loss"] < 1.5

    def stop(event):
        if getattr(event, "epoch", 0) == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(given_spec, out=folder / "stopped", listener=stop)
    again = resume(folder / "stopped")
    assert again.metrics == whole.metrics
    for name, parameter in whole.model.parameters().items():
        np.testing.assert_array_equal(again.model.parameters()[name], parameter)

    predictor = load_predictor(folder / "whole")
    lines = (folder / "sales.csv").read_text().splitlines()
    (folder / "next.csv").write_text("\n".join([*lines, "2024-06-01,true,", "2024-06-02,false,"]))
    (part,) = predictor.predict_parts(folder / "next.csv")
    cells = [line.split(",") for line in lines[1:]]
    frame = {
        "day": [*(row[0] for row in cells), "2024-06-01", "2024-06-02"],
        "promotion": [*(row[1] == "True" for row in cells), True, False],
        "sales": [*(int(row[2]) for row in cells), None, None],
    }
    np.testing.assert_array_equal(predictor.predict(frame).outputs, part.outputs)
    columns = part.columns()
    assert list(columns) == ["day", "prediction"]
    assert columns["day"].tolist() == ["2024-06-01", "2024-06-02"]
    np.testing.assert_array_equal(columns["prediction"], part.outputs[0])
    assert predictor.evaluate(folder / "sales.csv").samples == 140 - 8
    with pytest.raises(DataError, match="no column can be passed through"):
        list(predictor.predict_parts(folder / "next.csv", ["day"]))
    (folder / "next.csv").write_text("\n".join([*lines, ",true,", "2024-06-02,false,"]))
    with pytest.raises(DataError, match='"day" is missing, so the row cannot be put in order'):
        list(predictor.predict_parts(folder / "next.csv"))


WHEN = np.datetime64("2020-02-25")

SHOPS = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.integers(0, 12), st.integers(1, 40)), min_size=2
)
"""For each shop, the day of its first row and the number of its rows."""


def shops(spans, shuffle=0):
    """Return a table of several series, where each value is 1000 * shop + day.

    Rows are ordered by time; a shuffle interleaves the shops differently.
    """
    places = [(day, name) for name, (first, n) in spans.items() for day in range(first, first + n)]
    rng = np.random.default_rng(shuffle)
    ranks = {place: rank for rank, place in enumerate(sorted(places))}
    names = np.array([name for _, name in places], object)[rng.permutation(len(places))]
    days = {name: iter(sorted(day for day, owner in places if owner == name)) for name in spans}
    rows = [(next(days[name]), name) for name in names] if shuffle else sorted(ranks)
    day, shop = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], object)
    value = 1000.0 * np.array(["abcde".index(name) for name in shop]) + day
    when = (WHEN + day).astype(str).astype(object)
    columns = {"shop": shop, "when": when, "level": value, "plan": -value, "sales": value}
    return Table(columns, "sales")


@settings(deadline=None)
@given(
    spans=SHOPS,
    shuffle=st.integers(0, 3),
    past=st.integers(1, 5),
    horizon=st.integers(1, 3),
    step=st.integers(1, 3),
)
def test_windows_of_several_series_equal_those_of_each(spans, shuffle, past, horizon, step):
    fields = {"past": past, "horizon": horizon, "step": step, "known": ("plan",)}
    table = shops(spans, shuffle)
    shop = table.columns["shop"]
    names = [name for name in dict.fromkeys(shop) if spans[name][1] >= past + horizon]
    several = fitted(table, without=("when", "shop"), time="when", series="shop", **fields)
    if not names:
        with pytest.raises(DataError, match="too few: a window takes"):
            several.apply_to_set(table)
        return
    together = several.apply_to_set(table)
    alone = [table.take(np.flatnonzero(shop == name)) for name in names]
    one = fitted(alone[0], without=("when", "shop"), time="when", **fields)
    parts = [one.apply_to_set(part) for part in alone]
    for name in ("past", "future"):
        np.testing.assert_array_equal(together.x[name], np.concatenate([p.x[name] for p in parts]))
    np.testing.assert_array_equal(together.y, np.concatenate([p.y for p in parts]))

    long_enough = table.take(np.flatnonzero(np.isin(shop, names)))
    forecasts = several.apply(long_enough)
    for name, forecast in forecasts.items():
        expected = np.concatenate([one.apply(part)[name] for part in alone])
        np.testing.assert_array_equal(forecast, expected)


@settings(deadline=None)
@given(
    spans=SHOPS,
    shuffle=st.integers(0, 3),
    windows=st.fixed_dictionaries({"past": st.integers(1, 4), "horizon": st.integers(1, 3)}),
    validation=st.floats(0.1, 0.45),
    test=st.floats(0.1, 0.4),
    folds=st.one_of(st.none(), st.integers(2, 3)),
)
def test_no_series_is_trained_on_the_period_that_another_is_validated_on(
    spans, shuffle, windows, validation, test, folds
):
    held = {"validation": validation} if folds is None else {"folds": folds, "fold": 2}
    split = {"method": "time", "column": "when"}
    spec = DataSpec(test=test, split=split, windows={**windows, "series": "shop"}, **held)
    try:
        table = {"train": shops(spans, shuffle)}
        sets = prepared_sets(spec, [LossTarget("", "values")], 0, table).datasets
    except DataError as error:
        if error.code not in ("E033", "E036", "E039"):  # too few rows for this
            raise
        return
    periods = []
    for name in ("train", "validation", "test"):
        data = sets[name]
        y = data.y.reshape(len(data), -1)
        whole = np.concatenate([data.x[:, :, -1], y], axis=1)
        np.testing.assert_array_equal(np.diff(whole, axis=1), 1)  # one shop, without a gap
        periods.append((y % 1000).ravel())
    for before, after in itertools.pairwise(periods):
        assert before.max() < after.min()


def test_each_series_is_forecast_and_named(tmp_path):
    table = shops({"b": (0, 60), "a": (5, 50), "c": (57, 3)}, 1)
    cells = zip(*(table.columns[name] for name in ("shop", "when", "plan", "sales")), strict=True)
    lines = ["shop,when,plan,sales", *(",".join(map(str, row)) for row in cells)]
    (tmp_path / "sales.csv").write_text("\n".join(lines))
    windows = {"past": 3, "horizon": 2, "series": "shop", "known": ["plan"]}
    split = {"method": "time", "column": "when"}
    given_spec = spec_of(tmp_path, windows=windows, split=split)
    checked = check_spec(given_spec)
    assert [problem.code for problem in checked.problems] == ["W008"]
    assert "1 of 3 series is left out" in checked.problems[0].message
    assert 'the first "c"' not in checked.problems[0].message
    result = run(given_spec, out=tmp_path / "run")
    assert result.metrics["test"]["loss"] > 0

    predictor = load_predictor(tmp_path / "run")
    evaluation = predictor.evaluate(tmp_path / "sales.csv")
    assert evaluation.samples == 60 - 4 + 50 - 4
    assert "1 of 3 series is left out" in evaluation.warnings[0]
    with pytest.warns(DeclnetWarning, match="1 of 3 series is left out") as warned:
        (whole,) = predictor.predict_parts(tmp_path / "sales.csv")
    assert str(warned[0].message).endswith('left out, "c" with 3 rows: a forecast takes 5')
    next_lines = [line for line in lines if not line.startswith("c")]
    (tmp_path / "next.csv").write_text("\n".join(next_lines))
    (part,) = predictor.predict_parts(tmp_path / "next.csv", ["shop"])
    columns = part.columns()
    assert list(columns) == ["shop", "when", "prediction"]
    first = list(dict.fromkeys(line.split(",")[0] for line in next_lines[1:]))
    assert list(columns["shop"]) == [name for name in first for _ in range(2)]
    assert all(np.array_equal(columns[name], column) for name, column in whole.columns().items())
    (tmp_path / "short.csv").write_text("\n".join(line for line in lines if line[0] in "sc"))
    with pytest.raises(DataError, match='3 rows of the series "c" are too few: a forecast takes 5'):
        list(predictor.predict_parts(tmp_path / "short.csv"))
    for at, name in enumerate(first):
        frame = table.take(np.flatnonzero(table.columns["shop"] == name)).columns
        np.testing.assert_allclose(predictor.predict(frame).outputs[0], part.outputs[at])


@pytest.mark.parametrize(("season", "horizon"), [(1, 1), (1, 3), (4, 3), (4, 6)])
def test_references_repeat_the_last_season_of_each_window(season, horizon):
    table = series(40, sales=np.random.default_rng(0).normal(size=40))
    data = fitted(table, past=8, horizon=horizon, season=season).apply_to_set(table)
    ((forecasts,),) = (of_targets.values() for of_targets in data.references.values())
    expected = []
    for start in range(40 - 8 - horizon + 1):
        past = table.columns["sales"][start : start + 8]
        repeated = np.tile(past[-season:], horizon)[:horizon]
        expected.append(repeated if horizon > 1 else repeated[0])
    np.testing.assert_array_equal(forecasts, expected)


def test_times_must_be_dates_in_both_files_or_in_neither():
    windows = Windows(WindowSpec(past=2, horizon=1), "at")
    days = np.array([f"2024-01-{day:02}" for day in range(1, 7)], object)
    sets = {"train": series(6, at=days), "validation": series(6, at=np.arange(100, 106))}
    with pytest.raises(DataError, match='"at" has dates in only one') as raised:
        windows.require_later(sets)
    assert (raised.value.code, raised.value.path) == ("E036", ("data", "validation"))
