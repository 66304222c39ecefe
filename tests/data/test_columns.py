"""Hints name whatever is installed and helps, third parties' too."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, Loss, Registry, Table, Transform
from declnet.data.columns import (
    encoding_hint,
    features_of,
    filling_hint,
    joined,
    losses_hint,
    typed,
)
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.data.preparing.targets import WantedTarget


class Lengths(Transform):
    """How long each text is."""

    type = "lengths"

    def suits(self, column):
        return column.dtype.kind == "O"

    def apply(self, x, state):
        return np.array([len(each or "") for each in x])


class Zero(Transform):
    """0 where something is missing."""

    type = "zero"

    def suits(self, column):
        return column.dtype.kind == "f"

    def apply(self, x, state):
        return np.nan_to_num(x)


class Doubled(Zero):
    """Twice the column, gaps and all."""

    type = "doubled"

    def apply(self, x, state):
        return x * 2


class Keyed(Lengths):
    """Needs a key."""

    type = "keyed"
    key: str


class Broken(Transform):
    """A component that raises arbitrary exceptions."""

    type = "broken"

    def suits(self, column):
        raise ZeroDivisionError

    def apply(self, x, state):
        return x


@pytest.fixture
def registry():
    made = Registry()
    for each in (Lengths, Zero, Doubled, Keyed, Broken):
        made.register(each)
    return made


def test_a_transform_is_named_for_what_it_makes_of_a_column(registry):
    assert encoding_hint(registry) == 'add "lengths" to data.prepare'
    assert filling_hint(np.zeros(2), registry) == 'add "zero" to data.prepare'
    text = np.array(["a", None], object)
    assert filling_hint(text, registry) == 'add "lengths" to data.prepare'
    assert encoding_hint(Registry()) == "leave the column out of the features"


def loss_of(name, wanted, taken=None):
    class Some(Loss):
        """Some loss."""

        type, targets, takes = name, wanted, taken

        def forward(self, y_pred, y_true, losses):
            losses[:] = 0

        def backward(self, y_pred, y_true, dy_pred):
            dy_pred[:] = 0

    return Some


def test_a_loss_is_named_for_the_targets_it_takes():
    registry = Registry()
    for each in (
        loss_of("apart", "classes", "distribution"),
        loss_of("near", "values", "values"),
        loss_of("shares", "values", "distribution"),
        loss_of("any", "values"),
    ):
        registry.register(each)
    assert losses_hint("classes", registry) == 'for classes, use a loss such as "apart"'
    assert losses_hint("values", registry) == 'for numbers, use a loss such as "any" or "near"'
    assert losses_hint("binary", registry) is None


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            np.array(["u", "v"], object),
            'the text "u" .*add "one_hot", "ordinal" .*to data.prepare',
        ),
        (np.array([1.0, np.nan]), r'row 2, column "a" is missing \(add "impute" to data.prepare'),
    ],
)
def test_declnets_own_are_named_where_they_are_installed(column, message):
    with pytest.raises(DataError, match=message):
        joined({"a": column}, Table({"a": column}))


@pytest.mark.parametrize(
    ("column", "targets", "message"),
    [
        (["a", "b"], "values", r'is text, but .*"categorical_crossentropy"'),
        (["a", "b", "c"], "binary", r'has 3 classes, but .*"categorical_crossentropy"'),
        ([0.5, 1.0], "classes", r'is 0.5, but classes .*for numbers, use a loss such as .*"huber"'),
        (
            ["a", None],
            "classes",
            r'is missing \(leave such rows out, e\.g\. by missing_target = "leave_out"',
        ),
    ],
)
def test_a_target_that_does_not_fit_the_loss_gets_one_that_fits(column, targets, message):
    kind = object if isinstance(column[0], str) else float
    with pytest.raises(DataError, match=message):
        TargetEncoding.of(Table({"y": np.array(column, kind)}, "y"), "y", WantedTarget("", targets))


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ([f"${row}" for row in range(150)], 'amounts, dates or identifiers, such as "$0"'),
        ([chr(200 + row) for row in range(150)], 'names or free text, such as "È"'),
        (range(150), "for numbers, use a loss such as"),
    ],
)
def test_a_target_of_many_rare_classes_names_the_likely_cause(values, hint):
    column = np.array(list(values))
    column = column.astype(object) if column.dtype.kind == "U" else column
    with pytest.raises(DataError, match="has 150 classes in 150 rows, 150 of them") as caught:
        TargetEncoding.of(Table({"y": column}, "y"), "y", WantedTarget("", "classes"))
    assert caught.value.hint.startswith(hint)
    many = Table({"y": np.repeat(column, 5)}, "y")
    assert len(TargetEncoding.of(many, "y", WantedTarget("", "classes")).classes) == 150


def test_the_target_is_no_feature():
    table = Table({"x": np.ones(2), "y": np.arange(2)}, "y", ("x", "y"))
    with pytest.raises(DataError, match='the target "y" is among the features') as caught:
        features_of(table)
    assert caught.value.path == ("data", "train", "features", 1)


def test_booleans_are_not_other_numbers():
    types = {"flag": "boolean"}
    assert typed(Table({"flag": np.array([0.0, 1.0, np.nan])}), types)["flag"][1] == 1
    with pytest.raises(DataError, match='row 2, column "flag" is -3, but the training data has'):
        typed(Table({"flag": np.array([1, -3])}), types)
