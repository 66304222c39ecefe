"""`BoundLayers`: the layers of a model, called one by one outside of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import Inputs, as_arrays, sample_count
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.kernels import forward_calls
from declnet.graph.model import Model
from declnet.graph.shapes import frozen_nodes


class BoundLayers:
    """The layers of a model bound to arrays of their own, to be called one by one, without kernels.

    No two outputs share memory. Each call of a layer draws the same random numbers, and what it
    writes to parameters itself, such as running statistics, is put back before the next one.

    Args:
        model: the model, which is not changed.
        x: the samples of each input by name; `""` is an input without a name.
        parameters: the parameters by key; default: the model's.
        streams: the state of each layer's random stream; default: of streams seeded with 0.
        training: whether the layers compute as in a training step.
        step: the number of the step, from 1, for schedules.
        steps: the number of steps in the whole training, for schedules.
        epoch: the epoch of the step, which decides on frozen layers; default: none is frozen.

    Attributes:
        parameters: the arrays by key; a change takes effect in the next call.
        outputs: the output of each layer, (n, *output shape), as called last.
        states: what each layer is called with, a `LayerState`.
        random: the indices of the layers that drew random numbers in the first pass.
    """

    def __init__(
        self,
        model: Model,
        x: Inputs,
        parameters: Mapping[str, Array] | None = None,
        *,
        streams: Sequence[Mapping[str, Any]] | None = None,
        training: bool = False,
        step: int = 1,
        steps: int = 1,
        epoch: int | None = None,
    ) -> None:
        copy = Model(model.network, model.dtype)
        copy.load_parameters(model.store.arrays if parameters is None else parameters)
        self._nodes = model.nodes
        self.parameters = copy.store.arrays
        self._saved = {key: array.copy() for key, array in self.parameters.items()}
        self._untrained = [
            [
                f"{self._nodes[node.owner].name}.{name}"
                for name, parameter in node.parameters.items()
                if not parameter.trainable
            ]
            for node in self._nodes
        ]
        self._rngs = [np.random.Generator(np.random.PCG64(0)) for _ in self._nodes]
        started = [rng.bit_generator.state for rng in self._rngs] if streams is None else streams
        self._streams = [dict(stream) for stream in started[: len(self._nodes)]]
        memory = GraphMemory.of_forward(
            model.network,
            copy.store,
            sample_count(x),
            self._rngs,
            total=steps,
            step=step,
            frozen=frozen_nodes(self._nodes, epoch) if epoch is not None else (),
            preserved=range(len(self._nodes)),
        )
        self._batch = BatchArrays(memory, as_arrays(x))
        self.states = self._batch.states
        self.outputs = [self._batch.output(node) for node in self._nodes]
        self.random = frozenset(range(len(self._nodes)))
        for index, state in enumerate(self.states):
            state.training = training
            self.forward(index)
        self.random = frozenset(
            index
            for index, stream in enumerate(self._streams)
            if self._rngs[index].bit_generator.state != stream
        )

    def forward(self, index: int) -> Array:
        """Call a layer on the present outputs of those that it reads; return its output."""
        node = self._nodes[index]
        if index in self.random:
            self._rngs[index].bit_generator.state = self._streams[index]
        for key in self._untrained[index]:
            np.copyto(self.parameters[key], self._saved[key])
        for call in forward_calls(node, self._batch):
            call()
        return self.outputs[index]

    def backward(self, index: int, dy: Array) -> tuple[dict[str, Array], tuple[Array, ...]]:
        """Call a layer forward and backward, as in a training step.

        Args:
            index: the layer.
            dy: the gradient of its output.

        Returns:
            The gradients of its trainable parameters by name, and of the layers' outputs that it
            reads, all of which are 0 where the layer writes nothing.
        """
        node, state = self._nodes[index], self.states[index]
        gradients = {
            name: np.zeros(parameter.shape, dy.dtype)
            for name, parameter in node.parameters.items()
            if parameter.trainable
        }
        vars(state.grad).update(gradients)
        training, state.training = state.training, True
        y = self.forward(index)
        needs, x = node.layer.backward_needs, self._batch.inputs(node)
        dx = tuple(
            np.zeros_like(self.outputs[value - 1]) if value else None for value in node.inputs
        )
        node.layer.backward(
            x if "x" in needs else None,
            y if "y" in needs else None,
            dy,
            dx if node.takes_many_inputs else dx[0],
            state,
        )
        state.training = training
        return gradients, tuple(gradient for gradient in dx if gradient is not None)
