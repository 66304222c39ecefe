"""What an optimizer promises: an elementwise rule whose state is what it declares."""

from __future__ import annotations

import numpy as np

from declnet.testing.benches.optimizer_bench import RATE, SIZE, OptimizerBench, gradients, start
from declnet.testing.check import check
from declnet.testing.comparison import difference, same
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.subjects import Subject

DIVISIONS = ((5,), (1, 2, 3), (4, 8, 12), tuple(range(1, SIZE)))
"""Where the vector is cut into slices."""


@check
def declares_its_state(subject: Subject) -> None:
    """Names its state arrays, and uses no others."""
    with calling("state_names"):
        names = subject.instance.state_names()
    good = isinstance(names, tuple | list) and all(
        isinstance(name, str) and name.isidentifier() and name != "scratch" for name in names
    )
    if not good or len(set(names)) != len(names):
        raise CheckFailed(f"state_names() is {names!r}; it must be different identifiers")
    OptimizerBench(subject.instance, start()).run(gradients(2))


@check
def is_elementwise(subject: Subject) -> None:
    """Gives the same for the whole vector as for any slices of it."""
    whole = OptimizerBench(subject.instance, start())
    whole.run(gradients(6))
    for bounds in DIVISIONS:
        sliced = OptimizerBench(subject.instance, start(), bounds)
        sliced.run(gradients(6))
        fault = difference(sliced.w, whole.w)
        if fault:
            raise CheckFailed(
                f"w differs if the vector is updated in slices, cut at {bounds}: {fault}; each "
                "element may depend on its own w, dw and state only, not on a norm or a mean"
            )


@check
def keeps_runs_apart(subject: Subject) -> None:
    """Holds no state itself: two runs with the same instance do not disturb each other."""
    alone = OptimizerBench(subject.instance, start())
    alone.run(gradients(6))
    first, second = (OptimizerBench(subject.instance, start(seed)) for seed in (0, 1))
    for step, (own, foreign) in enumerate(zip(gradients(6), gradients(6, 1), strict=True), start=1):
        first.step(own, RATE, step)
        second.step(foreign, RATE, step)
    fault = difference(first.w, alone.w)
    if fault:
        raise CheckFailed(
            f"w differs if another run goes on in between: {fault}; keep state in the arrays of "
            "state_names(), and count steps by the step that is handed in"
        )


@check
def continues_after_a_restart(subject: Subject) -> None:
    """Goes on from saved parameters and state bit by bit as if it had never stopped."""
    through = OptimizerBench(subject.instance, start())
    through.run(gradients(8))
    before = OptimizerBench(subject.instance, start())
    before.run(gradients(8)[:4])
    after = OptimizerBench(subject.instance, before.w, state=before.state)
    after.run(gradients(8)[4:], first_step=5)
    for name, array in {"w": through.w, **through.state}.items():
        found = after.w if name == "w" else after.state[name]
        if not same(found, array):
            raise CheckFailed(
                f"{name} differs after saving and restoring midway; all state must be in the "
                "arrays of state_names()"
            )


@check
def survives_zero_gradients(subject: Subject) -> None:
    """Gives finite numbers for gradients of 0, as dead units have them, and for tiny ones."""
    for size in (0.0, 1e-30, 1e8):
        for dtype in ("float64", "float32"):
            bench = OptimizerBench(subject.instance, start().astype(dtype))
            bench.run(np.full((3, SIZE), size))
            if not np.isfinite(bench.w).all():
                raise CheckFailed(
                    f"w is not finite after gradients of {size:g} in {dtype}; add epsilon to what "
                    "it divides by"
                )


@check
def rate_zero_changes_nothing(subject: Subject) -> None:
    """Leaves parameters alone where the learning rate is 0."""
    if any("decay" in name for name in type(subject.instance).model_fields if name != "decay"):
        raise CheckSkipped("it has a decay of its own, which may not depend on the rate")
    bench = OptimizerBench(subject.instance, start())
    bench.run(gradients(3), rate=0.0)
    if not same(bench.w, start()):
        raise CheckFailed(
            "w changes though the learning rate is 0; use the learning_rate that is handed in, "
            "not the field, which may be a schedule"
        )


CHECKS = (
    declares_its_state,
    is_elementwise,
    keeps_runs_apart,
    continues_after_a_restart,
    survives_zero_gradients,
    rate_zero_changes_nothing,
)
