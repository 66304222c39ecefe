"""early_stopping, reduce_on_plateau and checkpoint, on made-up histories and in real runs."""

from __future__ import annotations

import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import EpochFinished, parse_spec, resume, run
from declnet.data.sources.loading import as_data
from declnet.runs.storage.checkpoints import unpacked
from declnet.training import heartbeat
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.callbacks.monitored import (
    BestEpoch,
    Checkpoint,
    EarlyStopping,
    ReduceOnPlateau,
)


@pytest.mark.parametrize(("ties", "best"), [("last", 5), ("first", 2)])
def test_the_best_epoch_is_the_last_or_the_first_of_equal_ones(follow, ties, best):
    result, _ = follow(BestEpoch(ties=ties), [nan, 4, 3, 3, 3.5, 3, nan, 4, 5])
    assert (result.stopped, result.restored) == (None, best)
    assert result.origin == f"epoch {best}, with the best validation_loss, 3"


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
        ("c_bias", None, True),
        ("c_bias", 9.0, False),
        ("c_bias", "max", False),
    ],
)
def test_mode_overrides_the_direction_of_the_metric(follow, played, monitor, mode, stops):
    rising, known = range(10), {"a_gain": "higher", "b_score": "lower", "c_bias": 2.0}
    run = played(directions=played().directions | known)
    metric = {"monitor": monitor, "mode": mode}
    result, _ = follow(EarlyStopping(**metric, patience=2), rising, run=run)
    assert (result.stopped is not None) == stops


@pytest.mark.parametrize("log_every", [2, 3, 7, 1000])
@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(patience=4),
        ReduceOnPlateau(monitor="loss", patience=2, factor=0.5),
        Checkpoint(monitor="loss"),
    ],
    ids=lambda callback: callback.type,
)
def test_log_every_changes_no_decision(follow, callback, log_every):
    losses = [9, 8, 7, 7.5, 6, 6.5, 6.2, 5.9, 6, 7, 8, 9, 10]
    requests = [
        (result.stopped_at, result.restored, result.rates, result.best)
        for result, _ in (follow(callback, losses, log_every=entry) for entry in (1, log_every))
    ]
    assert requests[0] == requests[1] != (None, None, [0.1] * 13, [])


def test_a_metric_without_a_direction_or_a_mode_is_an_error(follow, played):
    with pytest.raises(ValueError, match='"hits" are better is unknown: add mode = "min"'):
        follow(EarlyStopping(monitor="hits"), [1])
    assert follow(
        EarlyStopping(monitor="loss", mode="max"), [1], run=played(directions={"loss": None})
    )


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceOnPlateau])
@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, nan]), max_size=15),
    st.integers(1, 5),
    st.integers(0, 15),
)
def test_saving_and_restoring_at_any_epoch_changes_nothing(follow, kind, losses, patience, cut):
    callback = kind(monitor="loss", patience=patience)
    whole, _ = follow(callback, losses)
    first, state = follow(callback, losses[:cut])
    if first.stopped is None:
        saved = json.loads(json.dumps(callback.save(state)))
        first, _ = follow(
            callback, losses[cut:], run=first, saved=saved, first=min(cut, len(losses))
        )
    result, expected = ((entry.stopped, entry.restored, entry.rates) for entry in (first, whole))
    assert result == expected


def brute_force(losses, patience):
    """Return the epoch it stops in and the best one, if any; NaN is worse than any number."""
    ranks, stopped = np.nan_to_num(losses, nan=1e9, posinf=1e8), None
    for epoch in range(len(losses)):
        best = int(np.argmin(ranks[: epoch + 1]))
        if epoch - best >= patience:
            stopped = epoch
            break
    return stopped, None if np.isnan(losses[best]) else best


@given(
    st.lists(st.integers(0, 30) | st.sampled_from([nan, inf]), min_size=1, max_size=30),
    st.integers(1, 6),
)
def test_it_agrees_with_brute_force(follow, losses, patience):
    result, _ = follow(EarlyStopping(patience=patience), losses)
    assert (result.stopped_at, result.restored) == brute_force(losses, patience)


def rates(follow, losses, **fields):
    result, _ = follow(ReduceOnPlateau(monitor="loss", **fields), losses)
    return result.rates


def test_the_rate_falls_after_each_patience(follow):
    result = rates(follow, [3, 2, 1, 1, 1, 1, 1, 0.5, 1, 1], patience=2, factor=0.5)
    assert result == pytest.approx([0.1] * 4 + [0.05] * 2 + [0.025] * 3 + [0.0125])


def test_it_says_when_to_write_again_once_restored(follow):
    callback = Checkpoint(every_epochs=5, every_minutes=2.0, keep_last=4)
    plan = {"every_epochs": 5, "every_seconds": 120.0, "keep_last": 4}
    first, state = follow(callback, [])
    again, _ = follow(callback, [], saved=callback.save(state))
    assert first.plans == again.plans == [plan]


def index_of(directory):
    return json.loads((directory / "checkpoints" / "index.json").read_text())


@pytest.fixture
def checkpointed(document, tmp_path):
    def go(*others, **fields):
        document["training"]["callbacks"] = [{"type": "checkpoint", **fields}, *others]
        return run(parse_spec(document), out=tmp_path / "out")

    return go


def test_several_plans_are_all_kept(checkpointed, document):
    document["training"] |= {"epochs": 20, "log_every": 50}
    other = {"type": "checkpoint", "every_epochs": 6, "keep_last": 9}
    directory = checkpointed(other, every_epochs=4, keep_last=1).directory
    assert [entry["epoch"] for entry in index_of(directory)] == [4, 6, 8, 12, 16, 18, 20]
    assert len(list((directory / "checkpoints").iterdir())) == 8


def test_the_best_has_the_weights_of_the_best_epoch(checkpointed, document):
    document["optimizer"]["learning_rate"] = 3.0
    document["training"] |= {"epochs": 30, "batch_size": 7}
    result = checkpointed(monitor="loss")
    (best,) = [entry for entry in index_of(result.directory) if entry["best"]]
    losses = [row["loss"] for row in result.history]
    assert best["epoch"] == int(np.argmin(losses)) + 1
    saved = unpacked((result.directory / "checkpoints" / best["file"]).read_bytes())
    document["training"] |= {"epochs": best["epoch"], "callbacks": []}
    expected = run(parse_spec(document)).model.parameters()
    actual = saved["training"]["parameters"]
    assert all((actual[key] == expected[key]).all() for key in expected)


@pytest.fixture
def problems(document):
    def find(monitor, kind="early_stopping", **fields):
        document["training"]["callbacks"] = [{"type": kind, "monitor": monitor, **fields}]
        return [str(problem) for problem in check_spec(parse_spec(document)).problems]

    return find


def test_validation_metrics_need_validation_data(problems, document):
    (result,) = problems("validation_loss")
    assert 'add validation data, or set monitor = "loss"' in result
    assert problems("val_loss")[0].endswith(result[result.index("(add") :])
    document["data"]["validation"] = 0.2
    assert problems("validation_loss") == problems("validation_accuracy") == []
    assert "validation_accuracy" in problems("validation_acuracy")[0]
    assert 'did you mean "validation_loss"?' in problems("val_loss")[0]
    assert 'did you mean "validation_accuracy"?' in problems("val_accuracy")[0]


def test_a_column_may_hold_out_validation_data(document):
    document["data"] = {"split": {"method": "column", "column": "part"}}
    document["training"]["callbacks"] = [{"type": "early_stopping"}]
    columns = {"a": np.arange(9.0), "part": ["train", "validation", "train"] * 3}
    data = as_data((columns, np.arange(9) // 3), "train")
    result = check_spec(parse_spec(document), data={"train": data})
    assert [str(problem) for problem in result.problems] == []


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
def test_a_metric_without_a_direction_needs_a_mode(problems, kind):
    (message,) = problems("learning_rate", kind)
    assert message == (
        "training.callbacks.0.monitor: error[E045]: nothing says which values of "
        '"learning_rate" are better (add mode = "min", mode = "max", or the best number as mode)'
    )
    for mode in ("min", "max", 0.1):
        assert problems("learning_rate", kind, mode=mode) == []


FILES = ("weights.safetensors", "history.jsonl", "metrics.json")


class Kill(Exception):
    """An exception in place of anything that ends a process."""


@pytest.fixture
def spec(document):
    """All callbacks that monitor, metrics of training and validation data, and few logged epochs.

    The learning rate falls several times, and the best epoch is not logged.
    """
    document["model"]["layers"][1:2] = ["relu", {"type": "dropout", "rate": 0.2}]
    document["data"]["validation"] = 0.3
    document["optimizer"] = {"type": "adam", "learning_rate": 0.2}
    document["training"] |= {
        "epochs": 60,
        "batch_size": 4,
        "log_every": 50,
        "metrics": ["accuracy", "f1"],
        "callbacks": [
            {"type": "early_stopping", "monitor": "validation_f1", "patience": 15},
            {"type": "reduce_on_plateau", "monitor": "loss", "patience": 3, "factor": 0.5},
            {"type": "checkpoint", "every_epochs": 7, "monitor": "accuracy", "keep_last": 2},
        ],
    }
    return parse_spec(document)


def manifest_of(directory):
    return json.loads((directory / "manifest.json").read_text())


def require_same(first, second):
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert manifest_of(first)["stopped"] == manifest_of(second)["stopped"]


def test_killed_within_epochs_that_are_not_logged(spec, document, tmp_path, monkeypatch):
    """A checkpoint within such an epoch includes the monitored metrics' partial counts."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)
    document["training"]["epochs"] = 18
    document["training"]["callbacks"][2] |= {"every_minutes": 1e-9}
    spec, killed = parse_spec(document), []
    whole = run(spec, out=tmp_path / "whole")

    def kill(event):
        inside = not isinstance(event, EpochFinished) and event.epochs_done % 1
        if inside and event.epochs_done > 1 + 2.5 * len(killed):
            killed.append(event.epochs_done)
            raise Kill

    with pytest.raises(Kill):
        run(spec, out=tmp_path / "out", listener=kill)
    for _ in range(4):
        with pytest.raises(Kill):
            resume(tmp_path / "out", listener=kill)
    resume(tmp_path / "out")
    require_same(whole.directory, tmp_path / "out")
    steps = [entry["from_step"] for entry in manifest_of(tmp_path / "out")["resumed"]]
    assert len(set(killed)) == len(set(steps)) == 5
    assert steps == sorted(steps)
    assert any(step % 6 for step in steps)
