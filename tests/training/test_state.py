"""A training continues from any of its states to the same bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from declnet import Callback, Dataset, Metric, default_registry, parse_spec
from declnet.contracts.runs.callback import EpochLogged
from declnet.runs.storage.checkpoints import packed, unpacked
from declnet.testing.examples import registry_with
from declnet.training import heartbeat
from declnet.training.preparation import prepare
from declnet.training.state import StateError, TrainingState
from declnet.training.trainer import Trainer
from tests.documents import spec_document

LAYERS = [
    {"type": "dense", "units": 6},
    "batch_norm",
    "relu",
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 3},
    "softmax",
]
OPTIMIZERS = [
    {"type": "sgd", "momentum": 0.9, "learning_rate": {"type": "cosine", "initial_rate": 0.1,
                                                      "steps": 30}},
    *({"type": name} for name in ("adam", "adamw", "amsgrad", "adagrad", "rmsprop", "nadam")),
    *({"type": name} for name in ("adadelta", "lion")),
    {"type": "adamw", "groups": [
        {"parameters": ["*.biases", "batch_norm_1.*"], "weight_decay": 0.0},
        {"parameters": ["dense_2.*"], "type": "sgd", "momentum": 0.9, "learning_rate": 0.1},
    ]},
    {"type": "adamw", "weight_decay": {"type": "cosine", "initial_rate": 0.1}},
    {"type": "lamb", "groups": []},
    {"type": "schedule_free_adamw", "learning_rate": 0.02},
    {"type": "muon", "groups": [
        {"parameters": ["*.biases", "batch_norm_*"], "type": "adamw", "weight_decay": 0.0},
    ]},
]  # fmt: skip
METRICS = [
    "accuracy",
    "f1",
    {"type": "top_k_accuracy", "k": 2},
    {"type": "precision", "average": "micro"},
]


@pytest.fixture
def eager(monkeypatch):
    """Yield events after every batch, as for slow batches."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)


@pytest.fixture
def new_trainer(blobs):
    """Make a trainer, as another process would."""

    def make(registry=None, layers=LAYERS, loss="categorical_crossentropy", y=None, **changes):
        registry = registry or default_registry()
        training = {"epochs": 3, "batch_size": 7, "log_every": 2, "metrics": METRICS}
        training |= changes.pop("training", {})
        training = {key: value for key, value in training.items() if value is not None}
        document = spec_document(layers, loss, training=training, **changes)
        spec = parse_spec(document, registry)
        data = Dataset(blobs[0], blobs[1] if y is None else y)
        prepared = prepare(spec, registry, {"train": data, "validation": data})
        return Trainer(prepared)

    return make


def stored(state):
    """Return a state after writing and reading it."""
    return TrainingState.of(unpacked(packed({"training": state.plain()}))["training"])


def rows(events):
    return [event.row() for event in events if isinstance(event, EpochLogged)]


def parameters(trainer):
    state = trainer.state()
    arrays = {**state.parameters, **state.optimizer}
    return {key: array.tobytes() for key, array in arrays.items()}


def continued_states(make):
    """Continue from the state at each event in a new trainer; return the number of events."""
    whole, first = make(), make()
    history, before, stops = rows(whole.events()), [], 0
    for event in first.events():
        before += rows([event])
        state = stored(first.state())
        second = make()
        for _ in second.events():  # a trainer in another state
            break
        second.restore(state)
        assert before + rows(second.events()) == history
        assert parameters(second) == parameters(whole)
        stops += 1
    assert parameters(first) == parameters(whole)
    return stops


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda options: "_".join(map(str, options)))
def test_training_continues_from_every_batch_with_every_optimizer(eager, new_trainer, optimizer):
    assert continued_states(lambda: new_trainer(optimizer=optimizer)) == 3 * 5


class Follower(Callback):
    type = "follower"
    names: tuple[str, ...] = ()

    def monitors(self):
        return self.names

    def after_epoch(self, state, epoch): ...


LATE = [{**LAYERS[0], "trainable": {"from_epoch": 1}},
        {"type": "batch_norm", "trainable": {"from_epoch": 2}}, *LAYERS[2:]]  # fmt: skip
FOLLOWED = {"callbacks": [Follower(names=("loss", "validation_accuracy"))], "log_every": 3}


@pytest.mark.parametrize(
    ("changes", "stops"),
    [
        ({"training": {"shuffle": False}}, 15),
        ({"training": {"batch_size": None, "epochs": 5}}, 5),
        ({"training": {"accumulate": 3, "clip_norm": 0.1}}, 15),
        ({"training": {"accumulate": 2, "max_steps": 4}}, 1 + 5 + 2),
        ({"training": {"max_steps": 8, "epochs": None}}, 1 + 5 + 3),
        ({"training": FOLLOWED}, 16),
        ({"layers": LATE, "optimizer": OPTIMIZERS[1]}, 15),
        ({"layers": LATE, "optimizer": OPTIMIZERS[-1]}, 15),
    ],
)
def test_training_continues_with_any_batches_and_layers(eager, new_trainer, changes, stops):
    assert continued_states(lambda: new_trainer(**changes)) == stops


def test_the_scale_of_the_learning_rate_is_part_of_the_state(new_trainer):
    whole = new_trainer()
    for event in whole.events():
        if isinstance(event, EpochLogged) and event.epoch == 0:
            whole.learning_rate_scale *= 0.5
            state = stored(whole.state())
    assert state.learning_rate_scale == 0.5
    other = new_trainer()
    other.restore(state)
    assert rows(other.events())[-1]["learning_rate"] == 0.0005
    assert parameters(other) == parameters(whole)


class OddMean(Metric):
    """A mean with a custom state class."""

    type = "odd_mean"

    class Sums:
        total = 0.0
        count = 0

    def start(self):
        return self.Sums()

    def update(self, state, y_pred, y_true):
        state.total += float(y_pred.sum())
        state.count += y_pred.size

    def result(self, state):
        return state.total / state.count


def test_a_metric_with_a_custom_state_has_no_states_within_epochs(eager, new_trainer):
    registry = registry_with([OddMean])

    def make():
        return new_trainer(registry, training={"metrics": ["odd_mean"]})

    trainer, whole = make(), make()
    history = rows(whole.events())
    refused = 0
    for event in trainer.events():
        logged = trainer.epoch in (0, 2)
        if trainer.batch and logged:
            with pytest.raises(StateError, match="within an epoch"):
                trainer.state()
            refused += 1
        elif isinstance(event, EpochLogged):
            second = make()
            second.restore(stored(trainer.state()))
            rest = rows(second.events())
            assert rest == [row for row in history if row["epoch"] > event.epoch]
            assert parameters(second) == parameters(whole)
    assert refused == 2 * 4


def wrong_states(state):
    key, array = next(iter(state.parameters.items()))
    others = {name: array for name, array in state.parameters.items() if name != key}
    yield replace(state, batch=99), "other batches"
    yield replace(state, layers=state.layers[:-1]), "other batches or layers"
    yield replace(state, parameters=others), f"parameter {key} is not in the checkpoint"
    yield replace(state, parameters={**state.parameters, "x": array}), "x is not in the run"
    yield replace(state, parameters={**others, key: array[:1]}), "of shape"
    yield replace(state, parameters={**others, key: array.astype(float)}), "float64"
    yield replace(state, optimizer={}), "the optimizer's dense_1.weights:momentum"
    yield replace(state, order={}), "shuffling was turned on or off"
    yield replace(state, batch=1), "log_every"
    yield replace(state, metrics={"sums": [1, 1.0, 0.0, 0.0], "metrics": {}}), "metrics were none"


def test_a_state_during_accumulation_requires_the_same_accumulate(eager, new_trainer):
    trainer = new_trainer(training={"accumulate": 3})
    next(trainer.events())
    state = stored(trainer.state())
    assert (trainer.batch, trainer.step) == (1, 0)
    with pytest.raises(StateError, match="accumulate changed"):
        new_trainer().restore(state)
    with pytest.raises(StateError, match="accumulate changed"):
        new_trainer(training={"accumulate": 3}).restore(replace(state, gradient=None))
    with pytest.raises(StateError, match="gradient is of other parameters"):
        new_trainer(training={"accumulate": 3}).restore(
            replace(state, gradient={"value": np.zeros(3), "weight": 7.0})
        )


def test_a_state_of_another_training_is_refused(new_trainer):
    trainer = new_trainer()
    state = stored(trainer.state())
    for wrong, message in wrong_states(state):
        with pytest.raises(StateError, match=message):
            new_trainer().restore(wrong)
    with pytest.raises(StateError, match="not the state of a training"):
        TrainingState.of({"epoch": 3})


def test_an_event_after_each_given_number_of_epochs(new_trainer, monkeypatch):
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 1e9)
    trainer = new_trainer(training={"epochs": 100, "log_every": 50})
    trainer.halt_every = 10
    assert [trainer.epoch for _ in trainer.events() if trainer.batch == 0] == [
        1, *range(10, 51, 10), 51, *range(60, 101, 10)
    ]  # fmt: skip
