"""A record of each layer during training, with warnings when something goes wrong."""

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Any

import numpy as np
from pydantic import Field

from declnet import Array, EpochFinished, EpochLogged, Layer, OutputRange, Run, StepObserver
from declnet_plugins.standard.callbacks.suspicions import COLUMNS, LayerStatistics, Suspicions
from declnet_plugins.standard.callbacks.table_file import TableCallback, TableFile, csv_line

NEAR = 0.01
"""Distance from a bound, relative to the range, within which an output is saturated."""

AT_ONCE = 256
"""Rows collected before they are written."""


class Watch(TableCallback):
    """Statistics of each layer in the last step of every logged epoch, and warnings about them.

    The table has a row per logged epoch and layer:

    - `mean`, `deviation`: of the layer's outputs over the batch;
    - `zeros`: the share of outputs that are exactly 0;
    - `saturated`: the share of outputs within 1 % of a bound, for layers bounded on both sides;
    - `dead`: the share of units that are 0 for every sample of the batch;
    - `gradient`: ‖dw‖ / ‖w‖ over the layer's trainable parameters, regularizers included;
    - `update`: ‖Δw‖ / ‖w‖, with w from before the update.

    `declnet report` draws it as heat maps. Each suspicion is a warning in the terminal and in the
    manifest, once: a learning rate that is too high, dead or saturated units, gradients that vanish
    or explode, a layer that does not learn, inputs that are not scaled.
    """

    type = "watch"
    examples = ({}, {"path": "layers.csv", "warn": False})

    path: str = Field(default="watch.csv", description="a file's name, in the run's folder")
    warn: bool = Field(default=True, description="whether to warn, besides writing the table")

    def start(self, run: Run) -> "Watched":
        """Create an empty table."""
        return Watched(run, TableFile.created(run.directory, self.path), Suspicions())

    def save(self, state: "Watched") -> dict[str, Any]:
        """Write the rows so far; return the table's length and the suspicions."""
        state.write()
        return {"table": state.table.saved(), "suspicions": state.suspicions.saved()}

    def restore(self, run: Run, saved: dict[str, Any]) -> "Watched":
        """Truncate the table to its length at the checkpoint."""
        table = TableFile.restored(run.directory, self.path, saved["table"])
        return Watched(run, table, Suspicions.restored(saved["suspicions"]))

    def observer(self, state: "Watched") -> StepObserver:
        """Return the observer of the layers."""
        return state

    def epoch_finished(self, state: "Watched", epoch: EpochLogged) -> None:
        """Add the rows of the observed step, and warn."""
        state.finish(epoch, warn=self.warn)

    def finished(self, state: "Watched", metrics: dict[str, dict[str, float]]) -> None:
        """Write the last rows."""
        state.write()

    def failed(self, state: "Watched", error: BaseException) -> None:
        """Write the last rows."""
        state.write()


class Watched(StepObserver):
    """The statistics of the observed step, and the table of those before.

    Attributes:
        table: the table in the run's folder.
        suspicions: what has looked wrong so far.
    """

    def __init__(self, run: Run, table: TableFile, suspicions: Suspicions) -> None:
        self._run, self.table, self.suspicions = run, table, suspicions
        self._rows: list[str] = []
        self._meters: dict[str, OutputMeter] = {}
        self._layers: dict[str, LayerStatistics] = {}
        self._gradients: _Pairs = _Pairs({}, {})
        self._updates: _Pairs = _Pairs({}, {})
        self._step, self._is_new = 0, True

    def begin(self, epoch: int, step: int, x: Any) -> None:
        """Begin a step."""
        self._layers, self._step = {}, step
        self._is_new = not self.suspicions.knows_inputs
        if self._is_new:
            self.suspicions.see_inputs(x)

    def forward(self, name: str, layer: Layer, y: Array) -> None:
        """Measure a layer's outputs."""
        meter = self._meters.get(name)
        if meter is None or meter.y is not y:
            meter = self._meters[name] = OutputMeter(layer, y)
            meter.cell = csv_line([name]).rstrip("\n")
        self._layers[name] = meter.statistics()
        if self._is_new:
            self.suspicions.see_first_layer(self._layers[name])
            self._is_new = False

    def gradients(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Measure the gradients of each layer's trainable parameters."""
        if self._gradients.second is not gradients:
            self._gradients = _Pairs(parameters, gradients)
        for name, w, dw, _ in self._gradients.arrays:
            layer = self._layers[name]
            layer.parameters = (layer.parameters or 0.0) + float(np.vdot(w, w))
            layer.gradients += float(np.vdot(dw, dw))

    def updated(self, before: Mapping[str, Array], after: Mapping[str, Array], rate: float) -> None:
        """Measure the update of each layer's trainable parameters."""
        if self._updates.first is not before:
            self._updates = _Pairs(before, after)
        for name, old, new, change in self._updates.arrays:
            np.subtract(new, old, change)
            self._layers[name].updates += float(np.vdot(change, change))

    def finish(self, epoch: EpochFinished, *, warn: bool) -> None:
        """Add the step's rows to the table, and warn about what looks wrong."""
        number, meters = epoch.epoch, self._meters
        self._rows += [
            f"{number},{meters[name].cell},{layer.cells()}\n"
            for name, layer in self._layers.items()
        ]
        if len(self._rows) >= AT_ONCE:
            self.write()
        for warning in self.suspicions.after(
            self._layers, self._step, epoch.learning_rate, epoch.metrics["loss"]
        ):
            if warn:
                self._run.warn(f"epoch {epoch.epoch}: {warning}")

    def write(self) -> None:
        """Write the rows that are not in the file yet."""
        if self._rows:
            if not self.table.columns:
                self.table.begin(("epoch", "layer", *COLUMNS))
            self.table.append("".join(self._rows))
            self._rows = []


class _Pairs:
    """Flat views of two arrays for each trainable parameter, and memory for a third.

    Attributes:
        first: the first arrays by key.
        second: the second arrays by key; only their parameters count.
        arrays: for each parameter, its layer's name and the flat arrays.
    """

    def __init__(self, first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
        self.first, self.second = first, second
        self.arrays = [
            (
                key.rpartition(".")[0],
                first[key].reshape(-1),
                statistics.reshape(-1),
                np.empty(statistics.size, statistics.dtype),
            )
            for key, statistics in second.items()
        ]


class OutputMeter:
    """A meter of a layer's output, with views and memory for one array.

    Attributes:
        y: the output, (n, *shape), in either memory order; read again for each measurement.
        cell: the layer's name as a cell of a CSV file.
    """

    def __init__(self, layer: Layer, y: Array) -> None:
        self.y, self.cell = y, ""
        units = np.moveaxis(y, 0, -1)
        self._by_unit = bool(units.flags.c_contiguous)  # else by sample
        self._values = units.reshape(-1) if self._by_unit else y.reshape(-1)
        self._ones = np.ones(self._values.shape, self._values.dtype)
        self._is_zero = np.empty(self._values.shape, bool)
        shape = (-1, len(y)) if self._by_unit else (len(y), -1)
        self._zero_units = self._is_zero.reshape(shape)
        bounds = layer.output_range
        self._middle: tuple[float, float] | None = None
        if isinstance(bounds, OutputRange) and isfinite(bounds.high - bounds.low):
            near = NEAR * (bounds.high - bounds.low)
            self._middle = bounds.low + near, bounds.high - near

    def statistics(self) -> LayerStatistics:
        """Return the statistics of what the output holds now."""
        values, size, n = self._values, self._values.size, len(self.y)
        mean = float(np.vdot(values, self._ones)) / size
        square = float(np.vdot(values, values)) / size
        zeros = int(np.count_nonzero(np.equal(values, 0, out=self._is_zero)))
        dead = 0.0
        if zeros >= n:  # else no unit can be 0 for every sample
            units = np.logical_and.reduce(self._zero_units, axis=int(self._by_unit))
            dead = float(np.count_nonzero(units)) / len(units)
        result = LayerStatistics(mean, sqrt(max(square - mean * mean, 0.0)), zeros / size, dead)
        if self._middle is not None:
            low, high = self._middle
            middle = (values > low) & (values < high)
            result.saturated = 1 - float(np.count_nonzero(middle)) / size
        return result
