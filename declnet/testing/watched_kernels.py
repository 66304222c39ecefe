"""A kernel whose calls are watched: they fill what they must, and only read the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from functools import partial
from io import StringIO

import numpy as np

from declnet import Array, Kernel, KernelCalls, KernelSite, NativeCall, Registry, verified
from declnet.testing.checking import calling
from declnet.testing.watched import Call, call_locked, named, spoil


class WatchedKernel:
    """A kernel whose calls are watched, and whether it has taken over.

    Args:
        in_parts: whether divisible calls are made in parts, and no arrays are locked.

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
        with calling("bind"), redirect_stderr(StringIO()):  # it says when it compiles
            calls = verified(Kernel.bind, self._kernel, site)
        if calls is None:
            return None
        self.used = True
        if self._in_parts:
            every = (calls.forward, calls.backward, calls.update)
            return KernelCalls(*(tuple(map(_in_parts, part)) for part in every))
        if site.state is not None:  # an optimizer's, which may write to all
            return calls
        read = named("x", site.x) | {"y_true": site.y_true, "w": site.w}
        for state in site.states:
            read |= {f"state.{name}": getattr(state, name) for name in vars(state.grad)}
        dx, y, losses = named("dx", site.dx).values(), {"y": site.y}, site.losses
        if losses is None:
            forward = _watched(calls.forward, read, [site.y])
            return KernelCalls(forward, _watched(calls.backward, read, [*dx], site.dy))
        known = read | y if site.x is None else read  # a loss alone reads y
        forward = _watched(calls.forward, known, [site.y, losses, *dx])
        return KernelCalls(forward, _watched(calls.backward, read | y, []))


def _watched(
    calls: Sequence[Call],
    read: Mapping[str, Array | None],
    filled: Sequence[Array | None],
    dy: Array | None = None,
) -> tuple[Call, ...]:
    """Return a call that spoils the outputs, and the calls, which may only read some arrays.

    An output in the memory of something to read, or of dy, is not spoiled.
    """
    outputs = [array for array in filled if array is not None]
    locked = {name: array for name, array in read.items() if array is not None}
    spoiling = partial(spoil, outputs, [*locked.values(), dy], np.nan)
    watched = (
        partial(call_locked, "a call of the kernel", call, locked, outputs) for call in calls
    )
    return (spoiling, *watched)


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
