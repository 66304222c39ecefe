"""The graph of a prediction: forward only, with memory reused as soon as values are dead.

It takes at most 1024 samples at a time. Each thread has its own graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np
import numpy.typing as npt

from declnet.contracts.arrays import Array
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import UNNAMED, Batch, sample_count
from declnet.graph.arrays import BatchArrays, GraphMemory, workspace_bytes
from declnet.graph.kernels import forward_calls
from declnet.graph.memory_plan import plan_memory
from declnet.graph.parameters import Parameters
from declnet.graph.shapes import Network, Node, input_shapes

Section = tuple[Callable[[Batch], None], list[Call]]
"""A layer that reads a model's input, as a function of a batch, and the calls up to the next."""


class InferenceGraph:
    """A model compiled for predictions on batches of up to `capacity` samples; not thread-safe."""

    def __init__(self, network: Network, parameters: Parameters, capacity: int) -> None:
        self.capacity, self._outputs = capacity, network.outputs
        rngs = [np.random.Generator(np.random.PCG64(0))] * len(network.nodes)
        plan = plan_memory(network, training=False)
        self._memory = GraphMemory(network.nodes, plan, parameters, capacity, rngs)
        self._bound: dict[int, tuple[list[Section], tuple[Array, ...]]] = {}
        self._block = min(BLOCK, capacity)
        self._most, self._reproducing = capacity // self._block, {1}

    def predict(self, x: Batch) -> tuple[Array, ...]:
        """Return each output for a batch, in arrays that the next call overwrites.

        Args:
            x: (n, *input shape) for each input, n at most the capacity, in the model's types.
        """
        n = sample_count(x)
        if n not in self._bound:
            if len(self._bound) == MAX_BOUND:
                self._bound.clear()
            self._bound[n] = self._bind(x)
        sections, y_preds = self._bound[n]
        for read, calls in sections:
            read(x)
            for call in calls:
                call()
        return y_preds

    def predict_independently(self, x: Batch) -> tuple[Array, ...]:
        """Return each output for a batch, with the same bits for a sample whatever the others are.

        A sum of products has other bits in a batch of another size, since BLAS has kernels for
        vectors, small matrices and edges. So samples are predicted in whole blocks, in as many at a
        time as a trial shows not to change the bits of one.

        Args:
            x: as for `predict`.
        """
        start, n, parts = 0, sample_count(x), []
        while start < n:
            rows = self._block * self._blocks_together(x, n - start)
            part = {name: _resized(array[start : start + rows], rows) for name, array in x.items()}
            parts.append([y_pred[: n - start].copy() for y_pred in self.predict(part)])
            start += rows
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _blocks_together(self, x: Batch, n: int) -> int:
        """Return how many blocks of n samples to predict together without affecting each other."""
        blocks = min(-(-n // self._block), self._most)
        while blocks not in self._reproducing:
            if self._reproduces(x, blocks):
                self._reproducing.add(blocks)
            else:
                blocks = self._most = blocks // 2
        return blocks

    def _reproduces(self, x: Batch, blocks: int) -> bool:
        """Return whether each of several equal blocks has, in all layers, the bits of one alone."""
        rng, block = np.random.Generator(np.random.PCG64(0)), dict[str, Array]()
        for name, array in x.items():
            block[name] = _resized(array[: self._block], self._block)
            if array.dtype.kind == "f":  # others than the user's, most of which may be zero
                block[name] = rng.standard_normal(block[name].shape).astype(array.dtype)
        alone = [y.copy() for _, y in self.by_layer(block)]
        several = {name: np.concatenate([array] * blocks) for name, array in block.items()}
        return all(
            bool(((y.reshape(blocks, *one.shape) == one) | np.isnan(one)).all())
            for (_, y), one in zip(self.by_layer(several), alone, strict=True)
        )

    def calls_on(self, x: Batch) -> tuple[list[Call], BatchArrays]:
        """Return the calls that predict the current contents of x, and the arrays they fill."""
        batch = BatchArrays(self._memory, x)
        return [call for node in batch.nodes for call in forward_calls(node, batch)], batch

    def by_layer(self, x: Batch) -> Iterator[tuple[Node, Array]]:
        """Predict a batch; yield each layer with its output, which later ones may overwrite."""
        batch = BatchArrays(self._memory, x)
        for node in batch.nodes:
            for call in forward_calls(node, batch):
                call()
            yield node, batch.output(node)

    def outputs_of(self, batch: BatchArrays) -> tuple[Array, ...]:
        """Return each output among the arrays of a batch."""
        return tuple(batch.output(batch.nodes[output]) for output in self._outputs)

    def _bind(self, x: Batch) -> tuple[list[Section], tuple[Array, ...]]:
        """Return the calls for one batch size; those that read the model's input take it each time.

        Everything that can be looked up in advance is, since for one sample the calls dominate the
        cost. The first layer always begins a section, since it can read only the input.
        """
        batch, nodes = BatchArrays(self._memory, x), self._memory.nodes
        sections: list[Section] = []
        for node in nodes:
            if 0 in node.inputs:
                before = batch.copies(node)  # not of the input: any order is accepted
                if before:
                    sections[-1][1].extend(before)
                sections.append((_reader(node, batch), []))
            else:
                sections[-1][1].extend(forward_calls(node, batch))
        return sections, self.outputs_of(batch)


def _reader(node: Node, batch: BatchArrays) -> Callable[[Batch], None]:
    """Return the forward of a layer that reads a model's input, as a function of the batch."""
    forward, y, state = node.layer.forward, batch.output(node), batch.states[node.index]
    if not node.takes_many_inputs:
        name = node.reads[0] or UNNAMED
        return lambda x: forward(x[name], y, state)
    values = [
        (read or UNNAMED, batch.read((node.index, position)) if read is None else None)
        for position, read in enumerate(node.reads)
    ]
    return lambda x: forward(
        tuple(x[read] if array is None else array for read, array in values), y, state
    )


def _resized(samples: Array, rows: int) -> Array:
    """Return contiguous samples, the first of them repeated until there are as many as `rows`."""
    if len(samples) == rows:
        return np.ascontiguousarray(samples)
    repeated = np.empty((rows, *samples.shape[1:]), samples.dtype)
    repeated[: len(samples)], repeated[len(samples) :] = samples, samples[:1]
    return repeated


MAX_BOUND = 64
"""Batch sizes whose calls are kept, since a server predicts batches of all sizes."""

BLOCK = 16
"""Samples that are predicted together if none may affect another: as many as a vector register
holds float32, so that none is at the edge of a matrix."""

MAX_SAMPLES = 1024
MAX_BYTES = 64 * 2**20
"""Upper bound for the graph of a prediction, unless one sample takes more."""


def inference_memory(
    network: Network, dtype: npt.DTypeLike, batch: int, *, in_place: bool = True
) -> int:
    """Return the bytes that the graph of a prediction or an evaluation allocates.

    Args:
        in_place: as for `plan_memory`; `GraphMemory.of_forward` has no layers that overwrite.
    """
    kind, plan = np.dtype(dtype), plan_memory(network, training=False, in_place=in_place)
    workspace = workspace_bytes(network.nodes, kind, batch)
    return (sum(plan.sizes) + 1) * batch * kind.itemsize + workspace


def samples_at_once(network: Network, dtype: npt.DTypeLike) -> int:
    """Return the batch size of predictions and evaluations.

    It is chosen so that memory does not grow with the data, and stays small for large samples,
    which may have to be converted.
    """
    sample = sum(map(prod, input_shapes(network.nodes).values())) * np.dtype(dtype).itemsize
    needed = sample + inference_memory(network, dtype, 1)
    return max(1, min(MAX_SAMPLES, MAX_BYTES // needed))
