"""`watch`: its numbers agree with the step, and it names each planted fault and nothing else."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from declnet import (
    Callback,
    Layer,
    OutputError,
    StepObserver,
    load_spec,
    open_run,
    parse_spec,
    resume,
    run,
)
from declnet.registry.discovery import discover
from declnet_plugins.standard.callbacks.suspicions import LayerStatistics, Suspicions
from declnet_plugins.standard.callbacks.watch_panel import WatchPanel

SPECS = Path(__file__).parents[4] / "specs"


class Blocks(Layer):
    """y = x, but dx = 0: a layer that by mistake passes no gradient on."""

    type = "blocks"

    def forward(self, x, y, state):
        y[...] = x

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx[...] = 0


class Compares(Callback):
    """Computes the statistics of `watch` from their definitions, in float64."""

    type = "compares"
    rows: ClassVar[list] = []

    def observer(self, state):
        return _Compares(self.rows)


class _Compares(StepObserver):
    def __init__(self, rows):
        self.rows = rows

    def begin(self, epoch, step, x):
        self.epoch, self.layers = epoch, {}

    def forward(self, name, layer, y):
        y = y.astype(np.float64).reshape(len(y), -1)
        bounded = layer.type in ("sigmoid", "softmax")
        self.layers[name] = {
            "mean": y.mean(),
            "deviation": y.std(),
            "zeros": (y == 0).mean(),
            "saturated": ((y <= 0.01) | (y >= 0.99)).mean() if bounded else None,
            "dead": (y == 0).all(axis=0).mean(),
        }

    def gradients(self, parameters, gradients):
        self.gradient = {key: (parameters[key].copy(), dw.copy()) for key, dw in gradients.items()}

    def updated(self, before, after, rate):
        for name, row in self.layers.items():
            keys = [key for key in before if key.startswith(f"{name}.")]
            row["gradient"] = row["update"] = None
            if keys:
                joined = [np.concatenate([item[key].ravel() for key in keys]) for item in (
                    {key: w for key, (w, _) in self.gradient.items()},
                    {key: dw for key, (_, dw) in self.gradient.items()},
                    {key: after[key] - before[key] for key in keys},
                )]  # fmt: skip
                w, dw, change = (np.linalg.norm(item.astype(np.float64)) for item in joined)
                row |= {"gradient": dw / w, "update": change / w}
            self.rows.append({"epoch": self.epoch, "layer": name, **row})


def spec(layers, optimizer=None, *, epochs=300, data=True, **training):
    train = {"type": "nnfs_spiral", "samples": 50, "classes": 3}
    return {
        "data": {"train": train} if data else {},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": optimizer or {"type": "adam", "learning_rate": 0.01},
        "training": {"epochs": epochs, "log_every": 10, "callbacks": ["watch"], **training},
    }


def dense(units, **more):
    return {"type": "dense", "units": units, **more}


END = [dense(3), "softmax"]


def watched(document, data=None, **more):
    registry = discover()
    registry.register(Blocks)
    registry.register(Compares)
    warnings = []
    parsed = parse_spec(document, registry=registry)
    result = run(parsed, data, registry=registry, notice=warnings.append, **more)
    assert list(result.warnings[: len(warnings)]) == warnings
    return result, warnings


@pytest.mark.parametrize("engine", ["numpy", "jit"])
@pytest.mark.parametrize("batch_size", [None, 32])
def test_the_numbers_match_the_step(tmp_path, engine, batch_size):
    if engine == "jit":
        pytest.importorskip("numba", reason="the extra jit is not installed")
    Compares.rows.clear()
    sequences = [{"type": "reshape", "shape": [4, 4]},  # in another memory order than dense layers
                 {"type": "conv1d", "filters": 4, "kernel_size": 2}, "relu", "flatten"]  # fmt: skip
    layers = [dense(16, weight_regularizer={"type": "l2", "strength": 0.01}), "relu", *sequences,
              dense(8), "relu", dense(8), "sigmoid", *END]  # fmt: skip
    document = spec(layers, epochs=41, batch_size=batch_size, callbacks=["watch", "compares"])
    document["engine"] = {"kernels": engine}
    watched(document, out=tmp_path / "run")
    with (tmp_path / "run" / "watch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(Compares.rows) == 5 * 12
    for row, expected in zip(rows, Compares.rows, strict=True):
        assert (int(row.pop("epoch")), row.pop("layer")) == (expected["epoch"], expected["layer"])
        for name, text in row.items():
            value = expected[name]
            assert (text == "") == (value is None)
            if value is not None:
                assert float(text) == pytest.approx(value, rel=1e-4, abs=1e-6)


def unscaled():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(200, 50, 150), rng.normal(1000, 300, 150)]
    return x, (3 * x[:, 0] - 0.6 * x[:, 1] > 0).astype(int)


ZERO = {"weight_initializer": "zeros"}
DEAD = {"bias_initializer": {"type": "constant", "value": -10.0}}
HIDDEN = [dense(32), "relu", dense(32), "relu", *END]
SMALL = {"weight_initializer": {"type": "normal", "std": 1e-3}}


@pytest.mark.parametrize(
    ("layers", "optimizer", "warning"),
    [
        pytest.param([dense(32, **ZERO), "relu", dense(3, **ZERO), "softmax"], None,
                     'all parameters of "dense_1" are 0', id="zero weights"),
        pytest.param(HIDDEN, {"type": "adam", "learning_rate": 10.0},
                     "the learning rate is too high", id="rate 10, adam"),
        pytest.param(HIDDEN, {"type": "sgd", "learning_rate": 10.0},
                     "the learning rate is too high", id="rate 10, sgd"),
        pytest.param(HIDDEN, {"type": "rmsprop", "learning_rate": 10.0},
                     "the learning rate is too high", id="rate 10, rmsprop"),
        pytest.param([dense(32, **DEAD), "relu", *END], None,
                     '100% of the units of "relu_1" are dead', id="dead rectifiers"),
        pytest.param([dense(32), "relu", dense(16), "blocks", *END], None,
                     'no learning in "dense_1", "dense_2": every gradient is 0', id="frozen"),
        pytest.param([*[dense(16, **SMALL), "tanh"] * 6, *END],
                     {"type": "sgd", "learning_rate": 0.001},
                     'the gradient of "dense_3" nearly vanishes', id="vanishing"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_named_once(tmp_path, layers, optimizer, warning):
    _, warnings = watched(spec(layers, optimizer), out=tmp_path / "run")
    named = [text for text in warnings if warning in text]
    assert len(named) == 1, warnings
    assert all(text.startswith("epoch ") for text in warnings)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert named[0] in manifest["warnings"]


def trained(gradient=1.0, update=0.01, dead=0.0, size=1.0):
    """Return the statistics of a layer with parameters of norm `size`."""
    squares = {"parameters": size**2, "gradients": gradient**2, "updates": (update * size) ** 2}
    return LayerStatistics(0.0, 1.0, 0.0, dead, **squares)


@pytest.mark.parametrize(
    ("first", "losses", "warning"),
    [
        (trained(update=0.0), [1, 1, 1], 'no learning in "first": no update changes'),
        (trained(gradient=300.0), [1, 1, 1], 'the gradient of "first" is 300 times as large'),
        (trained(1e-3, size=1e3), [1, 1, 1], 'the gradient of "first" nearly vanishes'),
        (trained(1e-1, size=1e-4), [1, 1, 1], 'the gradient of "first" is 1e+03 times as large'),
        (trained(), [1, 3, 4, 5], "the learning rate is too high: the loss rose from 1 to 5"),
        (trained(update=0.3, dead=1.0), [1, 1, 1], 'changes the parameters of "first" by 30%'),
    ],
)
def test_a_suspicion_is_reported_once_in_the_third_epoch_in_a_row(first, losses, warning):
    suspicions, layers = Suspicions(), {"first": first, "last": trained()}
    warnings = [[*suspicions.after(layers, 20, 0.1, loss)] for loss in losses]
    assert warnings[:-1] == [[]] * (len(losses) - 1)
    assert len(warnings[-1]) == 1
    assert warning in warnings[-1][0]
    assert [*suspicions.after(layers, 20, 0.1, losses[-1])] == []


@pytest.mark.parametrize(("step", "rate"), [(19, 0.1), (20, 0.0)])
def test_layers_are_not_judged_in_the_first_updates_or_by_a_rate_of_0(step, rate):
    suspicions, layers = Suspicions(), {"first": trained(update=0.0), "last": trained(update=0.0)}
    assert [item for _ in range(4) for item in suspicions.after(layers, step, rate, 1.0)] == []


def test_unscaled_inputs_that_saturate_sigmoids_are_named():
    document = spec([dense(32), "sigmoid", dense(2), "softmax"], data=False, epochs=100)
    _, warnings = watched(document, unscaled())
    assert "the inputs are not scaled" in warnings[0]
    assert 'outputs of "sigmoid_1" are saturated' in warnings[1]
    assert len(warnings) == 2


@pytest.mark.parametrize(
    "file",
    sorted(SPECS.glob("*.toml")) + sorted(SPECS.glob("optimizers/*.toml")),
    ids=lambda item: item.stem,
)
def test_a_shipped_spec_causes_no_warning(file, shipped_spec):
    file = shipped_spec(file)
    epochs = load_spec(file).training.epochs
    epochs, every = (4, 1) if epochs <= 20 else (min(epochs, 60), 10)
    changes = {"training.epochs": epochs, "training.log_every": every}
    warnings = []
    run(load_spec(file, {**changes, "training.callbacks": ["watch"]}), notice=warnings.append)
    assert warnings == []


def test_a_resumed_run_has_the_same_table_and_warnings(tmp_path):
    callbacks = ["watch", {"type": "checkpoint", "every_epochs": 7}, "stops_once"]

    class StopsOnce(Callback):
        type = "stops_once"
        armed: ClassVar[bool] = True

        def after_epoch(self, state, epoch):
            if epoch.epoch == 61 and StopsOnce.armed:
                StopsOnce.armed = False
                raise KeyboardInterrupt

    registry = discover()
    registry.register(StopsOnce)
    document = spec(HIDDEN, {"type": "sgd", "learning_rate": 10.0}, epochs=120, callbacks=callbacks)
    loaded = parse_spec(document, registry=registry)
    with pytest.raises(KeyboardInterrupt):
        run(loaded, out=tmp_path / "cut", registry=registry)
    resumed = resume(tmp_path / "cut", registry=registry)
    whole = run(loaded, out=tmp_path / "whole", registry=registry)
    assert resumed.warnings == whole.warnings != ()
    tables = [(tmp_path / item / "watch.csv").read_bytes() for item in ("cut", "whole")]
    assert tables[0] == tables[1]


def test_the_report_draws_a_map_for_each_value(tmp_path):
    layers = [dense(16), "relu", dense(8, name='a,"b"'), "sigmoid", *END]
    watched(spec(layers, epochs=100), out=tmp_path / "run")
    stored = open_run(tmp_path / "run")
    html = WatchPanel().render(stored)
    assert html.count("<svg") == html.count("</svg>") == 6
    assert html.count(">sigmoid_1<") == 4
    assert html.count(">a,&quot;b&quot;<") == 5  # its outputs are not bounded
    table = tmp_path / "run" / "watch.csv"
    table.write_text(table.read_text().replace("relu_1", "<script>"))
    assert "<script>" not in WatchPanel().render(open_run(tmp_path / "run"))
    table.write_bytes(b"\xff,\x00\n1,2")
    assert WatchPanel().render(open_run(tmp_path / "run")) is None
    table.unlink()
    assert WatchPanel().render(open_run(tmp_path / "run")) is None
    table.symlink_to(tmp_path / "run" / "spec.toml")
    with pytest.raises(OutputError, match="symbolic link"):
        WatchPanel().render(open_run(tmp_path / "run"))


def test_the_page_shows_what_is_printed():
    page = (SPECS.parent / "docs" / "how_to" / "watching.md").read_text("utf-8")
    document = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])
    _, (warning,) = watched(document)
    assert f"warning: {warning}\n" in page


def test_layers_frozen_on_purpose_cause_no_warning():
    layers = [dense(16, trainable=False), "relu", dense(16, trainable={"from_epoch": 60}), "relu"]
    assert watched(spec([*layers, *END], epochs=100))[1] == []
