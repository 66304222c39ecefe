"""Other versions of a distribution, which are compared by the results of their components."""

from __future__ import annotations

import contextlib
import json
import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import ChangedBehaviorError, load_model, open_run, parse_spec
from declnet.contracts.runs.callback import EpochLogged
from declnet.registry.plugin import Plugin

from ..command_line import CommandLine
from ..distributions import write_distribution

SOURCE = """
import numpy as np
from declnet import (
    Calibrator, Initializer, Layer, Loss, Metric, Optimizer, Parameter, Regularizer, Schedule,
    Transform, hookimpl,
)

class Scale(Layer):
    "y = factor * gain * x."
    type = "scale"
    def parameters(self, input_shape):
        return {{"gain": Parameter(input_shape, "level", regularizer=Pull())}}
    def forward(self, x, y, state):
        np.multiply(x, {layer} * state.gain, out=y)
    def backward(self, x, y, dy, dx, state):
        state.grad.gain[...] = {gradient} * (dy * x).sum(axis=0)
        if dx is not None:
            np.multiply(dy, {layer} * state.gain, out=dx)

class Level(Initializer):
    "w = level."
    type = "level"
    def fill(self, w, rng, fan_in, fan_out):
        w[...] = {initializer}

class Pull(Regularizer):
    "w^2 / 2."
    type = "pull"
    def penalty(self, w):
        return 0.5 * float(np.sum(w * w))
    def add_gradient(self, w, dw):
        dw += {regularizer} * w

class Shift(Transform):
    "y = x - mean."
    type = "shift"
    def suits(self, column):
        return column.dtype.kind == "f"
    def fit(self, x):
        return {{"mean": float(x.mean())}}
    def apply(self, x, state):
        return x - {transform} * state["mean"]
    def inverse(self, y, state):
        return y + {transform} * state["mean"]

class Squares(Loss):
    "(y_pred - y_true)^2."
    type = "squares"
    targets = "values"
    def prepare(self, y, output_shape, dtype):
        return np.reshape(y, (len(y), *output_shape)).astype(dtype)
    def forward(self, y_pred, y_true, losses):
        losses[...] = {loss} * ((y_pred - y_true) ** 2).mean(axis=1)
    def backward(self, y_pred, y_true, dy):
        np.multiply(y_pred - y_true, 2 * {loss} / y_pred.shape[1], out=dy)
    def predictions(self, y_pred):
        return {predictions} * y_pred

class Half(Calibrator):
    "y = y_pred / 2."
    type = "half"
    def fit(self, y_pred, y_true, task):
        return {{"factor": 0.5}}
    def apply(self, y_pred, state):
        return {calibrator} * state["factor"] * y_pred

class Bias(Metric):
    "The mean error."
    type = "bias"
    better = "lower"
    def start(self):
        return [0.0, 0]
    def update(self, state, y_pred, y_true):
        state[0] += {metric} * float(np.sum(y_pred.reshape(-1) - y_true))
        state[1] += len(y_true)
    def result(self, state):
        return state[0] / state[1]

class Halving(Schedule):
    "0.01, and less in the second half."
    type = "halving"
    def rate(self, step, total):
        return 0.01 if 2 * step < total else 0.01 * {schedule}

class Steps(Optimizer):
    "v = momentum * v - rate * dw; w += v."
    type = "steps"
    learning_rate: float | Schedule = 0.01
    def rate(self, step, total):
        rate = self.learning_rate
        return rate if isinstance(rate, float) else rate.rate(step, total)
    def state_names(self):
        return ("v",)
    def update(self, w, dw, state, learning_rate, step):
        state.v *= {optimizer}
        state.v -= learning_rate * dw
        w += state.v

@hookimpl
def declnet_register(register):
    for component in (
        Scale, Level, Pull, Shift, Squares, Half, Bias, Halving, Steps
    ):
        register(component)
"""

AS_TRAINED = {
    "layer": 1.0,
    "gradient": 1.0,
    "initializer": 0.9,
    "regularizer": 0.001,
    "transform": 1.0,
    "loss": 1.0,
    "predictions": 1.0,
    "calibrator": 1.0,
    "metric": 1.0,
    "schedule": 0.5,
    "optimizer": 0.9,
}
NAME = "declnet-affine"

PREDICTS = ["predict", "run", "houses.csv"]
EVALUATES = ["evaluate", "run"]
EXPORTS = ["export", "run", "-o", "model.c"]


DOCUMENT = {
    "declnet": 1,
    "name": "houses",
    "data": {
        "train": {"type": "csv", "path": "houses.csv", "target": "price"},
        "validation": 0.2,
        "prepare": ["shift", "standardize", "one_hot"],
        "prepare_targets": {"price": ["standardize"]},
    },
    "model": {
        "layers": [{"type": "dense", "units": 4}, "tanh", "scale", {"type": "dense", "units": 1}]
    },
    "loss": "squares",
    "optimizer": {"type": "steps", "learning_rate": {"type": "halving"}},
    "training": {
        "epochs": 4,
        "batch_size": 16,
        "metrics": ["bias"],
        "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
    },
    "calibration": {"steps": ["half"]},
    "engine": {"kernels": "numpy"},
}


def registry_of(version, **changed):
    """Return a registry of everything installed and a version of the distribution."""
    namespace = {"__name__": "declnet_affine"}
    registry = declnet.discover()
    source = SOURCE.format(**{**AS_TRAINED, **changed})
    exec(compile(source, "declnet_affine", "exec", dont_inherit=True), namespace)
    plugin = Plugin("declnet_affine", NAME, version)
    namespace["declnet_register"](lambda component: registry.register(component, plugin))
    return registry


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Create the site of a version of the distribution, with some other constants."""
    numbers, folder = count(), tmp_path_factory.mktemp("sites")

    def make(version, **changed):
        source = SOURCE.format(**{**AS_TRAINED, **changed})
        return write_distribution(folder / str(next(numbers)), NAME, source, version=version)

    return make


@pytest.fixture(scope="module")
def trained(tmp_path_factory, fork_server, site):
    """A folder with a finished run; returns its command line with a version of the distribution."""
    folder = tmp_path_factory.mktemp("changed")
    rng = np.random.default_rng(0)
    size, age = rng.normal(100, 20, 60), rng.normal(40, 9, 60)
    rows = [
        f"{a},{b},{'red' if a > 100 else 'blue'},{2 * a - b}"
        for a, b in zip(size.tolist(), age.tolist(), strict=True)
    ]
    (folder / "houses.csv").write_text("\n".join(["size,age,color,price", *rows]))
    (folder / "spec.json").write_text(json.dumps(DOCUMENT))

    def with_version(version="0.2", **changed):
        return CommandLine(folder, fork_server, {"PYTHONPATH": str(site(version, **changed))})

    with_version("0.1").succeeds("run", "spec.json", "--quiet", "--out", "run")
    return with_version


def test_equal_results_need_no_note(trained):
    newer, before = trained(), trained("0.1")
    for arguments in (PREDICTS, EVALUATES):
        done = newer(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == before.succeeds(*arguments)


@pytest.mark.parametrize(
    ("changed", "component", "what", "place"),
    [
        ("layer", 'layer "scale"', "output", '"scale"'),
        ("transform", 'transform "shift"', 'column "size"', '"shift"'),
        ("predictions", 'loss "squares"', "predictions", "squares"),
        ("calibrator", 'calibrator "half"', "predictions", '"half"'),
    ],
)
def test_predictions_name_the_component_that_computes_something_else(
    trained, changed, component, what, place
):
    newer = trained(**{changed: 3.0})
    commands = (PREDICTS, EVALUATES, EXPORTS) if changed == "layer" else (PREDICTS,)
    for arguments in commands:
        done = newer(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        first, where, *_ = done.stderr.splitlines()
        assert first == (
            f"error[E080]: {component} computes something else in declnet-affine 0.2 than in 0.1, "
            f"which trained this run: {what}"
        )
        assert "--> run/spec.toml:" in where
        assert place in done.stderr
        assert 'pip install "declnet-affine==0.1"' in done.stderr
    allowed = newer(*PREDICTS, "--allow-changes")
    assert allowed.returncode == 0
    assert allowed.stderr.startswith("note: run/spec.toml:")
    assert allowed.stdout != trained("0.1").succeeds(*PREDICTS)


@pytest.fixture(scope="module")
def interrupted(trained, tmp_path_factory):
    """A run that was interrupted in its second epoch, with a checkpoint."""

    def interrupt(event):
        if isinstance(event, EpochLogged) and event.epoch == 1:
            raise KeyboardInterrupt

    registry, out = registry_of("0.1"), tmp_path_factory.mktemp("interrupted") / "run"
    with contextlib.chdir(trained().folder):
        spec = parse_spec(DOCUMENT, registry)
    with pytest.raises(KeyboardInterrupt):
        declnet.run(spec, out=out, registry=registry, listener=interrupt)
    return out


@pytest.fixture
def stopped(interrupted, trained, tmp_path, monkeypatch):
    """A copy of the interrupted run, whose folder the test may change."""
    monkeypatch.chdir(trained().folder)
    return Path(shutil.copytree(interrupted, tmp_path / "run"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("layer", 'layer "scale" .*: output in step 1'),
        ("gradient", 'layer "scale" .*: gradient of gain in step 1'),
        ("initializer", 'initializer "level" .*: initial gain'),
        ("regularizer", 'regularizer "pull" .*: penalty of gain in step 1'),
        ("transform", 'transform "shift" .*: column "size"'),
        ("loss", 'loss "squares" .*: losses in step 1'),
        ("metric", 'metric "bias" .*: value in step 1'),
        ("schedule", 'schedule "halving" .*: rates'),
        ("optimizer", 'optimizer "steps" .*: .* in step 2'),
    ],
)
def test_resume_compares_training_steps(stopped, changed, message):
    registry = registry_of("0.2", **{changed: 0.7})
    with pytest.raises(ChangedBehaviorError, match=f"{message}.*--allow-changes"):
        declnet.resume(stopped, registry=registry)
    assert open_run(stopped).status == "interrupted"
    declnet.resume(stopped, registry=registry, allow_changes=True)
    (resumption,) = open_run(stopped).manifest.resumed
    assert "declnet-affine was 0.1 and is 0.2" in resumption.changes


def test_resume_continues_with_equal_results_and_records_it_in_the_manifest(stopped, trained):
    declnet.resume(stopped, registry=registry_of("0.2"))
    run = open_run(stopped, registry_of("0.2"))
    (resumption,) = run.manifest.resumed
    assert resumption.changes == ("declnet-affine was 0.1 and is 0.2",)
    whole = open_run(trained().folder / "run").parameters()
    for key, w in run.parameters().items():
        assert (w == whole[key]).all()


def test_an_interrupted_run_is_compared_too(stopped):
    notes = []
    load_model(stopped, registry_of("0.2"), notice=notes.append)
    assert notes == ["the run is interrupted, so its predictions are not calibrated"]
    with pytest.raises(ChangedBehaviorError, match=r'layer "scale" .*: output'):
        load_model(stopped, registry_of("0.2", layer=2.0), notice=notes.append)


def test_a_run_that_cannot_be_compared_is_refused_with_the_reason(stopped):
    """The run looks like one that was killed."""
    manifest = stopped / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "status": "running", "files": {}}))
    (stopped / "behavior.json").unlink()
    with pytest.raises(ChangedBehaviorError, match="cannot be compared: the run did not store it"):
        declnet.resume(stopped, registry=registry_of("0.2"))
    for file in (stopped / "checkpoints").iterdir():
        file.unlink()
    declnet.resume(stopped, registry=registry_of("0.2"))  # which starts over


def test_losses_and_metrics_matter_only_to_evaluations(trained):
    newer = trained(metric=3.0)
    assert newer.succeeds(*PREDICTS) == trained("0.1").succeeds(*PREDICTS)
    done = newer(*EVALUATES)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'error[E080]: metric "bias" computes something else' in done.stderr
    assert newer(*EVALUATES, "--allow-changes").returncode == 0


def test_groups_compare_their_runs(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(trained().folder)
    registry, out = registry_of("0.1"), tmp_path / "seeds"
    declnet.run(parse_spec(DOCUMENT, registry), out=out, seeds=(1, 2), jobs=1, registry=registry)
    row = {"size": [90.0], "age": [30.0], "color": ["red"]}
    expected = declnet.load_predictor(out, registry).predict(row).outputs
    same, other = registry_of("0.2"), registry_of("0.2", layer=2.0)
    assert (declnet.load_predictor(out, same).predict(row).outputs == expected).all()
    with pytest.raises(ChangedBehaviorError, match='layer "scale"'):
        declnet.load_predictor(out, other)
    with pytest.raises(ChangedBehaviorError, match='metric "bias"'):
        declnet.open_group(out, registry_of("0.2", metric=2.0)).evaluate("validation")


def test_servers_compare_their_runs(trained, tmp_path, monkeypatch):
    models = pytest.importorskip("declnet_plugins.serve.models", exc_type=ImportError)
    load_models = models.load_models
    monkeypatch.chdir(trained().folder)
    registry, out = registry_of("0.1"), tmp_path / "seeds"
    declnet.run(parse_spec(DOCUMENT, registry), out=out, seeds=(1, 2), jobs=1, registry=registry)
    other = registry_of("0.2", layer=2.0)
    with pytest.raises(ChangedBehaviorError, match='layer "scale"'):
        load_models([("houses", out)], other, print)
    notes = []
    load_models([("houses", out)], other, notes.append, allow_changes=True)
    assert len(notes) == 2
    assert "which trained this run: output" in notes[0]
