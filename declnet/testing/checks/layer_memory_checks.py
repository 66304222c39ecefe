"""What a layer promises about memory: what backward reads, what may be shared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from declnet.components.arrays import Array
from declnet.testing.benches.layer_shapes import usual_benches
from declnet.testing.check import check
from declnet.testing.comparison import difference
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import poison
from declnet.testing.subjects import Subject

NEEDS = frozenset({"x", "y"})


@check
def backward_needs_is_true(subject: Subject) -> None:
    """Reads in backward no more of `x` and `y` than `backward_needs` names, by whatever way."""
    unknown = set(subject.instance.backward_needs) - NEEDS
    if unknown:
        raise CheckFailed(f"backward_needs names {', '.join(sorted(unknown))}; it knows x and y")
    omitted = NEEDS - set(subject.instance.backward_needs)
    if not omitted:
        raise CheckSkipped("it needs both x and y")
    for bench, data in usual_benches(subject):
        bench.place(data)
        bench.forward()
        full = bench.backward(everything=True)
        bench.place(data)
        bench.forward()
        for array in bench.x if "x" in omitted else ():
            poison(array, np.nan)
        if "y" in omitted:
            poison(bench.y, np.nan)
        advice = f"name it in backward_needs, which omits {' and '.join(sorted(omitted))}"
        try:
            found = bench.backward()
        except CheckFailed as failure:
            raise CheckFailed(f"backward reads what it is not given: {failure}; {advice}") from (
                failure.__cause__
            )
        _require_same(found, full, f"if it is not given what it does not need; {advice}")


@check
def in_place_is_true(subject: Subject) -> None:
    """Gives the same with `y` in the memory of `x` and `dx` in that of `dy`, if it says so."""
    if not subject.instance.in_place:
        raise CheckSkipped("it does not say that it works in place")
    checked = 0
    for bench, data in usual_benches(subject):
        if len(bench.shapes) != 1 or bench.output != bench.shapes[0] or bench.takes_integers:
            continue
        checked += 1
        apart = bench.run(data)
        for alias in ("object", "memory"):
            bench.place(data, alias=alias)
            found = {"y": bench.forward()}
            if "x" in bench.layer.backward_needs:
                bench.x = tuple(values.astype(bench.setting.dtype) for values in data.x)
            found |= bench.backward()
            _require_same(
                found,
                apart,
                "with y in the memory of x and dx in that of dy; set "
                "in_place = False, or read each element before it is overwritten",
            )
    if not checked:
        raise CheckSkipped("no input shape has the output's shape")


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    for bench, data in usual_benches(subject):
        if bench.takes_integers:
            continue
        full = bench.run(data)
        count = len(bench.shapes)
        for left_out in [*range(count), None]:
            wanted = tuple(left_out not in (position, None) for position in range(count))
            bench.place(data)
            bench.forward()
            try:
                found = bench.backward(wanted)
            except CheckFailed as failure:
                raise CheckFailed(
                    f"where dx is None, {failure}; fill dx only if it is not None"
                ) from failure.__cause__
            _require_same(found, full, "where dx is None")


CHECKS = (backward_needs_is_true, in_place_is_true, takes_no_dx)


def _require_same(found: Mapping[str, Array], wanted: Mapping[str, Array], when: str) -> None:
    for name, array in found.items():
        fault = difference(array, wanted[name])
        if fault:
            raise CheckFailed(f"{name} differs {when}: {fault}")
