"""Splits a model into chains: layers that one kernel computes, or a layer alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from declnet.components.arrays import Array
from declnet.components.kernel import Call, Kernel, KernelSite
from declnet.components.loss import Loss
from declnet.components.state import LayerState
from declnet.graph.calls import backward_calls, copies, forward_calls, gradient_target
from declnet.graph.kernels import Kernels
from declnet.graph.nodes import Node
from declnet.graph.orders import staged_reads, value_orders
from declnet.graph.plan import Plan
from declnet.graph.views import BatchViews


@dataclass(frozen=True)
class Chain:
    """Layers that follow each other, and the kernels that may compute them, the best first."""

    nodes: tuple[Node, ...]
    kernels: tuple[Kernel, ...] = ()

    @property
    def indices(self) -> tuple[int, ...]:
        """The positions of its layers in the model."""
        return tuple(node.index for node in self.nodes)


def ending_of(nodes: Sequence[Node], loss: Loss, kernels: Kernels) -> Chain:
    """The last layers that a kernel computes together with the loss; no layers if none does."""
    start = len(nodes)
    for count in range(1, min(len(nodes), kernels.longest - 1) + 1):
        if count > 1 and not _continues(nodes, len(nodes) - count + 1):
            break
        if nodes[len(nodes) - count].takes_many_inputs:
            break
        if kernels.find(nodes[len(nodes) - count :], loss):
            start = len(nodes) - count
    found = kernels.find(nodes[start:], loss) if start < len(nodes) else ()
    return Chain(tuple(nodes[start:]), found)


def chains_of(nodes: Sequence[Node], count: int, kernels: Kernels) -> tuple[Chain, ...]:
    """Splits the first `count` layers of a model, from the first on into the longest chains."""
    chains: list[Chain] = []
    start = 0
    while start < count:
        stop = start + 1
        while stop < count and stop - start < kernels.longest and _continues(nodes, stop):
            stop += 1
        chains.append(_longest(nodes, start, stop, kernels))
        start += len(chains[-1].nodes)
    return tuple(chains)


def _continues(nodes: Sequence[Node], index: int) -> bool:
    """Whether a layer reads the one before alone, is its only reader, and in the same order."""
    readers = [node.index for node in nodes if index in node.inputs]
    return (
        nodes[index].inputs == (index,)
        and not nodes[index].takes_many_inputs
        and readers == [index]
        and (index, 0) not in staged_reads(nodes, value_orders(nodes))
    )


def _longest(nodes: Sequence[Node], start: int, stop: int, kernels: Kernels) -> Chain:
    """The longest chain from `start` on, and not beyond `stop`, that suits a kernel."""
    if not nodes[start].takes_many_inputs:
        for end in range(stop, start, -1):
            joined = nodes[start:end]
            found = kernels.find(joined)
            if found:
                return Chain(tuple(joined), found)
    return Chain((nodes[start],))


def chain_calls(
    chain: Chain,
    plan: Plan,
    views: BatchViews,
    x: Array,
    states: Sequence[LayerState],
    kernels: Kernels,
) -> tuple[list[Call], list[Call]]:
    """The forward and the backward calls of a chain: by its kernel, else layer by layer.

    Args:
        chain: of the model that `plan` and `views` belong to.
        x: the model's input.
        states: of all layers of the model.
        kernels: where a kernel that is used is noted.
    """
    own = tuple(states[node.index] for node in chain.nodes)
    if chain.kernels:
        bound = _kernel_calls(chain, plan, views, x, own, kernels)
        if bound is not None:
            return bound
    forward: list[Call] = []
    backward: list[Call] = []
    for node, state in zip(chain.nodes, own, strict=True):
        forward += forward_calls(node, plan, views, x, state)
        backward = backward_calls(node, plan, views, x, state) + backward
    return forward, backward


def _kernel_calls(
    chain: Chain,
    plan: Plan,
    views: BatchViews,
    x: Array,
    states: tuple[LayerState, ...],
    kernels: Kernels,
) -> tuple[list[Call], list[Call]] | None:
    first, last = chain.nodes[0], chain.nodes[-1]
    trained = plan.needs_gradient[last.index + 1]
    dx, after = gradient_target(first, 0, plan, views) if trained else (None, [])
    site = KernelSite(
        tuple(node.layer for node in chain.nodes),
        x=views.inputs(first, x),
        y=views.output(last),
        dy=views.gradient(last.index + 1) if trained else None,
        dx=dx,
        states=states,
    )
    bound = kernels.bind(chain.kernels, site)
    if bound is None:
        return None
    backward = [*bound.backward, *after] if trained else []
    return [*copies(first, views, x), *bound.forward], backward
