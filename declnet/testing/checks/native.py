"""The check whether an engine can run a component's calls without Python between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from typing import Any

import numpy as np

import declnet
from declnet import Array, CompiledCalls, Engine, LayerState, OptimizerUpdate, Registry
from declnet.testing import checking
from declnet.testing.catalogue import checks_module
from declnet.testing.checking import Subject, called, calling, check, require
from declnet.testing.checks.common import only

Calls = Sequence[Callable[[], object]]

CALLS = 100
"""Number of calls that reveals a component that counts calls or follows a schedule."""


@check
def runs_without_python(subject: Subject) -> None:
    """Runs without Python between its calls of NumPy, where an engine is installed."""
    by_step = {where: [*_reasons(calls)] for where, (_, calls) in _compiled(subject).items()}
    reasons = dict.fromkeys(
        reason if all(reason in others for others in by_step.values()) else f"{reason}{where}"
        for where, step_reasons in by_step.items()
        for reason in step_reasons
    )
    checking.skip_unless(not reasons, "; ".join(reasons))


@check
def does_the_same_at_every_call(subject: Subject) -> None:
    """Does what an engine recorded of it after many calls too, where an engine is installed."""
    for calls, compiled in _compiled(subject).values():
        with only(), np.errstate(all="ignore"), calling("the component"):
            for call in [*calls] * CALLS:
                call()
        for recorded in compiled.recorded:
            fault = f"{recorded.method} gives other results after {CALLS} calls: it depends on more"
            advice = "declare recordable = False if that is meant"
            more = "than its fields, arguments and state, such as a counter"
            require(recorded.agrees(), f"{fault} {more}; {advice}")


def _compiled(subject: Subject) -> dict[str, tuple[Calls, CompiledCalls]]:
    """Return the component's calls and what an engine makes of them, by circumstances."""

    def compile_calls() -> dict[str, tuple[Calls, CompiledCalls]]:
        engine = Subject(_engine(subject.registry))
        with only(), calling("the engine"):
            steps = bound_calls(subject).items()
            return {where: (calls, compiled_by(engine, calls)) for where, calls in steps}

    return subject.once("compiled by an engine", compile_calls)


def compiled_by(engine: Subject, calls: Calls, *, exact: bool = False) -> CompiledCalls:
    """Return what an engine makes of calls, without what it says when it compiles."""
    with redirect_stderr(StringIO()):
        return called(engine, Engine.compile, calls, exact)


def _engine(registry: Registry) -> Engine:
    """Return the engine that is used by default; raise CheckSkipped if none can be used here."""
    engines: list[type[Engine]] = [entry.component for entry in registry.entries("engine")]
    reasons = {engine: checking.why_unavailable(engine) for engine in engines if engine.by_default}
    usable = [engine for engine, reason in reasons.items() if reason is None]
    reason = "; ".join(filter(None, reasons.values())) or "no plugin that has one is installed"
    checking.skip_unless(usable, f"no engine can be used: {reason}")
    return usable[0]()


def _reasons(compiled: CompiledCalls) -> Iterator[str]:
    """Yield the methods that Python calls, at least in part, each with the reason."""
    for call, reason in compiled.left:
        method = getattr(call, "func", None)
        name = "update" if isinstance(call, OptimizerUpdate) else getattr(method, "__name__", "it")
        yield f"{name} {reason}"


def bound_calls(subject: Subject) -> dict[str, Calls]:
    """Return the calls of a component in a training step, as bound by the graph without kernels.

    For a component whose calls differ by circumstances, these are several steps, by words that say
    which.

    Raises CheckFailed or CheckSkipped if the component cannot be used.
    """
    calls: dict[str, Calls] = checks_module(subject.instance).step_calls(subject)
    return calls


def calls_of(component: Any, calls: Calls) -> Calls:
    """Return a step's calls that are methods of the component."""
    return [
        call
        for call in calls
        if getattr(getattr(call, "func", None), "__self__", None) is component
    ]


def arrays_of(value: Any) -> Iterator[Array]:
    """Yield the arrays that calls read and write, always in the same order."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_of(item)
    elif isinstance(value, partial):
        yield from arrays_of([*value.args, *value.keywords.values()])
    elif isinstance(value, OptimizerUpdate | declnet.OptimizerState):
        yield from arrays_of([*vars(value).values()])
    elif isinstance(value, LayerState):
        yield from arrays_of([*vars(value).values(), *vars(value.grad).values()])


CHECKS = checking.checks_in(globals())
