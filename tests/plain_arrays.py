"""Single components on plain arrays, in the graph's memory layout but without a graph."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from declnet import Array, Initializer, Kernel, KernelSite, Layer, LayerState, Loss, Shape
from declnet.graph.arrays import batch_view, workspace_dtype
from declnet.graph.memory_plan import Order
from declnet.graph.parameters import fans
from declnet.graph.schedules import ScheduledValues


class Block:
    """Memory for batches of one shape, initialized with NaN or the largest integer."""

    def __init__(self, shape: Shape, capacity: int, dtype: Any, order: Order) -> None:
        self.shape, self.order = tuple(shape), order
        self.flat = np.empty(capacity * prod(self.shape), dtype)

    def view(self, n: int) -> Array:
        """Return overwritten memory for n samples."""
        _spoil(self.flat)
        return batch_view(self.flat, self.shape, n, self.order)

    def holding(self, values: Array) -> Array:
        """Return values in the block's dtype and order."""
        view = self.view(len(values))
        view[...] = values
        return view


def _spoil(array: Array) -> None:
    if array.dtype.kind == "f":
        array.fill(np.nan)
    else:
        array.fill(True if array.dtype == bool else np.iinfo(array.dtype).max)


class LayerRun:
    """A layer with one input, and its arrays.

    Attributes:
        output: the shape of its output.
        initial: the parameters at the start of each pass; a test may change them.
        parameters: the arrays that the layer gets.
        x, y, dy, dx, state: of the current batch.
    """

    def __init__(
        self,
        layer: Layer,
        shape: Shape,
        capacity: int,
        *,
        dtype: str = "float64",
        order: Order = "batch_last",
        input_order: Order | None = None,
        seed: int = 0,
    ) -> None:
        self.layer, self.output, self._seed = layer, tuple(layer.output_shape(shape)), seed
        declared, rng = layer.parameters(shape), np.random.default_rng(7)
        self.initial: dict[str, Array] = {}
        for name, parameter in declared.items():
            start = np.zeros(parameter.shape)
            initializer = Initializer.from_declaration(parameter.initializer)
            initializer.fill(start, rng, *fans(parameter))
            noise = 0.1 * rng.normal(size=start.shape)  # because zeros and ones could hide faults
            self.initial[name] = start + noise if parameter.trainable else start
        self.parameters = {name: array.astype(dtype) for name, array in self.initial.items()}
        self._gradients = {
            name: np.empty_like(self.parameters[name])
            for name, parameter in declared.items()
            if parameter.trainable
        }
        self._workspace = {
            name: (
                workspace,
                Block(
                    workspace.shape,
                    capacity if workspace.per_sample else 1,
                    workspace_dtype(workspace, np.dtype(dtype)),
                    "batch_last",
                ),
            )
            for name, workspace in layer.workspace(shape).items()
        }
        self._x = Block(shape, capacity, dtype, input_order or order)
        self._dx = Block(shape, capacity, dtype, order)
        self._y, self._dy = (Block(self.output, capacity, dtype, order) for _ in range(2))

    def place(self, x: Array, dy: Array | None = None, *, training: bool = True) -> None:
        """Fill x and dy (default: ones), and reset all other arrays."""
        n = len(x)
        self.x, self.y, self.dx = self._x.holding(x), self._y.view(n), self._dx.view(n)
        self.dy = self._dy.holding(np.ones((n, *self.output)) if dy is None else dy)
        rng, now = np.random.PCG64(self._seed), ScheduledValues(1).of(self.layer)
        self.state = LayerState(np.random.Generator(rng), training, now)
        for name, array in self.parameters.items():
            array[...] = self.initial[name]
            setattr(self.state, name, array)
        for name, array in self._gradients.items():
            array.fill(np.nan)
            setattr(self.state.grad, name, array)
        for name, (declared, block) in self._workspace.items():
            array = block.view(n if declared.per_sample else 1)
            array = array if declared.per_sample else array[0]
            if declared.fill is not None:
                array.fill(declared.fill)
            setattr(self.state, name, array)

    def forward(self) -> Array:
        """Return a copy of y."""
        self.layer.forward(self.x, self.y, self.state)
        return self.y.copy(order="C")

    def backward(self) -> dict[str, Array]:
        """Return copies of `dx` and of `grad.<parameter>`."""
        needs = self.layer.backward_needs
        x, y = self.x if "x" in needs else None, self.y if "y" in needs else None
        self.layer.backward(x, y, self.dy, self.dx, self.state)
        filled = {f"grad.{name}": array for name, array in self._gradients.items()}
        return {name: array.copy(order="C") for name, array in {"dx": self.dx, **filled}.items()}

    def run(self, x: Array, dy: Array | None = None, *, training: bool = True) -> dict[str, Array]:
        """Return `y`, `dx` and `grad.<parameter>`; in evaluation, run only forward."""
        self.place(x, dy, training=training)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled


def run_layer(
    layer: Layer, x: Array, dy: Array, order: Order = "batch_last", **parameters: Array
) -> dict[str, Array]:
    """Return `y`, `dx` and `grad.<parameter>` of a layer with these parameters."""
    alone = LayerRun(layer, x.shape[1:], len(x), dtype=dy.dtype.name, order=order)
    alone.initial |= parameters
    return alone.run(x, dy)


def run_layer_of_many(
    layer: Layer, x: tuple[Array, ...], dy: Array, **parameters: Array
) -> dict[str, Array]:
    """Return `y`, `dx[0]`, … and `grad.<parameter>` of a layer with several inputs, in C order."""
    shapes = tuple(array.shape[1:] for array in x)
    declared, n = layer.workspace(shapes), len(dy)
    state = LayerState(np.random.Generator(np.random.PCG64(0)), True, ScheduledValues(1).of(layer))
    for name, workspace in declared.items():
        kind = workspace_dtype(workspace, np.dtype("float64"))
        block = Block(workspace.shape, n if workspace.per_sample else 1, kind, "batch_first")
        array = block.view(n) if workspace.per_sample else block.view(1)[0]
        if workspace.fill is not None:
            array.fill(workspace.fill)
        setattr(state, name, array)
    for name, array in parameters.items():
        setattr(state, name, array)
        setattr(state.grad, name, np.full_like(array, np.nan))
    y = np.full((n, *layer.output_shape(shapes)), np.nan)
    dx = tuple(np.full_like(array, np.nan) if array.dtype.kind == "f" else None for array in x)
    layer.forward(x, y, state)
    results = {"y": y.copy()}
    layer.backward(x, y, dy, dx, state)
    results |= {f"dx[{i}]": gradient for i, gradient in enumerate(dx) if gradient is not None}
    return results | {f"grad.{name}": gradient for name, gradient in vars(state.grad).items()}


def run_loss(loss: Loss, y_pred: Any, y: Any, order: Order = "batch_last") -> tuple[Array, Array]:
    """Return losses and their gradient for targets in the user's form."""
    outputs = np.asarray(y_pred)
    n, shape, dtype = len(outputs), outputs.shape[1:], outputs.dtype
    y_true = _targets(loss, y, shape, dtype, order)
    predicted = Block(shape, n, dtype, order).holding(outputs)
    losses, dy_pred = np.full(n, np.nan, dtype), Block(shape, n, dtype, order).view(n)
    loss.forward(predicted, y_true, losses)
    loss.backward(predicted, y_true, dy_pred)
    return losses, dy_pred.copy(order="C")


def run_kernel(
    kernel: Kernel, layer: Layer, loss: Loss, x: Any, y: Any, order: Order = "batch_last"
) -> tuple[Array, Array, Array]:
    """Return y, losses, and dx times n, of a kernel that fuses a layer with a loss."""
    inputs = np.asarray(x)
    n, shape, dtype = len(inputs), inputs.shape[1:], inputs.dtype
    blocks = [Block(shape, n, dtype, order) for _ in range(3)]
    filled, dx = blocks[1].view(n), blocks[2].view(n)
    losses = np.full(n, np.nan, dtype)
    site = KernelSite(
        (layer, loss),
        blocks[0].holding(inputs),
        filled,
        dx=dx,
        y_true=_targets(loss, y, shape, dtype, order),
        losses=losses,
        normalized_weights=np.full(n, 1 / n, dtype),
    )
    calls = kernel.bind(site)
    assert calls is not None
    for call in (*calls.forward, *calls.backward):
        call()
    return filled.copy(order="C"), losses, dx.copy(order="C") * n


def _targets(loss: Loss, y: Any, shape: Shape, dtype: Any, order: Order) -> Array:
    prepared = loss.prepare(np.array(y), shape, dtype)
    return Block(prepared.shape[1:], len(prepared), prepared.dtype, order).holding(prepared)
