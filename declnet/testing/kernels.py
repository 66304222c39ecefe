"""What a kernel promises: the results of the components that it replaces, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.kernel import Call, Kernel, KernelCalls, KernelSite
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.graph.blocks import batch_view
from declnet.graph.kernels import Kernels
from declnet.graph.update import Update
from declnet.registry.registry import Registry
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    Subject,
    calling,
    check,
)
from declnet.testing.comparison import difference, same
from declnet.testing.examples import build_examples
from declnet.testing.harness import NO_LOSS, GraphHarness, call_locked, infer, sink, sources
from declnet.testing.layer_harness import USUAL_SHAPES
from declnet.testing.loss_harness import Pair, drawn, prepared, sort_of
from declnet.testing.regularizers import PARAMETER_SHAPES, RegularizerHarness, weights
from declnet.testing.trial import ORDERS, Setting, copied, poison
from declnet.testing.trial_checks import only

BATCHES = (1, 6, 700)
"""Sizes of batches; the largest is more than a kernel takes at a time."""

VECTORS = (1, 13, 1000)
"""Sizes of parameter vectors."""

DTYPES = ("float32", "float64")

ROUNDING = {"float32": 1e-5, "float64": 1e-12}
"""How far a compiled kernel's results may differ from its components', relative to an array's
largest; in float64 those of a joint form in NumPy, which rounds less, by `LESS_ROUNDING`."""

LESS_ROUNDING = 1e-6


class WatchedKernels(Kernels):
    """One kernel alone, whose calls are watched; None for the components themselves.

    Attributes:
        written: names of what its calls wrote to and may not.
    """

    def __init__(self, kernel: type[Kernel] | None) -> None:
        registry = Registry()
        if kernel is not None:
            registry.register(kernel)
        super().__init__(registry, compiled=True)
        self._compiled = kernel is not None and kernel.compiled
        self.written: list[str] = []

    def bind(self, kernels: Sequence[Kernel], site: KernelSite) -> KernelCalls | None:
        """As the graph's, with each call watched."""
        with calling("bind"):
            calls = super().bind(kernels, site)
        if calls is None or calls.update is not None:
            return calls
        read = {"x": site.x, "y_true": site.y_true, "w": site.w}
        for state in site.states:
            read |= {f"state.{name}": getattr(state, name) for name in vars(state.grad)}
        filled, predictions = [site.y, site.losses], {}
        if site.losses is not None:  # both directions are one call after the other
            filled, predictions = [*filled, site.dx], {"y": site.y}
        return KernelCalls(
            self._watched(calls.forward, read, filled),
            self._watched(calls.backward, read | predictions, [] if predictions else [site.dx]),
        )

    def _watched(
        self, calls: Sequence[Call], read: Mapping[str, Any], filled: Sequence[Any]
    ) -> tuple[Call, ...]:
        """Calls that may only read some arrays, after one that spoils what they are to fill."""
        known = {name: array for name, array in read.items() if array is not None}
        spoiled = [
            array
            for array in filled
            if array is not None and not any(np.may_share_memory(array, x) for x in known.values())
        ]
        watched = (partial(self._call, call, known) for call in calls)
        return *(partial(poison, array, np.nan) for array in spoiled), *watched

    def _call(self, call: Call, read: Mapping[str, Array]) -> None:
        """Make a call; compiled ones are made for arrays that can be written to, so compare."""
        if not self._compiled:
            call_locked("a call of the kernel", call, read)
            return
        before = {name: copied(array) for name, array in read.items()}
        with calling("a call of the kernel"):
            call()
        self.written += [name for name, array in read.items() if not same(before[name], array)]


@dataclass
class Comparison:
    """What a kernel and its components filled in one setting.

    Attributes:
        label: the setting, in words.
        dtype: of the arrays.
        apart: arrays by name, from the components.
        joint: the same from the kernel.
        again: the same from the kernel, bound a second time.
        changed: names of arrays that the kernel wrote to and may not.
    """

    label: str
    dtype: str
    apart: dict[str, Array]
    joint: dict[str, Array]
    again: dict[str, Array]
    changed: list[str]


Pass = Callable[[Kernels], dict[str, Array]]
"""Computes something with kernels; returns what was filled."""


def comparisons(subject: Subject, special: float | None = None) -> list[Comparison]:
    """Compute with the kernel and with its components; what the kernel leaves out is not listed.

    Args:
        subject: a kernel.
        special: what the first number of the input is, e.g. NaN; default: one like the others.

    Raises:
        CheckSkipped: the kernel cannot be used on this machine.
    """
    reason = subject.instance.unavailable()
    if reason is not None:
        raise CheckSkipped(reason)
    return subject.once(("comparisons", special), lambda: list(_comparisons(subject, special)))


def _comparisons(subject: Subject, special: float | None) -> Iterator[Comparison]:
    kernel = type(subject.instance)
    kinds = {"optimizer": _optimizer_passes, "regularizer": _regularizer_passes}
    passes = kinds.get(kernel.replaces[0].kind, _layer_passes)
    for label, dtype, compute in passes(subject, special):
        kernels = WatchedKernels(kernel)
        joint = compute(kernels)
        if kernels.used:
            apart, again = compute(WatchedKernels(None)), compute(WatchedKernels(kernel))
            yield Comparison(label, dtype, apart, joint, again, kernels.written)


def _replaced(subject: Subject) -> Iterator[tuple[Any, ...]]:
    """Instances of the replaced classes: the first of each, then each other beside the first."""
    examples = [build_examples(cls, subject.registry) for cls in subject.instance.replaces]
    if not all(examples):
        raise CheckSkipped("what it replaces has no examples; declare some")
    first = tuple(each[0] for each in examples)
    yield first
    for position, others in enumerate(examples):
        for other in others[1:]:
            yield (*first[:position], other, *first[position + 1 :])


def _layer_passes(subject: Subject, special: float | None) -> Iterator[tuple[str, str, Pass]]:
    """A step with each input shape, batch, type, order of memory, neighbor, and sort of weights."""
    shapes = (*USUAL_SHAPES, *subject.instance.example_shapes)
    settings = [
        Setting(samples=n, dtype=dtype, input_order=order, order=order, as_declared=True)
        for dtype, n, (order, _) in product(DTYPES, BATCHES, ORDERS[:2])
    ]
    for components, shape in product(_replaced(subject), shapes):
        loss = components[-1] if isinstance(components[-1], Loss) else None
        layers = components[: len(components) - (loss is not None)]
        ways = product((True, False), (False, True) if loss else (False,), settings)
        for first, weighted, setting in ways:
            chain = LayerPass(
                subject.registry, layers, loss, shape, setting, first, weighted, special
            )
            if chain.fits:
                where = "first" if first else "below another layer"
                more = f"{', weighted' if weighted else ''}: {', '.join(map(repr, components))}"
                n, dtype = setting.samples, setting.dtype
                yield (
                    f"{where}, input shape {shape}, {n} samples, {dtype}, {setting}{more}",
                    dtype,
                    chain,
                )


@dataclass
class LayerPass:
    """A step of layers with a source before them, or none, and a sink or a loss after them.

    Attributes:
        first: whether they come first, so that there is no source, and x is the model's input.
        weighted: whether samples do not all count alike.
        special: what the first number of the input is, if it is not one like the others.
        fits: whether the layers take the shape, and the loss takes what they give.
    """

    registry: Registry
    layers: tuple[Layer, ...]
    loss: Loss | None
    shape: Shape
    setting: Setting
    first: bool
    weighted: bool
    special: float | None
    fits: bool = True

    def __post_init__(self) -> None:
        n, order = self.setting.samples, self.setting.order
        before = [] if self.first else sources((self.shape,), n, order)
        after = [sink(n, order)] if self.loss is None else []
        self._input = self.shape if self.first else (prod(self.shape),)
        try:
            self._nodes = infer([*before, *self.layers, *after], self._input, self.registry)
        except CheckFailed:  # the layers' own checks say so
            self.fits = False
            return
        output = self._nodes[-1].output_shape
        classes = self.loss is not None and self.loss.targets == "classes"
        self._pair = Pair(output, () if classes else output)
        self._sort = sort_of(self.loss, self._pair) if self.loss is not None else "none"
        self.fits = self._sort is not None

    def __call__(self, kernels: Kernels) -> dict[str, Array]:
        """Build the graph anew and run one step."""
        n, dtype, rng = self.setting.samples, np.dtype(self.setting.dtype), np.random.default_rng(5)
        graph = GraphHarness(self._nodes, self._input, self.setting, self.loss or NO_LOSS, kernels)
        graph.store.initialize(7, self.registry)
        for key, array in graph.store.arrays.items():
            graph.initial[key] = array + 0.1 * rng.normal(size=array.shape)
        x = batch_view(np.empty(n * prod(self._input), dtype), self._input, n, self.setting.order)
        x[...] = rng.normal(size=x.shape)
        x[(0,) * x.ndim] = x[(0,) * x.ndim] if self.special is None else self.special
        y_true = np.zeros(n)
        if self.loss is not None and self._sort is not None:
            y = drawn(self.loss, self._sort, self._pair, 3, n).y
            y_true = prepared(self.loss, y, self._pair.shape, dtype, "batch_first")
        graph.place(x, y_true, rng.uniform(size=n).astype(dtype) if self.weighted else None)
        graph.step()
        y_pred, losses = graph.outputs()
        return {"y": y_pred, "losses": losses} | graph.gradients()


def _optimizer_passes(subject: Subject, special: float | None) -> Iterator[tuple[str, str, Pass]]:
    """Six updates of vectors of each size and type."""
    for (optimizer,), dtype, size in product(_replaced(subject), DTYPES, VECTORS):

        def compute(
            kernels: Kernels,
            optimizer: Any = optimizer,
            dtype: str = dtype,
            size: int = size,
        ) -> dict[str, Array]:
            rng = np.random.default_rng(size)
            w = rng.normal(size=size).astype(dtype)
            slopes = rng.normal(size=(6, size)).astype(dtype)
            slopes[3:, 0] = 0 if special is None else special
            dw = np.empty_like(w)
            update = Update(optimizer, w, dw, 6, kernels=kernels)
            for step, slope in enumerate(slopes, start=1):
                dw[...] = slope
                with calling("the update"):
                    update(step)
            return {"w": w, **update.state}

        yield f"{size} parameters, {dtype}, {optimizer!r}", dtype, compute


def _regularizer_passes(subject: Subject, special: float | None) -> Iterator[tuple[str, str, Pass]]:
    """The gradient of parameters of each shape and type."""
    for (regularizer,), dtype, shape in product(_replaced(subject), DTYPES, PARAMETER_SHAPES):

        def compute(
            kernels: Kernels,
            regularizer: Any = regularizer,
            dtype: str = dtype,
            shape: Shape = shape,
        ) -> dict[str, Array]:
            harness = RegularizerHarness(regularizer, shape, dtype, kernels)
            w = weights(shape)
            w.flat[0] = 0 if special is None else special
            harness.place(w, np.random.default_rng(37).normal(size=shape))
            return {"dw": harness.step()}

        yield f"w of shape {shape}, {dtype}, {regularizer!r}", dtype, compute


@check
def replaces_its_components(subject: Subject) -> None:
    """Takes over in the usual case, in float32 and in float64."""
    taken = {each.dtype for each in comparisons(subject)}
    if not taken:
        raise CheckFailed(
            "it never takes over: bind returns None, or suits False, wherever the kit tries it; "
            "declare example_shapes that it is made for"
        )
    missing = set(DTYPES) - taken
    if missing:
        raise CheckFailed(f"it never takes over in {', '.join(missing)}")


@check
def leaves_what_it_reads_alone(subject: Subject) -> None:
    """Writes to nothing but what it is to fill."""
    with only(ReadOnlyWrittenError):
        found = comparisons(subject)
    for each in found:
        if each.changed:
            raise CheckFailed(f"it writes to {', '.join(each.changed)}: {each.label}")


@check
def equals_its_components(subject: Subject) -> None:
    """Gives what the components give, but for rounding, in every setting that it takes over."""
    for each in comparisons(subject):
        _compare(subject, each)


@check
def passes_non_finite_numbers_on(subject: Subject) -> None:
    """Gives NaN and infinity where the components do, so that a divergence is found."""
    for special in (np.nan, np.inf):
        for each in comparisons(subject, special):
            if subject.instance.compiled:
                _compare(subject, each)
            for name, wanted in each.apart.items():
                if not np.array_equal(np.isfinite(each.joint[name]), np.isfinite(wanted)):
                    raise CheckFailed(
                        f"{name} is not NaN or infinite where the components give such numbers, or "
                        f"elsewhere: {each.label}"
                    )


@check
def repeats_its_bits(subject: Subject) -> None:
    """Gives the same bits each time."""
    for each in comparisons(subject):
        for name, array in each.joint.items():
            if not same(array, each.again[name]):
                raise CheckFailed(f"{name} differs from one time to the next: {each.label}")


CHECKS = (
    leaves_what_it_reads_alone,
    replaces_its_components,
    equals_its_components,
    passes_non_finite_numbers_on,
    repeats_its_bits,
)


def _compare(subject: Subject, each: Comparison) -> None:
    exact = each.dtype == "float64" and not subject.instance.compiled
    tolerance = LESS_ROUNDING if exact else ROUNDING[each.dtype]
    for name, wanted in each.apart.items():
        fault = difference(each.joint[name], wanted, tolerance)
        if fault:
            raise CheckFailed(f"{name} is not what the components give: {fault}; {each.label}")
