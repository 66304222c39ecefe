"""Accumulated gradients: an update from several batches equals one from all their samples."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, StepObserver, default_registry, parse_spec
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer

BASE = {
    "type": "dense",
    "units": 5,
    "weight_regularizer": {"type": "l2", "strength": 0.01},
}
LAYERS = [BASE, "tanh", {"type": "dense", "units": 4}, "relu", {"type": "dense", "units": 3},
          "softmax"]  # fmt: skip
GROUPS = {"type": "adamw", "groups": [{"parameters": ["*.biases"], "weight_decay": 0.0}]}
ONE_CYCLE = {"type": "one_cycle", "max_rate": 0.05}


@pytest.fixture
def new_trainer(blobs):
    """Return a trainer on 30 samples."""

    def make(batch_size, accumulate=1, *, layers=LAYERS, optimizer="adam", weights=None, **more):
        engine = more.pop("engine", {})
        training = {"epochs": 5, "batch_size": batch_size, **more}
        document = {
            "model": {"dtype": "float64", "layers": layers},
            "loss": "categorical_crossentropy",
            "optimizer": optimizer,
            "training": training | ({"accumulate": accumulate} if accumulate > 1 else {}),
            "engine": engine,
        }
        spec, registry = parse_spec(document), default_registry()
        prepared = prepare(spec, registry, {"train": Dataset(*blobs, weights=weights)})
        return Trainer(prepared)

    return make


def path(trainer):
    """Return the rows and the parameters of a training."""
    rows = [event.row() for event in trainer.events() if hasattr(event, "row")]
    return rows, trainer.state().parameters


def require_same(ours, theirs):
    for one, other in zip(ours[0], theirs[0], strict=True):
        assert one == pytest.approx({**other, "loss": one["loss"], "data_loss": one["data_loss"]})
    for key, array in ours[1].items():
        np.testing.assert_allclose(array, theirs[1][key], rtol=1e-12, atol=1e-12, err_msg=key)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"weights": "random"},
        {"clip_norm": 0.1, "clip_value": 0.05},
        {"optimizer": GROUPS, "weights": "random"},
        {"optimizer": {"type": "sgd", "momentum": 0.9, "learning_rate": ONE_CYCLE}},
        {"layers": [{**BASE, "trainable": {"from_epoch": 2}}, *LAYERS[1:]]},
        {"layers": [{**BASE, "trainable": False}, *LAYERS[1:]], "weights": "random"},
        {"layers": [{"type": "dense", "units": 2, "name": "a"}, "tanh",
                    {"type": "dense", "units": 2, "weights_from": "a"}, *LAYERS[1:]]},
        {"log_every": 3, "shuffle": False},
    ],
    ids=lambda changes: "_".join(changes) or "plain",
)  # fmt: skip
@pytest.mark.parametrize(("batch_size", "accumulate"), [(7, 2), (1, 30)])
def test_groups_of_batches_train_like_joined_batches(new_trainer, batch_size, accumulate, more):
    if more.get("weights") == "random":
        weights = np.random.default_rng(3).uniform(0, 2, 30)
        weights[5:9] = 0
        more = {**more, "weights": weights}
    groups, joined = (
        new_trainer(batch_size, accumulate, **more),
        new_trainer(batch_size * accumulate, **more),
    )
    assert groups.steps == joined.steps
    require_same(path(groups), path(joined))
    assert groups.step == joined.step == joined.steps


class Recorder(StepObserver):
    """Records the gradients and updates that it observes."""

    def __init__(self):
        self.seen = []

    def gradients(self, parameters, gradients):
        self.seen.append({key: gradient.copy() for key, gradient in gradients.items()})

    def updated(self, before, after, rate):
        for key, w in after.items():
            self.seen.append({key: w - before[key]})


def test_an_observer_gets_the_mean_of_the_gradients(new_trainer):
    ours, theirs = Recorder(), Recorder()
    for trainer, recorder in ((new_trainer(4, 4), ours), (new_trainer(16), theirs)):
        trainer.observe([recorder])
        path(trainer)
    assert len(ours.seen) == len(theirs.seen) > 5
    for one, other in zip(ours.seen, theirs.seen, strict=True):
        for key, array in one.items():
            np.testing.assert_allclose(array, other[key], rtol=1e-9, atol=1e-13)
