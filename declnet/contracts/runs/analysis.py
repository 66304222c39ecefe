"""Analysis: examines a trained model on data, for a spec's `analyses` and `declnet evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, Self

import numpy as np
from pydantic import AfterValidator

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.network.metric_names import Better
from declnet.contracts.serialization import Omitted

Cell = str | int | float | bool | None
"""A value in a table; None or NaN if there is none."""


@dataclass(frozen=True)
class TableChart:
    """The chart that the report draws for a table.

    Attributes:
        mark: `"bars"` for a bar per row, `"lines"` for a line per column of `y` over numbers in
            `x`.
        x: the title of the column that names the bars, or of the numbers along the axis.
        y: the titles of the columns of values.
        deviation: for bars of one column: the title of the column of their standard deviations.
    """

    mark: Literal["bars", "lines"]
    x: str
    y: tuple[str, ...]
    deviation: str | None = None


@dataclass(frozen=True)
class AnalysisTable:
    """A result: rows of plain values.

    Attributes:
        title: what the table holds, unique within the analysis.
        columns: a title for each column, all different; with the unit, if there is one.
        rows: a value for each column.
        note: how to read it, and on how many samples it was computed.
        shares: the titles of columns of fractions, shown in percent.
        chart: how the report draws it; None for the table alone.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    shares: tuple[str, ...] = ()
    chart: Omitted[TableChart | None] = None

    def _verified(self) -> Self:
        fault = fault_of(self)
        if fault is not None:
            raise Misfit("an invalid table", f": {fault}")
        return self


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
        """The metrics in the order of `metrics`, and which values of each are better."""

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
    required_methods = ("analyze",)

    def analyze(self, model: AnalyzedModel) -> Sequence[AnalysisTable]:
        """Return the tables, in the order in which they are shown.

        Time and memory must be bounded for millions of samples: take a part of them, and say so in
        the note.

        Args:
            model: the model and the samples; its arrays are read-only.

        Raises:
            DataError: the analysis does not suit the model or the data.
        """
        raise NotImplementedError

    def _verify_analyze(self, tables: Sequence[AnalysisTable], _: AnalyzedModel) -> None:
        if len({table.title for table in tables}) < len(tables):
            raise Misfit("two tables of one title", "")


def fault_of(table: Any) -> str | None:
    """Return what is wrong with a table, or None."""
    if not isinstance(table, AnalysisTable):
        return f"{type(table).__name__} is not an AnalysisTable"
    texts = (table.title, table.note, *table.columns)
    if not all(isinstance(each, str) for each in texts) or not table.title:
        return "title, note and columns must be texts"
    faults = (*_faults_of_rows(table), *_faults_of_chart(table))
    return f'table "{table.title}" {faults[0]}' if faults else None


def _faults_of_rows(table: AnalysisTable) -> Iterator[str]:
    if not table.columns or len(set(table.columns)) < len(table.columns):
        yield "needs columns of different titles"
    for row in table.rows:
        if len(row) != len(table.columns):
            yield f"has a row of {len(row)} values for {len(table.columns)} columns"
        for value in row:
            if value is not None and type(value) not in (str, int, float, bool):
                yield f"has {value!r}, which is not a plain value"


def _faults_of_chart(table: AnalysisTable) -> Iterator[str]:
    chart = table.chart
    drawn = () if chart is None else (chart.x, *chart.y, *filter(None, (chart.deviation,)))
    for name in (*table.shares, *drawn):
        if name not in table.columns:
            yield f'has no column "{name}"'
    if chart is not None and (chart.mark not in ("bars", "lines") or not chart.y):
        yield "has a chart without a known mark or without values"


def _require_consistent(table: AnalysisTable) -> AnalysisTable:
    if fault := fault_of(table):
        raise ValueError(fault)
    return table


StoredTable = Annotated[AnalysisTable, AfterValidator(_require_consistent)]
"""A table that is checked when it is read from a file."""
