"""Training steps that are observed: the calls of a step, with an observer called between them.

Outputs that a kernel does not write are computed again, in other memory. Steps that are not
observed know nothing of observers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from math import prod

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import unwrapped
from declnet.contracts.runs.observer import StepObserver
from declnet.graph.arrays import Workspaces, batch_view
from declnet.graph.model import Model
from declnet.graph.parameters import Slot, layer_state, view
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Node
from declnet.graph.step import Step


class ObservedStep:
    """A training step that tells an observer what it computes, with the same results as any other.

    Args:
        step: the step.
        gradient: the flat gradient of the model.
        slots: the parameters that the step trains.
        schedules: the layers' scheduled fields.
    """

    def __init__(
        self,
        model: Model,
        step: Step,
        gradient: Array,
        slots: Sequence[Slot],
        schedules: ScheduledValues,
    ) -> None:
        self.step, self._vector, self._schedules = step, model.store.vector, schedules
        hidden = hidden_outputs(model, step)
        self._forward: list[tuple[Sequence[Call], Node | None, Array]] = []
        nothing = np.empty(0)
        for chain in (*step.chains, *(head.chain for head in step.heads)):
            for node in chain.nodes:
                if node.index in hidden:
                    y, calls = hidden[node.index]
                    self._forward.append((calls, node, read_only(y)))
            last = chain.nodes[-1] if chain.nodes else None
            y = step.batch.output(last) if last is not None else nothing
            self._forward.append((step.compiler(chain.forward).calls, last, read_only(y)))
        self._backward: list[tuple[Sequence[Call], Node, Array | None]] = []
        for chain in reversed(step.chains):
            dy = step.batch.gradient(chain.nodes[-1].index + 1)
            seen = None if dy is None else read_only(dy)
            self._backward.append((step.compiler(chain.backward).calls, chain.nodes[-1], seen))
        self._x = unwrapped({name: read_only(array) for name, array in step.x.items()})
        self._heads = [
            (read_only(head.y_pred), head.y_true, read_only(head.losses), head.name)
            for head in step.heads
        ]
        self._parameters = {key: read_only(w) for key, w in model.store.arrays.items()}
        self._gradients = {slot.key: read_only(view(gradient, slot)) for slot in slots}
        self._saved = np.empty_like(self._vector)
        self._before = {slot.key: read_only(view(self._saved, slot)) for slot in slots}
        self._after = {key: self._parameters[key] for key in self._before}

    def run(self, observers: Sequence[StepObserver], epoch: int, number: int) -> None:
        """Execute the step up to its gradients.

        Args:
            number: the number of the update that follows, from 1.
        """
        step = self.step
        self._schedules.begin(number)
        for observer in observers:
            observer.begin(epoch, number, self._x)
        _execute(step.before)
        for calls, node, y in self._forward:
            _execute(calls)
            if node is not None:
                for observer in observers:
                    observer.forward(node.name, node.layer, y)
        for head, observer in product(self._heads, observers):
            observer.losses(*head)
        for calls, node, dy in self._backward:
            if dy is not None:
                for observer in observers:
                    observer.backward(node.name, node.layer, dy)
            _execute(calls)
        _execute(step.after)
        for observer in observers:
            observer.gradients(self._parameters, self._gradients)
        np.copyto(self._saved, self._vector)

    def updated(self, observers: Sequence[StepObserver], rate: float) -> None:
        """Report the update that followed `run`."""
        for observer in observers:
            observer.updated(self._before, self._after, rate)


def hidden_outputs(model: Model, step: Step) -> dict[int, tuple[Array, Sequence[Call]]]:
    """Return outputs that exist only within kernels, with the calls that fill them, by layer.

    Each is computed by the layer, from the chain's input or the output before it, in memory of its
    own. A layer whose forward changes its parameters (running statistics) is left out, with those
    that follow it in the chain.
    """
    batch, n = step.batch, step.samples
    ends = [head.chain for head in step.heads]
    chains = [chain for chain in (*step.chains, *ends) if len(chain.nodes) > 1]
    if not chains:
        return {}
    workspaces = Workspaces(batch.nodes, n, model.dtype, batch.plan.orders[1:])
    rng = np.random.Generator(np.random.PCG64(0))
    hidden: dict[int, tuple[Array, Sequence[Call]]] = {}
    for chain in chains:
        x, copies = batch.inputs(chain.nodes[0]), batch.copies(chain.nodes[0])
        for node in chain.nodes[:-1]:
            if not all(parameter.trainable for parameter in node.parameters.values()):
                break
            views, now = workspaces.views(node, n), batch.states[node.index].now
            state = layer_state(node, model.store, views, rng, now=now)
            state.training = True
            order = batch.plan.orders[node.index + 1]
            block = np.empty(n * prod(node.output_shape), model.dtype)
            y = batch_view(block, node.output_shape, n, order)
            hidden[node.index] = y, [*copies, partial(node.layer.forward, x, y, state)]
            x, copies = y, []
    return hidden


def _execute(calls: Sequence[Call]) -> None:
    for call in calls:
        call()
