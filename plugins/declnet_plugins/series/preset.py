"""The preset of `declnet new` for time series: a small network and a linear map, averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

from declnet import DataError, Registry
from declnet_plugins.new import SeriesProfile, TableProfile, Template
from declnet_plugins.standard.templates.commented_toml import Line, joined, toml, toml_key

SHARE = 0.15
"""Share of the rows that is held out for validation, and for test, of a long series."""

HORIZONS = 1.5
"""Horizons that each of them holds at least."""

FEWEST_WINDOWS = 8
"""Windows to learn from in the longest series."""

UNITS = 64

BATCH, LARGE_BATCH, MANY = 32, 256, 10_000
"""Windows in a batch, and in one of many windows; how many those are."""

STEPS = 2000
"""About how many steps to train."""

FOLDS_OF_TIME = "each validated on the period after its training data"


@dataclass(frozen=True)
class _Plan:
    """The sizes for a series.

    Attributes:
        series: the series.
        past: the rows that a forecast reads.
        share: the share of the rows to hold out for validation, and for test.
        windows: about how many windows there are to learn from.
        covariates: the columns whose past is read in addition to the target's.
        listed: whether the covariates must be listed, since the table has other columns.
    """

    series: SeriesProfile
    past: int
    share: float
    windows: int
    covariates: tuple[str, ...]
    listed: bool

    @classmethod
    def of(cls, table: TableProfile) -> _Plan:
        series = table.series
        if series is None:
            raise DataError("has no column of times at equal distances", hint="name it with --time")
        horizon, rows = series.horizon, series.rows
        share = max(SHARE, ceil(100 * HORIZONS * horizon / rows) / 100)
        folds = max(table.folds or 1, 1)
        test = share if table.test is None else table.test
        held_out = test + (share if folds == 1 else 0)
        parts = folds + 1 if folds > 1 else 1  # the first fold trains on one of them
        trained = int(rows * (1 - held_out)) // parts
        room = trained - horizon - FEWEST_WINDOWS
        past = min(2 * series.season if series.season > 1 else max(2 * horizon, 8), room)
        if past < max(series.season, 2):
            shorter = (rows - 10 - series.season) // 4
            hint = f"forecast less, e.g. --horizon {shorter}" if shorter > 0 else "use more rows"
            raise DataError(
                f"{rows} rows are too few to forecast {horizon}, with rows held out to measure it",
                hint=hint,
            )
        others = [
            column for column in table.features if column.name not in (series.time, series.column)
        ]
        covariates = tuple(
            column.name
            for column in others
            if column.type != "text" and not column.missing + column.infinite and column.std > 0
        )
        listed = len(covariates) < len(others) or bool(table.excluded)
        learned = table.rows * trained // rows - series.count * (past + horizon - 1)
        return cls(series, past, share, max(learned, FEWEST_WINDOWS), covariates, listed)

    @property
    def batch_size(self) -> int:
        """The number of windows in a batch: at least four batches an epoch, but for few windows."""
        most = BATCH if self.windows < MANY else LARGE_BATCH
        return max(4, min(most, 1 << int(log2(self.windows / 4))))

    @property
    def epochs(self) -> int:
        """The number of epochs that make about `STEPS` steps."""
        return max(10, min(300, 10 * round(STEPS * self.batch_size / self.windows / 10)))


class NLinear(Template):
    """Forecast a series: a small network of its shape and a linear map of its past, averaged."""

    type = "nlinear"
    default_for = "series"
    takes_series = True

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec; raise DataError for a table that is not a series, or too short."""
        plan = _Plan.of(table)
        blocks = _head(table, plan), _data(table, plan), _training(plan), _members(plan)
        return joined(blocks)

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how the series was recognized, and how to model the table otherwise."""
        series = table.series
        if series is None or not series.was_found:
            return ()
        return (
            f'column "{series.time}" has {series.interval} times, so the spec forecasts the next '
            f"{series.horizon} rows; for a table of independent rows, name a --preset",
        )


def _head(table: TableProfile, plan: _Plan) -> Iterator[Line]:
    series = plan.series
    what = (
        f"# Forecasts the next {series.horizon} values of {toml(table.target)}, {series.interval}"
    )
    yield what + (f", of each of {series.count} series." if series.column is not None else ".")
    yield "# After `declnet run`, `declnet predict RUN` forecasts what follows the table."
    yield ""
    rate = '{ type = "cosine", initial_rate = 0.001 }'
    yield "declnet = 1"
    yield "seed = 0", "changes the initial weights and the order of the windows"
    yield 'loss = "mean_absolute_error"'
    yield f'optimizer = {{ type = "adam", learning_rate = {rate} }}'
    yield '# calibration = { steps = ["conformal"] }  # intervals, from validation errors'


def _data(table: TableProfile, plan: _Plan) -> Iterator[Line]:
    series, target = plan.series, table.target
    source = dict(table.source)
    if plan.listed:
        source["features"] = list(plan.covariates) or [series.time]
    yield "[data]"
    yield f"train = {toml(source)}"
    folds = table.folds or 1
    if folds > 1:
        yield f"folds = {folds}", FOLDS_OF_TIME
    else:
        yield f"validation = {plan.share:g}", "the rows before the test data: selects the epoch"
    test = plan.share if table.test is None else table.test
    if test:
        yield f"test = {test:g}", "the last rows: measures the finished model"
    yield f'split = {{ method = "time", column = {toml(series.time)} }}'
    windows = {"past": plan.past, "horizon": series.horizon}
    if series.season > 1:
        windows["season"] = series.season
    fields = toml({**windows, **({"series": series.column} if series.column is not None else {})})
    yield f"windows = {fields}", "a forecast reads past rows"
    if plan.covariates:
        names = toml(list(plan.covariates))
        yield f"# known = {names} in windows: columns known in advance, such as holidays"
    prepare = []
    if series.positive:
        prepare.append({"type": "log", "columns": [target]})
    if plan.covariates:
        prepare.append({"type": "standardize", "columns": list(plan.covariates)})
    if prepare:
        yield f"prepare = {toml(prepare)}"
    if series.positive:
        yield f'prepare_targets = {{ {toml_key(target)} = ["log"] }}', "seasons grow with the level"


def _members(plan: _Plan) -> Iterator[Line]:
    series, zeros = plan.series, 'weight_initializer = "zeros"'
    scaling = dict[str, Any](type="standardize_window")
    restoring = dict[str, Any](
        type="restore_window", inputs=["change", "input"], season=series.season
    )
    if not plan.covariates:
        scaling["last"] = 1
    less = "each window by its own mean and deviation"
    if series.positive:
        scaling["deviation"] = restoring["deviation"] = False
        less = "each window less its own mean"
    change = f'{{ type = "dense", name = "change", units = {series.horizon}, {zeros} }}'
    network = f'{{ type = "dense", units = {UNITS} }}, "relu", '
    heads = ("[[members]]  # two models, whose forecasts are averaged",), ("", "[[members]]")
    for head, name, hidden in zip(heads, ("network", "linear"), (network, ""), strict=True):
        yield from (*head, f'name = "{name}"', "model.layers = [")
        yield f"  {toml(scaling)},", less
        yield f'  "flatten", {hidden}{change},'
        yield f"  {toml(restoring)},  # added to the last season"
        yield "]"


def _training(plan: _Plan) -> Iterator[Line]:
    series = plan.series
    yield "[training]"
    yield f"epochs = {plan.epochs}"
    yield f"batch_size = {plan.batch_size}", "windows a step"
    yield "log_every = 10"
    metrics = ['"mean_absolute_error"']
    if series.scale > 0:
        metrics.append(f'{{ type = "mase", scale = {series.scale:.6g} }}')
    scaled = "  # scale: the error of the season before" if series.scale > 0 else ""
    yield f"metrics = [{', '.join(metrics)}]{scaled}"
    yield 'callbacks = ["best_epoch"]', "finishes with the epoch of the lowest validation loss"
