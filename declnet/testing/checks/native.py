"""The check whether an engine can run a component's calls without Python between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls
from declnet.contracts.execution.kernel import Call
from declnet.contracts.execution.operations import OptimizerUpdate
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.network.parameter import Gradients, LayerState, OptimizerState
from declnet.graph.kernels import Kernels, why_no_engine
from declnet.graph.model import Model
from declnet.graph.shapes import Network
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import ParameterUpdate, VectorUpdate
from declnet.registry.registry import Registry
from declnet.spec.heads import Head
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.checks.losses import batch_of, prepared, working_pairs
from declnet.testing.checks.optimizers import SIZE, parameters_of_size
from declnet.testing.checks.regularizers import PARAMETER_SHAPES
from declnet.testing.harness import NO_LOSS, infer, probe
from declnet.testing.layer_harness import infer_chain, inputs_of_chain, shapes_of, working_shapes
from declnet.testing.trial import SAMPLES, USUAL

FLOAT = np.dtype("float64")

CALLS = 100
"""Calls after which a component that counts them, or follows a schedule of its own, is noticed."""


@check
def runs_without_python(subject: Subject) -> None:
    """Runs without Python between its calls of NumPy, where an engine is installed."""
    found = {
        circumstances: list(_reasons(compiled))
        for circumstances, (_, compiled) in _compiled(subject).items()
    }
    reasons = dict.fromkeys(
        reason if all(reason in each for each in found.values()) else f"{reason}{circumstances}"
        for circumstances, own in found.items()
        for reason in own
    )
    if reasons:
        raise CheckSkipped("; ".join(reasons))


@check
def does_the_same_at_every_call(subject: Subject) -> None:
    """Does what an engine recorded of it after many calls too, where an engine is installed."""
    for calls, compiled in _compiled(subject).values():
        try:
            with np.errstate(all="ignore"), calling("the component"):
                for _ in range(CALLS):
                    for call in calls:
                        call()
        except CheckFailed as failure:
            raise CheckSkipped(f"it cannot be tried: {failure}") from failure
        for recorded in compiled.recorded:
            if not recorded.agrees():
                raise CheckFailed(
                    f"{recorded.method} gives other results after {CALLS} calls: it depends on "
                    "more than its fields, arguments and state, such as a counter; declare "
                    "recordable = False if that is meant"
                )


def _compiled(subject: Subject) -> dict[str, tuple[Sequence[Call], CompiledCalls]]:
    """Return the component's calls and what an engine makes of them, by circumstances."""

    def compile_calls() -> dict[str, tuple[Sequence[Call], CompiledCalls]]:
        kernels = _engine_alone(subject.registry)
        try:
            with calling("the engine"), redirect_stderr(StringIO()):  # it says when it compiles
                return {
                    circumstances: (calls, kernels.compile(calls))
                    for circumstances, calls in bound_calls(subject).items()
                }
        except CheckFailed as failure:
            raise CheckSkipped(f"it cannot be tried: {failure}") from failure

    return subject.once(("compiled by an engine",), compile_calls)


def _engine_alone(registry: Registry) -> Kernels:
    """Return the engine used by default, without kernels; raise CheckSkipped if there is none."""
    engines = Registry()
    for entry in registry.entries("engine"):
        engines.add(entry)
    kernels = Kernels(engines, compiled=True)
    if kernels.engine is None:
        raise CheckSkipped(f"no engine can be used: {why_no_engine(registry)}")
    return kernels


def _reasons(compiled: CompiledCalls) -> Iterator[str]:
    """Yield the methods that Python calls, at least in part, each with the reason."""
    for call, reason in compiled.left:
        method = getattr(call, "func", None)
        name = "update" if isinstance(call, OptimizerUpdate) else getattr(method, "__name__", "it")
        yield f"{name} {reason}"


def bound_calls(subject: Subject) -> dict[str, Sequence[Call]]:
    """Return the calls of a component in a training step, as bound by the graph without kernels.

    For a layer with any number of inputs, these are several steps, by the inputs' shapes in words.

    Raises CheckFailed or CheckSkipped if the component cannot be used.
    """
    if subject.kind != "layer":
        return {"": _BOUND[subject.kind](subject)}
    layer, shapes = subject.instance, working_shapes(subject)
    by_number = {len(shapes_of(layer, shape)): shape for shape in reversed(shapes)}
    return {
        f" for input shape {shape}" if len(by_number) > 1 else "": _layer_calls(subject, shape)
        for _, shape in sorted(by_number.items())
    }


def arrays_of(value: Any) -> Iterator[Array]:
    """Yield the arrays that calls read and write, always in the same order."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from arrays_of(each)
    elif isinstance(value, partial):
        yield from arrays_of([*value.args, *value.keywords.values()])
    elif isinstance(value, OptimizerUpdate | OptimizerState | LayerState | Gradients):
        yield from arrays_of(list(vars(value).values()))


def _layer_calls(subject: Subject, shape: Any) -> Sequence[Call]:
    nodes = infer_chain(subject, shape)
    inputs = inputs_of_chain(subject.instance, shapes_of(subject.instance, shape))
    model = Model(Network.of(nodes, inputs), FLOAT)
    model.store.initialize(7, subject.registry)
    graph = TrainingGraph(model, (Head(UNNAMED, NO_LOSS),), USUAL.samples, seed=0)
    graph.schedules.begin(1)
    x = {
        name: np.zeros((USUAL.samples, *each.shape), FLOAT if each.dtype == "float" else np.int64)
        for name, each in inputs.items()
    }
    step = graph.step(x, [np.zeros(USUAL.samples)])
    own = next(chain for chain in step.chains if chain.nodes[0].name == "subject")
    return [*own.forward, *own.backward]


def _loss_calls(subject: Subject) -> Sequence[Call]:
    pair = working_pairs(subject)[0]
    batch, features = batch_of(subject, pair), (prod(pair.shape),)
    before = probe("batch_last", name="before", shape=pair.shape, samples=SAMPLES)
    network = Network.of(infer([before], features, Registry()), features)
    model = Model(network, FLOAT)
    graph = TrainingGraph(model, (Head(UNNAMED, subject.instance),), SAMPLES, seed=0)
    y_true = prepared(subject.instance, batch.y, pair.shape, FLOAT, "batch_last")
    step = graph.step({UNNAMED: np.zeros((SAMPLES, *features))}, [y_true])
    return step.heads[0].chain.forward


def _optimizer_calls(subject: Subject) -> Sequence[Call]:
    optimizer, total = subject.instance, 1000
    update: VectorUpdate | ParameterUpdate
    if optimizer.per_parameter:
        infos = parameters_of_size(optimizer, SIZE)
        parameters = [(info, np.zeros(info.shape), np.zeros(info.shape)) for info in infos]
        update = ParameterUpdate(optimizer, parameters, total)
    else:
        update = VectorUpdate(optimizer, np.zeros(SIZE), np.zeros(SIZE), total)
    update.set(rate=0.01, step=1)
    return update.calls


def _regularizer_calls(subject: Subject) -> Sequence[Call]:
    shape = PARAMETER_SHAPES[0]
    return [partial(subject.instance.add_gradient, np.zeros(shape), np.zeros(shape))]


_BOUND: dict[str, Callable[[Subject], Sequence[Call]]] = {
    "loss": _loss_calls,
    "optimizer": _optimizer_calls,
    "regularizer": _regularizer_calls,
}

CALLED_KINDS = ("layer", *_BOUND)
"""The kinds of components whose methods are calls of a training step."""

CHECKS = (runs_without_python, does_the_same_at_every_call)
