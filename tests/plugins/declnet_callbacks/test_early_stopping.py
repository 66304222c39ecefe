"""early_stopping, against hand-made histories and in real runs."""

from __future__ import annotations

import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from declnet import parse_spec, run
from declnet_callbacks import EarlyStopping


def test_it_stops_after_its_patience_and_keeps_the_best(follow):
    found, _ = follow(EarlyStopping(patience=3), [5, 4, 3, 3, 3.5, 2.999, 3, 4, 5, 6, 7])
    assert (found.stopped_at, found.restored) == (8, 5)
    assert found.stopped == "validation_loss has not got better than 2.999 since epoch 5"


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
    ],
)
def test_the_name_says_what_is_better_unless_mode_does(follow, monitor, mode, stops):
    rising = range(10)
    found, _ = follow(EarlyStopping(monitor=monitor, mode=mode, patience=2), rising)
    assert (found.stopped is not None) == stops


def test_patience_is_in_epochs_though_few_are_logged(follow):
    found, _ = follow(EarlyStopping(patience=25), [1] * 10, log_every=10)
    assert found.stopped_at == 30


def test_nan_is_no_gain(follow):
    found, _ = follow(EarlyStopping(patience=3), [nan, nan, nan, 1, 2])
    assert found.stopped is None
    found, _ = follow(EarlyStopping(patience=3), [nan, inf, nan, nan, nan, 1])
    assert found.stopped_at == 4
    found, _ = follow(EarlyStopping(patience=3), [nan] * 9)
    assert found.stopped == "validation_loss has not got better than a finite one since epoch 0"


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
