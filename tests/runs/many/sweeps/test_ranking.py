from __future__ import annotations

from pathlib import Path

from declnet.runs.many.ensembles.series import series_of
from declnet.runs.many.execution.tasks import Outcome
from declnet.runs.many.sweeps.ranking import main_effects


def outcome(name, seed, loss=None):
    if loss is None:
        return Outcome(name, seed, Path(f"seed-{seed}"), error="it failed")
    return Outcome(name, seed, Path(f"seed-{seed}"), {"train": {"loss": loss}}, 1.5)


def test_an_effect_has_the_metric_of_all_runs_with_a_value():
    runs = [outcome("a", 0, 1.0), outcome("a", 1, 2.0), outcome("b", 0, 4.0), outcome("c", 0)]
    table = {"type": "sgd", "momentum": 0.9}
    values = {
        "a": {"rate": 0.1, "optimizer": table, "same": 1},
        "b": {"rate": 0.1, "optimizer": "adam", "same": 1, "only": 2},
        "c": {"rate": 0.2, "optimizer": "adam", "same": 1, "only": 3},
    }
    assert main_effects(series_of(runs), ("train", "loss"), values) == {
        "rate": {"0.1": [1.0, 2.0, 4.0]},
        "optimizer": {"sgd, momentum = 0.9": [1.0, 2.0], "adam": [4.0]},
        "only": {"2": [4.0]},
    }
