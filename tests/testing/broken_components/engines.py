"""Engines that do not do what the calls do that they are given."""

from dataclasses import replace

import numpy as np

from declnet.contracts.execution.operations import OptimizerUpdate

from ..right.engines import Callbacks, PythonLoop
from .expected import caught_by


@caught_by("does_what_the_calls_do")
class LosesTheLastCall(Callbacks):
    """Makes all calls but the last."""

    def compile(self, calls):
        return super().compile(calls[:-1])


@caught_by("does_what_the_calls_do")
class NativeFirst(Callbacks):
    """Makes what it knows before what it does not."""

    def compile(self, calls):
        return super().compile(sorted(calls, key=lambda call: type(call).__name__ == "partial"))


@caught_by("does_what_the_calls_do")
class ReturnsTheCalls(Callbacks):
    """Returns calls without CompiledCalls."""

    def compile(self, calls):
        return tuple(calls)


@caught_by("repeats_components")
class KeepsTheFirstRate(Callbacks):
    """Makes all updates with the learning rate and the step at which it compiled them."""

    def compile(self, calls):
        return super().compile([self.frozen(call) for call in calls])

    def frozen(self, call):
        if not isinstance(call, OptimizerUpdate):
            return call
        return replace(call, rate=call.rate.copy(), step=np.maximum(call.step, 1))


@caught_by("loops_over_steps")
class NeverGathers(Callbacks):
    """Makes all steps on the first batch."""

    def loop(self, steps):
        loop = PythonLoop(steps)
        original = loop.step
        loop.step = lambda row: original([0, *row[1:]])
        return loop


@caught_by("stops_at_a_loss_that_is_not_finite")
class GoesOnWithNaN(Callbacks):
    """Does not look at the losses."""

    def loop(self, steps):
        loop = PythonLoop(steps)
        loop.goes_on = lambda losses: True
        return loop


@caught_by("stops_at_a_loss_that_is_not_finite")
class UpdatesBeforeItLooks(Callbacks):
    """Looks at the losses after the update."""

    def loop(self, steps):
        loop = PythonLoop(replace(steps, update=()))

        def goes_on(losses):
            for call in steps.update:
                call()
            return PythonLoop.goes_on(loop, losses)

        loop.goes_on = goes_on
        return loop
