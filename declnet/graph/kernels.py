"""Which kernels a training uses: found by the exact classes of what they replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.components.component import Component
from declnet.components.kernel import Kernel
from declnet.registry.registry import Registry


class Kernels:
    """The kernels that may be used, and those that were.

    Args:
        registry: where kernels are looked up; None for no kernels at all.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._by_replaced: dict[tuple[Any, ...], type[Kernel]] = {}
        self._used: dict[type[Kernel], None] = {}
        for entry in registry.entries("kernel") if registry is not None else ():
            kernel: type[Kernel] = entry.component
            if kernel.unavailable() is None:
                self._by_replaced.setdefault(kernel.replaced(), kernel)
        self._longest = max(map(len, self._by_replaced), default=0)

    @property
    def longest(self) -> int:
        """The most components that one of them joins; 0 if there are none."""
        return self._longest

    @property
    def used(self) -> tuple[type[Kernel], ...]:
        """Those that have taken a component's place."""
        return tuple(self._used)

    def find(self, components: Sequence[Component]) -> Any:
        """The kernel that replaces these components, by their exact classes, or None."""
        kernel = self._by_replaced.get(tuple(type(each) for each in components))
        if kernel is None:
            return None
        return kernel(**dict(zip(kernel.model_fields, components, strict=True)))

    def took_over(self, kernel: Kernel) -> None:
        """Notes that a kernel is used."""
        self._used[type(kernel)] = None


def why_none(registry: Registry) -> str:
    """Why there are no kernels: what each plugin's lack, or that none is installed."""
    reasons: dict[str, None] = {}
    for entry in registry.entries("kernel"):
        reason = entry.component.unavailable()
        if reason is not None:
            reasons[reason] = None
    return "; ".join(reasons) or "no plugin that has kernels is installed"
