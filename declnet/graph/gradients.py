"""The memory of parameter gradients, and the mean over several batches.

A layer does not know that its parameters are frozen or shared: it writes their gradients to scratch
memory, which is discarded, or added by a call after its backward.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.kernel import Call
from declnet.graph.parameters import Parameters, Slot, view
from declnet.graph.shapes import Node


@dataclass(frozen=True, eq=False)
class GradientArrays:
    """The arrays that each layer fills in its backward, and what is done with them afterwards.

    Gradients of trained parameters are views of the flat gradient, gradients of frozen ones scratch
    memory, so a layer need not know the difference. Of several layers with the same parameters, the
    first to run backward fills the flat gradient, the others scratch memory that is then added.

    Attributes:
        arrays: by the layer's index, the arrays by parameter.
        additions: by the layer's index, calls that follow its backward.
    """

    arrays: tuple[dict[str, Array], ...]
    additions: tuple[tuple[Call, ...], ...]

    @classmethod
    def of(
        cls,
        nodes: Sequence[Node],
        store: Parameters,
        gradient: Array,
        frozen: Collection[int],
        joined: Iterable[Sequence[int]],
    ) -> GradientArrays:
        """Return the arrays of an epoch.

        Args:
            gradient: flat, like `store.vector`.
            frozen: the layers whose parameters are not trained.
            joined: all layers, in chains that one kernel computes, which may not share scratch.
        """
        slots = [
            [slot for slot in store.of_layer.get(node.index, ()) if slot.parameter.trainable]
            for node in nodes
        ]
        last_user = {node.owner: node.index for node in nodes}
        arrays: list[dict[str, Array]] = [{} for _ in nodes]
        additions: list[tuple[Call, ...]] = [() for _ in nodes]
        chains: list[list[tuple[int, Slot]]] = []
        for chain in joined:
            scratched = []
            for index in chain:
                owner = nodes[index].owner
                if index in frozen or last_user[owner] != index:
                    scratched += [(index, slot) for slot in slots[owner]]
                else:
                    arrays[index] = {slot.name: view(gradient, slot) for slot in slots[owner]}
            chains.append(scratched)
        sizes = [sum(slot.size for _, slot in scratched) for scratched in chains]
        scratch = np.empty(max(sizes, default=0), gradient.dtype)
        for scratched in chains:
            start = 0
            for index, slot in scratched:
                part = scratch[start : start + slot.size].reshape(slot.parameter.shape)
                arrays[index][slot.name] = part
                start += slot.size
                if index not in frozen:
                    total = view(gradient, slot)
                    additions[index] += (partial(np.add, total, part, total),)
        return cls(tuple(arrays), tuple(additions))


class GradientMean:
    """The mean of the gradients of several batches, weighted like their samples.

    Args:
        vector: the parameters, flat.

    Attributes:
        value: the mean so far, flat.
        written: where layers and regularizers write the gradient of a batch, flat.
    """

    def __init__(self, vector: Array) -> None:
        self.value, self.written = np.zeros_like(vector), np.zeros_like(vector)
        self._weight = 0.0

    def begin(self) -> None:
        """Start a new mean with the next batch."""
        self._weight = 0.0

    def add(self, weights: Array | None, samples: int) -> None:
        """Include the gradient in `written`, which is overwritten.

        Args:
            weights: the batch's sample weights, (n,); None if all are equal.
            samples: their number, n.
        """
        weight = float(samples) if weights is None else float(np.add.reduce(weights))
        if self._weight == 0:
            np.copyto(self.value, self.written)
        elif weight > 0:
            difference = np.subtract(self.written, self.value, out=self.written)
            np.multiply(difference, weight / (self._weight + weight), out=difference)
            np.add(self.value, difference, out=self.value)
        self._weight += weight

    def state(self) -> dict[str, Any]:
        """Return everything needed to continue the mean, as plain values."""
        return {"value": self.value, "weight": self._weight}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; raise ValueError if it is of other parameters."""
        if state["value"].shape != self.value.shape:
            raise ValueError("the gradient is of other parameters")
        self.value[...], self._weight = state["value"], state["weight"]
