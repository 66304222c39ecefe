"""Uses components that need little: regularizers, initializers, schedules and data sources."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.data_source import Dataset
from declnet.components.initializer import Initializer
from declnet.components.parameter import Parameter
from declnet.components.table import Table
from declnet.errors import DataError
from declnet.graph.parameters import fans
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import Setting, copied, poison
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

PARAMETER_SHAPES: tuple[Shape, ...] = ((4, 3), (5,), (2, 3, 3, 2))
"""Weights of a dense layer, its biases, and weights of a convolution."""

STEPS = (1, 2, 3, 10, 100, 999, 10_000, 1_000_000)


def weights(shape: Shape, seed: int = 0) -> Array:
    """Random parameters, none near 0, where penalties may have a kink."""
    rng = np.random.default_rng([seed, 29])
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 1.5, shape)


def try_regularizer(subject: Subject, setting: Setting) -> Trial:
    """Penalty and gradient of each shape of parameter."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        w = weights(shape).astype(setting.dtype)
        dw = np.ones_like(w)
        note = trial.watch({"w": w}, f" of shape {shape}")
        with calling("penalty"):
            penalty = float(subject.instance.penalty(w))
        with calling("add_gradient"):
            subject.instance.add_gradient(w, dw)
        note()
        trial.outputs[f"the penalty for w of shape {shape}"] = np.array([penalty])
        trial.outputs[f"dw of shape {shape}"] = dw
    return trial


def filled(initializer: Initializer, shape: Shape, setting: Setting) -> Array:
    """A poisoned parameter, filled; raises CheckSkipped if the shape is refused."""
    w = np.empty(shape, setting.dtype)
    poison(w, setting.poison)
    rng = np.random.Generator(np.random.PCG64(setting.seed))
    with calling(f"fill for shape {shape}", skips=ValueError):
        initializer.fill(w, rng, *fans(Parameter(shape, initializer)))
    return w


def try_initializer(subject: Subject, setting: Setting) -> Trial:
    """Fills a parameter of each shape that the initializer does not refuse."""
    trial = Trial()
    for shape in PARAMETER_SHAPES:
        try:
            w = filled(subject.instance, shape, setting)
        except CheckSkipped:
            continue
        trial.outputs[f"w of shape {shape}"] = w
        trial.drawn.add(f"w of shape {shape}")
    if not trial.outputs:
        raise CheckFailed(f"fill raises a ValueError for all of {PARAMETER_SHAPES}")
    return trial


def try_schedule(subject: Subject, setting: Setting) -> Trial:  # noqa: ARG001
    """The rates of some steps."""
    with calling("rate"):
        rates = [float(subject.instance.rate(step)) for step in STEPS]
    return Trial({"the rates": np.array(rates)})


def loaded(subject: Subject, seed: int = 0) -> Dataset | Table:
    """The data; raises CheckSkipped if it is not there."""
    rng = np.random.Generator(np.random.PCG64(seed))
    with calling("load", skips=DataError):
        dataset = subject.instance.load(rng)
    if not isinstance(dataset, Dataset | Table):
        raise CheckFailed(f"load gives a {type(dataset).__name__}, not a Dataset or Table")
    return dataset


def try_data_source(subject: Subject, setting: Setting) -> Trial:
    """Loads the data."""
    dataset = loaded(subject, setting.seed)
    if isinstance(dataset, Table):
        return Trial({f"column {name}": copied(each) for name, each in dataset.columns.items()})
    return Trial({"x": copied(np.asarray(dataset.x)), "y": copied(dataset.y)})
