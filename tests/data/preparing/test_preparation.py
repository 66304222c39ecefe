from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from declnet import DataError, Registry, Table, Transform, default_registry
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.stored_preparation import restored, stored
from declnet.data.preparing.targets import LossTarget, fit_target_steps

TRANSFORMS = ("impute", "standardize", "one_hot")


def transforms(*declared):
    return tuple(Transform.from_declaration(declaration) for declaration in declared)


def text(*values):
    return np.array(values, object)


@pytest.fixture
def flowers():
    """Six rows with missing values."""
    columns = {
        "size": np.array([1.0, 2.0, np.nan, 4.0, 5.0, 3.0]),
        "count": np.array([1, 1, 2, 2, 3, 3]),
        "color": text("red", None, "blue", "red", "red", "blue"),
        "wild": np.array([True, False, True, False, True, False]),
        "kind": text("rose", "tulip", "rose", "iris", "iris", "rose"),
    }
    return Table(columns, target="kind")


@pytest.fixture
def fitted(flowers):
    return fit_preparation(flowers, transforms(*TRANSFORMS), [LossTarget("", "classes")])


def test_columns_are_joined_in_order(flowers, fitted):
    x = fitted.apply(flowers)[""]
    names = ("size", "count", "color=blue", "color=red", "wild")
    assert fitted.feature_names == names
    assert x.shape == (6, 5)
    size = np.array([1, 2, 3, 4, 5, 3])
    np.testing.assert_allclose(x[:, 0], (size - 3) / size.std())
    assert x[:, 2:].tolist() == [[0, 1, 1], [0, 1, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_a_stored_preparation_gives_equal_results_and_no_input_is_changed(flowers, fitted):
    before = {name: str(column.tolist()) for name, column in flowers.columns.items()}
    again = restored(*stored(fitted), default_registry())
    assert (again.apply(flowers)[""] == fitted.apply(flowers)[""]).all()
    for name in ("types", "target", "feature_names", "class_names"):
        assert getattr(again, name) == getattr(fitted, name)
    assert {name: str(column.tolist()) for name, column in flowers.columns.items()} == before


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("form", 4, 'key "form": has format 4, but this version of declnet reads 5'),
        ("steps", 3, r'key "preparation.steps": must be a valid array'),
        ("types", {"a": 3}, r'key "preparation.types.a": must be "number", '),
        ("targets", {"": {}}, r'key "preparation.targets..column": is missing'),
        ("color", 3, r'key "preparation.color": is not known'),
    ],
)
def test_a_document_of_another_form_is_refused(fitted, key, value, message):
    content, arrays = stored(fitted)
    document = json.loads(content)
    (document if key == "form" else document["preparation"])[key] = value
    with pytest.raises(ValueError, match=message):
        restored(json.dumps(document).encode(), arrays, default_registry())


class Shifted(Transform):
    """Subtract the first value."""

    type = "shifted"

    def suits(self, column):
        return column.dtype.kind == "f"

    def fit(self, x):
        return {"first": float(x[0])}

    def apply(self, x, state):
        return x - state["first"]

    def inverse(self, y, state):
        return y + state["first"]

    def verify_state(self, state):
        if not isinstance(state.get("first"), float):
            raise ValueError("shifted has no first value")


@pytest.mark.parametrize("part", ["steps", "target_steps"])
def test_a_damaged_state_is_refused_by_its_transform(part):
    registry = Registry()
    registry.register(Shifted)
    loss_targets = [LossTarget("", "values")]
    table = Table({"a": np.arange(3.0), "y": np.arange(3.0) + 5}, target="y")
    fitted = fit_preparation(table, [Shifted()], loss_targets)
    steps = fit_target_steps(fitted.apply_to_set(table), {"y": [Shifted()]}, loss_targets, "y")
    content, arrays = stored(replace(fitted, target_steps=steps))
    assert restored(content, arrays, registry).target_steps[""][0].state == {"first": 5.0}
    document = json.loads(content)
    section = document["preparation"][part]
    (step,) = section if part == "steps" else section[""]
    (step["states"]["a"] if part == "steps" else step["state"])["first"] = "five"
    with pytest.raises(ValueError, match="shifted has no first value"):
        restored(json.dumps(document).encode(), arrays, registry)


def test_all_integers_stay_integers_for_an_embedding():
    records = Table({"word": text("b", "a", "b"), "n": np.arange(3), "y": np.arange(3)}, "y")
    fitted = fit_preparation(records, transforms("ordinal"), [LossTarget("", "values")])
    x = fitted.apply(records)[""]
    assert x.dtype.kind == "i"
    assert x.tolist() == [[1, 0], [0, 1], [1, 2]]


def test_columns_may_be_reordered_or_added_but_not_missing(flowers, fitted):
    more = {"note": text(*"abcdef"), **dict(reversed(list(flowers.columns.items())))}
    assert (fitted.apply(Table(more))[""] == fitted.apply(flowers)[""]).all()
    fewer = {name: column for name, column in more.items() if name != "count"}
    with pytest.raises(DataError, match='no column "count"'):
        fitted.apply(Table(fewer))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            {"size": text(None, None, "big", None, None, None)},
            'row 3, column "size": "big" is not a number',
        ),
        ({"wild": np.arange(6)}, 'row 3, column "wild" is 2, but the training data has booleans'),
        ({"size": np.array([1, 2, np.inf, 3, 4, 5])}, 'row 3, column "size" is infinite'),
    ],
)
def test_a_column_of_another_type_is_reported(flowers, fitted, column, message):
    with pytest.raises(DataError, match=message):
        fitted.apply(Table({**flowers.columns, **column}))


def test_an_error_has_the_index_in_the_spec_despite_training_only_transforms(flowers):
    steps = transforms(
        {"type": "augment", "flip": True}, "impute", {"type": "one_hot", "unknown": "error"}
    )
    fitted = fit_preparation(flowers, steps, [LossTarget("", "classes")])
    again = restored(*stored(fitted), default_registry())
    strange = {**flowers.columns, "color": text(*["green"] * 6)}
    for preparation in (fitted, again):
        with pytest.raises(DataError, match='is "green"') as caught:
            preparation.apply(Table(strange))
        assert caught.value.path == ("data", "prepare", 2)
