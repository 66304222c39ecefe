"""What a kernel promises: the results of what it replaces, but for rounding, and faster."""

from __future__ import annotations

import numpy as np

from declnet.testing.benches.kernel_bench import comparisons
from declnet.testing.benches.kernels.comparison import Comparison
from declnet.testing.check import check
from declnet.testing.comparison import difference, same
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.subjects import Subject

ROUNDING = {"float32": 1e-5, "float64": 1e-12}
"""How far a kernel's results may lie from its components', relative to the largest of an array."""


@check
def replaces_its_components(subject: Subject) -> None:
    """Takes over in the usual case, in float32 and in float64."""
    taken = {each.dtype for each in comparisons(subject)}
    if not taken and subject.example:
        raise CheckSkipped("it leaves this example to the components")
    if not taken:
        raise CheckFailed("it never takes over: it returns None for all of the kit's arrays")
    missing = {"float32", "float64"} - taken
    if missing:
        raise CheckFailed(f"it never takes over in {', '.join(missing)}")


@check
def equals_its_components(subject: Subject) -> None:
    """Gives what the components give, but for rounding, in every setting that it takes over."""
    for each in comparisons(subject):
        _compare(each, ROUNDING[each.dtype])


@check
def passes_non_finite_numbers_on(subject: Subject) -> None:
    """Gives NaN and infinity where the components do, so that a divergence is found."""
    for special in (np.nan, np.inf):
        for each in comparisons(subject, special):
            _compare(each, ROUNDING[each.dtype])


@check
def repeats_its_bits(subject: Subject) -> None:
    """Gives the same bits each time."""
    for each in comparisons(subject):
        for name, array in each.joint.items():
            if not same(array, each.again[name]):
                raise CheckFailed(f"{name} differs from one time to the next: {each.label}")


@check
def leaves_what_it_reads_alone(subject: Subject) -> None:
    """Writes to nothing but what it is to fill."""
    for each in comparisons(subject):
        if each.changed:
            raise CheckFailed(f"it writes to {', '.join(each.changed)}: {each.label}")


CHECKS = (
    replaces_its_components,
    equals_its_components,
    passes_non_finite_numbers_on,
    repeats_its_bits,
    leaves_what_it_reads_alone,
)


def _compare(each: Comparison, tolerance: float) -> None:
    for name, wanted in each.apart.items():
        if name not in each.joint:
            raise CheckFailed(f"{name} is not filled: {each.label}")
        fault = difference(each.joint[name], wanted, tolerance)
        if fault:
            raise CheckFailed(f"{name} is not what the components give: {fault}; {each.label}")
