"""Directions of metrics: which values are better."""

from __future__ import annotations

from math import nan
from pathlib import Path

import pytest

from declnet.cli.display.listed_runs import in_order
from declnet.runs.display.run_tables import comparison_table
from declnet.runs.ranking import (
    TO_REPORT,
    best_of,
    by_importance,
    common_directions,
    main_metric,
    stored_directions,
)
from declnet.runs.storage.listing import ListedRun

LOSSES = dict.fromkeys(("loss", "data_loss", "regularization_loss"), "lower")


def test_directions_are_read_from_the_manifest():
    stored = {"loss": "lower", "hits": "higher", "count": None, "bias": 0.0, "odd": "up"}
    assert stored_directions(stored) == {**LOSSES, "hits": "higher", "bias": 0.0}


def test_runs_that_disagree_have_no_direction():
    first, second = {"hits": "higher", "gap": None, "both": "lower"}, {"hits": "lower"}
    common = common_directions([first, second, {"both": None}])
    assert common == {"hits": None, "gap": None, "both": "lower"}


@pytest.mark.parametrize(
    ("better", "order"), [("lower", "aebdc"), ("higher", "cdbea"), (0.0, "bdeac"), (-1.0, "ebadc")]
)
def test_the_best_run_is_the_same_everywhere(better, order):
    values = {"a": -2.4, "b": 0.1, "c": 3.0, "d": 0.5, "e": -1.0, "f": nan, "g": None}
    runs = [
        ListedRun(
            Path(name), "finished", "2026-01-01", 1.0, 3, {"train": {"loss": 1.0, "bias": value}},
            {"bias": better}, intact=True, values={"seed": name},
        )
        for name, value in values.items()
    ]  # fmt: skip
    best, metric = best_of(runs)
    assert best is not None
    assert (str(best.path), metric) == (order[0], "train.bias")
    names = [str(run.path) for run in in_order(runs, "bias")]
    assert "".join(names) == order + "fg"
    names = [str(run.path) for run in in_order(runs, "bias", reverse=True)]
    assert "".join(names) == order[::-1] + "fg"
    table = comparison_table(runs)
    ((row, column, _),) = table.marks
    assert (table.rows[row][0], table.columns[column]) == (order[0], "train.bias")


def test_a_task_is_judged_by_the_first_metric_of_its_spec_that_has_a_direction():
    names = ("loss", "data_loss", "count", "average_precision", "accuracy")
    known = [(data, name) for data in ("train", "validation", "test") for name in names]
    better = {"loss": "lower", "count": None, "average_precision": "higher", "accuracy": "higher"}
    assert main_metric(known, better) == ("validation", "average_precision")
    assert main_metric(known, better, TO_REPORT) == ("test", "average_precision")
    ordered = by_importance(known, better)
    assert ordered[:4] == [
        *((data, "average_precision") for data in ("validation", "test", "train")),
        ("validation", "accuracy"),
    ]
    assert [name for data, name in ordered if data == "test"][2:] == ["loss", "data_loss", "count"]
    assert main_metric([("train", "count"), ("train", "loss")], better) == ("train", "loss")
    assert main_metric([("train", "count")], {}) == ("train", "count")
    assert main_metric([], better) is None
