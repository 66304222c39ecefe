"""Hints name installed components that help, including third-party ones."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import CellFormat, DataError, Loss, Registry, Table, Transform
from declnet.data.columns import (
    encoding_hint,
    filling_hint,
    losses_hint,
    require_column,
    typed,
)

NAMES = [f"size_{at:02}" for at in range(30)] + ["column_30"]


class Lengths(Transform):
    """The length of each text."""

    type = "lengths"

    def suits(self, column):
        return column.dtype.kind == "O"

    def apply(self, x, state):
        return np.array([len(text or "") for text in x])


class Zero(Transform):
    """Replace missing values by 0."""

    type = "zero"

    def suits(self, column):
        return column.dtype.kind == "f"

    def apply(self, x, state):
        return np.nan_to_num(x)


class Doubled(Zero):
    """Double the values; missing ones stay missing."""

    type = "doubled"

    def apply(self, x, state):
        return x * 2


class Keyed(Lengths):
    """A transform with a required key."""

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
    components = Registry()
    for transform in (Lengths, Zero, Doubled, Keyed, Broken):
        components.register(transform)
    return components


def test_hints_name_a_transform_that_solves_the_problem(registry):
    assert encoding_hint(registry) == 'add "lengths" to data.prepare'
    assert filling_hint(np.zeros(2), registry) == 'add "zero" to data.prepare'
    text = np.array(["a", None], object)
    assert filling_hint(text, registry) == 'add "lengths" to data.prepare'
    assert encoding_hint(Registry()) == "leave the column out of the features"


def loss_of(name, targets_taken, outputs_taken=None):
    class Some(Loss):
        """Some loss."""

        type, targets, takes = name, targets_taken, outputs_taken

        def forward(self, y_pred, y_true, losses):
            losses[:] = 0

        def backward(self, y_pred, y_true, dy_pred):
            dy_pred[:] = 0

    return Some


def test_hints_name_losses_that_take_the_targets():
    registry = Registry()
    for loss in (
        loss_of("apart", "classes", "distribution"),
        loss_of("near", "values", "values"),
        loss_of("shares", "values", "distribution"),
        loss_of("any", "values"),
    ):
        registry.register(loss)
    assert losses_hint("classes", registry) == 'for classes, use a loss such as "apart"'
    assert losses_hint("values", registry) == 'for numbers, use a loss such as "any" or "near"'
    assert losses_hint("binary", registry) is None


def test_numbers_other_than_0_and_1_are_not_booleans():
    types = {"flag": "boolean"}
    assert typed(Table({"flag": np.array([0.0, 1.0, np.nan])}), types, CellFormat())["flag"][1] == 1
    with pytest.raises(DataError, match='row 2, column "flag" is -3, but the training data has'):
        typed(Table({"flag": np.array([1, -3])}), types, CellFormat())


@pytest.mark.parametrize(
    ("name", "hint"),
    [("column_29", 'did you mean "column_30"?'), ("", f"columns: {', '.join(NAMES[:20])}")],
)
def test_an_unknown_column_is_reported_with_a_suggestion_or_a_list(name, hint):
    with pytest.raises(DataError, match=f'there is no column "{name}"') as caught:
        require_column(NAMES, name)
    assert caught.value.hint == hint
