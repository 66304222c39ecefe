"""The calls of single components, bound as in a training graph."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet import (
    Component,
    NativeCall,
    OptimizerUpdate,
    ParameterInfo,
    Registry,
    TrainingStep,
    default_registry,
)
from declnet.testing import Subject, build_examples
from declnet.testing.checks.losses import accepted_draw, drawn, prepared, working_pairs
from declnet.testing.harness import NO_LOSS, build, model_of_parameters, probe
from declnet.testing.layer_harness import build_chain, working_shapes
from declnet.testing.trial import Setting, in_order
from declnet_plugins.jit.fusion.fused import Fusible
from declnet_plugins.jit.replay.replay import joined, replay

Call = Callable[[], object]


def calls_of(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    """Yield a component's calls with what they are, e.g. "backward (3, 4)".

    Args:
        setting: the number of samples, the float type and the memory order.
    """
    yield from {
        "layer": _of_layer,
        "loss": _of_loss,
        "optimizer": _of_optimizer,
        "regularizer": _of_regularizer,
    }[subject.kind](subject, setting)


def _of_layer(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    random = np.random.default_rng(0)
    for shape in working_shapes(subject):
        model = build_chain(subject, shape, setting)
        step, x = TrainingStep(model, NO_LOSS, setting.samples, seed=1), {}
        for name, info in model.inputs.items():
            size, is_float = (setting.samples, *info.shape), info.dtype == "float"
            values = random.normal(size=size) if is_float else random.integers(0, 2, size)
            x[name] = in_order(values, "batch_last", setting.dtype if is_float else "int64")
        step.begin(x, np.zeros(setting.samples))
        yield from _own(step.calls, subject.instance, str(shape))


def _of_loss(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    loss = subject.instance
    for pair in working_pairs(subject):
        draw_name = accepted_draw(loss, pair)
        if draw_name is None:
            continue
        batch = drawn(loss, draw_name, pair, 0, setting.samples)
        before = probe(
            setting.input_order, name="before", shape=pair.shape, samples=setting.samples
        )
        model = build([before], (prod(pair.shape),), Registry(), setting.dtype)
        step = TrainingStep(model, loss, setting.samples, seed=1)
        y_true = prepared(loss, batch.y, pair.shape, setting.dtype, setting.order)
        x = batch.x[0].reshape(setting.samples, -1).astype(setting.dtype)
        step.begin({"": x}, y_true)
        yield from _own(step.calls, loss, str(pair.shape))


def _of_optimizer(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    random, optimizer = np.random.default_rng(0), subject.instance
    size = (6, setting.samples)
    shape = size if optimizer.per_parameter else (prod(size),)
    model = model_of_parameters([ParameterInfo("dense.weights", shape, "weight")], setting.dtype)
    step = TrainingStep(model, NO_LOSS, 1, optimizer=optimizer, total=100)
    step.update(1)
    for state in step.optimizer_state.values():
        state.fill(0)
    for array in (step.vector, step.gradient):
        array[...] = random.normal(size=array.shape)
    for call in step.update_calls:
        if isinstance(call, OptimizerUpdate):
            yield "update", call


def _of_regularizer(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    w, dw = (np.ones((6, setting.samples), setting.dtype) for _ in range(2))
    yield "add_gradient", partial(subject.instance.add_gradient, w, dw)


def _own(calls: Sequence[Call], component: Component, what: str) -> Iterator[tuple[str, Call]]:
    for call in calls:
        function = getattr(call, "func", None)
        owner = getattr(function, "__self__", None)
        if type(owner) is type(component):
            yield f"{function.__name__} {what}", call


def subjects(kind: str, examples: int | None = None) -> Iterator[Subject]:
    """Yield the installed components of a kind, one for each of their (first) examples."""
    registry = default_registry()
    for entry in registry.entries(kind):
        for number, instance in enumerate(build_examples(entry.component, registry)[:examples]):
            yield Subject(instance, number, registry)


def is_native(parts: tuple[Any, ...] | None) -> bool:
    """Return whether the parts of a replay are known and all native."""
    return parts is not None and all(
        isinstance(part, list | NativeCall | Fusible) for part in parts
    )


def replayed(call: Call) -> tuple[Call, ...] | None:
    """Return calls that give the same bits, native where possible; None if there are none."""
    parts = replay(call, exact=True).parts
    return None if parts is None else joined(parts)


def why_not(call: Call) -> str | None:
    """Return why a call is not replayed entirely natively, to follow "it"; None if it is."""
    recorded = replay(call)
    return recorded.problem or ("; ".join(dict.fromkeys(recorded.python)) or None)
