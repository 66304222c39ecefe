"""Where layers write the gradients of their parameters in training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from declnet.contracts.arrays import Array
from declnet.graph.parameters import Parameters, Slot, view
from declnet.graph.shapes import Node


@dataclass(frozen=True, eq=False)
class GradientArrays:
    """The arrays that each layer fills in its backward, by the layer's index and the parameter.

    The gradients of trained parameters are views of the flat gradient, those of frozen ones scratch
    memory, so a layer need not know the difference.
    """

    arrays: tuple[dict[str, Array], ...]

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
        arrays: list[dict[str, Array]] = [{} for _ in nodes]
        slots: list[list[Slot]] = [[] for _ in nodes]
        for slot in store.slots:
            if slot.parameter.trainable:
                slots[slot.node].append(slot)
        scratched = [
            [(index, slot) for index in chain for slot in slots[index] if index in frozen]
            for chain in joined
        ]
        sizes = [sum(slot.size for _, slot in each) for each in scratched]
        scratch = np.empty(max(sizes, default=0), gradient.dtype)
        for chain in scratched:
            start = 0
            for index, slot in chain:
                part = scratch[start : start + slot.size]
                arrays[index][slot.name] = part.reshape(slot.parameter.shape)
                start += slot.size
        for index, own in enumerate(slots):
            if index not in frozen:
                arrays[index] = {slot.name: view(gradient, slot) for slot in own}
        return cls(tuple(arrays))
