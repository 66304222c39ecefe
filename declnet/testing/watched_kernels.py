"""A kernel whose calls are watched: they fill what they must, and only read the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from declnet import Array, Kernel, KernelCalls, KernelSite, NativeCall, Registry, verified
from declnet.testing.checking import ReadOnlyWrittenError, calling
from declnet.testing.trial import poison
from declnet.testing.watched import Call, call_locked, named


class WatchedKernel:
    """A kernel whose calls are watched, and whether it has taken over.

    Args:
        in_parts: whether divisible calls are made in parts, and the arrays that compiled calls may
            only read not compared afterwards.

    Attributes:
        registry: has a kernel that replaces the same components by the watched calls.
        used: whether the kernel has taken over since this was set to False.
    """

    def __init__(self, kernel: type[Kernel], in_parts: bool = False) -> None:
        self._kernel, self._in_parts, self.used = kernel(), in_parts, False

        def bind(_: Kernel, site: KernelSite) -> KernelCalls | None:
            return self._bind(site)

        self.registry = Registry()
        self.registry.register(type(kernel.__name__, (kernel,), {"bind": bind}))

    def _bind(self, site: KernelSite) -> KernelCalls | None:
        """Bind the kernel, with each call watched."""
        with calling("bind"):
            calls = verified(Kernel.bind, self._kernel, site)
        if calls is None:
            return None
        self.used = True
        if self._in_parts:
            every = (calls.forward, calls.backward, calls.update)
            calls = KernelCalls(*(tuple(map(_in_parts, part)) for part in every))
        if site.state is not None:
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
            apart = {  # dx has the memory of an x that backward does not need
                name: array
                for name, array in known.items()
                if not any(np.may_share_memory(array, target) for target in dx.values())
            }
            filled = [
                target  # not in place, where it holds dy, which must not be spoiled
                for target in dx.values()
                if site.dy is None or not np.may_share_memory(target, site.dy)
            ]
            return KernelCalls(forward, self._watched(calls.backward, apart, *filled))
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
        if not self._kernel.compiled:
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
