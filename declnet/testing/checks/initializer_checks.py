"""What an initializer promises: every element, finite, from the given stream."""

from __future__ import annotations

import numpy as np

from declnet.testing.benches.plain_benches import try_initializer
from declnet.testing.check import check
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, read_before_written, unwritten
from declnet.testing.failures import CheckFailed
from declnet.testing.settings import POISONS, USUAL
from declnet.testing.subjects import Subject


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


CHECKS = (writes_every_element, values_are_finite, spreads_alike_in_both_float_types)
