"""The engine: joins compiled calls, and runs steps that consist of them without Python."""

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby

from declnet import CompiledCalls, Engine, NativeCall, RecordedMethod, StepLoop
from declnet_plugins.jit.driver import StepsInThreads, joined
from declnet_plugins.jit.operations import gathering, operation
from declnet_plugins.jit.replay.replay import Part, replay
from declnet_plugins.jit.replay.replay import joined as joined_loops
from declnet_plugins.jit.routines.settings import disabled
from declnet_plugins.jit.threads import Pace

Call = Callable[[], object]


class NativeEngine(Engine):
    """The native engine, which runs compiled calls for whole stretches of steps at a time."""

    type = "native"

    @classmethod
    def unavailable(cls) -> str | None:
        """Return the missing extra, or the setting that disables the compiler; else None."""
        if find_spec("llvmlite") is None:
            return "llvmlite is not installed: pip install 'declnet[jit]'"
        return disabled()

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the version of the compiler of fused loops."""
        return {"llvmlite": version("llvmlite")}

    def compile(self, calls: Sequence[Call], exact: bool = False) -> CompiledCalls:
        """Return native calls where there are some, joined if they follow each other."""
        parts: list[Part] = []
        left: list[tuple[Call, str]] = []
        recorded: list[RecordedMethod] = []
        for call in calls:
            native = call if isinstance(call, NativeCall) else operation(call)
            if native is not None:
                parts.append(native)
                continue
            replayed = replay(call, exact)
            parts += [call] if replayed.parts is None else replayed.parts
            recorded += [] if replayed.recorded is None else [replayed.recorded]
            reason = replayed.problem or "; ".join(dict.fromkeys(replayed.python))
            if reason:
                left.append((call, reason))
        compiled = joined_loops(parts)
        groups = groupby(compiled, lambda call: isinstance(call, NativeCall))
        joint = [call for native, part in groups for call in ([_joined(part)] if native else part)]
        all_native = tuple(call for call in compiled if isinstance(call, NativeCall))
        is_native = len(all_native) == len(compiled)
        native_calls = all_native if is_native else None
        return CompiledCalls(tuple(joint), native_calls, tuple(left), tuple(recorded))

    def loop(self, steps: StepLoop) -> StepsInThreads:
        """Return a loop over steps in the driver."""
        gathers = tuple(gathering(gather, steps.order, steps.start) for gather in steps.gathers)
        return StepsInThreads(steps, gathers, Pace(steps.threads))


def _joined(calls: Iterator[Call]) -> NativeCall:
    return joined(tuple(call for call in calls if isinstance(call, NativeCall)))
