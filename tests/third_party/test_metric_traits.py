"""Renamed third-party metrics keep their declared direction and abbreviation."""

import json

import numpy as np
import pytest

from ..distributions import write_distribution

SOURCE = """
import numpy as np
from declnet import Metric, hookimpl

class Share(Metric):
    def start(self):
        return [0.0, 0]
    def update(self, state, y_pred, y_true):
        state[0] += float((np.abs(y_pred - y_true.reshape(y_pred.shape)) < 0.5).sum())
        state[1] += len(y_true)

class Hits(Share):
    "The share of predictions that are close."
    type, better = "hits", "higher"
    def result(self, state):
        return state[0] / state[1]

class Gap(Share):
    "The share of predictions that are not."
    type, better = "gap", "lower"
    def result(self, state):
        return 1 - state[0] / state[1]

class Close(Share):
    "How many are close; it does not say which values are better."
    type = "close"
    def result(self, state):
        return state[0]

@hookimpl
def declnet_register(register):
    for each in (Hits, Gap, Close):
        register(each)
"""

METRICS = [
    "hits",
    {"type": "hits", "name": "aim_error"},
    {"type": "gap", "name": "distance"},
    "close",
]


@pytest.fixture(scope="module")
def aimed(command_in, tmp_path_factory):
    site = write_distribution(tmp_path_factory.mktemp("aim"), "declnet-aim", SOURCE)
    return command_in(tmp_path_factory.mktemp("work"), site)


@pytest.fixture(scope="module")
def write_spec(tmp_path_factory):
    """Write a spec of a noisy line, soon learned at a high rate, with an optional callback."""
    folder = tmp_path_factory.mktemp("specs")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    np.savez(folder / "line.npz", x=x, y=x @ [2.0, -1.0] + rng.normal(0, 0.4, 60))

    def write(name, rate, *callbacks):
        document = {
            "declnet": 1,
            "name": name,
            "data": {"train": {"type": "npz", "path": "line.npz"}, "validation": 0.4},
            "model": {"layers": [{"type": "dense", "units": 1}]},
            "loss": "mean_squared_error",
            "optimizer": {"type": "sgd", "learning_rate": rate},
            "training": {
                "epochs": 20,
                "log_every": 1,
                "metrics": METRICS,
                "callbacks": list(callbacks),
            },
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ([], "quick"),
        (["--metric", "distance"], "quick"),
        (["--metric", "close", "--ascending"], "still"),
    ],
)
def test_a_sweep_puts_the_best_first(aimed, write_spec, tmp_path, options, first):
    specs = [write_spec("still", 1e-6), write_spec("quick", 0.1)]
    out = ["--seeds", "0", "--quiet", "--out", tmp_path / "out"]
    done = aimed("sweep", *specs, *out, *options)
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert rows[3] == first


def test_a_sweep_by_a_metric_that_does_not_say_is_refused_before_it(aimed, write_spec, tmp_path):
    options = ["--seeds", "0", "--metric", "close", "--out", tmp_path / "out"]
    done = aimed("sweep", write_spec("quick", 0.1), *options)
    assert done.returncode == 2
    assert 'values of "close" are better; add --ascending or --descending' in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("monitor", "best"), [("aim_error", max), ("distance", min)])
def test_callbacks_follow_what_it_declares(aimed, write_spec, tmp_path, monitor, best):
    """The final model is from the best epoch, whatever words are in the metric's name."""
    early = {"type": "early_stopping", "monitor": f"validation_{monitor}", "patience": 100}
    spec, out = write_spec("wild", 0.9, early), tmp_path / "out"
    aimed.succeeds("run", spec, "--quiet", "--out", out)
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    values = [row[f"validation_{monitor}"] for row in history]
    final = json.loads((out / "metrics.json").read_text())["validation"][monitor]
    assert final == best(values)
    assert min(values) < max(values)
