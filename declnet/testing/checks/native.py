"""The check whether an engine can run a component's calls without Python between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls
from declnet.contracts.execution.kernel import Call
from declnet.contracts.execution.operations import OptimizerUpdate
from declnet.contracts.network.parameter import Gradients, LayerState, OptimizerState
from declnet.graph.kernels import Kernels, why_no_engine
from declnet.registry.registry import Registry
from declnet.testing.catalogue import checks_module
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check

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
                    for circumstances, calls in checks_module(subject.instance)
                    .step_calls(subject)
                    .items()
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


CHECKS = (runs_without_python, does_the_same_at_every_call)
