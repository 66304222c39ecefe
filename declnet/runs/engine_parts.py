"""The parts of a training step that run without Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from declnet.contracts.execution.engine import NativeCall
from declnet.contracts.execution.kernel import Call
from declnet.graph.kernels import Kernels
from declnet.graph.shapes import Node
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update, clippings
from declnet.registry.registry import Registry
from declnet.runs.ready_run import ReadyRun, make_ready_run
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked
from declnet.training.choice import KernelChoice, choose_kernels
from declnet.training.numerics import arithmetic_for


@dataclass(frozen=True)
class EnginePart:
    """A part of a training step.

    Attributes:
        name: layers that run together, a loss, "regularizers" or "optimizer".
        runs: by a compiled kernel, by repeating what was recorded, or not without Python.
        reasons: why calls need Python, each for "it …"; none if everything is native.
    """

    name: str
    runs: Literal["compiled", "recorded", "in Python"]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class EngineReport:
    """What makes the steps of a run.

    Attributes:
        choice: whether the run uses compiled kernels, and why.
        parts: the parts of a step if it does, in their order; None if no engine can be used.
    """

    choice: KernelChoice
    parts: tuple[EnginePart, ...] | None


def report_engine(
    spec: RunSpec, registry: Registry, checked: Checked | None = None
) -> EngineReport:
    """Choose the kernels of a run, and compile a step as with `kernels = "jit"`.

    The data is loaded, and the first batch bound; nothing is trained.

    Args:
        checked: the result of checking this same spec, to avoid repeating the check.

    Raises:
        DeclnetError: the spec or its data is invalid.
    """
    numpy = spec.engine.model_copy(update={"kernels": "numpy"})
    plain = spec.model_copy(update={"engine": numpy})
    ready = make_ready_run(plain, registry, None, checked)
    kernels = Kernels(ready.registry, compiled=True, engine=spec.engine.type)
    prepared = ready.prepared
    choice = choose_kernels(spec, prepared.model, len(prepared.data["train"]))
    if kernels.engine is None:
        return EngineReport(choice, None)
    with arithmetic_for(ready.trainer.samples_a_step):
        calls = list(_calls_by_part(ready, kernels))
        parts = (_part(name, part_calls, kernels) for name, part_calls in calls if part_calls)
        return EngineReport(choice, tuple(parts))


def _calls_by_part(ready: ReadyRun, kernels: Kernels) -> Iterator[tuple[str, Sequence[Call]]]:
    spec, model, trainer = ready.spec, ready.prepared.model, ready.trainer
    samples, steps = trainer.samples_a_step, trainer.steps
    graph = TrainingGraph(model, spec.heads, samples, spec.seed, kernels, steps, epoch=0)
    _, batch = trainer.next_batch()
    step = graph.step(batch.x, batch.y_true, batch.weights)
    for chain in step.chains:
        yield _named(chain.nodes), [*chain.forward, *chain.backward]
    for head in step.heads:
        loss = f"loss {head.name}".rstrip()
        layers = _named(head.chain.nodes)
        yield f"{layers} + {loss}" if layers else loss, head.chain.forward
    yield "regularizers", step.after
    limits = clippings(spec.training.clip_norm, spec.training.clip_value)
    arguments = spec.optimizer, model.store, graph.gradient, steps, trainer.steps_an_epoch
    yield "optimizer", Update(*arguments, limits, kernels).calls


def _named(nodes: Sequence[Node]) -> str:
    return " + ".join(node.name for node in nodes)


def _part(name: str, calls: Sequence[Call], kernels: Kernels) -> EnginePart:
    reasons = tuple(dict.fromkeys(reason for _, reason in kernels.compile(calls).left))
    has_kernel = any(isinstance(call, NativeCall) for call in calls)
    runs: Literal["compiled", "recorded", "in Python"]
    runs = "in Python" if reasons else "compiled" if has_kernel else "recorded"
    return EnginePart(name, runs, reasons)
