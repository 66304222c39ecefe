"""Checks on initializers: they fill every element, finite, from the given stream."""

from __future__ import annotations

from functools import partial

import numpy as np

from declnet import Array, Initializer
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.checks.common import USED_ONCE, overwrites_outputs, writes_every_output
from declnet.testing.checks.regularizers import PARAMETER_SHAPES
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference
from declnet.testing.trial import SAMPLES, USUAL, Setting, Trial, poison, tried
from declnet.testing.watched import call_locked

_FANS = {(4, 3): (4, 3), (5,): (5, 5), (2, 3, 3, 2): (18, 12)}
"""How many inputs each unit has, and outputs each input, by `PARAMETER_SHAPES`."""


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fill a parameter of each shape that the initializer accepts, and adapt it to a batch."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        w = np.empty(shape, setting.dtype)
        poison(w, setting.poison)
        rng = np.random.Generator(np.random.PCG64(setting.seed))
        try:
            with calling(f"fill for shape {shape}", skips=ValueError):
                subject.instance.fill(w, rng, *_FANS[shape])
        except CheckSkipped:
            continue
        trial.outputs[f"w of shape {shape}"] = w
        if type(subject.instance).adapt is not Initializer.adapt:
            trial.outputs[f"adapted w of shape {shape}"] = _adapted(subject, w.copy(), rng)
    if not trial.outputs:
        raise CheckFailed(f"fill raises a ValueError for all of {PARAMETER_SHAPES}")
    return trial


def _adapted(subject: Subject, w: Array, rng: np.random.Generator) -> Array:
    """Adapt w in a layer y = x + w if w has one axis, else y = x @ w with other axes joined."""
    x = np.random.default_rng(11).normal(1.0, 2.0, (SAMPLES, len(w))).astype(w.dtype)

    def forward() -> Array:
        y: Array = x + w if w.ndim == 1 else x @ w.reshape(len(w), -1)
        y.flags.writeable = False
        return y

    adapt = partial(subject.instance.adapt, w, x, forward, rng)
    call_locked(f"adapt for shape {w.shape}", adapt, {"x": x})
    return w


@check
def fills_alike_in_both_float_types(subject: Subject) -> None:
    """Gives finite values for every shape and stream, of the same spread in both float types."""
    for seed in range(3):
        exact = tried(subject, USUAL.but(seed=seed)).outputs
        for name, array in tried(subject, USUAL.but(seed=seed, dtype="float32")).outputs.items():
            if not (np.isfinite(exact[name]).all() and np.isfinite(array).all()):
                raise CheckFailed(f"{name} has values that are NaN or infinite")
            if difference(array, exact[name], CLOSE_IN_FLOAT32) is None:
                continue
            ratio = float(array.astype(float).std()) / max(float(exact[name].std()), 1e-30)
            if not 1 / 5 < ratio < 5:
                raise CheckFailed(f"{name} in float32 has {ratio:.3g} times float64's spread")


CHECKS = (*USED_ONCE, writes_every_output, overwrites_outputs, fills_alike_in_both_float_types)
