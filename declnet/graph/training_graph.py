"""The graph of a training step: forward, loss and backward as flat lists of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.execution.kernel import Call, KernelSite
from declnet.contracts.execution.operations import NormalizeWeights
from declnet.contracts.network.inputs import Batch, sample_count
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.gradients import GradientArrays, GradientMean
from declnet.graph.kernels import (
    Kernels,
    backward_calls,
    chain_calls,
    forward_calls,
    kernel_calls,
)
from declnet.graph.memory_plan import Ending, plan_memory
from declnet.graph.model import Model
from declnet.graph.observation import ObservedStep
from declnet.graph.parameters import Slot, view
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import frozen_nodes
from declnet.graph.step import BoundChain, BoundHead, Step
from declnet.spec.heads import Head
from declnet.spec.streams import Stream, random_stream


class TrainingGraph:
    """A model compiled for training with losses, for batches of up to `capacity` samples.

    Attributes:
        penalty: returns the regularization loss of the current parameters.
        is_regularized: whether there is one.
        gradient: the gradient of all parameters, flat like `model.store.vector`; the
            part of parameters that are frozen in the epoch is not computed. With `mean`, the mean
            over several batches.
        schedules: the layers' scheduled fields, to be set before the calls of each step.

    Args:
        heads: the losses with the outputs that they take.
        kernels: kernels that may replace components; default: none.
        total: number of updates in the whole training, for schedules.
        epoch: the epoch, which decides on frozen layers; None is after all others.
        before: the graph of an earlier epoch, whose random streams and gradient this one keeps.
        mean: what each step adds its gradient to; None if each update takes a single batch.
    """

    def __init__(
        self,
        model: Model,
        heads: Sequence[Head],
        capacity: int,
        seed: int,
        kernels: Kernels | None = None,
        total: int = 1,
        epoch: int | None = None,
        before: TrainingGraph | None = None,
        mean: GradientMean | None = None,
    ) -> None:
        self._model, self._heads = model, tuple(heads)
        self._kernels = kernels or Kernels()
        ends = [(model.output(head.output).index, head.loss) for head in self._heads]
        outputs = [output for output, _ in ends]
        self._endings, self._chains = self._kernels.choose(model.nodes, ends)
        endings = [
            Ending(output, len(chain.nodes))
            for output, chain in zip(outputs, self._endings, strict=True)
        ]
        joined = [[node.index for node in chain.nodes] for chain in self._chains]
        frozen = frozen_nodes(model.nodes, epoch)
        plan = plan_memory(
            model.network, training=True, endings=endings, joined=joined, frozen=frozen
        )
        self._losses = [np.empty(capacity, model.dtype) for _ in self._heads]
        if before is None:
            self._rngs = [random_stream(seed, Stream.LAYER, node.index) for node in model.nodes]
            self.gradient = np.zeros_like(model.store.vector) if mean is None else mean.value
        else:
            self._rngs, self.gradient = before._rngs, before.gradient
        self._mean, self._written = mean, self.gradient if mean is None else mean.written
        self.penalty, self.is_regularized = model.store.penalty, bool(model.store.regularized)
        self._epoch = epoch
        self._trained = [slot for slot in model.store.slots if slot.is_trained(epoch)]
        joined += [
            [node.index for node in ending.nodes] for ending in self._endings if ending.nodes
        ]
        gradients = GradientArrays.of(model.nodes, model.store, self._written, frozen, joined)
        self.schedules = ScheduledValues(total)
        self._memory = GraphMemory(
            model.nodes,
            plan,
            model.store,
            capacity,
            self._rngs,
            gradients,
            frozen,
            self.schedules,
        )

    def streams(self) -> list[np.random.Generator]:
        """Each layer's own random stream, in the model's order."""
        return list(self._rngs)

    def observed_step(self, step: Step) -> ObservedStep:
        """Bind the same step for an observer."""
        return ObservedStep(self._model, step, self.gradient, self._trained, self.schedules)

    def step(self, x: Batch, y_true: Sequence[Array], weights: Array | None = None) -> Step:
        """Bind the calls of a step to a batch's arrays.

        Args:
            x: the inputs, (n, *input shape) each, n at most the capacity; the calls read their
                current contents.
            y_true: for each loss, the targets as prepared by it.
            weights: (n,), the sample weights; None if all are equal.
        """
        batch, n = BatchArrays(self._memory, x), sample_count(x)
        normalized = None if weights is None else np.empty_like(weights)
        before: list[Call] = []
        if weights is not None and normalized is not None:
            before.append(NormalizeWeights(weights, normalized))
        chains = [
            BoundChain(chain.nodes, *chain_calls(chain, batch, self._kernels))
            for chain in self._chains
        ]
        heads = []
        for number, (head, targets) in enumerate(zip(self._heads, y_true, strict=True)):
            losses = self._losses[number][:n]
            calls = self._loss_calls(number, batch, targets, losses, normalized)
            chain = BoundChain(self._endings[number].nodes, calls, ())
            y_pred = batch.output(self._model.output(head.output))
            heads.append(BoundHead(head.name, head.weight, y_pred, targets, losses, chain))
        after = [
            call
            for slot in self._model.store.regularized
            if slot.is_trained(self._epoch)
            for call in self._regularizer_calls(slot)
        ]
        if self._mean is not None:
            after.append(partial(self._mean.add, weights, n))
        return Step(
            batch,
            x,
            n,
            weights,
            normalized,
            before,
            chains,
            heads,
            after,
            self._kernels.compile,
        )

    def _loss_calls(
        self,
        number: int,
        batch: BatchArrays,
        y_true: Array,
        losses: Array,
        normalized: Array | None,
    ) -> list[Call]:
        """Return a loss and its weighted gradient, with the layers fused with the loss."""
        head, ending = self._heads[number], self._endings[number]
        loss, nodes, output = head.loss, ending.nodes, self._model.output(head.output)
        y_pred, calls = batch.output(output), list[Call]()
        if normalized is not None and head.weight != 1:
            scaled = np.empty_like(normalized)
            calls.append(
                partial(np.multiply, normalized, normalized.dtype.type(head.weight), scaled)
            )
            normalized = scaled
        site = KernelSite(
            (loss,),
            y=y_pred,
            y_true=y_true,
            losses=losses,
            normalized_weights=np.full_like(losses, head.weight / len(losses))
            if normalized is None
            else normalized,
            uniform=normalized is None,
            loss_weight=head.weight,
        )
        bound = kernel_calls(ending, batch, self._kernels, site)
        if bound is not None:
            return [*calls, *bound[0], *bound[1]]
        dy, after = batch.loss_gradient(output, number)
        if nodes and batch.plan.needs_gradient[output.index + 1]:
            dy = np.empty_like(y_pred)  # fused layers have none in the plan
        calls += [call for node in nodes for call in forward_calls(node, batch)]
        alone = self._kernels.bind_single(loss, replace(site, dx=dy))
        if alone is not None:
            calls += [*alone.forward, *alone.backward]
        else:
            y_true = read_only(y_true)
            calls.append(partial(loss.forward, y_pred, y_true, losses))
            if dy is not None:
                calls += [partial(loss.backward, y_pred, y_true, dy), site.weigh(dy)]
        calls += after
        for node in reversed(nodes):
            calls += backward_calls(node, batch, dy if node is nodes[-1] else None)
        return calls

    def _regularizer_calls(self, slot: Slot) -> Sequence[Call]:
        regularizer: Any = slot.parameter.regularizer
        w, dw = self._model.store.arrays[slot.key], view(self._written, slot)
        bound = self._kernels.bind_single(regularizer, KernelSite((regularizer,), w=w, dw=dw))
        return bound.backward if bound is not None else [partial(regularizer.add_gradient, w, dw)]
