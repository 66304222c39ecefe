"""Translations whose files predict something else than the components."""

from typing import Any, ClassVar

import numpy as np

from declnet import Translation
from declnet_plugins.export.numpy_file import NumpyTranslation
from declnet_plugins.standard.calibrators import Conformal
from declnet_plugins.standard.layers import GRU, LeakyReLU
from declnet_plugins.standard.transforms import OneHot, Standardize

from .expected import caught_by


def with_one_slope(x):
    return np.maximum(x, 0.01 * x)


@caught_by("equals_its_components")
class IgnoresAField(NumpyTranslation):
    """Takes the default slope, which is right for the first example."""

    functions: ClassVar[Any] = {LeakyReLU: with_one_slope}
    replaces = (LeakyReLU,)


def standardize(x, *, mean, std):
    return (x - mean) / std


def wrong_inverse(y, *, mean, std):
    return y * std - mean


@caught_by("equals_its_components")
class InvertsWrong(NumpyTranslation):
    """Right for columns, wrong for targets."""

    functions: ClassVar[Any] = {Standardize: standardize}
    inverses: ClassVar[Any] = {Standardize: wrong_inverse}
    replaces = (Standardize,)


@caught_by("equals_its_components")
class GivesOneHandle(Translation):
    """Gives the predictions where it should give two bounds."""

    format = "numpy"
    replaces = (Conformal,)

    def translate(self, component, site):
        return site.inputs


@caught_by("equals_its_components")
class ForgetsInputs(NumpyTranslation):
    """Fails on the lengths of sequences."""

    functions: ClassVar[Any] = {GRU: with_one_slope}
    replaces = (GRU,)


def shifted(x, *, categories):
    known = {each: number for number, each in enumerate(categories)}
    found = np.array([known.get(each, -1) for each in x.tolist()])
    return found[:, None] == np.roll(np.arange(len(categories)), 1)


@caught_by("equals_its_components")
class ShiftsCategories(NumpyTranslation):
    """Has the columns in another order."""

    functions: ClassVar[Any] = {OneHot: shifted}
    replaces = (OneHot,)
