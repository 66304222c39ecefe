"""Data-driven initializers: their inputs, when they are called, and their side effects."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import ComponentError, Layer, Parameter, build_model, parse_spec, run
from declnet.registry.discovery import default_registry
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer
from declnet_plugins.standard.initializers import GlorotUniform


class Tap(Layer):
    """y = x; stores copies of x in training under its key."""

    type = "tap"
    backward_needs = frozenset()
    seen: ClassVar[dict[str, list[np.ndarray]]] = {}

    key: str

    def forward(self, x, y, state):
        np.copyto(y, x)
        if state.training:
            self.seen.setdefault(self.key, []).append(x.copy())

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


def variances_of_the_first_step(document):
    """Return the variance at each tap in the first epoch, without the batch adapted to."""
    Tap.seen.clear()
    document["training"]["epochs"] = 1
    run(parse_spec(document))
    steps = -(-30 // (document["training"].get("batch_size") or 30))
    return {key: copies[-steps].var() for key, copies in Tap.seen.items()}


OUTPUT = {"type": "dense", "units": 3}


def dense(units, initializer="lsuv"):
    return {"type": "dense", "units": units, "weight_initializer": initializer}


@pytest.mark.parametrize("training", [{}, {"batch_size": 8}])
@pytest.mark.parametrize("between", ["relu", "batch_norm", {"type": "dropout", "rate": 0.5}])
def test_lsuv_gives_each_layer_an_output_of_variance_one(document, training, between):
    """Despite shuffling, dropout and running means, which change the inputs in training."""

    def variances(second):
        hidden = [dense(8), Tap(key="1"), between, second, Tap(key="2"), "tanh"]
        document["model"]["layers"] = [*hidden, dense(3), Tap(key="3"), "softmax"]
        return variances_of_the_first_step(document)

    document["training"] |= training
    assert variances(dense(16)) == pytest.approx(dict.fromkeys("123", 1), abs=0.01)
    others = variances(dense(16, {"type": "orthogonal", "gain": 3.0}))
    assert [abs(others[key] - 1) < 0.01 for key in "123"] == [True, False, True]


@pytest.mark.parametrize(
    ("training", "requested", "seen"),
    [({"batch_size": 8}, 0, 8), ({"batch_size": 8}, 20, 20), ({"batch_size": 8}, 99, 30),
     ({"batch_size": 8}, 3, 8), ({}, 20, 30), ({"batch_size": 8, "accumulate": 2}, 20, 20)],
)  # fmt: skip
def test_an_initializer_gets_the_requested_number_of_samples(document, training, requested, seen):
    """They are the first ones of the shuffled epoch, whose order does not change."""

    class Wanting(GlorotUniform):
        type = "wanting"
        adapt_samples = requested
        batches: ClassVar[list[np.ndarray]] = []

        def adapt(self, w, x, forward, rng):
            assert len(forward()) == len(x)
            self.batches.append(x.copy())

    Tap.seen.clear()
    document["training"] |= {"epochs": 1, **training}
    document["model"]["layers"] = [dense(8, Wanting()), Tap(key="1")]
    document["model"]["layers"] = [Tap(key="0"), *document["model"]["layers"], OUTPUT, "softmax"]
    run(parse_spec(document))
    (x,) = Wanting.batches
    first, steps = Tap.seen["0"][0], Tap.seen["0"][1:]
    assert len(x) == seen
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(np.concatenate(steps)[:seen], x)
    assert len(Tap.seen["1"]) == len(steps)  # layers after the last adapted one do not run


class Noting(GlorotUniform):
    """Glorot's initializer that records its input and adapts nothing."""

    type = "noting"
    notes: ClassVar[list[np.ndarray]] = []

    def adapt(self, w, x, forward, rng):
        first = forward().copy()
        assert (forward() == first).all()
        self.notes.append(x.copy())


LAYERS = ["batch_norm", {"type": "dropout", "rate": 0.5}, "relu"]


@pytest.mark.parametrize("training", [{}, {"batch_size": 8}])
def test_an_initializer_that_adapts_nothing_changes_no_bit(document, training):
    document["training"] |= training
    results = []
    for initializer in ("glorot_uniform", Noting()):
        layers = [dense(4, initializer), *LAYERS, dense(3, initializer), "softmax"]
        document["model"]["layers"] = layers
        results.append(run(parse_spec(document)))
    one, other = (result.model.parameters() for result in results)
    assert all((one[key] == other[key]).all() for key in one)
    assert results[0].history == results[1].history


class Gain(Layer):
    """y = gain * x, in place."""

    type = "gain"
    in_place = True
    backward_needs = frozenset({"x"})

    def parameters(self, input_shape):
        return {"gain": Parameter((1,), Noting(), role="scale")}

    def forward(self, x, y, state):
        np.multiply(x, state.gain, out=y)

    def backward(self, x, y, dy, dx, state):
        state.grad.gain[0] = np.vdot(dy, x)
        np.multiply(dy, state.gain, out=dx)


def test_initializers_are_called_in_forward_order_even_with_in_place_layers(document):
    Noting.notes.clear()
    first = dense(4, Noting())
    document["model"]["layers"] = [first, Gain(), Gain(), dense(3, Noting()), "softmax"]
    document["model"]["initial_weights"] = None
    parameters = build_model(parse_spec(document).model, (2,), 1).parameters()
    assert not Noting.notes  # the first batch is drawn only in training
    run(parse_spec(document))
    x, after_first, after_second, after_third = Noting.notes
    np.testing.assert_array_equal(after_first, x @ parameters["dense_1.weights"])
    np.testing.assert_allclose(after_second, after_first * parameters["gain_1.gain"])
    np.testing.assert_allclose(after_third, after_second * parameters["gain_2.gain"])


def test_resumed_training_and_initial_weights_are_not_adapted(document, tmp_path):
    document["model"]["layers"] = [dense(4, Noting()), "relu", dense(3, "lsuv"), "softmax"]

    def trainer(document):
        spec, registry = parse_spec(document), default_registry()
        prepared = prepare(spec, registry)
        return Trainer(prepared), prepared.model

    whole, model = trainer(document)
    events = whole.events()
    next(events)
    state = whole.state()
    again, resumed = trainer(document)
    again.restore(state)
    for stream in (events, again.events()):
        Noting.notes.clear()
        list(stream)
        assert not Noting.notes
    ours, theirs = model.parameters(), resumed.parameters()
    assert all((ours[key] == theirs[key]).all() for key in ours)
    save_file(ours, tmp_path / "w.safetensors")
    document["model"]["initial_weights"] = str(tmp_path / "w.safetensors")
    list(trainer(document)[0].events())
    assert not Noting.notes


class DividedByZero(GlorotUniform):
    type = "divided_by_zero"

    def adapt(self, w, x, forward, rng):
        w /= 0


def test_non_finite_numbers_break_the_initializers_contract(document):
    document["model"]["layers"][0] = dense(4, DividedByZero())
    message = r'initializer "divided_by_zero".*adapt\(\) left numbers that are not finite'
    with pytest.raises(ComponentError, match=message):
        run(parse_spec(document))
