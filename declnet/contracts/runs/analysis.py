"""Analysis: examines a trained model on data, for a spec's `analyses` and `declnet evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.network.directions import Better
from declnet.display.tables import ResultTable, fault_of, faults_of_kinds


class AnalyzedModel(Protocol):
    """A trained model with the samples that it is examined on.

    Values of raw columns are replaced: they are prepared like the training data, so all
    numbers that a column became, e.g. by one-hot encoding, change together.
    """

    @property
    def data_name(self) -> str:
        """The name of the data set or file, for notes."""

    @property
    def samples(self) -> int:
        """The number of samples, n."""

    @property
    def total(self) -> int:
        """The number of samples in the data, of which these are a part drawn at random."""

    @property
    def columns(self) -> Mapping[str, Array]:
        """The raw columns by name, including targets and unused columns.

        Each is (n,), as in a `Table`; of other length if samples are windows of rows. Data that is
        not a table has a column for each number of a sample, if samples have one axis.
        """

    @property
    def features(self) -> tuple[str, ...]:
        """The columns whose values can be replaced; none if samples are windows or images."""

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of the targets; empty if the data is not a table."""

    @property
    def training_columns(self) -> Mapping[str, Array]:
        """The same columns of the training data.

        Raises:
            DataError: it can no longer be loaded.
        """

    @property
    def class_names(self) -> Mapping[str, tuple[str, ...] | None]:
        """For each loss, `""` if it is the only one, the names of its classes if it has any.

        They are in the order of the outputs; one output is the probability of the second of two.
        """

    @property
    def better(self) -> Mapping[str, Better | None]:
        """The metrics in the order of `metrics`, each with its `Metric.better`."""

    @property
    def rng(self) -> np.random.Generator:
        """The only source of randomness to use: the same for every analysis of a run."""

    def targets(self, positions: Array | None = None) -> Mapping[str, Array]:
        """Return the targets of samples as metrics take them, (n, …), by loss.

        Args:
            positions: of the samples, (m,); default: all.
        """

    def outputs(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> Mapping[str, Array]:
        """Return the model's outputs as metrics take them, (n, …), by loss.

        Args:
            positions: of the samples, (m,); default: all.
            replaced: other values for some features of these samples, (m,) each.

        Raises:
            DataError: a value cannot be prepared.
        """

    def metrics(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> dict[str, float]:
        """Return the loss and the run's metrics, or errors of values without metrics.

        Takes the arguments of `outputs`.

        A metric that these samples leave undefined is NaN.
        """


class Analysis(Component):
    """An examination of a trained model, whose result is tables.

    A spec lists analyses in `analyses`: they are made at the end of a run, on its test data, or
    else its validation or training data, and stored in its folder. `declnet evaluate --analyze`
    makes them on any data.
    """

    kind = "analysis"
    conformance_checks = "declnet.testing.checks.analyses"
    required_methods = ("analyze",)

    def analyze(self, model: AnalyzedModel) -> Sequence[ResultTable]:
        """Return the tables, in the order in which they are shown.

        Time and memory must be bounded for millions of samples: take a part of them, and say so in
        the note.

        Args:
            model: the model and the samples; its arrays are read-only.

        Raises:
            DataError: the analysis does not suit the model or the data.
        """
        raise NotImplementedError

    def verify_analyze(self, tables: Sequence[ResultTable], _: AnalyzedModel) -> None:
        """Raise Misfit for an invalid table, or two of one title."""
        verify_tables(tables)


def verify_tables(tables: Sequence[ResultTable]) -> None:
    """Raise Misfit for an invalid table, or two of one title."""
    for table in tables:
        fault = fault_of(table) or next(faults_of_kinds(table), None)
        if fault is not None:
            raise Misfit("an invalid table", f": {fault}")
    if len({table.title for table in tables}) < len(tables):
        raise Misfit("two tables of one title", "")
