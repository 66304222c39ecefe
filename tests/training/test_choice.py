"""The choice of kernels by the spec, the size of the data and installed packages."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from declnet import (
    Callback,
    Dataset,
    Kernel,
    KernelCalls,
    Layer,
    Registry,
    SpecError,
    default_registry,
    parse_spec,
    resume,
    run,
)
from declnet.graph.model import build_model
from declnet.runs.storage.documents import read_manifest
from declnet.training import choice
from declnet.training.checks.check import check_spec
from declnet.training.choice import choose_kernels, numpy_seconds, usable_kernels
from declnet.training.preparation import prepare
from declnet_plugins.standard.layers.dense import Dense
from tests.documents import spec_document


class Bound(Kernel):
    """Dense, unchanged."""

    type = "bound"
    replaces = (Dense,)
    compiled = True

    def bind(self, site):
        (dense,), (state,) = site.components, site.states
        forward = partial(dense.forward, site.x, site.y, state)
        backward = partial(dense.backward, site.x, site.y, site.dy, site.dx, state)
        return KernelCalls((forward,), (backward,))


class Dear(Bound):
    """Dense, with a compiler that is not installed."""

    type = "dear"

    @classmethod
    def unavailable(cls):
        return "a compiler is not installed: pip install dear"


def registry_with(*kernels):
    registry = Registry()
    for entry in default_registry().entries():
        if entry.kind != "kernel":
            registry.register(entry.component, entry.plugin)
    for kernel in kernels:
        registry.register(kernel)
    return registry


LAYERS = ({"type": "dense", "units": 64}, "relu", {"type": "dense", "units": 3}, "softmax")


def spec_of(registry, kernels="auto", layers=LAYERS, **training):
    document = spec_document(
        [*layers], training={"epochs": 10, **training}, engine={"kernels": kernels}
    )
    return parse_spec(document, registry)


def chosen(registry, samples=3000, kernels="auto", **training):
    spec = spec_of(registry, kernels, **training)
    model = build_model(spec.model, (2,), 0, registry)
    return usable_kernels(choose_kernels(spec, model, samples), spec, registry).has_compiled


def test_auto_chooses_compiled_kernels_only_for_long_runs():
    registry = registry_with(Bound)
    assert chosen(registry, kernels="jit") is True
    assert chosen(registry, kernels="numpy", epochs=200_000) is False
    assert chosen(registry) is False
    assert chosen(registry, epochs=200_000) is True
    assert chosen(registry, epochs=1_000, batch_size=10) is True


@pytest.mark.parametrize(("kernels", "reason"), [((), "no plugin"), ((Dear,), "pip install dear")])
def test_required_kernels_that_are_not_installed_are_a_spec_error(kernels, reason):
    registry = registry_with(*kernels)
    data = {"train": Dataset(np.zeros((9, 2)), np.arange(9) % 3)}
    spec = spec_of(registry, "jit")
    [problem] = check_spec(spec, registry, data).problems
    assert (problem.path, problem.code) == (("engine", "kernels"), "E008")
    assert reason in problem.message
    with pytest.raises(SpecError, match=reason):
        prepare(spec, registry, data)
    assert chosen(registry, epochs=10**6) is False


class Loop(Layer):
    """A third party's layer, with a NumPy call for each step of a sequence."""

    type = "loop"

    def numpy_calls(self, input_shape):
        return 2 * input_shape[0]

    def forward(self, x, y, state):
        for step in range(x.shape[1]):
            np.multiply(x[:, step], 2, out=y[:, step])

    def backward(self, x, y, dy, dx, state):
        for step in range(dy.shape[1]):
            np.multiply(dy[:, step], 2, out=dx[:, step])


def seconds(shape, *layers, samples=32):
    registry = registry_with(Loop)
    spec = spec_of(registry, layers=[*layers, "flatten", {"type": "dense", "units": 3}], epochs=100)
    return numpy_seconds(spec, build_model(spec.model, shape, 0, registry), samples)


GRU = {"type": "gru", "units": 8}


@pytest.mark.parametrize("layer", [GRU, {**GRU, "return_sequences": True}, "loop"])
def test_the_estimate_counts_the_calls_of_each_step_in_time(layer):
    short, long = (seconds((time, 2), layer) for time in (10, 1000))
    assert 30 < long / short < 120
    assert long > 100 * 2 * 1000 * 1e-6


def test_the_estimate_counts_the_multiplications_at_each_position():
    conv = {"type": "conv2d", "filters": 64, "kernel_size": 5, "padding": "same"}
    dense = {"type": "dense", "units": 64}
    for layer, shape in ((conv, (64, 30, 30)), (dense, (900, 1600))):
        assert seconds(shape, layer) == pytest.approx(100 * 32 * 900 * 1600 * 64 * 6e-11, rel=0.3)


def test_the_estimate_counts_all_pairs_of_steps_in_attention():
    layer = {"type": "multi_head_attention", "heads": 4}
    short, long = (seconds((time, 256), layer) for time in (512, 4096))
    without_pairs = 100 * 32 * 4096 * (4 * 256**2 * 6e-11 + 12 * 256e-9)
    of_products = 100 * 32 * 2 * 4096**2 * 256 * 6e-11
    of_shares = 100 * 32 * 2 * 4 * 4096**2 * 1e-9
    assert long > 16 * short
    assert long == pytest.approx(without_pairs + of_products + of_shares, rel=0.05)


class Interrupts(Callback):
    """Interrupt a run once, after its second epoch."""

    type = "interrupts"

    def after_epoch(self, state, epoch):
        if epoch.epoch == 1 and not hasattr(Interrupts, "done"):
            Interrupts.done = True
            raise KeyboardInterrupt


@pytest.mark.parametrize("first", ["numpy", "jit"])
def test_a_resumed_run_keeps_its_choice(first, tmp_path, monkeypatch):
    def limit(kernels):
        monkeypatch.setattr(choice, "WORTHWHILE", 0.0 if kernels == "jit" else 1e9)

    registry = registry_with(Bound)
    registry.register(Interrupts)
    data = np.zeros((9, 2)), np.arange(9) % 3
    callbacks = [{"type": "checkpoint", "every_epochs": 1}, "interrupts"]
    spec = spec_of(registry, epochs=4, callbacks=callbacks)
    monkeypatch.delattr(Interrupts, "done", raising=False)
    limit(first)
    with pytest.raises(KeyboardInterrupt):
        run(spec, data, registry=registry, out=tmp_path / "run")
    limit("jit" if first == "numpy" else "numpy")
    resume(tmp_path / "run", data, registry=registry)
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["engine"]["kernels"] == {"numpy": "numpy", "jit": "bound"}[first]
    assert manifest["status"] == "finished"


def test_a_run_with_recorded_calls_keeps_its_choice(tmp_path):
    pytest.importorskip("numba", reason="the extra jit is not installed")

    class Declines(Bound):
        type = "declines"

        def bind(self, site):
            return None

    registry, data = registry_with(Declines), (np.zeros((9, 2)), np.arange(9) % 3)
    run(spec_of(registry, "jit"), data, registry=registry, out=tmp_path / "run")
    manifest = read_manifest(tmp_path / "run")
    assert (manifest.engine["kernels"], manifest.kernels) == ("recorded", "jit")
