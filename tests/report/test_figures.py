from __future__ import annotations

import math

import pytest

from declnet.report.figures import (
    chosen,
    goodness,
    main_figure,
    metric_types,
    ordered,
    shown_figure,
    smaller_is_better,
    telling,
)

KNOWN = [("train", "loss"), ("train", "accuracy"), ("test", "loss"), ("test", "accuracy")]


def test_metrics_come_before_losses_and_data_sets_in_their_order():
    names = ["loss", "data_loss", "regularization_loss", "f1", "accuracy"]
    found = ordered((data, name) for data in ("test", "train") for name in names)
    order = ["f1", "accuracy", "loss", "data_loss", "regularization_loss"]
    assert found == [(data, name) for data in ("train", "test") for name in order]


@pytest.mark.parametrize(
    ("wanted", "figure"),
    [
        ("train.loss", ("train", "loss")),
        ("accuracy", ("test", "accuracy")),
        ("validation.loss", None),
        ("f1", None),
        ("", None),
    ],
)
def test_a_word_names_a_figure(wanted, figure):
    assert chosen(wanted, KNOWN) == figure


def test_the_main_figure_is_the_first_metric_of_what_was_held_out():
    assert main_figure(KNOWN) == ("test", "accuracy")
    assert main_figure([*KNOWN, ("validation", "loss")]) == ("validation", "loss")
    assert main_figure([("train", "loss")]) == ("train", "loss")
    assert main_figure([]) is None


def test_the_parts_of_a_loss_tell_nothing_without_regularization():
    values = {"loss": 1.0, "data_loss": 1.0, "regularization_loss": 0.0}
    assert telling([{"train": values}]) == [("train", "loss")]
    regularized = values | {"regularization_loss": 0.5}
    assert len(telling([{"train": values}, {"train": regularized}])) == 3


def test_best_is_first_and_what_is_missing_last():
    values = [0.5, None, math.nan, 0.25, 0.75]
    assert sorted(values, key=lambda each: goodness(each, small=True))[:3] == [0.25, 0.5, 0.75]
    assert sorted(values, key=lambda each: goodness(each, small=False))[:3] == [0.75, 0.5, 0.25]


@pytest.mark.parametrize("name", ["loss", "data_loss", "mean_absolute_error", "seconds"])
def test_losses_and_errors_are_better_small(name):
    assert smaller_is_better(name)


def test_each_metric_of_the_package_has_its_direction():
    from declnet import default_registry

    types = [each.type for each in default_registry().entries() if each.kind == "metric"]
    small = {each for each in types if smaller_is_better(each)}
    assert small == {"mean_absolute_error", "mean_squared_error"}


def test_a_metric_of_another_name_keeps_its_type():
    metrics = ["accuracy", {"type": "mean_absolute_error", "name": "miss"}, {"type": "r2"}]
    assert metric_types({"training": {"metrics": metrics}}) == {
        "accuracy": "accuracy",
        "miss": "mean_absolute_error",
        "r2": "r2",
    }
    assert metric_types({}) == {}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.92, "0.9200"),
        (1234.5, "1234"),
        (0.0, "0.000"),
        (None, "-"),
        (math.nan, "-"),
        (7, "7.000"),
    ],
)
def test_figures_have_four_digits(value, shown):
    assert shown_figure(value) == shown
