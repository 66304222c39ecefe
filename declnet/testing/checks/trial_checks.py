"""What every component promises that computes, shown by using it twice."""

from __future__ import annotations

import random
from functools import cached_property
from typing import Any

import numpy as np

from declnet.components.component import Component
from declnet.testing.benches import TRIALS
from declnet.testing.check import check
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, same
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import ORDERS, USUAL, Setting
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial


def tried(subject: Subject, setting: Setting = USUAL) -> Trial:
    """Uses the component once, as its kind knows."""
    return TRIALS[subject.kind](subject, setting)


@check
def is_deterministic(subject: Subject) -> None:
    """Gives the same results for the same inputs and the same random stream."""
    first, second = tried(subject), tried(subject)
    for name, array in first.outputs.items():
        if not same(array, second.outputs[name]):
            raise CheckFailed(
                f"{name} differs between two uses with the same seed; draw only from the rng that "
                "is handed in, and keep nothing from one call to the next"
            )


@check
def leaves_global_generators_alone(subject: Subject) -> None:
    """Draws from the random stream that is handed in, never from NumPy's or Python's global one."""
    before = _global_states()
    tried(subject)
    if before != _global_states():
        raise CheckFailed(
            "it draws from the global random generator; draw from the rng that is handed in"
        )


@check
def keeps_nothing_on_itself(subject: Subject) -> None:
    """Keeps no state on the instance or its class, so that threads and models can share it."""
    before = _attributes(subject.instance)
    tried(subject)
    after = _attributes(subject.instance)
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        raise CheckFailed(
            f"it changes {', '.join(changed)} of its own; state belongs to what the graph hands in"
        )


@check
def leaves_inputs_alone(subject: Subject) -> None:
    """Does not write to arrays that it may only read."""
    for input_order, order in ORDERS:
        trial = tried(subject, USUAL.but(input_order=input_order, order=order))
        for name, (before, after) in trial.inputs.items():
            if not same(before, after):
                raise CheckFailed(f"it writes to {name}; write to outputs and workspace only")


@check
def takes_float32_and_float64(subject: Subject) -> None:
    """Gives the same results in both float types, as far as float32 goes."""
    exact, rough = tried(subject), tried(subject, USUAL.but(dtype="float32"))
    for name, array in exact.outputs.items():
        fault = difference(rough.outputs[name], array, CLOSE_IN_FLOAT32)
        if fault and name not in exact.drawn:
            raise CheckFailed(
                f"{name} is wrong in float32: {fault}; let workspaces follow the model's type; "
                "use no constants below 1e-38"
            )


def _global_states() -> tuple[Any, ...]:
    _, keys, position, has_gauss, gauss = np.random.get_state()
    return tuple(keys), position, has_gauss, gauss, random.getstate()


def _attributes(instance: Component) -> dict[str, str]:
    """The plain attributes of the instance and its classes in words, but not pydantic's."""
    own = vars(instance) | (getattr(instance, "__pydantic_private__", None) or {})
    found = {
        f"the attribute {name}": repr(value)
        for name, value in own.items()
        if not isinstance(getattr(type(instance), name, None), cached_property)
    }
    for cls in type(instance).__mro__:
        if cls is Component:
            break
        for name, value in vars(cls).items():
            if not name.startswith(("__", "_abc", "model_")) and not callable(value):
                found[f"{cls.__name__}.{name}"] = repr(value)
    return found


CHECKS = (
    is_deterministic,
    leaves_global_generators_alone,
    keeps_nothing_on_itself,
    leaves_inputs_alone,
    takes_float32_and_float64,
)
