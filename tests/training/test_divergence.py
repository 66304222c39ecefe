"""A non-finite loss is attributed to the first call that produced a non-finite value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from declnet import (
    Callback,
    Dataset,
    DivergenceError,
    Elementwise,
    Initializer,
    Layer,
    Parameter,
    Regularizer,
    Transform,
    default_registry,
    parse_spec,
    run,
)
from declnet.graph.kernels import Kernels
from declnet.registry.plugin import Plugin
from declnet.training import heartbeat
from declnet.training.compile import CompiledTraining
from declnet.training.compiled_steps import NonFiniteLossError
from declnet.training.preparation import prepare
from declnet.training.rewind import Rewind
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.losses.regression import MeanSquaredError
from declnet_plugins.standard.optimizers.sgd import SGD

NEEDS_NUMBA = pytest.mark.skipif(
    find_spec("numba") is None, reason="the extra jit is not installed"
)


class Kink(Elementwise):
    """|x| with a slope of 0 / 0 at 0, a frequent value after relu."""

    type = "kink"

    def value(self, x, y, scratch):
        np.abs(x, out=y)

    def derivative(self, x, y, slope):
        np.divide(x, y, out=slope)


class BareKink(Kink):
    """The same, written so that NumPy reports no error."""

    type = "bare_kink"

    def derivative(self, x, y, slope):
        slope[...] = np.where(x == 0, np.nan, np.sign(x))


class Identity(Layer):
    def forward(self, x, y, state):
        np.copyto(y, x)

    def backward(self, x, y, dy, dx, state):
        np.copyto(dx, dy)


class NanGradient(Dense):
    """A dense layer whose gradient of the weights is NaN from step 5 on."""

    def parameters(self, input_shape):
        count = Parameter((1,), "zeros", trainable=False)
        return {**super().parameters(input_shape), "count": count}

    def forward(self, x, y, state):
        super().forward(x, y, state)
        if state.training:
            state.count += 1


class BadStatistic(Identity):
    """A layer whose statistic, which only evaluations read, becomes NaN."""

    type = "bad_statistic"

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, "zeros", trainable=False)}

    def forward(self, x, y, state):
        if state.training:
            np.copyto(y, x)
            state.mean[...] = np.nan
        else:
            np.add(x, state.mean, out=y)


class Penalty(Regularizer):
    def penalty(self, w):
        return 0.0

    def add_gradient(self, w, dw): ...


class Varying(Transform):
    training_only = True

    def suits(self, column):
        return True

    def vary(self, x, rng): ...


class Filled(Initializer):
    def fill(self, w, rng, fan_in, fan_out): ...


class Spoiler(Callback):
    """Set a weight to NaN after the third update."""

    type = "spoiler"

    def after_update(self, run, step):
        if step == 3:
            run.model.trained.store.vector[0] = np.nan


def spoiling(name, base, method, spoil):
    """Return a component whose method finally passes its arguments to `spoil`."""

    def call(self, *arguments):
        returned = getattr(base, method)(self, *arguments)
        spoiled = spoil(*arguments)
        return returned if spoiled is None else spoiled

    call.__name__, call.__code__ = method, call.__code__.replace(co_name=method)
    return type("Spoiling", (base,), {"type": name, "__module__": __name__, method: call})


def fill(array, value, where=...):
    array[where] = value


COMPONENTS = (
    Kink, BareKink, BadStatistic, Spoiler,
    spoiling("logarithm", Identity, "forward", lambda x, y, state: fill(y, np.log(x))),
    spoiling("nan_gradient", NanGradient, "backward", lambda x, y, dy, dx, state:
             fill(state.grad.weights, np.nan, (0, *(state.count == 5).nonzero()))),
    spoiling("only_in_evaluation", Identity, "forward", lambda x, y, state:
             None if state.training else fill(y, x / (0 * x))),
    spoiling("nan_loss", MeanSquaredError, "forward", lambda y_pred, y_true, losses:
             fill(losses, np.nan, 0) if losses.mean() < 0.9 else None),
    spoiling("nan_loss_gradient", MeanSquaredError, "backward", lambda y_pred, y_true, dy_pred:
             fill(dy_pred, np.inf - np.inf, 0)),
    spoiling("nan_targets", MeanSquaredError, "prepare", lambda y, shape, dtype:
             np.full((len(y), 1), np.nan, dtype)),
    spoiling("nan_penalty", Penalty, "penalty", lambda w: float("nan")),
    spoiling("nan_penalty_gradient", Penalty, "add_gradient", lambda w, dw:
             fill(dw, np.sqrt(-1 - w**2))),
    spoiling("nan_update", SGD, "update", lambda w, dw, state, learning_rate, step:
             fill(w, w + 0 * w / (step - 3))),
    spoiling("nan_fill", Filled, "fill", lambda w, *_: fill(w, np.nan)),
    spoiling("nan_vary", Varying, "vary", lambda x, rng: fill(x, np.nan, 0)),
)  # fmt: skip


class Cause(NamedTuple):
    """A faulty spec: parts of the message, in order, and the layer that it names."""

    blamed: tuple[str, ...]
    layer: str | None = None
    layers: tuple[Any, ...] = ("relu",)
    changes: Mapping[str, Any] = MappingProxyType({})
    x: float = 1.0
    y: float = 1.0
    rate: bool = False


def of_loss(name, method, value):
    return Cause((f'loss "{name}"', method, value), changes={"loss": name})


def of_first_layer(key, name, method, value, layer=None):
    changes = {f"model.layers.0.weight_{key}": name}
    return Cause((f'{key} "{name}"', method, value), layer, changes=changes)


FLAT = {"model.layers.0.weight_initializer": "zeros"}
HUGE = {
    f"model.layers.{n}.weight_initializer": {"type": "constant", "value": 1e200} for n in (0, 1)
}
GREW = ("overflowed", "the largest parameter grew from")
SCALE = ('loss "mean_squared_error"', "overflowed", "so scale the data")
CAUSES = {
    "slope": Cause(('layer "kink"', "derivative()", '"kink_1" NaN'), "kink_1", ("kink",), FLAT),
    "slope without errors": Cause(
        ('layer "bare_kink"', "derivative()", '"bare_kink_1" NaN'),
        "bare_kink_1",
        ("bare_kink",),
        FLAT,
    ),
    "forward": Cause(
        ('layer "logarithm"', "forward()", '"logarithm_1" infinite'),
        "logarithm_1",
        ("relu", "logarithm"),
    ),
    "gradient of a parameter": Cause(
        ('layer "nan_gradient"', "backward()", "the gradient of nan_gradient_1.weights NaN"),
        "nan_gradient_1",
        ({"type": "nan_gradient", "units": 3},),
    ),
    "statistic": Cause(
        ('layer "bad_statistic"', "forward()", "bad_statistic_1.mean NaN"),
        "bad_statistic_1",
        ("bad_statistic",),
    ),
    "evaluation": Cause(
        ('layer "only_in_evaluation"', "forward()", '"only_in_evaluation_1"'),
        "only_in_evaluation_1",
        ("only_in_evaluation",),
    ),
    "loss": of_loss("nan_loss", "forward()", "the losses NaN"),
    "gradient of the loss": of_loss(
        "nan_loss_gradient", "backward()", "the gradient of the predictions NaN"
    ),
    "targets": of_loss("nan_targets", "prepare()", "y_true NaN"),
    "penalty": of_first_layer(
        "regularizer", "nan_penalty", "penalty()", "the penalty of dense_1.weights NaN"
    ),
    "gradient of a penalty": of_first_layer(
        "regularizer", "nan_penalty_gradient", "add_gradient()", "the gradient of dense_1.weights"
    ),
    "initializer": of_first_layer(
        "initializer", "nan_fill", "fill()", "dense_1.weights NaN", "dense_1"
    ),
    "update": Cause(
        ('optimizer "nan_update"', "update()", "dense_1.weights NaN"),
        changes={"optimizer": {"type": "nan_update", "learning_rate": 0.01}},
    ),
    "data varied": Cause(
        ('transform "nan_vary"', "vary()", "x NaN"),
        changes={"data.prepare": ["nan_vary"], "training.batch_size": 8},
    ),
    "initial weights": Cause(
        ('layer "dense"', "forward() overflowed", "as when the training began"),
        "dense_2",
        ({"type": "dense", "units": 3},),
        HUGE,
    ),
    "large x": Cause(SCALE, x=1e200),
    "large y": Cause(SCALE, y=1e200),
    "learning rate": Cause(GREW, "any", changes={"optimizer.learning_rate": 1e60}, rate=True),
    "learning rate, step by step": Cause(
        GREW, "any", changes={"optimizer.learning_rate": 20.0, "training.epochs": 2000}, rate=True
    ),
    "update overflows": Cause(
        ('optimizer "sgd"', "update() overflowed"),
        changes={"optimizer.learning_rate": 1e308},
        y=1e5,
        rate=True,
    ),
}


@pytest.fixture(scope="module")
def registry():
    faulty = type(default_registry())()
    for entry in default_registry().entries():
        faulty.add(entry)
    for component in COMPONENTS:
        faulty.register(component, Plugin("kit", "faulty-kit", "1.2"))
    return faulty


@pytest.fixture
def diverge(registry, changed):
    """Train until the loss is not finite; return the error."""

    def diverge(layers=("relu",), x=1.0, y=1.0, out=None, **changes):
        document = {
            "declnet": 1,
            "data": {},
            "model": {
                "dtype": "float64",
                "layers": [{"type": "dense", "units": 4}, *layers, {"type": "dense", "units": 1}],
            },
            "loss": "mean_squared_error",
            "optimizer": {"type": "sgd", "learning_rate": 0.05},
            "training": {"epochs": 60, "log_every": 7},
            "seed": 3,
        }
        rng = np.random.default_rng(4)
        features = x * rng.normal(size=(29, 2))
        targets = y * (features[:, :1] / x + 1)
        spec = parse_spec(changed(document, changes), registry)
        with pytest.raises(DivergenceError) as caught:
            run(spec, (features, targets), out, registry=registry)
        return caught.value

    return diverge


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("kernels", ["numpy", pytest.param("jit", marks=NEEDS_NUMBA)])
@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_the_first_call_with_a_non_finite_result_is_named(cause, kernels, batch_size, diverge):
    changes = {"engine.kernels": kernels, **cause.changes}
    if batch_size:
        changes["training.batch_size"] = batch_size
    error = diverge(cause.layers, cause.x, cause.y, **changes)
    message = str(error)
    rest = message
    for part in cause.blamed:
        assert part in rest, message
        rest = rest.partition(part)[2]
    assert ("smaller learning_rate" in message) == cause.rate, message
    if cause.layer != "any":
        assert error.layer == cause.layer
    if any(name in message for name in ("kink", "nan_", "bad_", "only_", "logarithm")):
        assert "faulty-kit 1.2" in message
        assert __file__ in message


@pytest.mark.parametrize(("batch_size", "accumulate"), [(None, 1), (29, 1), (8, 1), (8, 3)])
@pytest.mark.parametrize("kernels", ["numpy", pytest.param("jit", marks=NEEDS_NUMBA)])
def test_the_epoch_does_not_depend_on_how_many_run_in_one_call(
    diverge, monkeypatch, kernels, batch_size, accumulate
):
    monkeypatch.setattr(heartbeat, "PART", 1e9)
    changes = {"engine.kernels": kernels, "training.accumulate": accumulate}
    if batch_size is not None:
        changes["training.batch_size"] = batch_size
    changes |= {
        "optimizer.learning_rate": 10.0,
        "training.epochs": 1000,
        "model.layers.0.trainable": False,
    }
    errors = [diverge((), **changes, **{"training.log_every": every}) for every in (1, 1000)]
    assert errors[0].epoch == errors[1].epoch > 1


def test_a_cause_outside_the_components_is_reported_as_unexplained(diverge):
    error = diverge(**{"training.callbacks": ["spoiler"]})
    assert "dense_1.weights is NaN, but repeating the last steps did not show why" in str(error)
    assert error.layer == "dense_1"


@pytest.mark.parametrize(
    "changes",
    [
        {"training.batch_size": 8, "training.accumulate": 3},
        {"model.layers.2.trainable": {"from_epoch": 2}},
    ],
    ids=["groups", "freezing"],
)
def test_steps_with_accumulation_or_unfrozen_layers_are_repeated(diverge, changes):
    error = diverge(({"type": "nan_gradient", "units": 3},), **changes)
    assert "the gradient of nan_gradient_1.weights NaN" in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer.learning_rate": 1e60, "training.log_every": 1},
        # an update that spoils the finished model
        {"optimizer.learning_rate": 1e200, "training.epochs": 1, "data.validation": 0.5},
    ],
)
def test_the_folder_says_failed_and_keeps_the_history(diverge, tmp_path, history_of, changes):
    error = diverge(out=tmp_path / "out", **changes)
    assert "smaller learning_rate" in str(error)
    logged = (tmp_path / "out" / "history.jsonl").exists()
    rows = history_of(tmp_path / "out") if logged else []
    assert [row["epoch"] for row in rows] == list(range(error.epoch))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert str(error) in manifest["error"]
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_the_search_does_not_change_the_training(document, registry, blobs):
    document["optimizer"] = {"type": "nan_update", "learning_rate": 0.01}
    document["training"] |= {"batch_size": 8, "epochs": 5}
    spec = parse_spec(document, registry)
    prepared = prepare(spec, registry, {"train": Dataset(*blobs)})
    compiled = CompiledTraining(prepared, Kernels())
    rewind = Rewind(prepared, compiled, lambda _epoch: compiled.epoch.steps)
    rewind.keep(0, 0, 0)
    with pytest.raises(NonFiniteLossError), np.errstate(all="ignore"):
        compiled.epoch.run(compiled.update, 0, None)
    before = compiled.state(1, 0, 4).copied().plain()
    culprit = rewind.culprit((1, 0, 4), 4)
    assert (culprit.component.type, culprit.method) == ("nan_update", "update")
    np.testing.assert_equal(compiled.state(1, 0, 4).plain(), before)
