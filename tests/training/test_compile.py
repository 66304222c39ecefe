"""The choice of a run's compiler, by the spec, the data's size and installed packages."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from declnet import Dataset, Kernel, KernelCalls, Registry, SpecError, default_registry, parse_spec
from declnet.graph.model import build_model
from declnet.training.checks.check import check_spec
from declnet.training.compile import kernels_for
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
    """Dense, by a compiler that does not exist."""

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
    return kernels_for(spec, model, samples, registry).has_compiled


def test_a_choice_is_followed_and_auto_takes_kernels_for_long_runs_alone():
    registry = registry_with(Bound)
    assert chosen(registry, kernels="jit") is True
    assert chosen(registry, kernels="numpy", epochs=200_000) is False
    assert chosen(registry) is False
    assert chosen(registry, epochs=200_000) is True
    assert chosen(registry, epochs=1_000, batch_size=10) is True


@pytest.mark.parametrize(("kernels", "reason"), [((), "no plugin"), ((Dear,), "pip install dear")])
def test_kernels_that_are_demanded_and_not_there_are_a_fault_of_the_spec(kernels, reason):
    registry = registry_with(*kernels)
    data = {"train": Dataset(np.zeros((9, 2)), np.arange(9) % 3)}
    spec = spec_of(registry, "jit")
    [problem] = check_spec(spec, registry, data).problems
    assert (problem.path, problem.code) == (("engine", "kernels"), "E008")
    assert reason in problem.message
    with pytest.raises(SpecError, match=reason):
        prepare(spec, registry, data)
    assert chosen(registry, epochs=10**6) is False
