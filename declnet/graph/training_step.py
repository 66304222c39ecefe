"""A training step that a program makes by hand, to test or to time components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.optimizer import Optimizer
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.parameters import view
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet.registry.registry import Registry
from declnet.spec.heads import Head


class TrainingStep:
    """A step of a training with one loss, a part at a time: forward, backward, update.

    The calls are the same as in training, in the same memory. `begin` comes first, then
    `forward`, then `backward`, then `update` if there is an optimizer.

    Args:
        model: the model, whose parameters are updated.
        loss: the loss of the model's output.
        samples: the most samples of a batch.
        seed: the seed of the layers' random streams.
        optimizer: the optimizer; default: none.
        kernels: where kernels that replace components are looked up, compiled ones too; default:
            no kernels.
        total: the number of steps in the whole training, for schedules.

    Attributes:
        parameters: the model's parameters by name, not copies.
        vector: those that are trained, flat; the arrays in `parameters` are views of it.
        gradient: their gradient, flat in the same order; `backward` overwrites it.
        optimizer_state: the optimizer's arrays, by `<parameter>:<name>`.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        samples: int,
        seed: int = 0,
        optimizer: Optimizer | None = None,
        kernels: Registry | None = None,
        total: int = 1,
    ) -> None:
        self._model, self._loss = model, loss
        usable = Kernels(kernels, compiled=kernels is not None)
        self._graph = TrainingGraph(model, (Head(UNNAMED, loss),), samples, seed, usable, total)
        self._rngs = [(rng, rng.bit_generator.state) for rng in self._graph.streams()]
        self._bound: dict[Any, tuple[list[Array], Step]] = {}
        self.parameters, self.vector = model.store.arrays, model.store.vector
        self.gradient = self._graph.gradient
        self._update, self._last_update = None, 1
        if optimizer is not None:
            self._update = Update(optimizer, model.store, self.gradient, total, kernels=usable)
        self.optimizer_state = {} if self._update is None else self._update.state

    def begin(
        self,
        x: Mapping[str, Array],
        y_true: Array,
        weights: Array | None = None,
        number: int = 1,
    ) -> None:
        """Begin a step on a batch, which is copied; the random streams start again.

        Args:
            x: the inputs by name, (n, *input shape) each; the name of a single one may be `""`.
            y_true: the targets, as `Loss.prepare` returned them.
            weights: the weight of each sample, (n,); None if all are equal.
            number: the number of the step, from 1, for schedules.
        """
        for rng, state in self._rngs:
            rng.bit_generator.state = state
        self._graph.schedules.begin(number)
        batch = [*x.values(), y_true, *(() if weights is None else (weights,))]
        layout = tuple((array.shape, array.strides, array.dtype) for array in batch)
        if layout not in self._bound:
            copies = [np.copy(array, order="K") for array in batch]
            inputs = dict(zip(x, copies, strict=False))
            targets, *sample_weights = copies[len(x) :]
            self._bound[layout] = copies, self._graph.step(inputs, [targets], *sample_weights)
        copies, self._step = self._bound[layout]
        for copy, array in zip(copies, batch, strict=True):
            copy[...] = array

    def forward(self) -> tuple[Array, Array]:
        """Run the calls up to the losses; return copies of the model's output and the losses.

        If a kernel computes the loss, it has computed its gradient, too.
        """
        functions = [getattr(call, "func", None) for call in self.calls]
        losses = [i for i, function in enumerate(functions, 1) if function == self._loss.forward]
        self._position = losses[0] if losses else len(functions)
        for call in self.calls[: self._position]:
            call()
        (y_pred,), (values,) = self._step.y_preds, self._step.losses
        return np.array(y_pred, order="C"), np.array(values)

    def backward(self) -> dict[str, Array]:
        """Run the calls after the losses; return copies of the gradients, by parameter."""
        for call in self.calls[self._position :]:
            call()
        slots = [slot for slot in self._model.store.slots if slot.offset >= 0]
        return {slot.key: np.array(view(self.gradient, slot), order="C") for slot in slots}

    def update(self, number: int) -> float:
        """Update the parameters by `gradient`; return the learning rate.

        Raises:
            ValueError: there is no optimizer.
        """
        if self._update is None:
            raise ValueError("the step has no optimizer")
        self._last_update = number
        return self._update(number)

    def evaluated(self) -> Array:
        """Return the parameters that are evaluated instead of `vector`, in the same order.

        Raises:
            ValueError: there is no optimizer.
        """
        if self._update is None:
            raise ValueError("the step has no optimizer")
        trained = self.vector.copy()
        self._update.evaluate(self._last_update)
        evaluated = self.vector.copy()
        self.vector[...] = trained
        return evaluated

    def mean_loss(self) -> float:
        """Return the mean of the losses that `forward` computed, by the samples' weights."""
        return self._step.loss()

    def penalty(self) -> float:
        """Return the regularization loss of the current parameters."""
        return self._graph.penalty()

    @property
    def calls(self) -> Sequence[Call]:
        """The calls of the step that `begin` prepared: forward, loss, backward."""
        return self._step.calls

    @property
    def update_calls(self) -> Sequence[Call]:
        """The calls of an update; none without an optimizer."""
        return () if self._update is None else self._update.calls
