"""`declnet.run`."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import (
    ComponentError,
    DataError,
    Layer,
    Metric,
    Model,
    SpecError,
    Transform,
    WeightsError,
    discover,
    load_predictor,
    parse_spec,
    resume,
    run,
)
from declnet.graph.shapes import infer_network


def same_weights(one, other):
    ours, theirs = one.model.parameters(), other.model.parameters()
    return ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours)


def test_a_spec_may_be_a_path_or_tables(document, spec_file):
    path, expected = spec_file(document), run(parse_spec(document))
    assert all(same_weights(run(spec), expected) for spec in (path, str(path), document))
    with pytest.raises(SpecError, match="a spec must be a mapping, not int"):
        run(7)


def test_it_may_start_from_given_parameters(document):
    first = run(document)
    document["model"]["layers"][0]["weight_initializer"] = "lsuv"  # changes no given parameters
    again = run(document, parameters=first.model.parameters())
    assert again.history[0]["loss"] == first.metrics["train"]["loss"]
    document["model"]["layers"][0]["units"] = 5
    with pytest.raises(WeightsError, match="the given parameters"):
        run(document, parameters=first.model.parameters())


@pytest.mark.parametrize("finished", [False, True])
def test_the_result_predicts_from_raw_rows(document, tmp_path, finished):
    document["data"] = {"prepare": ["standardize", "one_hot"]}
    table = {"size": np.arange(30.0), "city": ["a", "b", "c"] * 10, "kind": ["u", "v", "w"] * 10}
    result = run(parse_spec(document), (table, "kind"), tmp_path / "out")
    if finished:
        result = resume(tmp_path / "out")
    prediction = result.predict({"city": ["c", "a"], "size": [1.0, 2.0]})
    stored = load_predictor(tmp_path / "out").predict({"city": ["c", "a"], "size": [1.0, 2.0]})
    assert np.array_equal(prediction.outputs, stored.outputs)
    assert set(prediction.prediction) <= {"u", "v", "w"}
    assert result.predictor is result.predictor


def test_the_global_generator_is_neither_used_nor_changed(document):
    document["data"]["test"] = {"type": "nnfs_spiral", "samples": 5, "classes": 3}
    document["training"] |= {"batch_size": 7}
    spec = parse_spec(document)
    np.random.seed(1)
    before = np.random.get_state()
    one = run(spec)
    after = np.random.get_state()
    np.random.seed(2)
    assert (before[1] == after[1]).all()
    assert before[2:] == after[2:]
    assert same_weights(one, run(spec))


class Doubling(Layer):
    """A layer that changes its input."""

    type = "doubling"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        x *= 2
        y[...] = x

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx[...] = 2 * dy


class Clearing(Transform):
    """A transform that changes its column."""

    type = "clearing"

    def suits(self, column):
        return True

    def fit(self, column):
        return {}

    def apply(self, column, state):
        column[...] = 0
        return column


class Erasing(Metric):
    """A metric that changes the targets."""

    type = "erasing"

    def start(self):
        return None

    def update(self, state, y_pred, y_true):
        y_true[...] = 0

    def result(self, state):
        return 0.0


WRITING = {
    "layer": {"model.layers.0": "doubling"},
    "transform": {"data.prepare": ["clearing"]},
    "metric": {"training.metrics": ["erasing"]},
}


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("shape", [(30, 1), (30, 3), (30, 20)])
@pytest.mark.parametrize("kind", WRITING)
def test_no_component_changes_the_arrays_of_the_program(document, changed, kind, shape, batch_size):
    registry = discover()
    for component in (Doubling, Clearing, Erasing):
        registry.register(component)
    del document["data"]
    document["training"]["batch_size"] = batch_size
    x, y = np.asfortranarray(np.random.default_rng(0).normal(size=shape)), np.arange(30) % 3
    before = x.copy(), y.copy()
    spec = parse_spec(changed(document, WRITING[kind]), registry)
    with pytest.raises(ComponentError, match=f"^{kind} .*read-only"):
        run(spec, (x, y), registry=registry)
    assert (x == before[0]).all()
    assert (y == before[1]).all()


@pytest.mark.parametrize("names", [["validation"], ["train", "tests"], []])
def test_other_names_of_data_sets_are_refused(document, blobs, names):
    with pytest.raises(DataError, match="train and may have validation and test"):
        run(parse_spec(document), data=dict.fromkeys(names, blobs))


def test_invalid_data_leaves_no_folder(document, tmp_path, blobs):
    with pytest.raises(DataError, match="NaN"):
        run(parse_spec(document), data=(blobs[0] * np.nan, blobs[1]), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("order", ["C", "F"])
def test_predicting_does_not_change_the_samples(order):
    network = infer_network((Doubling(),), (2,), discover())
    x = np.ones((3, 2), order=order)
    with pytest.raises(ValueError, match="read-only"):
        Model(network, "float64").predict(x)
    assert (x == 1).all()
    assert x.flags.writeable
