"""What every component promises that computes, shown by using it twice in different settings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.component import Component
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    StateReplacedError,
    Subject,
    check,
)
from declnet.testing.comparison import (
    CLOSE_IN_FLOAT32,
    difference,
    read_before_written,
    same,
    unwritten,
)
from declnet.testing.trial import (
    CHANGED,
    ORDERS,
    POISONS,
    SAMPLES,
    USUAL,
    WHOLE,
    Setting,
    Trial,
)


def tried(subject: Subject, setting: Setting = USUAL, *, again: bool = False) -> Trial:
    """Use the component as its kind is used, once for each setting.

    Args:
        subject: the component.
        setting: the circumstances.
        again: whether to use it even if this setting was tried before.
    """
    from declnet.testing.catalogue import TRIALS

    use = TRIALS[subject.kind]
    if again:
        return use(subject, setting)
    return subject.once(("trial", setting), lambda: use(subject, setting))


@check
def leaves_inputs_alone(subject: Subject) -> None:
    """Writes to nothing that it may only read: inputs, targets, parameters that are trained."""
    for input_order, order in ORDERS:
        with only(ReadOnlyWrittenError):
            tried(subject, USUAL.but(input_order=input_order, order=order))


@check
def uses_declared_state(subject: Subject) -> None:
    """Uses the attributes of `state` that it declares, and adds or replaces none."""
    with only(StateReplacedError):
        tried(subject)


@contextmanager
def only(fault: type[CheckFailed]) -> Iterator[None]:
    """Let failures of one sort pass; other checks report the others."""
    try:
        yield
    except fault:
        raise
    except CheckFailed as failure:
        raise CheckSkipped(f"it cannot be used: {failure}") from failure


@check
def is_deterministic(subject: Subject) -> None:
    """Gives the same results for the same inputs and the same random stream."""
    first, second = tried(subject), tried(subject, again=True)
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
    tried(subject, again=True)
    if before != _global_states():
        raise CheckFailed(
            "it draws from the global random generator; draw from the rng that is handed in"
        )


@check
def keeps_nothing_on_itself(subject: Subject) -> None:
    """Keeps no state on the instance or its class, so that threads and models can share it."""
    before = _attributes(subject.instance)
    tried(subject, again=True)
    after = _attributes(subject.instance)
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        raise CheckFailed(
            f"it changes {', '.join(changed)} of its own; state belongs to what the graph hands in"
        )


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


@check
def writes_every_output(subject: Subject) -> None:
    """Fills every element of the arrays that it is to fill, in any memory order."""
    for setting, first, second in _poisoned(subject):
        for name, array in first.outputs.items():
            count = unwritten(array, second.outputs[name], POISONS)
            if count:
                raise CheckFailed(
                    f"{count} of {array.size} elements of {name} are left unwritten ({setting}); "
                    "write all of them in place, e.g. with out="
                )


@check
def overwrites_outputs(subject: Subject) -> None:
    """Gives results that do not depend on what output arrays and workspace held before."""
    for setting, first, second in _poisoned(subject):
        for name, array in first.outputs.items():
            count = read_before_written(array, second.outputs[name], POISONS)
            if count:
                raise CheckFailed(
                    f"{count} of {array.size} elements of {name} depend on what that array or a "
                    f"workspace held before ({setting}); overwrite, do not add"
                )


@check
def takes_any_memory_order(subject: Subject) -> None:
    """Gives the same results in C order, with the batch axis contiguous, and where the two meet."""
    base = tried(subject)
    settings = [USUAL.but(input_order=first, order=order) for first, order in ORDERS[1:]]
    settings += [
        USUAL.but(input_order=order, order=order, as_declared=True)
        for order in ("batch_last", "batch_first")
    ]
    for setting in settings if subject.kind == "layer" else settings[:2]:
        other = tried(subject, setting)
        for name, array in base.outputs.items():
            fault = difference(other.outputs[name], array)
            if fault and name not in base.drawn:
                raise CheckFailed(
                    f"{name} depends on memory order ({setting} compared with batch axis "
                    f"contiguous): {fault}; use no reshape, ravel or view that assumes C order"
                )


@check
def takes_batches_of_any_size(subject: Subject) -> None:
    """Gives samples the same in batches of 4, 10, 65 and 200, also after one of another size."""
    for samples, before in ((4, SAMPLES), (SAMPLES, 4), (65, 0), (200, 0)):
        setting = USUAL.but(samples=samples, before=before)
        found, wanted = tried(subject, setting), dict[str, Array]()
        if before:
            wanted = tried(subject, setting.but(before=0)).outputs
        elif not getattr(subject.instance, "mixes_samples", False):
            wanted = _repeated(tried(subject, WHOLE), samples)
        after = f" after a batch of {before}" if before else ""
        for name, array in found.outputs.items():
            fault = difference(array, wanted[name]) if name in wanted else None
            if fault and (before or name not in found.drawn):
                raise CheckFailed(
                    f"{name} is wrong for a batch of {samples}{after}: {fault}; take the number "
                    "of samples from len(x) at each call"
                )


@check
def treats_samples_apart(subject: Subject) -> None:
    """Gives each sample what it gives it alone, unless it says that it mixes samples."""
    base, mixes = tried(subject, WHOLE), getattr(subject.instance, "mixes_samples", False)
    found = None
    for setting, rows, what in (
        (WHOLE.but(changed=True), np.delete(np.arange(SAMPLES), CHANGED), "with another sample"),
        (USUAL.but(samples=4), np.arange(4), "with the number of samples"),
    ):
        other = tried(subject, setting)
        for name, array in other.outputs.items():
            if name in base.sums or (name in base.drawn and setting.samples < SAMPLES):
                continue
            fault = difference(array[rows], base.outputs[name][rows])
            found = found or (fault and f"{name} of a sample changes {what}: {fault}")
    if found and not mixes:
        advice = ", or set mixes_samples = True" if subject.kind == "layer" else ""
        raise CheckFailed(f"{found}; reduce over the samples' own axes only{advice}")
    if mixes and not found:
        raise CheckFailed("mixes_samples is True, but no sample changes what others give")


USED_ONCE = (is_deterministic, leaves_global_generators_alone, keeps_nothing_on_itself)
"""The checks of whatever has no arrays of its own to fill."""

FILLS_ARRAYS = (
    writes_every_output,
    overwrites_outputs,
    takes_any_memory_order,
    takes_float32_and_float64,
    takes_batches_of_any_size,
)
"""The checks of what fills arrays of a batch."""


def _poisoned(subject: Subject) -> list[tuple[Setting, Trial, Trial]]:
    settings = [USUAL.but(input_order=first, order=order) for first, order in ORDERS]
    first, second = POISONS
    return [
        (each, tried(subject, each.but(poison=first)), tried(subject, each.but(poison=second)))
        for each in settings
    ]


def _repeated(trial: Trial, samples: int) -> dict[str, Array]:
    """What a trial would have given for its samples again and again; sums of whole repetitions."""
    rows = np.arange(samples) % SAMPLES
    found = {name: each[rows] for name, each in trial.outputs.items() if name not in trial.sums}
    if samples % SAMPLES == 0:
        found |= {name: trial.outputs[name] * (samples // SAMPLES) for name in trial.sums}
    return found


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
