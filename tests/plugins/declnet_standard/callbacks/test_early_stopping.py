"""early_stopping, against hand-made histories and in real runs."""

from __future__ import annotations

import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from declnet import EpochFinished, EpochLogged, parse_spec, run
from declnet_standard.callbacks import EarlyStopping


def test_it_stops_after_its_patience_and_keeps_the_best(follow):
    found, _ = follow(EarlyStopping(patience=3), [5, 4, 3, 3, 3.5, 2.999, 3, 4, 5, 6, 7])
    assert (found.stopped_at, found.restored) == (8, 5)
    assert found.stopped == "no improvement of validation_loss over 2.999 since epoch 5"


def test_min_delta_asks_for_more_than_a_little(follow):
    losses = [5, 4.95, 4.9, 4.85, 4.8, 4.75]
    found, _ = follow(EarlyStopping(patience=2, min_delta=0.1), losses)
    assert (found.stopped_at, found.restored) == (2, 0)
    assert follow(EarlyStopping(patience=2, min_delta=0.04), losses)[0].stopped is None


@pytest.mark.parametrize(
    ("monitor", "mode", "stops"),
    [
        ("accuracy", None, False),
        ("validation_accuracy", None, False),
        ("accuracy", "min", True),
        ("loss", None, True),
        ("loss", "max", False),
        ("a_gain", None, False),
        ("a_gain", "min", True),
        ("b_score", None, True),
    ],
)
def test_the_metric_says_what_is_better_unless_mode_does(follow, played, monitor, mode, stops):
    rising, known = range(10), {"a_gain": "higher", "b_score": "lower"}
    run = played(directions=played().directions | known)
    metric = {"monitor": monitor, "mode": mode}
    found, _ = follow(EarlyStopping(**metric, patience=2), rising, run=run)
    assert (found.stopped is not None) == stops


def test_every_epoch_counts_though_few_are_logged(follow):
    found, _ = follow(EarlyStopping(patience=25), [1] * 100, log_every=10)
    assert found.stopped_at == 25
    losses = [5, 4, 3, 1, 3, 4, 5, 6, 7, 8, 9]
    found, _ = follow(EarlyStopping(patience=4), losses, log_every=5)
    assert (found.stopped_at, found.restored) == (7, 3)


@pytest.mark.parametrize("log_every", [1, 2, 3, 7, 1000])
def test_what_is_logged_changes_nothing(follow, log_every):
    losses = [9, 8, 7, 7.5, 6, 6.5, 6.2, 5.9, 6, 7, 8, 9, 10]
    whole = follow(EarlyStopping(patience=4), losses)[0]
    found = follow(EarlyStopping(patience=4), losses, log_every=log_every)[0]
    assert (found.stopped_at, found.restored) == (whole.stopped_at, whole.restored) == (11, 7)


def test_without_a_direction_or_a_mode_it_does_not_start(follow, played):
    with pytest.raises(ValueError, match='"hits" are better is unknown: add mode = "min" or'):
        follow(EarlyStopping(monitor="hits"), [1])
    assert follow(
        EarlyStopping(monitor="loss", mode="max"), [1], run=played(directions={"loss": None})
    )


def test_nan_is_no_gain(follow):
    found, _ = follow(EarlyStopping(patience=3), [nan, nan, nan, 1, 2])
    assert found.stopped is None
    found, _ = follow(EarlyStopping(patience=3), [nan, inf, nan, nan, nan, 1])
    assert found.stopped_at == 4
    found, _ = follow(EarlyStopping(patience=3), [nan] * 9)
    assert found.stopped == "no improvement of validation_loss since epoch 0"


def test_the_best_need_not_be_restored(follow):
    found, _ = follow(EarlyStopping(patience=2, restore_best=False), [1, 2, 3, 4])
    assert (found.stopped_at, found.restored) == (2, None)


@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, nan]), max_size=15),
    st.integers(1, 5),
    st.integers(0, 15),
)
def test_saved_and_restored_anywhere_it_does_the_same(follow, losses, patience, cut):
    callback = EarlyStopping(patience=patience)
    whole, _ = follow(callback, losses)
    first, state = follow(callback, losses[:cut])
    if first.stopped is None:
        saved = json.loads(json.dumps(callback.save(state)))
        first, _ = follow(
            callback, losses[cut:], run=first, saved=saved, first=min(cut, len(losses))
        )
    assert (first.stopped, first.restored) == (whole.stopped, whole.restored)


def brute_force(losses, patience):
    """The epoch that it stops in, by the definition."""
    for epoch in range(len(losses)):
        best = int(np.argmin(losses[: epoch + 1]))
        if epoch - best >= patience:
            return epoch, best
    return None, int(np.argmin(losses))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.integers(1, 6))
def test_it_is_what_its_definition_says(follow, losses, patience):
    found, _ = follow(EarlyStopping(patience=patience), losses)
    assert (found.stopped_at, found.restored) == brute_force(losses, patience)


@pytest.mark.parametrize("saved", [{"best": 2.0, "since": 10}, {"best": None, "since": None}])
def test_what_the_first_edition_saved_is_restored(follow, saved):
    """It counted logged epochs alone, e.g. epochs 0 and 10."""
    found, state = follow(EarlyStopping(patience=3), [3.0] * 9, saved=saved, first=11)
    assert found.stopped_at == (13 if saved["best"] is not None else 14)
    assert EarlyStopping().save(state).keys() == saved.keys()


@pytest.fixture
def noisy(document):
    """A spec that soon overfits."""
    spiral = {"type": "nnfs_spiral", "samples": 20, "classes": 3}
    document["data"] = {"train": spiral, "validation": 0.3}
    document["optimizer"] = {"type": "adam", "learning_rate": 0.2}
    document["training"] |= {"epochs": 200, "batch_size": 7}
    return document


def test_the_finished_model_is_that_of_the_best_epoch(noisy, tmp_path):
    noisy["training"]["callbacks"] = [{"type": "early_stopping", "patience": 8}]
    stopped = run(parse_spec(noisy), out=tmp_path / "out")
    losses = [row["validation_loss"] for row in stopped.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 9 < 200
    assert stopped.metrics["validation"]["loss"] == losses[best]
    noisy["training"] |= {"epochs": best + 1, "callbacks": []}
    short = run(parse_spec(noisy)).model.parameters()
    saved = load_file(tmp_path / "out" / "weights.safetensors")
    assert all((saved[key] == short[key]).all() for key in short)


def test_the_best_is_restored_too_if_the_epochs_run_out(noisy):
    noisy["training"] |= {"epochs": 60}
    noisy["training"]["callbacks"] = [{"type": "early_stopping", "patience": 100}]
    result = run(parse_spec(noisy))
    losses = [row["validation_loss"] for row in result.history]
    assert result.metrics["validation"]["loss"] == min(losses) < losses[-1]


@pytest.mark.parametrize("log_every", [5, 50, 1000])
def test_log_every_does_not_change_what_is_learned(noisy, log_every):
    """The best epoch is one that is not logged."""
    noisy["training"]["callbacks"] = [{"type": "early_stopping", "patience": 8}]
    whole = run(parse_spec(noisy))
    losses = [row["validation_loss"] for row in whole.history]
    best = int(np.argmin(losses))
    assert best % log_every != 0
    noisy["training"]["log_every"] = log_every
    found = run(parse_spec(noisy))
    assert found.metrics == whole.metrics
    assert found.metrics["validation"]["loss"] == min(losses)
    assert found.history == [row for row in whole.history if row["epoch"] % log_every == 0]


def test_a_renamed_error_restores_its_best_epoch(blobs, document, tmp_path):
    """Its name implies nothing, so the first version took the largest error for the best."""
    x, y = blobs
    document["model"]["layers"][2:] = [{"type": "dense", "units": 1}]
    document["loss"] = "mean_squared_error"
    document["optimizer"] = {"type": "adam", "learning_rate": 0.05}
    document["data"] = {"validation": 0.3}
    document["training"] = {
        "epochs": 30,
        "metrics": [{"type": "mean_absolute_error", "name": "distance"}],
        "callbacks": [
            {"type": "early_stopping", "monitor": "validation_distance", "patience": 100}
        ],
    }
    result = run(parse_spec(document), data=(x, y.astype(float)))
    distances = [row["validation_distance"] for row in result.history]
    assert result.metrics["validation"]["distance"] == min(distances) < max(distances)


def test_only_what_is_monitored_is_computed_between_logged_epochs(noisy):
    noisy["training"] |= {"epochs": 6, "log_every": 4, "metrics": ["accuracy", "f1"]}
    noisy["training"]["callbacks"] = [
        {"type": "early_stopping", "monitor": "validation_f1", "patience": 100}
    ]
    events = []
    run(parse_spec(noisy), listener=events.append)
    epochs = [each for each in events if isinstance(each, EpochFinished)]
    assert [each.epoch for each in epochs] == list(range(6))
    losses = {"loss", "data_loss", "regularization_loss"}
    for each in epochs:
        if isinstance(each, EpochLogged):
            assert each.validation.keys() == each.metrics.keys() == losses | {"accuracy", "f1"}
        else:
            assert (each.metrics, each.validation.keys()) == ({}, losses | {"f1"})
