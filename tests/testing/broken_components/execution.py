"""Kernels, engines, executors and translations that differ from the components."""

import json
from ctypes import CFUNCTYPE, c_void_p, cast
from dataclasses import replace
from functools import partial
from itertools import count
from types import SimpleNamespace

import numpy as np

from declnet import (
    Kernel,
    KernelCalls,
    Layer,
    NativeCall,
    Parameter,
    TaskUpdate,
    execute_task,
)
from declnet.contracts.execution.operations import OptimizerUpdate
from declnet_plugins.exchange import Translation
from declnet_plugins.standard.calibrators import Conformal
from declnet_plugins.standard.layers.activations import LeakyReLU
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.transforms.scaling import Log, Standardize

from ..right.engines import Callbacks, PythonLoop
from ..right.executors import InTurn, Reporting
from ..right.others import (
    DoubledSquared,
    ShrinkingKernel,
    SquaresKernel,
)
from .broken import broken


class Recent(Layer):
    """y = x; `mean` is the mean of the last batch."""

    type = "recent"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"mean": Parameter(input_shape, "zeros", trainable=False)}

    def forward(self, x, y, state):
        np.copyto(y, x)
        if state.training and not state.frozen:
            np.mean(x, axis=0, out=state.mean)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)


def without_statistics(self, site):
    backward = () if site.dx is None else (partial(np.copyto, site.dx, site.dy),)
    return KernelCalls((partial(np.copyto, site.y, site.x),), backward)


def last_shrink(self, site):
    shrink = site.components[0].shrink
    return shrink if isinstance(shrink, float) else shrink.rate(9, 9)


def adding(gradient):
    """Return a method that adds a gradient."""
    return lambda self, strength, w, dw: np.add(dw, gradient(w, strength), out=dw)


def by_way_of_w(w, strength):
    return np.multiply(w, 2 * strength, out=w)


def divided_in_vain(self, site):
    (python,) = SquaresKernel.bind(self, site).backward
    function = CFUNCTYPE(None, c_void_p)(lambda _: python())
    address, block = cast(function, c_void_p).value, np.array([0, 1], np.int64)
    return KernelCalls(backward=(NativeCall(address, block, (function,), divisible=True),))


def without_weights(self, site):
    calls = DoubledSquared.bind(self, site)
    if site.dx is None:
        return calls
    averaged = partial(np.divide, site.dx, len(site.dx), site.dx)
    return replace(calls, backward=(calls.backward[0], averaged))


def sums(self, site):
    np.multiply(site.x, 2, out=site.y)
    np.sum((site.y - site.y_true) ** 2, axis=tuple(range(1, site.y.ndim)), out=site.losses)


KERNELS = (
    broken("equals_its_components", SquaresKernel, "halves_the_slope", add=adding(np.multiply)),
    broken("equals_its_components", ShrinkingKernel, "keeps_the_last_shrink", shrink=last_shrink),
    broken("equals_its_components", Kernel, "leaves_the_mean",
           replaces=(Recent,), bind=without_statistics),
    broken("equals_its_components", DoubledSquared, "forgets_a_slope", fill_back=lambda self,
           site: site.components[1].backward(site.y, site.y_true, site.dx)),
    broken("equals_its_components", DoubledSquared, "forgets_weights", bind=without_weights),
    broken("equals_its_components", DoubledSquared, "sums_losses", fill=sums),
    broken("replaces_its_components", SquaresKernel, "gives_up", bind=lambda *_: None),
    broken("replaces_its_components", SquaresKernel, "returns_a_list",
           bind=lambda self, site: list(SquaresKernel.bind(self, site).backward)),
    broken("passes_non_finite_numbers_on", SquaresKernel, "takes_nan_for_0",
           add=adding(lambda w, strength: 2 * strength * np.nan_to_num(w))),
    *(broken("leaves_what_it_reads_alone", SquaresKernel, f"writes_to_w{compiled:d}",
             compiled=compiled, add=adding(by_way_of_w)) for compiled in (False, True)),
    broken("repeats_its_bits", SquaresKernel, "adds_noise", add=adding(
           lambda w, strength: 2 * strength * w * (1 + 1e-14 * np.random.default_rng().normal()))),
    broken("repeats_its_bits", SquaresKernel, "does_all_in_each_part", compiled=True,
           bind=divided_in_vain),
)  # fmt: skip


def frozen(call):
    """Return an update with the current learning rate and step."""
    if not isinstance(call, OptimizerUpdate):
        return call
    return replace(call, rate=call.rate.copy(), step=np.maximum(call.step, 1))


def loop_with(**methods):
    """Return a method that creates a loop with these methods, which take it as first argument."""

    def loop(self, steps):
        python_loop = PythonLoop(steps)
        for name, method in methods.items():
            setattr(python_loop, name, partial(method, python_loop))
        return python_loop

    return {"loop": loop}


def compiling(order):
    """Return a method that compiles changed or reordered calls."""
    return {"compile": lambda self, calls, exact=False: Callbacks.compile(self, order(calls))}


ENGINES = (
    broken("does_what_the_calls_do", Callbacks, "loses_a_call",
           **compiling(lambda calls: calls[:-1])),
    broken("does_what_the_calls_do", Callbacks, "makes_native_calls_first", **compiling(
           lambda calls: sorted(calls, key=lambda call: type(call).__name__ == "partial"))),
    broken("does_what_the_calls_do", Callbacks, "returns_the_calls",
           compile=lambda self, calls, exact=False: tuple(calls)),
    broken("repeats_components", Callbacks, "keeps_the_first_rate",
           **compiling(lambda calls: [frozen(call) for call in calls])),
    broken("loops_over_steps", Callbacks, "never_gathers",
           **loop_with(step=lambda loop, row: PythonLoop.step(loop, [0, *row[1:]]))),
    broken("stops_at_a_loss_that_is_not_finite", Callbacks, "goes_on_with_nan",
           **loop_with(goes_on=lambda loop, losses: True)),
)  # fmt: skip


def execute_mixed_up(self, tasks):
    first = None
    for number, task in enumerate(tasks):
        first = first or task
        yield self.update(number, first)


def execute_without_stops(self, tasks):
    for number, task in enumerate(tasks):
        content = json.loads(task.text)
        content["rehearsal"]["pause"] = 0  # long
        brief = SimpleNamespace(text=json.dumps(content))
        for update in self.carried_out(number, brief, []):
            yield TaskUpdate(number, update.done, update.answer, None, update.report, len)


def repeated(base, times):
    """Return a method that repeats each update `times` times."""

    def execute(self, tasks):
        for update in base.execute(self, tasks):
            yield from [update] * times(update)

    return {"execute": execute}


def execute_numbered(self, tasks):
    for task in tasks:
        yield self.update(next(NUMBERS), task)


NUMBERS = count()

EXECUTORS = (
    broken("carries_out_each_task", InTurn, "numbers_tasks_in_its_module",
           execute=execute_numbered),
    broken("carries_out_each_task", InTurn, "loses_the_last_task",
           execute=lambda self, tasks: iter(list(InTurn.execute(self, tasks))[:-1])),
    broken("carries_out_each_task", InTurn, "mixes_answers_up", execute=execute_mixed_up),
    broken("carries_out_each_task", InTurn, "ends_at_an_exception",
           update=lambda self, number, task: TaskUpdate(number, answer=execute_task(task.text))),
    broken("can_be_stopped", InTurn, "takes_all_tasks_first",
           execute=lambda self, tasks: InTurn.execute(self, iter(list(tasks)))),
    broken("passes_reports_and_stops_on", Reporting, "repeats_reports",
           **repeated(Reporting, lambda update: 1 + (update.report is not None))),
    broken("passes_reports_and_stops_on", Reporting, "stops_none", execute=execute_without_stops),
)  # fmt: skip


def with_one_slope(x):
    return np.maximum(x, 0.01 * x)


def standardize(x, mean, std):
    return (x - mean) / std


def wrong_inverse(y, mean, std):
    return y * std - mean


def log_of_anything(x):
    return np.log(np.maximum(x, 1e-300))


def by_function(function, inverse=None):
    """Return a method that emits the call of a function of the first input and the state."""

    def translate(self, component, site):
        called = inverse if site.inverse else function
        return (site.writer.call(called, site.name, site.inputs[0], *site.state.values()),)

    return translate


def translating(name, component, translate, check="equals_its_components"):
    """Return a wrong translation of a component into NumPy."""
    members = {"format": "numpy", "replaces": (component,), "translate": translate}
    return broken(check, Translation, name, **members)


TRANSLATIONS = (
    translating("ignores_a_field", LeakyReLU, by_function(with_one_slope)),
    translating("inverts_wrong", Standardize, by_function(standardize, wrong_inverse)),
    translating("forgets_inputs", GRU, by_function(with_one_slope)),
    translating("gives_one_handle", Conformal, lambda self, component, site: site.inputs),
    translating("refuses_no_number", Log, by_function(log_of_anything),
                check="refuses_what_its_transforms_refuse"),
)  # fmt: skip

BROKEN = KERNELS + ENGINES + EXECUTORS + TRANSLATIONS
