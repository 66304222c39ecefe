"""Data sources whose description differs from the loaded data."""

from typing import ClassVar

import numpy as np

from declnet import DataInfo, Dataset, DataSource, Table


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


class Flowers(DataSource):
    """A table; right, the others spoil it."""

    type = "flowers"

    def describe(self):
        return None

    def load(self, rng):
        kinds = np.array(["rose", "tulip", None] * 10, object)
        return Table({"size": np.arange(30.0), "kind": kinds}, target="kind")


class DescribedTable(Flowers):
    """A table that describes itself as arrays."""

    type = "described_table"

    def describe(self):
        return DataInfo((1,), "float", "classes", (), 2, 30)


class TornTable(Flowers):
    """A table with a column that is shorter."""

    type = "torn_table"

    def load(self, rng):
        return Table({"size": np.arange(30.0), "kind": np.arange(29)}, target="kind")


class ForgetsTheRest(Flowers):
    """A table in chunks, of which the last is left out."""

    type = "forgets_the_rest"

    def chunks(self, rng, samples):
        whole = self.load(rng)
        for start in range(0, len(whole) - samples + 1, samples):
            yield whole.take(np.arange(start, start + samples))


class CannotTakeAFile(Points):
    """Thirty points, said to be read from files."""

    type = "cannot_take_a_file"
    suffixes: ClassVar[tuple[str, ...]] = (".points",)

    @classmethod
    def for_file(cls, path, like=None):
        return cls.model_validate({"path": path})


class ReadsAnotherFile(Points):
    """Thirty points, said to be read from files, by their path alone."""

    type = "reads_another_file"
    suffixes: ClassVar[tuple[str, ...]] = (".points",)

    @classmethod
    def for_file(cls, path, like=None):
        return path


class LoadsATuple(Points):
    """Thirty points, as a tuple."""

    type = "loads_a_tuple"

    def load(self, rng):
        return rng.normal(size=(30, 2)), np.arange(30) % 3


WRONG = {
    DescribedTable: "loads_what_it_describes",
    TornTable: "loads_usable_arrays",
    ForgetsTheRest: "parts_equal_the_whole",
    WrongShape: "loads_what_it_describes",
    OneClassMore: "loads_what_it_describes",
    FewerSamples: "loads_what_it_describes",
    ValuesForClasses: "loads_what_it_describes",
    UnequalLengths: "loads_usable_arrays",
    GlobalPoints: "leaves_global_generators_alone",
    CannotTakeAFile: "reads_files_by_suffix",
    ReadsAnotherFile: "reads_files_by_suffix",
    LoadsATuple: "loads_usable_arrays",
}
