"""The calls of single components, bound as in a training graph."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from declnet import Component, OptimizerUpdate, ParameterInfo, default_registry
from declnet.contracts.execution.kernel import Call
from declnet.graph.model import Model
from declnet.graph.shapes import Network
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import ParameterUpdate, VectorUpdate
from declnet.spec.heads import Head
from declnet.testing.check import Subject
from declnet.testing.checks.losses import drawn, prepared, sort_of, working_pairs
from declnet.testing.harness import NO_LOSS, infer, probe
from declnet.testing.layer_harness import infer_chain, inputs_of_chain, shapes_of, working_shapes
from declnet.testing.trial import Setting


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
        nodes = infer_chain(subject, shape, setting)
        inputs = inputs_of_chain(subject.instance, shapes_of(subject.instance, shape))
        model = Model(Network.of(nodes, inputs), np.dtype(setting.dtype))
        model.store.initialize(1, subject.registry)
        graph = TrainingGraph(model, [Head("", NO_LOSS)], setting.samples, 1)
        graph.schedules.begin(1)
        inputs_ = {}
        for name, info in inputs.items():
            size = (*info.shape, setting.samples)
            values = (
                random.integers(0, 2, size) if info.dtype == "integer" else random.normal(size=size)
            )
            inputs_[name] = np.moveaxis(values, -1, 0).astype(
                "int64" if info.dtype == "integer" else setting.dtype, order="K"
            )
        step = graph.step(inputs_, [np.zeros(setting.samples)])
        yield from _own(step.calls, subject.instance, str(shape))


def _of_loss(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    loss, dtype = subject.instance, np.dtype(setting.dtype)
    for pair in working_pairs(subject):
        sort = sort_of(loss, pair)
        if sort is None:
            continue
        batch = drawn(loss, sort, pair, 0, setting.samples)
        shape = pair.shape
        features = (int(np.prod(shape)),)
        before = probe(setting.input_order, name="before", shape=shape, samples=setting.samples)
        nodes = infer([before], features, subject.registry)
        model = Model(Network.of(nodes, features), dtype)
        graph = TrainingGraph(model, [Head("", loss)], setting.samples, 1)
        y_true = prepared(loss, batch.y, shape, dtype, setting.order)
        x = batch.x[0].reshape(setting.samples, -1).astype(dtype)
        yield from _own(graph.step({"": x}, [y_true]).calls, loss, str(shape))


def _of_optimizer(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    random, optimizer = np.random.default_rng(0), subject.instance
    w, dw = (random.normal(size=setting.samples * 6).astype(setting.dtype) for _ in range(2))
    if optimizer.per_parameter:
        info = ParameterInfo("dense.weights", (6, setting.samples), "weight")
        arrays = w.reshape(info.shape), dw.reshape(info.shape)
        update: Any = ParameterUpdate(optimizer, [(info, *arrays)], 100)
    else:
        update = VectorUpdate(optimizer, w, dw, 100)
    update.set(0.01, 1)
    for call in update.calls:
        if isinstance(call, OptimizerUpdate):
            yield "update", call


def _of_regularizer(subject: Subject, setting: Setting) -> Iterator[tuple[str, Call]]:
    w, dw = (np.ones((6, setting.samples), setting.dtype) for _ in range(2))
    yield "add_gradient", partial(subject.instance.add_gradient, w, dw)


def _own(calls: tuple[Call, ...], component: Component, what: str) -> Iterator[tuple[str, Call]]:
    for call in calls:
        function = getattr(call, "func", None)
        owner = getattr(function, "__self__", None)
        if type(owner) is type(component):
            yield f"{function.__name__} {what}", call


def subjects(kind: str, examples: int | None = None) -> Iterator[Subject]:
    """Yield the installed components of a kind, one for each of their (first) examples."""
    from declnet.testing.examples import build_examples

    registry = default_registry()
    for entry in registry.entries(kind):
        for number, instance in enumerate(build_examples(entry.component, registry)[:examples]):
            yield Subject(instance, number, registry)


def is_native(parts: tuple[Any, ...] | None) -> bool:
    """Return whether the parts of a replay are known and all native."""
    return parts is not None and all(isinstance(part, list) for part in parts)
