"""The choice of kernels for training, and the chains of layers that they compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.kernel import Call, Kernel, KernelCalls, KernelSite
from declnet.contracts.loss import Loss
from declnet.contracts.parameter import LayerState
from declnet.contracts.returned import BrokenContractError, checked_calls
from declnet.graph.arrays import BatchViews
from declnet.graph.memory_plan import Plan, staged_reads, value_orders
from declnet.graph.shapes import Node
from declnet.registry.registry import Registry


class Kernels:
    """The kernels that may be used, and those that were.

    Args:
        registry: where kernels are looked up; None for no kernels.
        compiled: whether to include compiled kernels, which come first.
    """

    def __init__(self, registry: Registry | None = None, *, compiled: bool = False) -> None:
        self._by_replaced: dict[tuple[type[Component], ...], list[Kernel]] = {}
        self._used: dict[type[Kernel], None] = {}
        self.has_compiled = False
        for entry in registry.entries("kernel") if registry is not None else ():
            kernel: type[Kernel] = entry.component
            if kernel.compiled and not (compiled and kernel.unavailable() is None):
                continue
            known = self._by_replaced.setdefault(kernel.replaces, [])
            known.insert(0 if kernel.compiled else len(known), kernel())
            self.has_compiled = self.has_compiled or kernel.compiled
        self._longest = max(map(len, self._by_replaced), default=0)

    @property
    def longest(self) -> int:
        """The largest number of components that a kernel joins; 0 if there are no kernels."""
        return self._longest

    @property
    def used(self) -> tuple[type[Kernel], ...]:
        """The kernels that have replaced components."""
        return tuple(self._used)

    def find(self, nodes: Sequence[Node], loss: Loss | None = None) -> tuple[Kernel, ...]:
        """Return the kernels that replace these layers (and the loss, if given), best first."""
        components = (*(node.layer for node in nodes), *(() if loss is None else (loss,)))
        found = self._by_replaced.get(tuple(map(type, components)), ())
        shapes = [nodes[0].input_shapes[0], *(node.output_shape for node in nodes)]
        input_gradient = nodes[0].inputs != (0,)
        return tuple(each for each in found if each.suits(components, shapes, input_gradient))

    def bind(self, kernels: Sequence[Kernel], site: KernelSite) -> KernelCalls | None:
        """Return the calls of the first kernel that accepts a site and mark it as used, or None."""
        for kernel in kernels:
            calls = _bound(kernel, site)
            if calls is not None:
                self._used[type(kernel)] = None
                return calls
        return None

    def bind_single(self, component: Component, site: KernelSite) -> KernelCalls | None:
        """Do the same for kernels that replace an optimizer or a regularizer."""
        return self.bind(self._by_replaced.get((type(component),), ()), site)


def _bound(kernel: Kernel, site: KernelSite) -> KernelCalls | None:
    """Return the checked result of a kernel's `bind`."""
    calls: Any = kernel.bind(site)
    if calls is None:
        return None
    if not isinstance(calls, KernelCalls):
        fault = f"returned {calls!r:.60}, not KernelCalls or None"
        raise BrokenContractError(kernel, "bind", fault)
    for each in (calls.forward, calls.backward):
        checked_calls(kernel, each)
    if site.state is not None and not callable(calls.update):
        raise BrokenContractError(kernel, "bind", "returned no update for an optimizer")
    return calls


def why_none(registry: Registry) -> str:
    """Return why there are no compiled kernels: what each plugin lacks, or that none exist."""
    return "; ".join(dict.fromkeys(_reasons(registry))) or "no plugin that has some is installed"


def _reasons(registry: Registry) -> Iterator[str]:
    for entry in registry.entries("kernel"):
        reason = entry.component.unavailable() if entry.component.compiled else None
        if reason is not None:
            yield reason


def forward_calls(
    node: Node, plan: Plan, views: BatchViews, x: Array, state: LayerState
) -> list[Call]:
    """Return copies into the layer's memory order, followed by its forward."""
    if plan.is_view(node):
        return []
    forward = partial(node.layer.forward, views.inputs(node, x), views.output(node), state)
    return [*copies(node, views, x), forward]


def copies(node: Node, views: BatchViews, x: Array) -> list[Call]:
    """Return the calls that copy a layer's inputs into its memory order."""
    return [partial(np.copyto, *pair) for pair in views.copies(node, x)]


def backward_calls(
    node: Node,
    plan: Plan,
    views: BatchViews,
    x: Array,
    state: LayerState,
    dy: Array | None = None,
) -> list[Call]:
    """Return the layer's backward, followed by the additions to gradients with several writers.

    Args:
        dy: the gradient of the layer's output; default: as planned.
    """
    if not plan.needs_gradient[node.index + 1] or plan.gradient_is_view(node):
        return []
    targets: list[Array | None] = []
    after: list[Call] = []
    for position in range(len(node.inputs)):
        target, additions = gradient_target(node, position, plan, views)
        targets.append(target)
        after += additions
    needs = node.layer.backward_needs
    dx: Any = tuple(targets) if node.takes_many_inputs else targets[0]
    backward = partial(
        node.layer.backward,
        views.inputs(node, x) if "x" in needs else None,
        views.output(node) if "y" in needs else None,
        views.gradient(node.index + 1) if dy is None else dy,  # type: ignore[arg-type]  # needed
        dx,
        state,
    )
    return [backward, *after]


def gradient_target(
    node: Node, position: int, plan: Plan, views: BatchViews
) -> tuple[Array | None, list[Call]]:
    """Return where a layer writes the gradient of one of its inputs, and the calls that follow.

    Returns:
        The array, or None if that gradient is not needed; and the calls that copy it, or add it to
        the gradient from other readers of the value.
    """
    value, writer = node.inputs[position], (node.index, position)
    total, spare = views.gradient(value), views.spare(writer)
    if total is None or spare is None:
        return total, []
    if plan.first_writer[value] == writer:
        return spare, [partial(np.copyto, total, spare)]
    return spare, [partial(np.add, total, spare, total)]


@dataclass(frozen=True)
class Chain:
    """Consecutive layers, and the kernels that may compute them, best first."""

    nodes: tuple[Node, ...]
    kernels: tuple[Kernel, ...] = ()

    @property
    def indices(self) -> tuple[int, ...]:
        """The positions of its layers in the model."""
        return tuple(node.index for node in self.nodes)


def ending_of(nodes: Sequence[Node], loss: Loss, kernels: Kernels) -> Chain:
    """Return the last layers that a kernel computes together with the loss, possibly none."""
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
    """Split the first `count` layers of a model greedily into the longest chains."""
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
    """Return whether a layer reads only the previous one, as its sole reader and in its order."""
    readers = [node.index for node in nodes if index in node.inputs]
    return (
        nodes[index].inputs == (index,)
        and not nodes[index].takes_many_inputs
        and readers == [index]
        and (index, 0) not in staged_reads(nodes, value_orders(nodes))
    )


def _longest(nodes: Sequence[Node], start: int, stop: int, kernels: Kernels) -> Chain:
    """Return the longest chain from `start`, ending by `stop`, that suits a kernel."""
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
    """Return the forward and backward calls of a chain: by its kernel, else layer by layer.

    Args:
        chain: a chain of the model that `plan` and `views` belong to.
        x: the model's input.
        states: the states of all layers of the model.
        kernels: records the kernel that is used.
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
