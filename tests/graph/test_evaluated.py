"""Runs that evaluate, save and export other parameters than the trained ones."""

from __future__ import annotations

import itertools
import signal
from typing import Annotated

import numpy as np
import pytest

from declnet import (
    Callback,
    ComponentError,
    Dataset,
    EpochLogged,
    IncrementalTraining,
    Optimizer,
    Schedule,
    Scheduled,
    open_run,
    parse_spec,
    resume,
    run,
)
from declnet.data.sources.loading import as_data
from declnet.registry.discovery import default_registry
from declnet.runs.inference.examined import evaluate_examined
from declnet.testing.examples import registry_with
from declnet.training.checks.check import check_spec
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer

SOURCES = {
    "optimizer": ("schedule_free_adamw", []),
    "group": (
        {"type": "sgd", "groups": [{"parameters": ["dense_2.*"], "type": "schedule_free_adamw"}]},
        [],
    ),
    "updates": ("adam", [{"type": "ema", "decay": 0.8}]),
    "epochs": ("adam", [{"type": "swa", "from_epoch": 1}]),
}
"""Optimizers and callbacks that define the evaluated parameters."""

EPOCHS = 6


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 4))
    return x, (x[:, 0] + rng.normal(size=60) > 0).astype(int)


@pytest.fixture
def document():
    return {
        "seed": 2,
        "data": {"validation": 0.3},
        "model": {
            "dtype": "float64",
            "layers": [
                {"type": "dense", "units": 5},
                "batch_norm",
                "relu",
                {"type": "dropout", "rate": 0.2},
                {"type": "dense", "units": 2, "trainable": {"from_epoch": 1}},
                "softmax",
            ],
        },
        "loss": "categorical_crossentropy",
        "engine": {"kernels": "numpy"},
        "training": {"epochs": EPOCHS, "batch_size": 9, "metrics": ["accuracy"]},
    }


@pytest.fixture
def trained(document, data):
    def train(source, *callbacks, out=None, listener=None, registry=None, **training):
        optimizer, first = SOURCES[source]
        document["optimizer"] = optimizer
        document["training"] |= {"callbacks": [*first, *callbacks], **training}
        spec = parse_spec(document, registry)
        passed = None if "stream" in document["data"] else data
        return run(spec, passed, registry=registry, out=out, listener=listener)

    return train


def validation(row):
    return {name.removeprefix("validation_"): value for name, value in row.items() if "_" in name}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kernels", ["numpy", "jit"])
def test_validation_best_epoch_and_weights_use_the_same_parameters(
    trained, document, data, tmp_path, source, kernels
):
    if kernels == "jit":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    document["engine"]["kernels"] = kernels
    whole = trained(source, out=tmp_path / "last")
    last = whole.history[-1]
    for name, value in whole.metrics["validation"].items():
        assert last[f"validation_{name}"] == pytest.approx(value, rel=1e-12), name
    assert last["loss"] != pytest.approx(whole.metrics["train"]["loss"], rel=1e-3)
    stored = open_run(tmp_path / "last").model().parameters()
    for key, array in whole.model.parameters().items():
        np.testing.assert_array_equal(stored[key], array)

    best = trained(source, {"type": "best_epoch", "ties": "first"}, out=tmp_path / "best")
    losses = [row["validation_loss"] for row in whole.history]
    assert [row["validation_loss"] for row in best.history] == losses
    train = {"train": Dataset(*data)}
    parts = open_run(tmp_path / "best").examined("validation", train, by_models=True)
    evaluation = evaluate_examined(parts, best.predictor)
    assert evaluation.metrics["loss"] == pytest.approx(min(losses), rel=1e-12)
    assert best.restored.startswith(f"epoch {int(np.argmin(losses))},")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("source", SOURCES)
def test_evaluation_changes_no_training(trained, document, data, tmp_path, source, streamed):
    if streamed:
        for name, array in zip("xy", data, strict=True):
            np.save(tmp_path / f"{name}.npy", array)
        files = {name: str(tmp_path / f"{name}.npy") for name in "xy"}
        document["data"] |= {"train": {"type": "npy", **files}, "stream": {"window": 20}}
    often, seldom = trained(source), trained(source, log_every=4)
    rows = {row["epoch"]: row for row in often.history}
    assert [row["epoch"] for row in seldom.history] == [0, 4, EPOCHS - 1]
    assert all(row == rows[row["epoch"]] for row in seldom.history)
    for key, array in often.model.parameters().items():
        np.testing.assert_array_equal(seldom.model.parameters()[key], array)


@pytest.mark.parametrize(
    ("source", "at"),
    [
        *itertools.product(SOURCES, [4, "evaluation"]),
        *itertools.product(["optimizer"], [1, EPOCHS - 1]),
    ],
)
def test_a_resumed_run_has_the_same_bits(trained, data, tmp_path, monkeypatch, source, at):
    callbacks = {"type": "checkpoint", "every_epochs": 4}, {"type": "best_epoch"}
    callbacks = callbacks[: 1 + (at == 4)]

    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == at:
            raise KeyboardInterrupt

    def interrupted(self, *arguments):
        evaluated(self, *arguments)
        if self.epoch == EPOCHS:
            raise KeyboardInterrupt

    evaluated = Trainer.evaluated
    trained(source, *callbacks, out=tmp_path / "whole")
    if at == "evaluation":
        monkeypatch.setattr(Trainer, "evaluated", lambda *a: interrupted(*a) or evaluated(*a))
    with pytest.raises(KeyboardInterrupt):
        trained(source, *callbacks, out=tmp_path / "parts", listener=listener)
    monkeypatch.undo()
    resume(tmp_path / "parts", data)
    for name in ("weights.safetensors", "history.jsonl", "metrics.json"):
        whole, parts = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes(), name


def test_an_interrupted_run_has_the_evaluated_weights(trained, tmp_path):
    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trained("optimizer", out=tmp_path / "parts", listener=listener)
    shorter = trained("optimizer", epochs=4)
    weights = open_run(tmp_path / "parts").model().parameters()
    for key, array in shorter.model.parameters().items():
        np.testing.assert_array_equal(weights[key], array)


def test_passes_over_parts_use_the_evaluated_parameters(document, data):
    document["optimizer"], document["data"] = SOURCES["optimizer"][0], {}
    document["training"]["shuffle"] = False
    document["model"]["layers"].pop(3)  # dropout draws different numbers in each pass
    document["model"]["layers"][3].pop("trainable")
    result, training = run(document, data), IncrementalTraining(document)
    losses = [training.train(data)["loss"] for _ in range(EPOCHS)]
    parameters = training.predictor.model.parameters()
    for key, array in result.model.parameters().items():
        np.testing.assert_array_equal(parameters[key], array)
    assert losses[-1] == result.metrics["train"]["loss"]


def test_callbacks_see_the_parameters_that_are_evaluated(document):
    """Also after each update; a layer has its own statistics from the epoch it trains in."""
    seen, losses = [], []

    class Sees(Callback):
        type = "sees"

        def start(self, run):
            return run

        def after_update(self, state, step):
            seen.append(state.model.parameters())

        def after_epoch(self, state, epoch):
            loss = -np.log(state.model.predict(X)[np.arange(len(X)), Y])
            assert state.model.parameters().keys() == seen[-1].keys()
            for key, array in state.model.parameters().items():
                np.testing.assert_array_equal(seen[-1][key], array)
            assert epoch.validation["loss"] == pytest.approx(loss.mean(), rel=1e-6)
            losses.append(epoch.validation["loss"])

    document["data"] = {}
    document["model"]["layers"][1] = {"type": "batch_norm", "trainable": {"from_epoch": 1}}
    registry = registry_with([Sees])
    X, Y = np.eye(4)[np.arange(12) % 4], np.arange(12) % 2
    optimizer, _ = SOURCES["optimizer"]
    document["optimizer"] = optimizer
    document["training"] |= {"callbacks": ["sees"], "epochs": 2}
    spec = parse_spec(document, registry)
    result = run(spec, {"train": (X, Y), "validation": (X, Y)}, registry=registry)
    assert len({parameters["dense_1.weights"].tobytes() for parameters in seen}) == 4
    assert losses[-1] == pytest.approx(result.metrics["validation"]["loss"], rel=1e-12)
    for key, array in result.model.parameters().items():
        np.testing.assert_array_equal(seen[-1][key], array)


def test_the_model_has_the_evaluated_parameters_only_during_evaluation(document, data):
    document["optimizer"] = SOURCES["optimizer"][0]
    spec = parse_spec(document)
    prepared = prepare(spec, default_registry(), {"train": as_data(data, "train")})
    trainer = Trainer(prepared)
    trainer.advance(7)
    slot, model = trainer.evaluated_parameters, prepared.model
    trained = model.parameters()
    with slot.in_model():
        inside = model.parameters()
        with slot.in_model():
            pass
        np.testing.assert_array_equal(model.vector(), model.to_vector(inside))
    for key, array in model.parameters().items():
        np.testing.assert_array_equal(array, trained[key])
    assert not np.isclose(
        inside["batch_norm_1.running_mean"], trained["batch_norm_1.running_mean"]
    ).any()
    x_less_gap = trained["dense_1.weights"] - 0.1 * trainer.state().optimizer["dense_1.weights:gap"]
    np.testing.assert_allclose(inside["dense_1.weights"], x_less_gap, rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "callbacks", "second"),
    [
        ("schedule_free_adamw", ["ema"], 0),
        (SOURCES["group"][0], ["csv_log", {"type": "swa", "from_epoch": 1}], 1),
        ("adam", ["ema", {"type": "swa", "from_epoch": 1}], 1),
    ],
)
def test_two_definitions_of_evaluated_parameters_conflict(document, optimizer, callbacks, second):
    document["optimizer"] = optimizer
    document["training"]["callbacks"] = callbacks
    document["data"]["train"] = {"type": "nnfs_spiral", "samples": 30, "classes": 2}
    (error,) = check_spec(parse_spec(document)).errors
    assert (error.code, error.path) == ("E017", ("training", "callbacks", second))


@pytest.mark.parametrize("value", [[0.0], np.zeros(2), np.float32, None, "state"])
def test_the_evaluated_parameters_are_verified(trained, document, value):
    class Odd(Optimizer):
        type = "odd"
        learning_rate: float = 0.1

        def state_names(self):
            return ("kept",)

        def update(self, w, dw, state, learning_rate, step):
            w -= learning_rate * dw

        def evaluated(self, w, state):
            if value == "state":
                state.kept += 1
            return w.astype(value) if value is np.float32 else value

    class Says(Callback):
        type = "says"

        def evaluated(self, state, w):
            if value is None or isinstance(value, str):
                w[...] = 0
            return w.astype(value) if value is np.float32 else value

    registry = registry_with([Odd, Says])
    for optimizer, callbacks in (("odd", []), ("adam", ["says"])):
        document["optimizer"] = optimizer
        document["training"]["callbacks"] = callbacks
        spec = parse_spec(document, registry)
        with pytest.raises(ComponentError, match=r"evaluated|read-only"):
            run(spec, (np.ones((20, 4)), np.arange(20) % 2), registry=registry)


def test_scheduled_fields_have_the_values_of_the_last_update(document, data):
    class Leaning(Optimizer):
        type = "leaning"
        learning_rate: float = 0.1
        share: Annotated[float | Schedule, Scheduled(ge=0)] = 0.5

        def state_names(self):
            return ("gap",)

        def update(self, w, dw, state, learning_rate, step):
            np.multiply(dw, learning_rate, out=state.gap)
            np.subtract(w, state.gap, out=w)

        def evaluated(self, w, state):
            return w + state.now.share * state.gap

    registry = registry_with([Leaning])
    document["optimizer"] = {"type": "leaning", "share": {"type": "cosine", "initial_rate": 0.5}}
    document["model"]["layers"][0]["trainable"] = {"from_epoch": 1}
    spec = parse_spec(document, registry)
    prepared = [prepare(spec, registry, {"train": as_data(data, "train")}) for _ in range(2)]
    first, resumed = map(Trainer, prepared)
    first.advance(3)
    resumed.restore(first.state(), with_metrics=False)
    for trainer in (first, resumed):
        trainer.evaluated_parameters.enter()
    assert np.isfinite(prepared[0].model.vector()).all()
    np.testing.assert_array_equal(*(part.model.vector() for part in prepared))
