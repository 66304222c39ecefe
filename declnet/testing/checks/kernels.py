"""Checks on kernels: they give the results of the replaced components, up to rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from itertools import product
from math import prod
from typing import Any

import numpy as np

import declnet
from declnet import Array, Kernel, KernelCalls, KernelSite, Loss, Model, Registry, Shape, verified
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.checks.common import only
from declnet.testing.checks.losses import Pair, accepted_draw, drawn, prepared
from declnet.testing.checks.regularizers import PARAMETER_SHAPES, RegularizerHarness, weights
from declnet.testing.comparison import LEAST, difference, require_equal, same
from declnet.testing.examples import build_examples, scheduled_variants
from declnet.testing.harness import NO_LOSS, ModelHarness, build, model_of_parameters, probe
from declnet.testing.layer_harness import LEVELS, USUAL_SHAPES, build_chain, candidate_shapes
from declnet.testing.trial import BOTH_ORDERS, USUAL, Setting, in_order
from declnet.testing.watched import Call, call_locked, named, spoil

DTYPES = ("float32", "float64")

SETTINGS = tuple(
    USUAL.but(samples=samples, dtype=dtype, input_order=order, order=order)
    for samples, orders in ((1, BOTH_ORDERS), (6, BOTH_ORDERS[::-1]), (700, BOTH_ORDERS))
    for dtype, order in zip(DTYPES, orders, strict=True)
)
"""Settings to compare a kernel in, with each pair of a size, a float type and a memory order; the
largest batch exceeds what a kernel handles at a time."""

SPECIALS = (0.0, np.nan, np.inf)
"""What is added to an element of a kernel's input; if these are integers, of a parameter."""

VECTORS = (1, 13, 1000)
"""Sizes of parameter vectors."""

ROUNDING = {"float32": 1e-5, "float64": 1e-12}
"""How far a compiled kernel's results may differ from its components', relative to an array's
largest value. A NumPy kernel, which rounds less, may differ by `LESS_ROUNDING` in float64."""

LESS_ROUNDING = 1e-6

SMALL_PART = 1e-2
"""Results smaller than this part of the step's largest one are compared as if they were as large:
in float32 they may differ by 1e-7 of the largest one, the rounding of one of its terms."""


_Build = Callable[[Registry | None], Callable[[float], dict[str, Array]]]
"""Prepares a computation with the kernels of a registry, or with none: a function that adds a
special number to one element of the input, and returns what was filled."""


@dataclass(frozen=True, eq=False)
class _Comparison:
    """What the components fill, what the kernel fills, and what it fills in parts, by name.

    Attributes:
        special: what is added to an element of the input.
        dtype: the model's float type.
        tolerance: how far results may differ.
        where: what is computed, for messages.
    """

    special: float
    dtype: str
    tolerance: float
    where: str
    right: dict[str, Array]
    filled: dict[str, Array]
    again: dict[str, Array]

    def require_equal(self) -> None:
        """Raise CheckFailed if the kernel fills something else than the components."""
        numbers = [np.abs(array[np.isfinite(array)]) for array in self.right.values()]
        # a gradient may be 0 except for rounding, e.g. for key biases
        small = SMALL_PART * max(float(number.max(initial=0)) for number in numbers)
        for name, array in self.filled.items():
            fault = difference(array, self.right[name], self.tolerance, max(LEAST, small))
            require(not fault, f"{name} differs for {self.where}: {fault}")


def _comparisons(subject: Subject) -> list[_Comparison]:
    """Return the comparisons of all cases in which the kernel takes over."""

    def compare() -> list[_Comparison]:
        return [case for setting in SETTINGS for case in _compared(subject, setting)]

    return subject.once("comparisons", compare)


def _compared(subject: Subject, setting: Setting) -> Iterator[_Comparison]:
    kernel: Any = type(subject.instance)
    checking.require_available(kernel)
    dtype, is_joint = setting.dtype, setting.dtype == "float64" and not kernel.compiled
    tolerance = LESS_ROUNDING if is_joint else ROUNDING[dtype]
    watched, in_parts = _WatchedKernel(kernel), _WatchedKernel(kernel, in_parts=True)
    for components in _replaced(subject):
        for label, build_pass in _passes(subject, components, setting):
            watched.used = False
            by_kernel = build_pass(watched.registry)
            by_kernel(0.0)
            if watched.used:
                by_components = build_pass(None)
                again = build_pass(in_parts.registry)(0.0)
                where = f"{label} of {' and '.join(map(repr, components))} with {setting}"
                for special in SPECIALS:
                    results = by_components(special), by_kernel(special), {} if special else again
                    yield _Comparison(special, dtype, tolerance, where, *results)


def _replaced(subject: Subject) -> Iterator[tuple[Any, ...]]:
    """Yield instances of the replaced classes: all first ones, then each other with the firsts.

    If the kernel reads schedules, others include some with a schedule.
    """
    examples = [build_examples(cls, subject.registry) for cls in subject.instance.replaces]
    checking.skip_unless(all(examples), "what it replaces has no examples; declare some")
    first = tuple(example[0] for example in examples)
    yield first
    for position, (main, *others) in enumerate(examples):
        if main.scheduled_fields() and subject.instance.reads_schedules:
            variants = scheduled_variants(Subject(main, registry=subject.registry))
            others += [scheduled.instance for _, scheduled, _, _ in variants]
        for other in others:
            yield (*first[:position], other, *first[position + 1 :])


def _passes(
    subject: Subject, components: tuple[Any, ...], setting: Setting
) -> Iterator[tuple[str, _Build]]:
    """Yield what to compute: updates of an optimizer, gradients of a regularizer, or steps."""
    first = components[0]
    if first.kind == "optimizer":
        for size in VECTORS:
            yield f"{size} parameters", partial(_updates, first, setting.dtype, size)
    elif first.kind == "regularizer":
        for shape in PARAMETER_SHAPES:
            yield f"w of shape {shape}", partial(_penalized, first, setting.dtype, shape)
    else:
        yield from _steps(subject, components, setting)


def _steps(
    subject: Subject, components: tuple[Any, ...], setting: Setting
) -> Iterator[tuple[str, _Build]]:
    """Yield steps for each input shape, as first or later layers, with and without weights."""
    loss = components[-1] if isinstance(components[-1], Loss) else None
    layers = components[:-1] if loss is not None else components
    several = bool(layers) and layers[0].n_inputs != 1
    has_integers = bool(layers) and not several and layers[0].input_dtype == "integer"
    shapes = candidate_shapes(layers[0]) if several else USUAL_SHAPES
    for shape, first in product((*shapes, *subject.instance.example_shapes), (True, False)):
        if (first and not layers) or (has_integers and not first):
            continue
        try:
            if layers:
                place: Any = {"later": layers[1:], "is_first": first, "is_last": loss is not None}
                layer = Subject(layers[0], registry=subject.registry)
                model = build_chain(layer, shape, setting, **place)
            else:
                before = probe(setting.order, name="before", shape=shape, samples=setting.samples)
                model = build([before], (prod(shape),), subject.registry, setting.dtype)
        except CheckFailed:  # the layers' own checks say so
            continue
        output = model.output_shape
        pair = Pair(output, () if loss is not None and loss.targets == "classes" else output)
        where, y_true = "first" if first else "below another layer", np.zeros(setting.samples)
        if loss is not None:
            draw_name = subject.once((repr(loss), pair), partial(accepted_draw, loss, pair))
            if draw_name is None:
                continue
            y = drawn(loss, draw_name, pair, 3, setting.samples).y
            y_true = prepared(loss, y, output, setting.dtype, setting.order)
        for weighted in (False, True) if loss is not None else (False,):
            step = _step(model, setting, loss, y_true, weighted)
            yield f"{where}, input shape {shape}{', weighted' if weighted else ''}", step


def _step(
    model: Model, setting: Setting, loss: Loss | None, y_true: Array, weighted: bool
) -> _Build:
    """Return what prepares one step of a graph on random data, which returns all that it filled."""
    n, dtype, rng = setting.samples, np.dtype(setting.dtype), np.random.default_rng(5)
    initial = {
        key: array + 0.1 * rng.normal(size=array.shape) for key, array in model.parameters().items()
    }
    inputs = {}
    for name, info in model.inputs.items():
        size = (n, *info.shape)
        x = rng.normal(size=size) if info.dtype == "float" else rng.integers(0, LEVELS, size)
        inputs[name] = in_order(x, setting.order, dtype if info.dtype == "float" else np.int64)
    factors = rng.uniform(size=n).astype(dtype) if weighted else None
    floats = [x for x in inputs.values() if x.dtype == dtype]
    changed = (floats or list(initial.values()))[0]  # integers are all finite
    place = (0,) * changed.ndim

    def prepare(kernels: Registry | None) -> Callable[[float], dict[str, Array]]:
        harness = ModelHarness(model, setting, loss or NO_LOSS, kernels)
        harness.initial = initial

        def compute(special: float) -> dict[str, Array]:
            finite = changed[place]
            changed[place] += special
            harness.begin(inputs, y_true, factors)
            changed[place] = finite
            y_pred, losses = harness.step.forward()
            gradients = harness.step.backward()
            untrained = {
                key: array.copy()
                for key, array in harness.step.parameters.items()
                if key not in gradients
            }
            return {"y": y_pred, "losses": losses, **gradients, **untrained}

        return compute

    return prepare


def _updates(
    optimizer: declnet.Optimizer, dtype: str, size: int, kernels: Registry | None
) -> Callable[[float], dict[str, Array]]:
    """Prepare six updates of a vector, of which the last three have the special number."""

    def compute(special: float) -> dict[str, Array]:
        rng = np.random.default_rng(size)
        w, slopes = rng.normal(size=size).astype(dtype), rng.normal(size=(6, size))
        slopes[3:, 0] = special
        model = model_of_parameters(
            [declnet.ParameterInfo("layer.weights", (size,), "weight")], dtype
        )
        step = declnet.TrainingStep(
            model, NO_LOSS, 1, optimizer=optimizer, kernels=kernels, total=len(slopes)
        )
        step.vector[...] = w
        for number, slope in enumerate(slopes, start=1):
            step.gradient[...] = slope
            with calling("the update"):
                step.update(number)
        return {"w": step.vector, **step.optimizer_state}

    return compute


def _penalized(
    regularizer: Any, dtype: str, shape: Shape, kernels: Registry | None
) -> Callable[[float], dict[str, Array]]:
    """Prepare adding the gradient of a parameter's penalty to another gradient."""
    harness = RegularizerHarness(regularizer, shape, dtype, kernels)

    def compute(special: float) -> dict[str, Array]:
        w, before = weights(shape), np.random.default_rng(37).normal(size=shape)
        w.flat[0] = special
        return {"dw": harness.run(w, before, locked=False)[1]}

    return compute


@check
def leaves_what_it_reads_alone(subject: Subject) -> None:
    """Writes only to the arrays it must fill."""
    with only(checking.ReadOnlyWrittenError):
        _comparisons(subject)


@check
def replaces_its_components(subject: Subject) -> None:
    """Takes over in the usual case, in float32 and in float64."""
    missing = sorted({*DTYPES} - {comparison.dtype for comparison in _comparisons(subject)})
    fault = f"it never takes over in {' and '.join(missing)}: bind returns None, or suits False, in"
    advice = "all cases of the kit; declare example_shapes that it is made for"
    require(not missing, f"{fault} {advice}")


@check
def equals_its_components(subject: Subject) -> None:
    """Gives what the components give, but for rounding, in every setting that it takes over."""
    for comparison in _comparisons(subject):
        if not comparison.special:
            comparison.require_equal()


@check
def passes_non_finite_numbers_on(subject: Subject) -> None:
    """Gives NaN and infinity where the components do, so that a divergence is found."""
    fuses_loss = issubclass(subject.instance.replaces[-1], Loss)  # and may train saturated units
    for comparison in (case for case in _comparisons(subject) if case.special):
        if subject.instance.compiled and not fuses_loss:
            comparison.require_equal()
        for name, array in comparison.filled.items():
            fault = "is not finite where the components are, or otherwise"
            alike = same(np.isfinite(array), np.isfinite(comparison.right[name]))
            require(alike, f"{name} {fault}, for {comparison.where}")


@check
def repeats_its_bits(subject: Subject) -> None:
    """Gives the same bits each time, also if an engine makes divisible calls in parts."""
    for comparison in _comparisons(subject):
        for name, array in comparison.again.items():
            what = f"{name} differs the second time for {comparison.where}"
            advice = "compute in the same order each time, and for any number of parts"
            require_equal(array, comparison.filled[name], what, advice, tolerance=0)


CHECKS = checks_in(globals())


class _WatchedKernel:
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
    if not (isinstance(call, declnet.NativeCall) and call.divisible):
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
