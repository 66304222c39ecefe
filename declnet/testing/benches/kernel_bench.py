"""One kernel with its arrays, beside the components that it replaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.state import OptimizerState
from declnet.testing.benches.fusion_bench import FusionBench
from declnet.testing.benches.fusion_bench import shapes_of as fusion_shapes
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import accepted_shapes
from declnet.testing.benches.loss_data import drawn, sort_of
from declnet.testing.benches.optimizer_bench import RATE, OptimizerBench
from declnet.testing.benches.plain_benches import PARAMETER_SHAPES, weights
from declnet.testing.failures import CheckSkipped, calling
from declnet.testing.settings import ORDERS, Setting, copied
from declnet.testing.subjects import Subject

SAMPLES = (1, 6, 700)
"""Sizes of batches; the largest is more than a kernel takes at a time."""

VECTORS = (1, 13, 1000)
"""Sizes of parameter vectors."""


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
    changed: list[str] = field(default_factory=list)


def settings() -> Iterator[Setting]:
    """Both float types, several sizes of batches, every memory order."""
    for dtype, samples, orders in product(("float32", "float64"), SAMPLES, ORDERS):
        yield Setting(samples, samples, 0, dtype, *orders)


def comparisons(subject: Subject, special: float | None = None) -> list[Comparison]:
    """The kernel and its components side by side; settings that the kernel leaves out are not in.

    Args:
        subject: a kernel.
        special: what the first number of the input is, e.g. NaN; default: one like the others.

    Raises:
        CheckSkipped: the kernel cannot be used on this machine.
    """
    reason = subject.instance.unavailable()
    if reason is not None:
        raise CheckSkipped(reason)
    found = subject.once(
        f"comparisons {special}",
        lambda: list(_BY_KIND[subject.instance.replaces](subject, special)),
    )
    return [each for each in found if each is not None]


def _components(subject: Subject) -> list[Any]:
    kernel = subject.instance
    return [getattr(kernel, name) for name in type(kernel).model_fields]


def _of_layers(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    layers = _components(subject)
    shapes = (*accepted_shapes(layers[0]), *subject.instance.example_shapes)
    for shape, setting, wanted in product(shapes, settings(), (True, False)):
        label = f"input shape {shape}, {setting}, dx {'wanted' if wanted else 'not wanted'}"
        apart, joint, again = (_chain(subject, layers, shape, setting) for _ in range(3))
        rng = np.random.default_rng(5)
        x = rng.normal(size=(setting.samples, *shape))
        dy = rng.normal(size=(setting.samples, *apart[-1].output))
        x.flat[0] = x.flat[0] if special is None else special
        outputs = _run_apart(apart, x, dy, wanted)
        found = [_run_joint(subject, chain, x, dy, wanted) for chain in (joint, again)]
        if found[0] is None or found[1] is None:
            yield None
            continue
        changed = [] if np.array_equal(joint[0].x[0], apart[0].x[0], equal_nan=True) else ["x"]
        yield Comparison(label, setting.dtype, outputs, found[0], found[1], changed)


def _chain(subject: Subject, layers: list[Any], shape: Any, setting: Setting) -> list[LayerBench]:
    benches: list[LayerBench] = []
    for layer in layers:
        benches.append(LayerBench(Subject(layer, 0, subject.registry), shape, setting))
        shape = benches[-1].output
    return benches


def _run_apart(chain: list[LayerBench], x: Array, dy: Array, wanted: bool) -> dict[str, Array]:
    for bench in chain:
        bench.place(LayerData((x,), np.zeros((len(x), *bench.output))))
        x = bench.forward()
    outputs = {"y": x}
    for position, bench in reversed(list(enumerate(chain))):
        bench.dy[...] = dy
        filled = bench.backward((wanted or position > 0,))
        outputs |= {f"{name} of layer {position}": array for name, array in filled.items()}
        dy = filled.get("dx", dy)
        outputs.pop(f"dx of layer {position}" if position else "", None)
    return outputs


def _run_joint(
    subject: Subject, chain: list[LayerBench], x: Array, dy: Array, wanted: bool
) -> dict[str, Array] | None:
    kernel, first, last = subject.instance, chain[0], chain[-1]
    for bench in chain:
        values = x if bench is first else np.zeros((len(x), *bench.shapes[0]))
        bench.place(LayerData((values,), np.zeros((len(x), *bench.output))))
    last.dy[...] = dy
    states = [bench.state for bench in chain]
    dx = first.dx[0] if wanted else None
    with calling("bind_forward"):
        forward = kernel.bind_forward(first.x[0], last.y, states)
    with calling("bind_backward"):
        backward = kernel.bind_backward(
            first.x[0] if "x" in first.layer.backward_needs else None,
            last.y if "y" in last.layer.backward_needs else None,
            last.dy,
            dx,
            states,
        )
    if forward is None or backward is None:
        return None
    outputs: dict[str, Array] = {}
    with calling("the calls"):
        for call in forward:
            call()
        outputs["y"] = copied(last.y)
        for call in backward:
            call()
    if dx is not None:
        outputs["dx of layer 0"] = copied(dx)
    for position, bench in enumerate(chain):
        for name, array in bench.gradients.items():
            outputs[f"grad.{name} of layer {position}"] = copied(array)
    return outputs


def _of_fusion(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    kernel = subject.instance
    fusion = Subject(kernel.fusion, 0, subject.registry)
    for shape, setting in product(fusion_shapes(fusion), settings()):
        label = f"input shape {shape}, {setting}"
        bench = FusionBench(fusion, shape, setting)
        n, loss = setting.samples, kernel.fusion.loss
        sort = sort_of(loss, bench.output) or "normal"
        y = np.concatenate([drawn(loss, sort, bench.output, seed).y for seed in range(n // 10 + 1)])
        x = np.random.default_rng(11).normal(size=(n, *shape))
        x.flat[0] = x.flat[0] if special is None else special
        shares = np.random.default_rng(13).uniform(size=n).astype(setting.dtype)
        bench.place(x, y[:n])
        apart = bench.forward() | bench.backward()
        apart["dx"] = apart["dx"] * shares.reshape(-1, *[1] * len(shape))
        found = []
        for _ in range(2):
            bench.place(x, y[:n])
            y_true = copied(bench.y_true)
            with calling("bind"):
                calls = kernel.bind(bench.x, bench.y_true, bench.y, bench.losses, shares, bench.dx)
            if calls is None:
                break
            with calling("the calls"):
                for call in calls:
                    call()
            found.append({name: copied(getattr(bench, name)) for name in ("y", "losses", "dx")})
        if len(found) < 2:
            yield None
            continue
        kept = {"x": (bench.x, x.astype(setting.dtype)), "y_true": (bench.y_true, y_true)}
        changed = [name for name, pair in kept.items() if not np.array_equal(*pair, equal_nan=True)]
        yield Comparison(label, setting.dtype, apart, found[0], found[1], changed)


def _of_optimizer(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    (optimizer,) = _components(subject)
    for dtype, size in product(("float32", "float64"), VECTORS):
        rng = np.random.default_rng(size)
        w = rng.normal(size=size).astype(dtype)
        slopes = rng.normal(size=(6, size)).astype(dtype)
        slopes[3:, 0] = 0 if special is None else special
        bench = OptimizerBench(optimizer, w)
        bench.run(slopes)
        apart = {"w": bench.w, **bench.state}
        found = [_updated(subject, optimizer, w, slopes) for _ in range(2)]
        if found[0] is None or found[1] is None:
            yield None
        else:
            yield Comparison(f"{size} parameters, {dtype}", dtype, apart, found[0], found[1])


def _updated(subject: Subject, optimizer: Any, w: Array, slopes: Array) -> dict[str, Array] | None:
    w, dw = w.copy(), np.empty_like(w)
    state = OptimizerState((w[:0], w[:0]))
    arrays = {name: np.zeros_like(w) for name in optimizer.state_names()}
    for name, array in arrays.items():
        setattr(state, name, array)
    with calling("bind"):
        update = subject.instance.bind(w, dw, state)
    if update is None:
        return None
    for step, slope in enumerate(slopes, start=1):
        dw[...] = slope
        with calling("the update"):
            update(RATE, step)
    return {"w": w, **arrays}


def _of_regularizer(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    (regularizer,) = _components(subject)
    for dtype, shape in product(("float32", "float64"), PARAMETER_SHAPES):
        w = weights(shape).astype(dtype)
        w.flat[0] = 0 if special is None else special
        before = np.random.default_rng(37).normal(size=shape).astype(dtype)
        apart = before.copy()
        regularizer.add_gradient(w, apart)
        found, handed = [], w.copy()
        for _ in range(2):
            dw = before.copy()
            with calling("bind"):
                calls = subject.instance.bind(handed, dw)
            if calls is None:
                break
            for call in calls:
                call()
            found.append({"dw": dw})
        if len(found) < 2:
            yield None
            continue
        changed = [] if np.array_equal(handed, w, equal_nan=True) else ["w"]
        label = f"w of shape {shape}, {dtype}"
        yield Comparison(label, dtype, {"dw": apart}, found[0], found[1], changed)


_BY_KIND = {
    "layer": _of_layers,
    "fusion": _of_fusion,
    "optimizer": _of_optimizer,
    "regularizer": _of_regularizer,
}
