"""Times a step of networks by NumPy, by replay and fused: `python benchmarks/replay.py`.

Without kernels by hand. Prints microseconds of forward, loss, backward and update: minima over
turns that alternate, of the processor's time, so that the load of the machine matters less.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from declnet import NativeCall, build_model, parse_spec
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import UNNAMED
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import VectorUpdate
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.jit.routines.memory import call_block
from declnet_plugins.jit.routines.routine import Routine

WORKS: dict[str, tuple[int, int, list[Any]]] = {
    "64→128→64→10, relu, batch 32": (64, 32, [128, "relu", 64, "relu", 10, "softmax"]),
    "64→128→64→10, tanh, gelu, layer_norm, batch 32": (
        *(64, 32),
        [128, "tanh", 64, "gelu", "layer_norm", 10, "softmax"],
    ),
    "2→64→3, relu, batch 300": (2, 300, [64, "relu", 3, "softmax"]),
    "2→64→3, relu, batch 3000": (2, 3000, [64, "relu", 3, "softmax"]),
    "64→256→256→10, silu, batch_norm, batch 128": (
        *(64, 128),
        [256, "silu", "batch_norm", 256, "silu", 10, "softmax"],
    ),
}


@partial(Routine, rounding=())
def drive(calls, steps):  # type: ignore[no-untyped-def]
    """Make native calls, (address, block) each, as often as there are steps."""
    for _ in range(steps):
        for i in range(calls.shape[0]):
            call_block(calls[i, 0], calls[i, 1])


def calls_of_step(inputs: int, n: int, layers: list[Any], dtype: str) -> list[Call]:
    """Return the calls of a step by the components."""
    spec = parse_spec(
        {
            "data": {"train": {"type": "csv", "path": "none.csv"}},
            "model": {
                "dtype": dtype,
                "layers": [
                    {"type": "dense", "units": each} if isinstance(each, int) else each
                    for each in layers
                ],
            },
            "loss": "categorical_crossentropy",
            "optimizer": "rmsprop",
            "training": {"epochs": 1},
        }
    )
    model, random = build_model(spec.model, (inputs,)), np.random.default_rng(0)
    loss = spec.heads[0].loss
    graph = TrainingGraph(model, spec.heads, n, 0)
    x = random.normal(size=(inputs, n)).astype(dtype).T
    y = loss.prepare(random.integers(0, layers[-2], n), (layers[-2],), np.dtype(dtype))
    y = np.asfortranarray(y)
    update = VectorUpdate(spec.optimizer, model.store.vector, graph.gradient, 1)
    update.set(0.001, 1)
    return [*graph.step({UNNAMED: x}, [y]).calls, *update.calls[:1]]


def measure(inputs: int, n: int, layers: list[Any], dtype: str) -> tuple[list[float], float, str]:
    """Return microseconds of a step by NumPy, replay and fused; seconds to bind; what is left."""
    calls = calls_of_step(inputs, n, layers, dtype)
    functions: list[Callable[[int], object]] = [partial(repeat, calls)]
    start = time.thread_time()
    for exact in (True, False):
        start = time.thread_time()
        compiled = NativeEngine().compile(calls_of_step(inputs, n, layers, dtype), exact)
        bind = time.thread_time() - start
        functions.append(running(compiled.calls))
    steps = max(3, int(2e4 / (5 + n * inputs / 100)))
    best = [np.inf] * len(functions)
    for _ in range(40):
        for number, function in enumerate(functions):
            start = time.thread_time()
            function(steps)
            best[number] = min(best[number], (time.thread_time() - start) / steps * 1e6)
    native = compiled.native or ()
    return best, bind, f"{len(native)} native calls, {len(calls)} before"


def running(calls: Sequence[Call]) -> Callable[[int], object]:
    """Return a function that makes calls as often as there are steps."""
    if not all(isinstance(call, NativeCall) for call in calls):
        return partial(repeat, calls)
    tape = np.array([[call.address, call.block.ctypes.data] for call in calls])

    def run(steps: int, _keeps: object = calls) -> None:
        drive.bound(tape, steps)()

    return run


def repeat(calls: Sequence[Call], steps: int) -> None:
    """Make calls as often as there are steps."""
    for _ in range(steps):
        for call in calls:
            call()


if __name__ == "__main__":
    for name, work in WORKS.items():
        for dtype in sys.argv[1:] or ["float32"]:
            (numpy, replayed, fused), bind, what = measure(*work, dtype)
            print(
                f"{name}, {dtype}: {numpy:.1f} → {replayed:.1f} ({replayed / numpy:.2f}) → "
                f"{fused:.1f} µs ({fused / numpy:.2f}); bound in {bind * 1e3:.0f} ms; {what}"
            )
