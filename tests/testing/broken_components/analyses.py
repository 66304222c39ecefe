"""Analyses that break their contract."""

import numpy as np

from declnet import Analysis, AnalysisTable

from .expected import caught_by


class Means(Analysis):
    """The mean of each feature, of at most 100 samples drawn at random."""

    type = "means_of_features"

    def analyze(self, model):
        at = model.rng.choice(model.samples, min(100, model.samples), replace=False)
        rows = [(name, self.mean(model, model.columns[name][at])) for name in model.features]
        model.outputs(at)
        return (AnalysisTable("Means", ("column", "mean"), tuple(rows)),)

    def mean(self, model, column):
        return float(np.mean(column)) if column.dtype.kind in "fiub" else None


@caught_by("returns_tables")
class NumPyNumbers(Means):
    """Puts NumPy's numbers into a table, which JSON does not have."""

    def mean(self, model, column):
        return np.mean(column) if column.dtype.kind in "fiub" else None


@caught_by("returns_tables")
class OneTable(Means):
    """Returns a table instead of several."""

    def analyze(self, model):
        return super().analyze(model)[0]


@caught_by("leaves_inputs_alone")
class FillsGaps(Means):
    """Fills the gaps of the training data, whoever reads it next."""

    def analyze(self, model):
        for column in model.training_columns.values():
            if column.dtype.kind == "f":
                column[np.isnan(column)] = 0
        return super().analyze(model)


@caught_by("is_deterministic")
class DrawsAnew(Means):
    """Draws from a stream of its own."""

    def mean(self, model, column):
        return float(np.random.default_rng().random())


@caught_by("takes_bounded_time")
class PredictsEverything(Means):
    """Predicts all samples a hundred times."""

    def analyze(self, model):
        for _ in range(101):
            model.outputs()
        return super().analyze(model)
