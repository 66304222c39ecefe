"""The choice of kernels for training, and the chains of layers that they compute.

A kernel computes what components of certain exact classes would: consecutive layers, with or
without the loss after the last one, one layer with several inputs, a loss, an optimizer or a
regularizer alone. The longest chain is tried first. A kernel whose `bind` returns None declines, so
the next one is tried, and finally the components compute. NumPy kernels are always used, compiled
ones if `[engine] kernels` allows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from declnet.caching import computed_once
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.execution.engine import CompiledCalls, Engine
from declnet.contracts.execution.kernel import Call, Kernel, KernelCalls, KernelSite
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.schedule import schedules_of
from declnet.contracts.returned import verified, why_unavailable
from declnet.graph.arrays import BatchArrays
from declnet.graph.memory_plan import copied_reads, value_orders
from declnet.graph.shapes import Node
from declnet.registry.entry import types_of
from declnet.registry.registry import Registry


class Kernels:
    """The kernels that may be used, and those that were.

    Args:
        registry: where kernels are looked up; None for no kernels.
        compiled: whether to include compiled kernels, which come first.
        engine: the type of the engine that runs them; None for one that is used by default.
        threads: the most threads that the engine may use for one step.

    Attributes:
        engine: the first engine that can be used, if compiled kernels are included; else None.
        longest: the largest number of components that a kernel joins; 0 if there are no kernels.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        compiled: bool = False,
        engine: str | None = None,
        threads: int = 1,
    ) -> None:
        registry = registry or Registry()
        make = partial(_Available, registry, compiled, engine)
        self._available = computed_once((registry,), ("kernels", compiled, engine), make)
        self._used: dict[type[Kernel], None] = {}
        self.longest = self._available.longest
        engine_class = self._available.engine
        self.engine, self.threads = None if engine_class is None else engine_class(), threads

    @property
    def has_compiled(self) -> bool:
        """Whether any of them is compiled."""
        return self._available.has_compiled

    def compile(self, calls: Sequence[Call], exact: bool = False) -> CompiledCalls:
        """Return calls that do the same, compiled by the engine if there is one.

        Args:
            exact: whether components must give the bits that they give in Python.
        """
        if self.engine is None:
            return CompiledCalls(tuple(calls))
        return verified(Engine.compile, self.engine, calls, exact)

    @property
    def used(self) -> tuple[type[Kernel], ...]:
        """The kernels that have replaced components."""
        return tuple(self._used)

    def find(self, nodes: Sequence[Node], loss: Loss | None = None) -> tuple[Kernel, ...]:
        """Return the kernels that replace these layers (and the loss, if given), best first."""
        components = (*(node.layer for node in nodes), *(() if loss is None else (loss,)))
        candidates = self._replacing(components)
        first = nodes[0]
        shapes = [first.input_shape, *(node.output_shape for node in nodes)]
        input_gradient = any(first.inputs)  # 0 is an input of the model
        return tuple(
            kernel
            for kernel in candidates
            if verified(Kernel.suits, kernel, components, shapes, input_gradient)
        )

    def bind(self, kernels: Sequence[Kernel], site: KernelSite) -> KernelCalls | None:
        """Return the calls of the first kernel that accepts a site and mark it as used, or None."""
        for kernel in kernels:
            calls = verified(Kernel.bind, kernel, site)
            if calls is not None:
                self._used[type(kernel)] = None
                return calls
        return None

    def bind_single(self, component: Component, site: KernelSite) -> KernelCalls | None:
        """Do the same for kernels that replace a loss alone, an optimizer or a regularizer."""
        return self.bind(self._replacing((component,)), site)

    def _replacing(self, components: Sequence[Component]) -> Sequence[Kernel]:
        """Return the kernels for these classes that can follow the components' schedules."""
        kernels = self._available.replacing(tuple(map(type, components)))
        if kernels and any(map(schedules_of, components)):
            return [kernel for kernel in kernels if kernel.reads_schedules]
        return kernels

    def choose(
        self,
        nodes: Sequence[Node],
        ends: Sequence[tuple[int, Loss]],
    ) -> tuple[tuple[Chain, ...], tuple[Chain, ...]]:
        """Return the layers computed together with each loss, and the chains of all other layers.

        Args:
            ends: each loss with the index of the layer whose output it takes.
        """

        def make() -> tuple[tuple[Chain, ...], tuple[Chain, ...]]:
            endings = endings_of(nodes, ends, self)
            return endings, chains_of(nodes, endings, [output for output, _ in ends], self)

        return computed_once((nodes, self._available), ("chains", tuple(ends)), make)


class _Available:
    """The kernels and engines of a registry, looked up once per process.

    Args:
        registry: where kernels are looked up.
        compiled: whether to include compiled kernels.
        engine: the type of the engine; None for one that is used by default.
    """

    def __init__(self, registry: Registry, compiled: bool, engine: str | None) -> None:
        self._registry, self._compiled = registry, compiled
        self._by_replaced: dict[tuple[type[Component], ...], list[Kernel]] = {}
        list(registry.replacing("kernel", None))  # imported to see what they replace
        self.longest = max(map(len, registry.replaced("kernel")), default=0)
        self.engine = _engine(registry, engine) if compiled else None

    @property
    def has_compiled(self) -> bool:
        """Whether any of them is compiled."""
        kernels = (entry.component for entry in self._registry.entries("kernel"))
        return self._compiled and any(
            kernel.compiled and _is_usable(kernel, True) for kernel in kernels
        )

    def replacing(self, classes: tuple[type[Component], ...]) -> list[Kernel]:
        """Return the kernels that replace these classes, compiled ones first."""
        if classes not in self._by_replaced:
            entries = self._registry.replacing("kernel", types_of(classes))
            kernels = sorted(
                (entry.component for entry in entries), key=lambda kernel: not kernel.compiled
            )
            self._by_replaced[classes] = [
                kernel()
                for kernel in kernels
                if kernel.replaces == classes and _is_usable(kernel, self._compiled)
            ]
        return self._by_replaced[classes]


def _is_usable(kernel: type[Kernel], compiled: bool) -> bool:
    return not kernel.compiled or (compiled and why_unavailable(kernel) is None)


def _engine(registry: Registry, name: str | None) -> type[Engine] | None:
    """Return the engine of a type, or the first one that is used by default; None if there is none.

    Engines that cannot be used on this machine do not count.
    """
    for entry in registry.entries("engine"):
        engine: type[Engine] = entry.component
        suits = engine.by_default if name is None else entry.type == name
        if suits and why_unavailable(engine) is None:
            return engine
    return None


def why_no_engine(registry: Registry) -> str:
    """Return why none of the engines that are used by default can be used on this machine."""
    engines = (entry.component for entry in registry.entries("engine"))
    reasons = (why_unavailable(engine) for engine in engines if engine.by_default)
    return "; ".join(filter(None, reasons)) or "no plugin that has one is installed"


def forward_calls(node: Node, batch: BatchArrays) -> list[Call]:
    """Return copies into the layer's memory order, followed by its forward."""
    if batch.plan.is_view(node):
        return []
    state = batch.states[node.index]
    forward = partial(node.layer.forward, batch.inputs(node), batch.output(node), state)
    return [*batch.copies(node), forward]


def backward_calls(node: Node, batch: BatchArrays, dy: Array | None = None) -> list[Call]:
    """Return the layer's backward, followed by the additions to gradients with several writers.

    Args:
        dy: the gradient of the layer's output; default: as planned.
    """
    if not batch.plan.needs_gradient[node.index + 1] or batch.plan.gradient_is_view(node):
        return []
    dx, after = _input_gradients(node, batch)
    needs = node.layer.backward_needs
    backward = partial(
        node.layer.backward,
        batch.inputs(node) if "x" in needs else None,
        batch.output(node) if "y" in needs else None,
        batch.gradient(node.index + 1) if dy is None else dy,  # type: ignore[arg-type]  # needed
        dx,
        batch.states[node.index],
    )
    return [backward, *after, *batch.additions(node)]


def _input_gradients(node: Node, batch: BatchArrays) -> tuple[Any, list[Call]]:
    """Return where a layer writes the gradients of its inputs, and the calls that follow."""
    targets = [batch.gradient_target(node, position) for position in range(len(node.inputs))]
    dx: Any = tuple(target for target, _ in targets) if node.takes_many_inputs else targets[0][0]
    return dx, [call for _, additions in targets for call in additions]


@dataclass(frozen=True)
class Chain:
    """Consecutive layers, and the kernels that may compute them, best first."""

    nodes: tuple[Node, ...]
    kernels: tuple[Kernel, ...] = ()


def endings_of(
    nodes: Sequence[Node], ends: Sequence[tuple[int, Loss]], kernels: Kernels
) -> tuple[Chain, ...]:
    """Return the layers that a kernel computes together with each loss, possibly none.

    Args:
        ends: each loss with the index of the layer whose output it takes.
    """
    outputs = [output for output, _ in ends]
    continuing = _continuing(nodes, outputs)
    return tuple(
        _ending_of(nodes, output, loss, kernels, continuing)
        if outputs.count(output) == 1 and not any(output + 1 in node.inputs for node in nodes)
        else Chain(())
        for output, loss in ends
    )


def _ending_of(
    nodes: Sequence[Node], output: int, loss: Loss, kernels: Kernels, continuing: Collection[int]
) -> Chain:
    longest = Chain(())
    for start in range(output, max(0, output + 2 - kernels.longest) - 1, -1):
        alone = start == output or start + 1 in continuing
        if nodes[start].takes_many_inputs or not alone:
            break
        chain = nodes[start : output + 1]
        suitable = kernels.find(chain, loss)
        if suitable:
            longest = Chain(tuple(chain), suitable)
    return longest


def chains_of(
    nodes: Sequence[Node], endings: Sequence[Chain], outputs: Sequence[int], kernels: Kernels
) -> tuple[Chain, ...]:
    """Split all layers of a model that are not in an ending greedily into the longest chains.

    Args:
        outputs: the indices of the layers whose outputs the losses take.
    """
    fused = {node.index for ending in endings for node in ending.nodes}
    continuing = _continuing(nodes, outputs) - fused
    chains: list[Chain] = []
    start = 0
    while start < len(nodes):
        if start in fused:
            start += 1
            continue
        stop = start + 1
        while stop in continuing and stop - start < kernels.longest:
            stop += 1
        chains.append(_longest(nodes, start, stop, kernels))
        start += len(chains[-1].nodes)
    return tuple(chains)


def _continuing(nodes: Sequence[Node], outputs: Sequence[int]) -> frozenset[int]:
    """Return the layers that read only the previous one, as its sole reader and in its order."""
    readers = Counter(value for node in nodes for value in set(node.inputs))
    layout_copies = copied_reads(nodes, value_orders(nodes))
    return frozenset(
        node.index
        for node in nodes[1:]
        if node.inputs == (node.index,)
        and node.index - 1 not in outputs
        and not node.takes_many_inputs
        and readers[node.index] == 1
        and (node.index, 0) not in layout_copies
    )


def _longest(nodes: Sequence[Node], start: int, stop: int, kernels: Kernels) -> Chain:
    """Return the longest chain from `start`, ending by `stop`, that suits a kernel."""
    longest = start + 1 if nodes[start].takes_many_inputs else stop
    for end in range(longest, start, -1):
        joined = nodes[start:end]
        suitable = kernels.find(joined)
        if suitable:
            return Chain(tuple(joined), suitable)
    return Chain((nodes[start],))


def chain_calls(
    chain: Chain, batch: BatchArrays, kernels: Kernels
) -> tuple[list[Call], list[Call]]:
    """Return the forward and backward calls of a chain: by its kernel, else layer by layer."""
    bound = kernel_calls(chain, batch, kernels)
    if bound is not None:
        return bound
    forward = [call for node in chain.nodes for call in forward_calls(node, batch)]
    backward = [call for node in reversed(chain.nodes) for call in backward_calls(node, batch)]
    return forward, backward


def kernel_calls(
    chain: Chain, batch: BatchArrays, kernels: Kernels, loss_site: KernelSite | None = None
) -> tuple[list[Call], list[Call]] | None:
    """Return the forward and backward calls of a chain's kernel; None if none accepts.

    Args:
        loss_site: the site of the loss alone, if the kernel computes it too.
    """
    if not chain.kernels:
        return None
    first, last = chain.nodes[0], chain.nodes[-1]
    dx, after = _input_gradients(first, batch)
    site = loss_site or KernelSite(())
    site = replace(
        site,
        components=(*(node.layer for node in chain.nodes), *site.components),
        x=batch.kernel_input(first),
        y=batch.output(last),
        dy=batch.gradient(last.index + 1),
        dx=dx,
        states=tuple(batch.states[node.index] for node in chain.nodes),
    )
    bound = kernels.bind(chain.kernels, site)
    if bound is None:
        return None
    trained = batch.plan.needs_gradient[last.index + 1]
    added = (call for node in chain.nodes for call in batch.additions(node))
    backward = [*bound.backward, *after, *added] if trained else []
    return [*batch.copies(first), *bound.forward], backward
