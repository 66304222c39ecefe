"""A kernel whose calls are watched: they fill what they must, and only read the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.kernel import Call, Kernel, KernelCalls, KernelSite
from declnet.contracts.execution.native_call import NativeCall
from declnet.graph.kernels import Kernels
from declnet.registry.registry import Registry
from declnet.testing.check import ReadOnlyWrittenError, calling
from declnet.testing.harness import call_locked, named
from declnet.testing.trial import poison


class WatchedKernels(Kernels):
    """A single kernel whose calls are watched; None for the components themselves.

    Args:
        in_parts: whether divisible calls are made in parts, and the arrays that compiled calls may
            only read not compared afterwards.
    """

    def __init__(self, kernel: type[Kernel] | None, in_parts: bool = False) -> None:
        registry = Registry()
        if kernel is not None:
            registry.register(kernel)
        super().__init__(registry, compiled=True)
        self._compiled, self._in_parts = kernel is not None and kernel.compiled, in_parts

    def forget(self) -> None:
        """Forget which kernels were used."""
        self._used.clear()

    def bind(self, kernels: Sequence[Kernel], site: KernelSite) -> KernelCalls | None:
        """Bind as in the graph, with each call watched."""
        with calling("bind"):
            calls = super().bind(kernels, site)
        if calls is not None and self._in_parts:
            every = (calls.forward, calls.backward, calls.update)
            calls = KernelCalls(*(tuple(map(_in_parts, each)) for each in every))
        if calls is None or site.state is not None:
            return calls
        read = {"y_true": site.y_true, "w": site.w} | named("x", site.x)
        for state in site.states:
            read |= {f"state.{name}": getattr(state, name) for name in vars(state.grad)}
        known = {name: array for name, array in read.items() if array is not None}
        if site.x is None and site.losses is not None:  # a loss alone
            return KernelCalls(
                self._watched(calls.forward, known | {"y": site.y}, site.losses, site.dx),
                self._watched(calls.backward, known | {"y": site.y}),
            )
        dx = named("dx", site.dx)
        if site.losses is None:
            forward = self._watched(calls.forward, known, site.y)
            kept = {  # dx has the memory of an x that backward does not need
                name: each
                for name, each in known.items()
                if not any(np.may_share_memory(each, target) for target in dx.values())
            }
            filled = [
                each  # not in place, where it holds dy, which must not be spoiled
                for each in dx.values()
                if site.dy is None or not np.may_share_memory(each, site.dy)
            ]
            return KernelCalls(forward, self._watched(calls.backward, kept, *filled))
        forward = self._watched(calls.forward, known, site.y, site.losses, *dx.values())
        return KernelCalls(forward, self._watched(calls.backward, {**known, "y": site.y}))

    def _watched(
        self, calls: Sequence[Call], read: Mapping[str, Array], *filled: Array | None
    ) -> tuple[Call, ...]:
        """Return calls that spoil the outputs, then calls that may only read some arrays.

        An output in the memory of something to read is not spoiled, and may be written to.
        """
        outputs = [array for array in filled if array is not None]
        only_read = {
            name: array
            for name, array in read.items()
            if not any(np.may_share_memory(array, output) for output in outputs)
        }
        spoiled = [
            partial(poison, output, np.nan)
            for output in outputs
            if not any(np.may_share_memory(output, array) for array in read.values())
        ]
        return (*spoiled, *(partial(self._call, call, only_read) for call in calls))

    def _call(self, call: Call, read: Mapping[str, Array]) -> None:
        """Make a call; compare afterwards, since compiled calls are bound to writable arrays."""
        what = "a call of the kernel"
        if not self._compiled:
            call_locked(what, call, read)
            return
        compared = {} if self._in_parts else read
        before = {name: array.tobytes() for name, array in compared.items()}
        with calling(what):
            call()
        for name, array in compared.items():
            if array.tobytes() != before[name]:
                fault = f"{what} writes to {name}, which it may only read"
                raise ReadOnlyWrittenError(fault, fault)


PARTS = 3


def _in_parts(call: Call) -> Call:
    """Return a call that makes a divisible one in parts, the last one first."""
    if not (isinstance(call, NativeCall) and call.divisible):
        return call
    parts = []
    for part in reversed(range(PARTS)):
        block = call.block.copy()
        block[:2] = part, PARTS
        parts.append(replace(call, block=block))

    def make() -> None:
        for part in parts:
            part()

    return make
