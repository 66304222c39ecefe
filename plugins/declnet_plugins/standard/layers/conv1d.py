"""The convolution of sequences, as one matrix product of all that the kernel sees."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Arrays, Gradients, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.standard.layers.sequences import SequenceLayer, fill_padding, rows_of
from declnet_plugins.standard.layers.window import Axis, seen


class Conv1d(SequenceLayer, AffineLayer):
    """y[t] = biases + the sum over k of x[s * t + d * k - before] @ weights[k].

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); weights:
    (kernel_size, features / groups, filters); biases: (filters,); y: (n, places, filters); s is the
    stride, d the dilation. With groups, features and filters are split into that many parts of
    consecutive ones, and a filter sees only its part; groups = features gives the depthwise
    convolution. Outside of a sequence x is 0, padding included. before is 0 for "valid", (kernel
    - 1) * d for "causal", where each step sees only itself and earlier ones, and half of that for
    "same". With lengths, y is 0 at padding; there must be a y for each step, so that the lengths
    are also its own. As in other libraries, this is a cross-correlation: the kernel is not flipped.

    Backward, with patches for the matrix (one per group) of what the kernel sees at each place:
    dweights = patches.T @ dy, dpatches = dy @ weights.T, added up at their sources.

    Keras's `Conv1D`; PyTorch's `Conv1d` on (n, features, time), with weights (filters, features /
    groups, kernel_size). Source: Waibel et al., "Phoneme Recognition Using Time-Delay Neural
    Networks", IEEE Transactions on Acoustics, Speech, and Signal Processing 37, 1989.
    """

    type = "conv1d"
    examples = (
        {"filters": 4, "kernel_size": 3, "padding": "same"},
        {"filters": 2, "kernel_size": 2, "padding": "causal", "dilation": 2},
        {"filters": 6, "kernel_size": 3, "padding": "same", "groups": 3},
        {
            "filters": 8,
            "kernel_size": 5,
            "padding": "same",
            "inputs": ["embedding_1", "input.lengths"],
        },
    )
    other_types = ("convolution1d",)
    other_keys = other_keys.FILTERS
    backward_needs = frozenset()
    output_range = OutputRange()
    is_linear = True

    filters: int = Field(ge=1, description="number of features of the output")
    kernel_size: int = Field(ge=1, description="number of steps that the kernel sees")
    stride: int = Field(default=1, ge=1, description="steps from one place to the next")
    dilation: int = Field(default=1, ge=1, description="distance between the steps it sees")
    padding: Literal["valid", "same", "causal"] = Field(
        default="valid",
        description='"valid": none; "same": zeros on both sides, so that there is a place for each '
        'step, or each of the stride; "causal": all of them before the first step',
    )
    groups: int = Field(default=1, ge=1, description="independent groups of features and filters")

    @model_validator(mode="after")
    def _groups_divide_filters(self) -> Self:
        if self.filters % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.filters} filters")
        return self

    def _axis(self, time: int) -> Axis:
        extent = (self.kernel_size - 1) * self.dilation + 1
        before = after = 0
        if self.padding != "valid":
            places = -(-time // self.stride)
            total = max((places - 1) * self.stride + extent - time, 0)
            before = total // 2 if self.padding == "same" else extent - 1
            after = total - total // 2 if self.padding == "same" else 0
        return Axis(time, self.kernel_size, self.stride, self.dilation, before, after)

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (places, filters); raise ValueError if kernel or groups do not fit."""
        time, features = self.sequence_shape(input_shape)
        if features % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {features} features")
        if len(input_shape) > 1 and (self.stride > 1 or self.padding == "valid"):
            setting = f"stride {self.stride}" if self.stride > 1 else 'padding "valid"'
            raise ValueError(
                f"{self.type} has {setting}, so the lengths it reads would not apply to its "
                'output; with lengths, use stride 1 and padding "same" or "causal"'
            )
        axis = self._axis(time)
        if axis.output < 1:
            extent = (self.kernel_size - 1) * self.dilation + 1
            raise ValueError(
                f"{self.type}'s kernel sees {extent} steps, the sequences have {time}; use a "
                'smaller kernel, or padding = "same"'
            )
        return axis.output, self.filters

    def parameters(self, input_shape: tuple[Shape, ...]) -> dict[str, Parameter]:
        """Return weights (kernel_size, features / groups, filters) and biases (filters,)."""
        features = input_shape[0][1] // self.groups
        weights = self.weights(
            (self.kernel_size, features, self.filters),
            fan_in=self.kernel_size * features,
            fan_out=self.kernel_size * self.filters,
        )
        return {"weights": weights, **self.biases((self.filters,))}

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for what the kernel sees at each place, and its gradient."""
        (time, features), (places, _) = input_shape[0], self.output_shape(input_shape)
        patches = Workspace((places, self.kernel_size * features))
        return {
            "patches": patches,
            "dpatches": patches,
            "padding": Workspace((time,), dtype=bool),
            "inside": Workspace((max(time, places),)),
        }

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = patches @ weights + biases."""
        state.inside.fill(1)
        if len(x) > 1:
            np.copyto(state.inside, 0, where=fill_padding(x[1], state.padding))
        axis, patches = self._axis(x[0].shape[1]), state.patches
        if axis.before or axis.after:
            patches.fill(0)
        values, by_position = self._by_group(x[0]), self._by_position(patches)
        for position, places, numbers in seen(axis):
            part = by_position[:, places, :, position]
            if len(x) > 1:
                np.multiply(values[:, numbers], state.inside[:, numbers, None, None], out=part)
            else:
                np.copyto(part, values[:, numbers])
        if len(x) > 1:
            np.multiply(patches, state.inside[:, :, None], out=patches)
        self._multiply(patches, self._matrices(state.weights), y)
        if self.use_bias:
            np.add(y, state.biases, out=y)
        if len(x) > 1:
            np.copyto(y, 0, where=state.padding[:, :, None])

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """The gradients, of which padding has none."""
        rows, patches = rows_of(dy), rows_of(state.patches)
        by_group = len(rows), self.groups, -1
        np.matmul(
            patches.reshape(by_group).transpose(1, 2, 0),
            rows.reshape(by_group).swapaxes(0, 1),
            out=self._matrices(state.grad.weights),
        )
        steps_inside = state.inside[:, : dy.shape[1]]
        if self.use_bias:
            np.matmul(steps_inside.reshape(-1), rows, out=state.grad.biases)
        if dx[0] is None:
            return
        self._multiply(dy, self._matrices(state.weights).swapaxes(1, 2), state.dpatches)
        if len(dx) > 1:
            np.multiply(state.dpatches, steps_inside[:, :, None], out=state.dpatches)
        dx[0].fill(0)
        filled, by_position = self._by_group(dx[0]), self._by_position(state.dpatches)
        for position, places, numbers in seen(self._axis(filled.shape[1])):
            part = by_position[:, places, :, position]
            np.add(filled[:, numbers], part, out=filled[:, numbers])
        if len(dx) > 1:
            np.multiply(dx[0], state.inside[:, :, None], out=dx[0])

    def _by_group(self, sequences: Array) -> Array:
        """Return (n, time, numbers) viewed as (n, time, groups, numbers of each)."""
        return sequences.reshape(*sequences.shape[:2], self.groups, -1)

    def _by_position(self, patches: Array) -> Array:
        """Return patches viewed as (n, places, groups, kernel_size, features of each)."""
        return patches.reshape(*patches.shape[:2], self.groups, self.kernel_size, -1)

    def _matrices(self, weights: Array) -> Array:
        """Return weights viewed as (groups, kernel_size * features of each, filters of each)."""
        return weights.reshape(-1, self.groups, self.filters // self.groups).swapaxes(0, 1)

    def _multiply(self, sequences: Array, matrices: Array, out: Array) -> None:
        """out[i, t] = sequences[i, t] @ matrices, group by group, for all steps if possible."""
        if sequences.flags.c_contiguous and out.flags.c_contiguous:
            sequences, out = rows_of(sequences)[None], rows_of(out)[None]
        read, filled = (self._by_group(array).swapaxes(1, 2) for array in (sequences, out))
        np.matmul(read, matrices, out=filled)
