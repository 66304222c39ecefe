"""Layers that standardize each window of a series by its past, and transform forecasts back."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from declnet import Array, Arrays, Gradients, Layer, LayerState, Shape, Workspace


class StandardizeWindow(Layer):
    """y = (x - mean) / s, s = sqrt(variance + epsilon), over the rows of each window and column.

    x: windows (n, past, columns); y: the same shape, or with `last`, (n, past, last). The variance
    is divided by past. So a network sees the shape of a series, whatever its level and size.
    Without `deviation`, s is 1: of logarithms, differences are relative already.

    dx = (dy - mean(dy) - y * mean(dy * y)) / s, or dy - mean(dy), and 0 in columns that are left
    out.

    With `restore_window`, reversible instance normalization without weights: Kim et al.,
    "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution
    Shift", ICLR 2022; without `deviation`, the normalization of NLinear: Zeng et al., "Are
    Transformers Effective for Time Series Forecasting?", AAAI 2023, which subtracts the last value.
    """

    type = "standardize_window"
    other_types = ("revin", "instance_norm")
    examples = ({"inputs": ["input.past"]}, {"last": 1, "deviation": False})
    example_shapes = ((6, 2), (4, 1))
    backward_needs = frozenset({"y"})

    last: int | None = Field(
        default=None,
        ge=1,
        description="the number of last columns to take, of which the targets come last; default: "
        "all columns",
    )
    deviation: bool = Field(
        default=True, description="whether to divide by the deviation; if not, only the mean is 0"
    )
    epsilon: float = Field(default=1e-6, gt=0, description="added to the variance")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (past, columns); raise ValueError for other samples, or too few columns."""
        if len(input_shape) != 2:
            raise ValueError(f"standardize_window takes windows (past, columns), not {input_shape}")
        past, columns = input_shape
        if self.last is not None and self.last > columns:
            raise ValueError(f"there are {columns} columns, so the last {self.last} do not exist")
        return past, self.last or columns

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for two numbers of each window and column, and for a product."""
        past, columns = self.output_shape(input_shape)
        numbers = dict.fromkeys(("mean", "slope"), Workspace((columns,)))
        return {**numbers, "product": Workspace((past, columns))}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = (x - mean) * slope, slope = 1 / sqrt(variance + epsilon)."""
        columns, past = x[:, :, x.shape[2] - y.shape[2] :], x.shape[1]
        np.subtract(columns, columns[:, :1], out=y)  # exact for equal numbers, however large
        np.add.reduce(y, axis=1, out=state.mean)
        np.multiply(state.mean, 1 / past, out=state.mean)
        np.subtract(y, state.mean[:, None], out=y)
        if self.deviation:
            np.multiply(y, y, out=state.product)
            np.add.reduce(state.product, axis=1, out=state.slope)
            np.multiply(state.slope, 1 / past, out=state.slope)
            np.add(state.slope, self.epsilon, out=state.slope)
            np.sqrt(state.slope, out=state.slope)
            np.divide(1, state.slope, out=state.slope)
            np.multiply(y, state.slope[:, None], out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = (dy - mean(dy) - y * mean(dy * y)) * slope; without deviation dy - mean(dy)."""
        if dx is None:
            return
        past, gradient = y.shape[1], dx[:, :, dx.shape[2] - y.shape[2] :]
        dx.fill(0)
        np.add.reduce(dy, axis=1, out=state.mean)
        np.multiply(state.mean, 1 / past, out=state.mean)
        np.subtract(dy, state.mean[:, None], out=gradient)
        if self.deviation:
            np.multiply(dy, y, out=state.product)
            np.add.reduce(state.product, axis=1, out=state.mean)
            np.multiply(state.mean, 1 / past, out=state.mean)
            np.multiply(y, state.mean[:, None], out=state.product)
            np.subtract(gradient, state.product, out=gradient)
            np.multiply(gradient, state.slope[:, None], out=gradient)


class RestoreWindow(Layer):
    """y = z * s + base, of a column of each window: s = sqrt(variance + epsilon), base its mean.

    The inputs are z (n, …), a forecast for what `standardize_window` returned, and the windows
    x (n, past, columns). Mean and variance are over the rows of the column, the variance divided by
    past. Without `deviation`, s is 1. With `season`, z is (n, horizon), and the base of each row of
    the horizon is the column's value a season before it, or several seasons: z is what a seasonal
    naive forecast lacks.

    dz = dy * s; dx = sum(dy) / past + sum(dy * z) * (x - mean) / (past * s) in the column, over
    the values of a forecast; with `season`, dy goes to the rows that it repeats, in place of
    sum(dy) / past.

    Source: as of `standardize_window`.
    """

    type = "restore_window"
    examples = (
        {"inputs": ["dense_1", "input.past"]},
        {"inputs": ["dense_1", "input.past"], "column": 0, "season": 2},
        {"inputs": ["dense_1", "input.past"], "season": 4, "deviation": False},
    )
    example_shapes = (((3,), (6, 2)), ((2,), (4, 1)))
    n_inputs = 2
    backward_needs = frozenset({"x"})

    column: int = Field(
        default=-1, description="the column that is forecast: 0 is the first, -1 the last"
    )
    season: int | None = Field(
        default=None,
        ge=1,
        description="rows in a season, whose values are added; 1: the last value; default: the "
        "mean of the window",
    )
    deviation: bool = Field(
        default=True, description="whether to multiply by the deviation, as in `standardize_window`"
    )
    epsilon: float = Field(
        default=1e-6, gt=0, description="added to the variance, as in `standardize_window`"
    )

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return the forecast's shape; raise ValueError unless the window has the column."""
        forecast, window = input_shape
        if len(forecast) != 1 and (self.season is not None or not forecast):
            raise ValueError(f"the first input must be forecasts (horizon,), not {forecast}")
        if len(window) != 2:
            raise ValueError(f"the second input must be windows (past, columns), not {window}")
        if not -window[1] <= self.column < window[1]:
            raise ValueError(f"the windows have {window[1]} columns, so not column {self.column}")
        if self.season is not None and self.season > window[0]:
            raise ValueError(f"windows of {window[0]} rows have no season of {self.season}")
        return forecast

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return memory for numbers of each window, its centered column, and a product."""
        forecast, window = input_shape
        numbers = dict.fromkeys(("mean", "slope", "total"), Workspace(()))
        of_rows = dict.fromkeys(("centered", "square"), Workspace(window[:1]))
        return {**numbers, **of_rows, "product": Workspace(forecast)}

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = z * slope + base."""
        column = x[1][:, :, self.column]
        self._measure(column, state)
        if self.deviation:
            np.multiply(x[0], _along(state.slope, y), out=y)
        else:
            np.copyto(y, x[0])
        if self.season is None:
            np.add(y, _along(state.mean, y), out=y)
            return
        for ahead, before in self._repeated(y.shape[1], column.shape[1]):
            np.add(y[:, ahead], column[:, before], out=y[:, ahead])

    def _repeated(self, horizon: int, past: int) -> Iterator[tuple[slice, slice]]:
        """Yield rows of the horizon, and the rows of the past that they repeat."""
        season = self.season or 1
        for start in range(0, horizon, season):
            count = min(season, horizon - start)
            yield slice(start, start + count), slice(past - season, past - season + count)

    def _measure(self, column: Array, state: LayerState) -> None:
        """Fill the mean and the deviation of each window, and the centered column."""
        past, centered = column.shape[1], state.centered
        np.subtract(column, column[:, :1], out=centered)
        np.add.reduce(centered, axis=1, out=state.mean)
        np.multiply(state.mean, 1 / past, out=state.mean)
        np.subtract(centered, state.mean[:, None], out=centered)
        np.add(state.mean, column[:, 0], out=state.mean)
        np.multiply(centered, centered, out=state.square)
        np.add.reduce(state.square, axis=1, out=state.slope)
        np.multiply(state.slope, 1 / past, out=state.slope)
        np.add(state.slope, self.epsilon, out=state.slope)
        np.sqrt(state.slope, out=state.slope)

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dz = dy * slope; dx = sum(dy) / past + sum(dy * z) * centered / (slope * past)."""
        if dx[0] is not None:
            np.copyto(dx[0], dy)
            if self.deviation:
                np.multiply(dy, _along(state.slope, dy), out=dx[0])
        if dx[1] is None:
            return
        dx[1].fill(0)
        column, axes = dx[1][:, :, self.column], tuple(range(1, dy.ndim))
        past = column.shape[1]
        if self.deviation:
            np.multiply(dy, x[0], out=state.product)
            np.add.reduce(state.product, axis=axes, out=state.total)
            np.divide(state.total, state.slope, out=state.total)
            np.multiply(state.total, 1 / past, out=state.total)
            np.multiply(state.centered, state.total[:, None], out=column)
        if self.season is None:
            np.add.reduce(dy, axis=axes, out=state.total)
            np.multiply(state.total, 1 / past, out=state.total)
            np.add(column, state.total[:, None], out=column)
            return
        for ahead, before in self._repeated(dy.shape[1], past):
            np.add(column[:, before], dy[:, ahead], out=column[:, before])


def _along(numbers: Array, values: Array) -> Array:
    """Return a view of numbers, one a sample, along the other axes of values."""
    return numbers.reshape(-1, *(1 for _ in values.shape[1:]))
