"""One layer with its arrays, as a graph of that layer alone would hand them to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.layer import Layer
from declnet.components.state import LayerState
from declnet.testing.benches.layer_arrays import BufferArrays, LayerData, starting_parameters
from declnet.testing.failures import calling, require_sizes
from declnet.testing.settings import Block, Setting, copied, poison
from declnet.testing.subjects import Subject


class LayerBench:
    """A layer's arrays for one input shape and setting.

    Attributes:
        layer: the layer.
        shapes: of its inputs, a tuple even for one.
        output: the shape of its output, as it infers it.
        initial: the parameters that each pass starts with; may be changed.
        trainable: names of the trainable parameters.
        x, y, dy, dx: the views of the current batch.
        state: what the layer was handed last.
        parameters, gradients: the live arrays by name.
    """

    def __init__(self, subject: Subject, shape: Any, setting: Setting) -> None:
        self.layer: Layer = subject.instance
        self.setting = setting
        self.shapes: tuple[Shape, ...] = shape if self.layer.n_inputs != 1 else (shape,)
        with calling(f"output_shape({shape})"):
            self.output: Shape = tuple(self.layer.output_shape(shape))
        require_sizes(self.output, f"output_shape({shape})")
        with calling(f"parameters({shape})"):
            declared = self.layer.parameters(shape)
            self.trainable = tuple(name for name in declared if declared[name].trainable)
            self.initial = starting_parameters(subject, declared)
        with calling(f"workspace({shape})"):
            self._buffers = BufferArrays(self.layer.workspace(shape), setting)
        self.parameters = {
            name: array.astype(setting.dtype) for name, array in self.initial.items()
        }
        self.gradients = {name: np.empty_like(self.parameters[name]) for name in self.trainable}
        self._allocate()

    def _allocate(self) -> None:
        setting = self.setting
        integer = np.dtype("int64" if self.takes_integers else setting.dtype)
        first, *others = self.shapes
        self._x = [Block(first, setting, setting.input_order, integer)]
        self._x += [Block(shape, setting, dtype=integer) for shape in others]
        self._y, self._dy = (Block(self.output, setting) for _ in range(2))
        self._dx = [Block(shape, setting) for shape in self.shapes]

    @property
    def takes_integers(self) -> bool:
        """Whether x holds integers, which have no gradient."""
        return self.layer.input_dtype == "integer"

    def place(self, data: LayerData, *, training: bool = True, alias: str = "") -> None:
        """Fills x and dy, poisons y, dx and gradients, and resets parameters and random stream.

        Args:
            data: the batch.
            training: what `state.training` says.
            alias: how y shares memory with x, and dx with dy: `"object"` (the same array),
                `"memory"` (two views of it), or not at all.
        """
        n = len(data.dy)
        self.x = tuple(block.holding(values) for block, values in zip(self._x, data.x, strict=True))
        self.y = self._aliased(self._y, self._x[0], self.x[0], n, alias)
        self.dy = self._dy.holding(data.dy)
        self.dx = tuple(self._aliased(block, self._dy, self.dy, n, alias) for block in self._dx)
        for name, array in self.parameters.items():
            array[...] = self.initial[name]
        for array in self.gradients.values():
            poison(array, self.setting.poison)
        self.state = self._state(n, training)
        self.handed = dict(vars(self.state))

    def forward(self) -> Array:
        """Runs forward; returns a copy of y."""
        with calling("forward"):
            self.layer.forward(self._given(self.x), self.y, self.state)
        return copied(self.y)

    def backward(
        self, wanted: tuple[bool, ...] | None = None, *, everything: bool = False
    ) -> dict[str, Array]:
        """Runs backward; returns copies of what it filled, by name: `dx`, `grad.weights`, ….

        Args:
            wanted: for each input, whether its gradient is; default: all, unless integers.
            everything: whether to hand out x and y even where `backward_needs` omits them.
        """
        needs = {"x", "y"} if everything else self.layer.backward_needs
        wanted = wanted or (not self.takes_integers,) * len(self.shapes)
        dx = tuple(array if use else None for array, use in zip(self.dx, wanted, strict=True))
        with calling("backward"):
            self.layer.backward(
                self._given(self.x) if "x" in needs else None,
                self.y if "y" in needs else None,
                self.dy,
                self._given(dx),
                self.state,
            )
        filled = {
            self._name("dx", position): copied(array)
            for position, array in enumerate(dx)
            if array is not None
        }
        return filled | {f"grad.{name}": copied(each) for name, each in self.gradients.items()}

    def run(self, data: LayerData, *, training: bool = True, alias: str = "") -> dict[str, Array]:
        """Places the data and runs forward and, in training, backward; returns what was filled."""
        self.place(data, training=training, alias=alias)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled

    def read_only(self, *, backward: bool) -> dict[str, Array]:
        """The arrays that forward, or backward, may not write to, by name."""
        arrays = {self._name("x", position): array for position, array in enumerate(self.x)}
        return arrays | {"y": self.y, "dy": self.dy} if backward else arrays

    def _state(self, n: int, training: bool) -> LayerState:
        rng = np.random.Generator(np.random.PCG64(self.setting.seed))
        state = LayerState(rng, training=training)
        for name, array in (self._buffers.views(n) | self.parameters).items():
            setattr(state, name, array)
        if training:
            for name, array in self.gradients.items():
                setattr(state.grad, name, array)
        return state

    def _aliased(self, own: Block, other: Block, array: Array, n: int, alias: str) -> Array:
        if not alias:
            return own.poisoned(n)
        return array if alias == "object" else other.view(n)

    def _given(self, arrays: tuple[Any, ...]) -> Any:
        return arrays if self.layer.n_inputs != 1 else arrays[0]

    def _name(self, name: str, position: int) -> str:
        return name if self.layer.n_inputs == 1 else f"{name}[{position}]"
