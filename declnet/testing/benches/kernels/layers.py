"""A kernel of layers beside the layers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.testing.benches.kernels.comparison import Comparison, components, settings
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import accepted_shapes
from declnet.testing.failures import calling
from declnet.testing.settings import Setting, copied
from declnet.testing.subjects import Subject


def of_layers(subject: Subject, special: float | None) -> Iterator[Comparison | None]:
    """Each setting; None where the kernel leaves it out."""
    layers = components(subject)
    shapes = (*accepted_shapes(layers[0]), *subject.instance.example_shapes)
    for shape, setting, wanted in product(shapes, settings(), (True, False)):
        label = f"input shape {shape}, {setting}, dx {'wanted' if wanted else 'not wanted'}"
        apart, joint, again = (_chain(subject, layers, shape, setting) for _ in range(3))
        with calling("suits"):
            suits = subject.instance.suits([shape, *(each.output for each in apart)], wanted)
        if not suits:
            yield None
            continue
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
