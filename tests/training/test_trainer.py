"""The training loop: logged epochs, and their rates and metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from declnet import Callback, EpochFinished, EpochLogged, parse_spec, run
from declnet.registry.discovery import default_registry
from declnet.training.heartbeat import Progressed
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer
from declnet_plugins.standard.metrics.classification import Accuracy
from declnet_plugins.standard.schedules import Polynomial


def rates(document, optimizer, **training):
    document["training"] |= training
    result = run(parse_spec({**document, "optimizer": optimizer}))
    return [row["learning_rate"] for row in result.history], result


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"epochs": 3}, [0.2, 0.2 / 1.5, 0.1]),
        ({"epochs": 2, "batch_size": 8}, [0.2 / (1 + 0.5 * 3), 0.2 / (1 + 0.5 * 7)]),
        ({"epochs": 9, "log_every": 4}, [0.2, 0.2 / 3, 0.2 / 5]),
    ],
)
def test_a_row_has_the_rate_of_the_epochs_last_update(document, training, expected):
    optimizer = {"type": "sgd", "learning_rate": 0.2, "decay": 0.5}
    assert rates(document, optimizer, **training)[0] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("epochs", "log_every", "expected"),
    [(4, 1, [0, 1, 2, 3]), (7, 3, [0, 3, 6]), (6, 3, [0, 3, 5]), (1, 100, [0]), (2, 2, [0, 1])],
)
def test_epochs_divisible_by_log_every_and_the_last_are_logged(
    document, epochs, log_every, expected
):
    document["training"] |= {"epochs": epochs, "log_every": log_every}
    assert [row["epoch"] for row in run(parse_spec(document)).history] == expected


class CountingAccuracy(Accuracy):
    """Accuracy that counts how often it is started."""

    type = "counting_accuracy"
    started: list[int]

    def start(self):
        self.started.append(1)
        return super().start()


@dataclass
class Seen:
    run: object
    after: list = field(default_factory=list)
    logged: list = field(default_factory=list)


SEEN: list[Seen] = []


class Onlooker(Callback):
    """Follows every epoch without monitoring a metric."""

    type = "onlooker"

    def start(self, run):
        SEEN.append(Seen(run))
        return SEEN[-1]

    def after_epoch(self, state, epoch):
        state.after.append(epoch)


class Follower(Onlooker):
    type = "follower"
    names: tuple[str, ...] = ()

    def monitors(self):
        return self.names

    def epoch_finished(self, state, epoch):
        assert state.after[-1] is epoch
        state.logged.append(epoch)


def spec_of(document, *callbacks, metrics=("accuracy",), **training):
    document["training"] |= {
        "epochs": 12,
        "log_every": 5,
        "metrics": list(metrics),
        "callbacks": list(callbacks),
        **training,
    }
    document["data"] |= {"validation": 0.25}
    return parse_spec(document)


def seen(document, *names, **training):
    result = run(spec_of(document, Follower(names=names), **training))
    return SEEN.pop(), result


def test_every_epoch_is_followed_with_the_metrics_that_are_monitored(document):
    state, result = seen(document, "validation_accuracy", "loss")
    assert [event.epoch for event in state.after] == list(range(12))
    assert [type(event) for event in state.after] == [
        EpochLogged if index in (0, 5, 10, 11) else EpochFinished for index in range(12)
    ]
    assert state.logged == [state.after[index] for index in (0, 5, 10, 11)]
    silent = state.after[3]
    assert "accuracy" not in silent.metrics
    assert {"loss", "data_loss"} <= set(silent.metrics)
    assert "accuracy" in silent.validation
    assert [row["epoch"] for row in result.history] == [0, 5, 10, 11]


def test_monitored_metrics_equal_logged_ones(document):
    state, _ = seen(document, "validation_accuracy", "accuracy", batch_size=8)
    document["training"]["log_every"] = 1
    whole = run(spec_of(document, log_every=1, batch_size=8)).history
    for row, epoch in zip(whole, state.after, strict=True):
        assert epoch.metric("accuracy") == row["accuracy"]
        assert epoch.metric("validation_accuracy") == row["validation_accuracy"]
        assert epoch.learning_rate == row["learning_rate"]


def test_metrics_that_no_callback_monitors_are_not_computed(document):
    counts = []
    for callbacks in ([], [Onlooker()]):
        counting = CountingAccuracy(started=[])
        run(spec_of(document, *callbacks, metrics=[counting]))
        counts.append(len(counting.started))
    state = SEEN.pop()
    assert [event.epoch for event in state.after] == list(range(12))
    assert state.after[3].metrics == state.after[3].validation == {}
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    "change",
    [
        {"training.log_every": 8},
        {"data.validation": {"type": "nnfs_spiral", "samples": 5, "classes": 3}},
        {"training.callbacks": [Follower(names=("loss", "accuracy"))]},
    ],
    ids=str,
)
def test_callbacks_that_follow_a_training_change_no_bit(document, changed, change):
    document["training"] |= {"epochs": 20, "batch_size": 7}
    plain, watched = run(parse_spec(document)), run(parse_spec(changed(document, change)))
    ours, theirs = plain.model.parameters(), watched.model.parameters()
    assert all((ours[key] == theirs[key]).all() for key in ours)
    rows = {row["epoch"]: row for row in plain.history}
    assert all(rows[row["epoch"]].items() <= row.items() for row in watched.history)


def test_validation_follows_the_epochs_last_update(document, blobs):
    document["training"]["epochs"] = 2
    document["data"]["validation"] = document["data"]["train"]
    first, second = run(parse_spec(document)).history
    assert first["validation_loss"] == pytest.approx(second["loss"], rel=1e-12)
    assert first["validation_accuracy"] == second["accuracy"]
    assert first["validation_loss"] != first["loss"]


def test_test_data_is_evaluated_at_the_end_only(document):
    document["data"]["test"] = document["data"]["train"]
    result = run(parse_spec(document))
    assert result.metrics["test"] == result.metrics["train"]
    assert not [key for key in result.history[-1] if key.startswith("test")]


def trainer_of(document):
    spec = parse_spec(document)
    prepared = prepare(spec, default_registry())
    trainer = Trainer(prepared)
    return trainer, prepared


@pytest.mark.parametrize(
    ("training", "batches"),
    [
        ({"batch_size": 7, "max_steps": 5}, 5),
        ({"batch_size": 7, "max_steps": 8}, 8),
        ({"batch_size": 7, "max_steps": 500}, 20),
        ({"batch_size": 7, "max_steps": 6, "accumulate": 2}, 5 + 5),
        ({"max_steps": 3}, 3),
    ],
)
@pytest.mark.parametrize("log_every", [1, 3])
def test_training_ends_after_max_steps(document, training, batches, log_every):
    document["training"] |= {"epochs": 4, "log_every": log_every, "callbacks": []} | training
    rate = {"type": "polynomial", "initial_rate": 0.1, "steps": 1000}
    document["optimizer"] = {"type": "sgd", "learning_rate": rate}
    document["model"]["layers"].insert(1, {"type": "dropout", "rate": 0.2})
    trainer, prepared = trainer_of(document)
    size = training.get("batch_size", 30)
    updates = min(training["max_steps"], 4 * -(-30 // (size * training.get("accumulate", 1))))
    assert trainer.steps == updates
    events = list(trainer.events())
    if trainer.epochs < 4:
        assert events[0] == Progressed(0.0, trainer.epochs)
    logged = [event for event in events if isinstance(event, EpochLogged)]
    per_epoch = -(-30 // size)
    assert trainer.epochs == trainer.epoch == -(-batches // per_epoch) == logged[-1].epoch + 1
    assert (trainer.step, trainer.batch) == (updates, 0)
    whole, other = trainer_of(document)
    for steps in (1, 0, updates - 2, 1):
        whole.advance(steps)
    assert (whole.step, whole.epoch, whole.batch) == (updates, trainer.epoch, 0)
    for key, array in prepared.model.parameters().items():
        np.testing.assert_array_equal(array, other.model.parameters()[key])
    document["training"] |= {"max_steps": 10_000}
    longer, unfinished = trainer_of(document)
    longer.advance(updates)
    for key, array in unfinished.model.parameters().items():
        np.testing.assert_array_equal(array, other.model.parameters()[key])


def test_schedules_end_with_the_last_update(document):
    optimizer = {"type": "sgd", "learning_rate": {"type": "polynomial", "initial_rate": 0.1}}
    training = {"epochs": 1000, "batch_size": 7, "max_steps": 8}
    history, result = rates(document, optimizer, **training)
    schedule = Polynomial(initial_rate=0.1)
    assert history == [schedule.rate(5, 8), schedule.rate(8, 8)]
    assert history[-1] < history[0] / 2
    assert result.epochs == 2
