"""What a kernel promises: the results of the components that it replaces, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.kernel import Call, Kernel, KernelCalls, KernelSite
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
from declnet.testing.common_checks import only
from declnet.testing.comparison import difference, same
from declnet.testing.examples import build_examples
from declnet.testing.harness import NO_LOSS, GraphHarness, call_locked, infer, probe
from declnet.testing.layers import USUAL_SHAPES
from declnet.testing.losses import Pair, drawn, prepared, sort_of
from declnet.testing.regularizers import PARAMETER_SHAPES, RegularizerHarness, weights
from declnet.testing.trial import BOTH_ORDERS, Setting, copied, poison

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
        known = {name: array for name, array in read.items() if array is not None}
        if site.losses is None:
            forward = self._watched(calls.forward, known, site.y)
            return KernelCalls(forward, self._watched(calls.backward, known, site.dx))
        forward = self._watched(calls.forward, known, site.y, site.losses, site.dx)
        return KernelCalls(forward, self._watched(calls.backward, {**known, "y": site.y}))

    def _watched(
        self, calls: Sequence[Call], read: Mapping[str, Array], *filled: Array | None
    ) -> tuple[Call, ...]:
        """Calls that may only read some arrays, after those that spoil what they are to fill."""
        spoiled = [
            partial(poison, array, np.nan)
            for array in filled
            if array is not None and not any(np.may_share_memory(array, x) for x in read.values())
        ]
        return (*spoiled, *(partial(self._call, call, read) for call in calls))

    def _call(self, call: Call, read: Mapping[str, Array]) -> None:
        """Make a call; compiled ones are made for arrays that can be written to, so compare."""
        if not self._compiled:
            call_locked("a call of the kernel", call, read)
            return
        before = {name: copied(array) for name, array in read.items()}
        with calling("a call of the kernel"):
            call()
        self.written += [name for name, array in read.items() if not same(before[name], array)]


class Comparison(NamedTuple):
    """What a kernel and its components filled in one setting.

    Attributes:
        label: the setting, in words.
        dtype: of the arrays.
        apart: arrays by name, from the components.
        joint: the same from the kernel.
        again: the same from the kernel, bound a second time.
        written: names of arrays that the kernel wrote to and may not.
    """

    label: str
    dtype: str
    apart: dict[str, Array]
    joint: dict[str, Array]
    again: dict[str, Array]
    written: list[str]


_Pass = tuple[str, str, Callable[[Kernels], dict[str, Array]]]
"""A label and a float type, and what computes with kernels and returns what was filled."""


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
    for components in _replaced(subject):
        passes = kinds.get(kernel.replaces[0].kind, _layer_passes)
        for label, dtype, compute in passes(subject, components, special):
            kernels = WatchedKernels(kernel)
            joint = compute(kernels)
            if kernels.used:
                apart, again = compute(WatchedKernels(None)), compute(WatchedKernels(kernel))
                label = f"{label}, {dtype}, {', '.join(map(repr, components))}"  # noqa: PLW2901
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


def _layer_passes(
    subject: Subject, components: tuple[Any, ...], special: float | None
) -> Iterator[_Pass]:
    """A step with each input shape, batch, type, order of memory, neighbor, and sort of weights."""
    loss = components[-1] if isinstance(components[-1], Loss) else None
    layers = components[:-1] if loss is not None else components
    for shape, first in product((*USUAL_SHAPES, *subject.instance.example_shapes), (True, False)):
        for n, order, dtype in product(BATCHES, BOTH_ORDERS, DTYPES):
            before = [] if first else [probe(order, name="before", shape=shape, samples=n)]
            after = [probe(order, name="after", samples=n)] if loss is None else []
            given = shape if first else (prod(shape),)
            try:
                nodes = infer([*before, *layers, *after], given, subject.registry)
            except CheckFailed:  # the layers' own checks say so
                continue
            output = nodes[-1].output_shape
            pair = Pair(output, () if loss is not None and loss.targets == "classes" else output)
            sort = None if loss is None else sort_of(loss, pair)
            if loss is not None and sort is None:
                continue
            setting = Setting(samples=n, dtype=dtype, input_order=order, order=order)
            for weighted in (False, True) if loss is not None else (False,):

                def compute(
                    kernels: Kernels,
                    nodes: Any = nodes,
                    given: Shape = given,
                    setting: Setting = setting,
                    targets: Any = (sort, pair),
                    weighted: bool = weighted,
                ) -> dict[str, Array]:
                    graph = GraphHarness(nodes, given, setting, loss or NO_LOSS, kernels)
                    return _step(graph, given, subject.registry, loss, targets, weighted, special)

                where = "first" if first else "below another layer"
                more = ", weighted" if weighted else ""
                yield f"{where}, input shape {shape}, {n} samples, {order}{more}", dtype, compute


def _step(
    graph: GraphHarness,
    shape: Shape,
    registry: Registry,
    loss: Loss | None,
    targets: tuple[Any, Pair],
    weighted: bool,
    special: float | None,
) -> dict[str, Array]:
    """Run one step of a graph on random data; return all that it filled."""
    n, order, dtype = graph.setting.samples, graph.setting.order, np.dtype(graph.setting.dtype)
    rng = np.random.default_rng(5)
    graph.store.initialize(7, registry)
    for key, array in graph.store.arrays.items():
        graph.initial[key] = array + 0.1 * rng.normal(size=array.shape)
    x = batch_view(np.empty(n * prod(shape), dtype), shape, n, order)
    x[...] = rng.normal(size=x.shape)
    if special is not None:
        x[(0,) * x.ndim] = special
    y_true, (sort, pair) = np.zeros(n), targets
    if loss is not None:
        y_true = prepared(loss, drawn(loss, sort, pair, 3, n).y, pair.shape, dtype, "batch_first")
    graph.place(x, y_true, rng.uniform(size=n).astype(dtype) if weighted else None)
    y_pred, losses = graph.forward()
    return {"y": y_pred, "losses": losses} | graph.backward()


def _optimizer_passes(
    subject: Subject,  # noqa: ARG001
    components: tuple[Any, ...],
    special: float | None,
) -> Iterator[_Pass]:
    """Six updates of vectors of each size and type."""
    for dtype, size in product(DTYPES, VECTORS):

        def compute(kernels: Kernels, dtype: str = dtype, size: int = size) -> dict[str, Array]:
            rng = np.random.default_rng(size)
            w, slopes = rng.normal(size=size).astype(dtype), rng.normal(size=(6, size))
            slopes[3:, 0] = 0 if special is None else special
            dw = np.empty_like(w)
            update = Update(components[0], w, dw, len(slopes), kernels=kernels)
            for step, slope in enumerate(slopes, start=1):
                dw[...] = slope
                with calling("the update"):
                    update(step)
            return {"w": w, **update.state}

        yield f"{size} parameters", dtype, compute


def _regularizer_passes(
    subject: Subject,  # noqa: ARG001
    components: tuple[Any, ...],
    special: float | None,
) -> Iterator[_Pass]:
    """The gradient of parameters of each shape and type."""
    for dtype, shape in product(DTYPES, PARAMETER_SHAPES):

        def compute(kernels: Kernels, dtype: str = dtype, shape: Shape = shape) -> dict[str, Array]:
            w, before = weights(shape), np.random.default_rng(37).normal(size=shape)
            w.flat[0] = 0 if special is None else special
            harness = RegularizerHarness(components[0], shape, dtype, kernels)
            return {"dw": harness.gradient(w, before, locked=False)}

        yield f"w of shape {shape}", dtype, compute


@check
def leaves_what_it_reads_alone(subject: Subject) -> None:
    """Writes to nothing but what it is to fill."""
    with only(ReadOnlyWrittenError):
        found = comparisons(subject)
    for each in found:
        if each.written:
            raise CheckFailed(f"it writes to {', '.join(each.written)}: {each.label}")


@check
def replaces_its_components(subject: Subject) -> None:
    """Takes over in the usual case, in float32 and in float64."""
    missing = set(DTYPES) - {each.dtype for each in comparisons(subject)}
    if missing:
        raise CheckFailed(
            f"it never takes over in {' and '.join(sorted(missing))}: bind returns None, or suits "
            "False, wherever the kit tries it; declare example_shapes that it is made for"
        )


@check
def equals_its_components(subject: Subject) -> None:
    """Gives what the components give, but for rounding, in every setting that it takes over."""
    for each in comparisons(subject):
        _require_close(subject, each)


@check
def passes_non_finite_numbers_on(subject: Subject) -> None:
    """Gives NaN and infinity where the components do, so that a divergence is found."""
    for special in (np.nan, np.inf):
        for each in comparisons(subject, special):
            if subject.instance.compiled:
                _require_close(subject, each)
            for name, wanted in each.apart.items():
                if not same(np.isfinite(each.joint[name]), np.isfinite(wanted)):
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


def _require_close(subject: Subject, each: Comparison) -> None:
    exact = each.dtype == "float64" and not subject.instance.compiled
    tolerance = LESS_ROUNDING if exact else ROUNDING[each.dtype]
    for name, wanted in each.apart.items():
        fault = difference(each.joint[name], wanted, tolerance)
        if fault:
            raise CheckFailed(f"{name} is not what the components give: {fault}; {each.label}")
