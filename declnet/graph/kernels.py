"""Which kernels a training uses: found by the exact classes of what they replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from declnet.components.component import Component
from declnet.components.kernel import Kernel, KernelCalls, KernelSite
from declnet.components.loss import Loss
from declnet.components.returned import BrokenContractError, checked_calls
from declnet.graph.nodes import Node
from declnet.registry.registry import Registry


class Kernels:
    """The kernels that may be used, and those that were.

    Args:
        registry: where kernels are looked up; None for no kernels at all.
        compiled: whether those are among them that must be compiled; they come first.
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
        """The most components that one of them joins; 0 if there are none."""
        return self._longest

    @property
    def used(self) -> tuple[type[Kernel], ...]:
        """Those that have taken components' places."""
        return tuple(self._used)

    def find(self, nodes: Sequence[Node], loss: Loss | None = None) -> tuple[Kernel, ...]:
        """The kernels that replace these layers, and the loss if one is given; the best first."""
        components = (*(node.layer for node in nodes), *(() if loss is None else (loss,)))
        found = self._by_replaced.get(tuple(map(type, components)), ())
        shapes = [nodes[0].input_shapes[0], *(node.output_shape for node in nodes)]
        input_gradient = nodes[0].inputs != (0,)
        return tuple(each for each in found if each.suits(components, shapes, input_gradient))

    def bind(self, kernels: Sequence[Kernel], site: KernelSite) -> KernelCalls | None:
        """The calls of the first kernel that takes a site, which is noted as used; or None."""
        for kernel in kernels:
            calls = _bound(kernel, site)
            if calls is not None:
                self._used[type(kernel)] = None
                return calls
        return None

    def bind_single(self, component: Component, site: KernelSite) -> KernelCalls | None:
        """The same for the kernels that replace an optimizer or a regularizer."""
        return self.bind(self._by_replaced.get((type(component),), ()), site)


def _bound(kernel: Kernel, site: KernelSite) -> KernelCalls | None:
    """What a kernel's `bind` returned, checked."""
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
    """Why there are no compiled kernels: what each plugin's lack, or that none is installed."""
    return "; ".join(dict.fromkeys(_reasons(registry))) or "no plugin that has some is installed"


def _reasons(registry: Registry) -> Iterator[str]:
    for entry in registry.entries("kernel"):
        reason = entry.component.unavailable() if entry.component.compiled else None
        if reason is not None:
            yield reason
