from __future__ import annotations

import json
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import parse_spec, run
from declnet_standard.callbacks import ReduceOnPlateau


def rates(follow, losses, **fields):
    found, _ = follow(ReduceOnPlateau(monitor="loss", **fields), losses)
    return found.rates


def test_the_rate_falls_after_each_patience(follow):
    found = rates(follow, [3, 2, 1, 1, 1, 1, 1, 0.5, 1, 1], patience=2, factor=0.5)
    assert found == pytest.approx([0.1] * 4 + [0.05] * 2 + [0.025] * 3 + [0.0125])


def test_no_reduction_goes_below_the_smallest_rate(follow):
    found = rates(follow, [1] * 8, patience=1, factor=0.5, min_rate=0.03)
    assert found == pytest.approx([0.1, 0.05, *[0.03] * 6])


def test_a_small_gain_and_nan_are_none(follow):
    losses = [1, 0.99999, nan, 0.99998]
    assert rates(follow, losses, patience=3, factor=0.5)[-1] == pytest.approx(0.05)
    assert rates(follow, losses, patience=3, factor=0.5, min_delta=0)[-1] == 0.1


@pytest.mark.parametrize("log_every", [2, 5, 100])
def test_every_epoch_counts_though_few_are_logged(follow, log_every):
    callback, losses = (
        ReduceOnPlateau(monitor="loss", patience=2, factor=0.5),
        [3, 2, 1, 1, 1, 1, 1, 0.5, 1, 1, 1],
    )
    whole, found = (follow(callback, losses, log_every=each)[0].rates for each in (1, log_every))
    assert found == whole
    assert len(set(found)) == 4


def test_what_the_first_edition_saved_is_restored(follow):
    saved = {"best": 1.0, "since": 10}
    callback = ReduceOnPlateau(monitor="loss", patience=3, factor=0.5)
    found, _ = follow(callback, [1.0] * 4, saved=saved, first=11)
    assert found.rates == pytest.approx([0.1, 0.1, 0.05, 0.05])


@given(st.lists(st.integers(0, 4), max_size=20), st.integers(1, 4), st.integers(0, 20))
def test_saved_and_restored_anywhere_it_does_the_same(follow, losses, patience, cut):
    callback = ReduceOnPlateau(monitor="loss", patience=patience)
    whole, _ = follow(callback, losses)
    first, state = follow(callback, losses[:cut])
    saved = json.loads(json.dumps(callback.save(state)))
    first, _ = follow(callback, losses[cut:], run=first, saved=saved, first=min(cut, len(losses)))
    assert first.rates == whole.rates


def test_the_rate_of_a_run_falls_on_top_of_its_schedule(document):
    document["optimizer"] |= {"learning_rate": 1e-12, "decay": 1.0}
    document["training"] |= {"epochs": 6}
    document["training"]["callbacks"] = [
        {"type": "reduce_on_plateau", "monitor": "loss", "patience": 2, "factor": 0.5}
    ]
    history = run(parse_spec(document)).history
    found = [row["learning_rate"] * (row["epoch"] + 1) for row in history]
    assert found == pytest.approx([1e-12] * 3 + [5e-13] * 2 + [2.5e-13])
