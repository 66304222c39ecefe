"""What an initializer promises: every element, finite, from the given stream."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.initializer import Initializer
from declnet.components.parameter import Parameter
from declnet.graph.parameters import fans
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, read_before_written, unwritten
from declnet.testing.regularizers import PARAMETER_SHAPES
from declnet.testing.trial import POISONS, USUAL, Setting, Trial, poison
from declnet.testing.trial_checks import USED_ONCE


def filled(initializer: Initializer, shape: Shape, setting: Setting) -> Array:
    """Return a poisoned parameter, filled; raise CheckSkipped if the shape is refused."""
    w = np.empty(shape, setting.dtype)
    poison(w, setting.poison)
    rng = np.random.Generator(np.random.PCG64(setting.seed))
    with calling(f"fill for shape {shape}", skips=ValueError):
        initializer.fill(w, rng, *fans(Parameter(shape, initializer)))
    return w


def try_initializer(subject: Subject, setting: Setting) -> Trial:
    """Fill a parameter of each shape that the initializer does not refuse."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        try:
            w = filled(subject.instance, shape, setting)
        except CheckSkipped:
            continue
        trial.outputs[f"w of shape {shape}"] = w
    if not trial.outputs:
        raise CheckFailed(f"fill raises a ValueError for all of {PARAMETER_SHAPES}")
    return trial


@check
def writes_every_element(subject: Subject) -> None:
    """Overwrites every element of a parameter, whatever it held, in both float types."""
    for dtype in ("float64", "float32"):
        first, second = (
            try_initializer(subject, USUAL.but(dtype=dtype, poison=poison)).outputs
            for poison in POISONS
        )
        for name, array in first.items():
            count = unwritten(array, second[name], POISONS)
            if count:
                raise CheckFailed(
                    f"{count} of {array.size} elements of {name} are left unwritten in {dtype}; "
                    "fill all of it, e.g. with w[...] ="
                )
            if read_before_written(array, second[name], POISONS):
                raise CheckFailed(f"{name} depends on what it held before; overwrite it")


@check
def values_are_finite(subject: Subject) -> None:
    """Gives finite values for every shape and stream."""
    for seed in range(3):
        for dtype in ("float64", "float32"):
            setting = USUAL.but(dtype=dtype, seed=seed)
            for name, array in try_initializer(subject, setting).outputs.items():
                if not np.isfinite(array).all():
                    raise CheckFailed(f"{name} has values that are NaN or infinite in {dtype}")


@check
def spreads_alike_in_both_float_types(subject: Subject) -> None:
    """Gives float32 parameters the same spread as float64 ones."""
    for seed in range(2):
        exact, rough = (
            try_initializer(subject, USUAL.but(dtype=dtype, seed=seed)).outputs
            for dtype in ("float64", "float32")
        )
        for name, array in exact.items():
            if difference(rough[name], array, CLOSE_IN_FLOAT32) is None:
                continue
            ratio = float(rough[name].astype(float).std()) / max(float(array.std()), 1e-30)
            if not 1 / 5 < ratio < 5:
                raise CheckFailed(f"{name} in float32 has {ratio:.3g} times float64's spread")


CHECKS = (*USED_ONCE, writes_every_element, values_are_finite, spreads_alike_in_both_float_types)
