"""Data sources that describe what they do not load."""

import numpy as np

from declnet import DataInfo, Dataset, DataSource


class Points(DataSource):
    """Thirty random points of three classes; right, the others spoil it."""

    type = "points"

    def describe(self):
        return DataInfo((2,), "float", "classes", (), 3, 30)

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 3)


class WrongShape(Points):
    """Thirty points, of three numbers."""

    type = "wrong_shape"

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 3)), np.arange(30) % 3)


class OneClassMore(Points):
    """Thirty points, of four classes."""

    type = "one_class_more"

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 4)


class FewerSamples(Points):
    """Twenty points."""

    type = "fewer_samples"

    def load(self, rng):
        return Dataset(rng.normal(size=(20, 2)), np.arange(20) % 3)


class ValuesForClasses(Points):
    """Thirty points, with floats for labels."""

    type = "values_for_classes"

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(30) % 3 + 0.5)


class UnequalLengths(Points):
    """Thirty points, with a label too few."""

    type = "unequal_lengths"

    def load(self, rng):
        return Dataset(rng.normal(size=(30, 2)), np.arange(29) % 3)


class GlobalPoints(Points):
    """Thirty points, from NumPy's global generator."""

    type = "global_points"

    def load(self, rng):
        return Dataset(np.random.normal(size=(30, 2)), np.arange(30) % 3)


WRONG = {
    WrongShape: "loads_what_it_describes",
    OneClassMore: "loads_what_it_describes",
    FewerSamples: "loads_what_it_describes",
    ValuesForClasses: "loads_what_it_describes",
    UnequalLengths: "loads_usable_arrays",
    GlobalPoints: "leaves_global_generators_alone",
}
