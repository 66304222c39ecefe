"""Callbacks that follow every epoch, and the metrics that are computed for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from declnet import Callback, EpochFinished, EpochLogged, parse_spec, run
from declnet.registry.discovery import default_registry
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer
from declnet_standard.metrics import Accuracy


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


class Follower(Callback):
    type = "follower"
    names: tuple[str, ...] = ()

    def start(self, run):
        SEEN.append(Seen(run))
        return SEEN[-1]

    def monitors(self):
        return self.names

    def after_epoch(self, state, epoch):
        state.after.append(epoch)

    def epoch_finished(self, state, epoch):
        assert state.after[-1] is epoch
        state.logged.append(epoch)


class Onlooker(Callback):
    """Follows every epoch and needs no metric."""

    type = "onlooker"

    def start(self, run):
        SEEN.append(Seen(run))
        return SEEN[-1]

    def after_epoch(self, state, epoch):
        state.after.append(epoch)


class Listener(Callback):
    """Follows logged epochs alone."""

    type = "listener"

    def epoch_finished(self, state, epoch): ...


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
    assert [each.epoch for each in state.after] == list(range(12))
    assert [type(each) for each in state.after] == [
        EpochLogged if each in (0, 5, 10, 11) else EpochFinished for each in range(12)
    ]
    assert state.logged == [state.after[each] for each in (0, 5, 10, 11)]
    silent = state.after[3]
    assert "accuracy" not in silent.metrics
    assert {"loss", "data_loss"} <= set(silent.metrics)
    assert "accuracy" in silent.validation
    assert [each["epoch"] for each in result.history] == [0, 5, 10, 11]


def test_what_is_monitored_is_what_would_have_been_logged(document):
    state, _ = seen(document, "validation_accuracy", "accuracy", batch_size=8)
    document["training"]["log_every"] = 1
    whole = run(spec_of(document, log_every=1, batch_size=8)).history
    for row, epoch in zip(whole, state.after, strict=True):
        assert epoch.metric("accuracy") == row["accuracy"]
        assert epoch.metric("validation_accuracy") == row["validation_accuracy"]
        assert epoch.learning_rate == row["learning_rate"]


def test_nothing_is_computed_that_nobody_monitors(document):
    counting = CountingAccuracy(started=[])
    run(spec_of(document, Onlooker(), metrics=[counting]))
    state = SEEN.pop()
    assert [each.epoch for each in state.after] == list(range(12))
    assert state.after[3].metrics == state.after[3].validation == {}
    logged = len(counting.started)
    assert logged > 0
    counting = CountingAccuracy(started=[])
    run(spec_of(document, metrics=[counting]))
    assert len(counting.started) == logged


def test_a_run_that_nobody_follows_does_not_stop_at_epochs_that_are_not_logged(document):
    spec, registry = spec_of(document, Listener()), default_registry()
    prepared = prepare(spec, registry)
    trainer = Trainer(spec, prepared.model, prepared.data["train"], None, registry)
    events = [each for each in trainer.events() if isinstance(each, EpochFinished)]
    assert [each.epoch for each in events] == [0, 5, 10, 11]


def test_following_changes_no_bit(document):
    followed = seen(document, "validation_loss", "accuracy", batch_size=8)[1]
    alone = run(spec_of(document, batch_size=8))
    assert followed.history == alone.history
    for name, array in alone.model.parameters().items():
        np.testing.assert_array_equal(followed.model.parameters()[name], array)


def test_which_values_are_better_is_known(document):
    state, _ = seen(document)
    better = state.run.better
    assert (better("loss"), better("validation_data_loss")) == ("lower", "lower")
    assert better("learning_rate") is None
    assert better("epoch") is None
