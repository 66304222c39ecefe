"""An engine whose native calls are callbacks into Python."""

import ctypes

import numpy as np

from declnet import CompiledCalls, Engine, NativeCall

CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Callbacks(Engine):
    """Compiles every call to a callback from C into Python."""

    type = "callbacks"
    by_default = False

    def compile(self, calls, exact=False):
        native = tuple(map(self.native, calls))
        return CompiledCalls(native, native)

    def native(self, call):
        def run(_block):
            call()

        callback = CALLBACK(run)
        address = ctypes.cast(callback, ctypes.c_void_p).value
        return NativeCall(address, np.zeros(1, np.int64), (callback,))

    def loop(self, steps):
        return PythonLoop(steps)


class PythonLoop:
    """A loop over steps in Python."""

    def __init__(self, steps):
        self.steps = steps

    def run(self, values):
        for done, row in enumerate(values):
            if not self.step(row):
                return done
        return len(values)

    def step(self, row):
        steps = self.steps
        for array, value in zip(steps.now, row, strict=True):
            array.view(np.int64)[0] = value
        first = steps.start[0]
        for gather in steps.gathers:
            gather(steps.order[first : first + steps.samples])
        for call in steps.calls:
            call()
        if not self.goes_on(steps.losses):
            return False
        for call in steps.update:
            call()
        return True

    def goes_on(self, losses):
        return all(np.isfinite(array).all() for array in losses)
