"""The engine: joins compiled calls, and runs steps that consist of them without Python."""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import groupby

from declnet import CompiledCalls, Engine, NativeCall, StepLoop
from declnet_jit.driver import Loop, joined
from declnet_jit.operations import gathering, operation
from declnet_jit.replay import replayed
from declnet_jit.threads import usable_threads

Call = Callable[[], object]


class NativeEngine(Engine):
    """Runs compiled calls one after another, whole stretches of steps at a time."""

    type = "native"

    @classmethod
    def unavailable(cls) -> str | None:
        """Return the missing extra, or None."""
        missing = find_spec("llvmlite") is None
        return "llvmlite is not installed: pip install 'declnet[jit]'" if missing else None

    def compile(self, calls: Sequence[Call]) -> CompiledCalls:
        """Return native calls where there are some, joined if they follow each other."""
        found = tuple(each for call in calls for each in _compiled(call))
        groups = groupby(found, lambda call: isinstance(call, NativeCall))
        joint = [call for native, part in groups for call in ([_joined(part)] if native else part)]
        native = tuple(each for each in found if isinstance(each, NativeCall))
        return CompiledCalls(tuple(joint), native if len(native) == len(found) else None)

    def loop(self, steps: StepLoop) -> Loop:
        """Return a loop over steps in the driver."""
        gathers = tuple(gathering(each, steps.order, steps.start) for each in steps.gathers)
        return Loop(steps, gathers, steps.threads or usable_threads())


def _joined(calls: Iterator[Call]) -> NativeCall:
    return joined(tuple(each for each in calls if isinstance(each, NativeCall)))


def _compiled(call: Call) -> Sequence[Call]:
    """Return what an engine makes of a call: the same without Python, if it knows how."""
    if isinstance(call, NativeCall):
        return (call,)
    native = operation(call)
    if native is not None:
        return (native,)
    found = replayed(call)
    return (call,) if found is None else found
