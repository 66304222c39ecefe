"""One fusion with its arrays, beside the layer and the loss that it joins."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.testing.benches.layer_arrays import LayerData
from declnet.testing.benches.layer_bench import LayerBench
from declnet.testing.benches.layer_shapes import accepted_shapes
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.benches.loss_data import SAMPLES, drawn, sort_of
from declnet.testing.failures import CheckSkipped, calling
from declnet.testing.settings import USUAL, Block, Setting, copied
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial


class FusionBench:
    """A fusion's arrays for one input shape of its layer and one setting."""

    def __init__(self, subject: Subject, shape: Shape, setting: Setting = USUAL) -> None:
        self.fusion: Any = subject.instance
        self.subject, self.shape, self.setting = subject, shape, setting
        layer = self.fusion.layer
        self.output: Shape = tuple(layer.output_shape(shape))
        self._x = Block(shape, setting, setting.input_order)
        self._y, self._dx = Block(self.output, setting), Block(shape, setting)
        self._losses = Block((), setting)

    def place(self, x: Array, y: Array) -> None:
        """Fills x and y_true, and poisons y, losses and dx."""
        n, loss = len(x), self.fusion.loss
        with calling("the loss's prepare"):
            prepared = loss.prepare(y.copy(), self.output, np.dtype(self.setting.dtype))
            block = Block(prepared.shape[1:], self.setting, dtype=prepared.dtype)
            self.y_true = block.holding(prepared)
        self.x = self._x.holding(x)
        self.y, self.losses = self._y.poisoned(n), self._losses.poisoned(n)
        self.dx = self._dx.poisoned(n)

    def forward(self) -> dict[str, Array]:
        """Runs forward; returns copies of `y` and `losses`."""
        with calling("forward"):
            self.fusion.forward(self.x, self.y_true, self.y, self.losses)
        return {"y": copied(self.y), "losses": copied(self.losses)}

    def backward(self) -> dict[str, Array]:
        """Runs backward; returns a copy of `dx`."""
        with calling("backward"):
            self.fusion.backward(self.x, self.y, self.y_true, self.dx)
        return {"dx": copied(self.dx)}

    def apart(self, x: Array, y: Array) -> dict[str, Array]:
        """What layer and loss give one after the other: `y`, `losses` and `dx`."""
        layer = self.fusion.layer
        of_layer = Subject(layer, 0, self.subject.registry)
        bench = LayerBench(of_layer, self.shape, self.setting)
        bench.place(LayerData((x,), np.zeros((len(x), *self.output))))
        y_pred = bench.forward()
        loss = LossBench(self.fusion.loss, self.output, self.setting)
        losses, dy_pred = loss.run(LossData(y_pred, y))
        bench.dy[...] = dy_pred
        return {"y": y_pred, "losses": losses} | bench.backward()


def shapes_of(subject: Subject) -> tuple[Shape, ...]:
    """Input shapes that the fusion's layer accepts and whose output its loss accepts.

    Raises:
        CheckSkipped: there is none among the kit's usual ones.
    """
    shapes = subject.once("shapes", lambda: tuple(_accepted(subject)))
    if not shapes:
        raise CheckSkipped("its layer and loss accept no usual shape together")
    return shapes


def _accepted(subject: Subject) -> list[Shape]:
    layer, loss = subject.instance.layer, subject.instance.loss
    accepted = []
    for shape in accepted_shapes(layer):
        output = tuple(layer.output_shape(shape))
        if len(output) == 1 and sort_of(loss, output) is not None:
            accepted.append(shape)
    return accepted


def data_for(subject: Subject, shape: Shape, seed: int = 0) -> tuple[Array, Array]:
    """Random x and y, `SAMPLES` of them; x is far from where a layer saturates."""
    loss, output = subject.instance.loss, tuple(subject.instance.layer.output_shape(shape))
    sort = subject.once(f"sort {shape}", lambda: sort_of(loss, output)) or "normal"
    y = drawn(loss, sort, output, seed).y
    return np.random.default_rng([seed, 11]).normal(size=(SAMPLES, *shape)), y


def try_fusion(subject: Subject, setting: Setting) -> Trial:
    """Runs forward and backward with each input shape."""
    trial = Trial()
    for shape in shapes_of(subject):
        suffix = f" for input shape {shape}"
        bench = FusionBench(subject, shape, setting)
        x, y = data_for(subject, shape)
        if setting.before:
            bench.place(x[: setting.before], y[: setting.before])
            bench.forward()
            bench.backward()
        bench.place(x[: setting.samples], y[: setting.samples])
        note = trial.watch({"x": bench.x, "y_true": bench.y_true}, suffix)
        outputs = bench.forward()
        after = trial.watch({"y": bench.y}, f" by backward{suffix}")
        outputs |= bench.backward()
        note()
        after()
        trial.outputs |= {name + suffix: array for name, array in outputs.items()}
    return trial
