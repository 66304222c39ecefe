"""Splits a model into chains: layers that one kernel computes, or a layer alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from declnet.components.arrays import Array
from declnet.components.kernel import Call, LayerKernel
from declnet.components.state import LayerState
from declnet.graph.calls import backward_calls, copies, forward_calls, gradient_target
from declnet.graph.kernels import Kernels
from declnet.graph.nodes import Node
from declnet.graph.orders import staged_reads, value_orders
from declnet.graph.plan import Plan
from declnet.graph.views import BatchViews


@dataclass(frozen=True)
class Chain:
    """Layers that follow each other, and the kernel that may compute them, if there is one."""

    nodes: tuple[Node, ...]
    kernel: LayerKernel | None = None

    @property
    def indices(self) -> tuple[int, ...]:
        """The positions of its layers in the model."""
        return tuple(node.index for node in self.nodes)


def chains_of(nodes: Sequence[Node], count: int, kernels: Kernels) -> tuple[Chain, ...]:
    """Splits the first `count` layers of a model, from the first on into the longest chains."""
    chains: list[Chain] = []
    readers = [
        [node.index for node in nodes if value in node.inputs] for value in range(len(nodes))
    ]
    staged = staged_reads(nodes, value_orders(nodes))
    start = 0
    while start < count:
        stop = start + 1
        while (
            stop < count
            and stop - start < kernels.longest
            and nodes[stop].inputs == (stop,)
            and not nodes[stop].takes_many_inputs
            and readers[stop] == [stop]
            and (stop, 0) not in staged
        ):
            stop += 1
        chains.append(_longest(nodes, start, stop, kernels))
        start += len(chains[-1].nodes)
    return tuple(chains)


def _longest(nodes: Sequence[Node], start: int, stop: int, kernels: Kernels) -> Chain:
    """The longest chain from `start` on, and not beyond `stop`, that suits a kernel."""
    if not nodes[start].takes_many_inputs:
        for end in range(stop, start, -1):
            joined = nodes[start:end]
            kernel: LayerKernel | None = kernels.find([node.layer for node in joined])
            shapes = [joined[0].input_shapes[0], *(node.output_shape for node in joined)]
            if kernel is not None and kernel.suits(shapes, joined[0].inputs != (0,)):
                return Chain(tuple(joined), kernel)
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
    own = [states[node.index] for node in chain.nodes]
    if chain.kernel is not None:
        bound = _kernel_calls(chain, chain.kernel, plan, views, x, own)
        if bound is not None:
            kernels.took_over(chain.kernel)
            return bound
    forward: list[Call] = []
    backward: list[Call] = []
    for node, state in zip(chain.nodes, own, strict=True):
        forward += forward_calls(node, plan, views, x, state)
        backward = backward_calls(node, plan, views, x, state) + backward
    return forward, backward


def _kernel_calls(
    chain: Chain,
    kernel: LayerKernel,
    plan: Plan,
    views: BatchViews,
    x: Array,
    states: Sequence[LayerState],
) -> tuple[list[Call], list[Call]] | None:
    first, last = chain.nodes[0], chain.nodes[-1]
    source, y = views.inputs(first, x), views.output(last)
    forward = kernel.bind_forward(source, y, states)
    if forward is None:
        return None
    calls: list[Call] = [*copies(first, views, x), *forward]
    dy = views.gradient(last.index + 1)
    if not plan.needs_gradient[last.index + 1] or dy is None:
        return calls, []
    dx, after = gradient_target(first, 0, plan, views)
    backward = kernel.bind_backward(
        source if "x" in first.layer.backward_needs else None,
        y if "y" in last.layer.backward_needs else None,
        dy,
        dx,
        states,
    )
    return None if backward is None else (calls, [*backward, *after])
