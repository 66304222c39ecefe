"""Why a loss is NaN or infinite: the first call that makes a value non-finite from finite ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import broken_contract, component_method
from declnet.contracts.component import Component
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import samples_of
from declnet.contracts.network.layer import Elementwise
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.network.parameter import LayerState, Regularizer
from declnet.contracts.returned import BrokenContractError
from declnet.errors import DivergenceError
from declnet.graph.model import Model
from declnet.graph.parameters import group_of, initializer_of
from declnet.graph.step import Step
from declnet.graph.update import Update
from declnet.registry.registry import Registry
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.training.evaluation import BatchLosses
from declnet.training.preparation import Prepared, ReadySet

WRITTEN = {
    ("layer", "forward"): (1, "the output"),
    ("layer", "backward"): (3, "the gradient of the input"),
    ("loss", "forward"): (2, "the losses"),
    ("loss", "backward"): (2, "the gradient of the predictions"),
    ("regularizer", "add_gradient"): (1, "the gradient"),
}
"""The position of the argument that a method of a kind of component fills, and what it is."""

LARGE = 1e10
"""Data with larger numbers makes sums of squares overflow in float32."""


@dataclass(frozen=True, eq=False)
class Culprit:
    """What made a value non-finite from finite ones.

    Attributes:
        component: the component; None if the values came from a file, or a sum overflowed.
        method: its method.
        what: what became non-finite, e.g. `the output of "dense_1"`.
        values: `NaN` or `infinite`.
        layer: the layer's name; None if it is not a layer.
        overflowed: whether a number became too large for its type.
        largest: the largest number among the parameters before the step.
        in_data: the largest number in the batch.
    """

    component: Component | None
    method: str
    what: str
    values: str
    layer: str | None = None
    overflowed: bool = False
    largest: float = 0.0
    in_data: float = 0.0


def culprit_of_step(prepared: Prepared, step: Step, update: Update, number: int) -> Culprit | None:
    """Execute a step and its update, checking the result of each call.

    Args:
        step: bound to the components, without kernels.
        number: the number of the update, from 1.

    Returns:
        The first culprit; None if everything remains finite.
    """
    spec, model, errors = prepared.spec, prepared.model, _FloatErrors()
    calls = _CheckedCalls(model, spec.heads, step.batch.states, errors)
    before = largest(model.store.vector)
    in_data = max(map(largest, (*step.x.values(), *step.y_true)))
    with errors.recorded():
        culprit = (
            _culprit_in_data(spec, step)
            or non_finite_parameter(model, prepared.registry if number == 1 else None)
            or calls.first(step.bound_calls)
            or calls.first_mean(step.means())
            or _culprit_of_penalty(model, errors)
            or _culprit_of_update(spec.optimizer, model, update, number, errors)
        )
    return culprit and replace(culprit, largest=before, in_data=in_data)


def culprit_of_evaluation(model: Model, heads: Sequence[Head], data: ReadySet) -> Culprit | None:
    """Evaluate a model, checking the result of each call; return the first culprit, or None."""
    errors, size = _FloatErrors(), min(len(data), model.samples_at_once)
    batches = BatchLosses(model, heads, size)
    with errors.recorded():
        for part in data.parts():
            for start in range(0, len(part), size):
                chosen = slice(start, start + size)
                x, y_true = samples_of(part.x, chosen), [y_true[chosen] for y_true in part.y_true]
                weights = None if part.weights is None else part.weights[chosen]
                calls, batch = batches.calls_on(x, y_true)
                checked = _CheckedCalls(model, heads, batch.states, errors)
                culprit = checked.first(calls) or checked.first_mean(
                    batches.means(len(y_true[0]), weights)[0]
                )
                if culprit is not None:
                    in_data = max(map(largest, (*x.values(), *y_true)))
                    return replace(culprit, largest=largest(model.store.vector), in_data=in_data)
        return _culprit_of_penalty(model, errors)


def non_finite_parameter(model: Model, initializers: Registry | None = None) -> Culprit | None:
    """Return the first parameter that is not finite; None if all are finite.

    Args:
        initializers: where the initializers are looked up that filled the parameters; None if the
            parameters have changed since then.
    """
    for slot in model.store.slots:
        array = model.store.arrays[slot.key]
        if not np.isfinite(array).all():
            culprit = Culprit(None, "", slot.key, _values(array), model.nodes[slot.node].name)
            if initializers is None:
                return culprit
            if slot.key in model.loaded:
                return replace(culprit, what=f"{slot.key} of initial_weights")
            component = initializer_of(slot.parameter, initializers)
            return replace(culprit, component=component, method="fill")
    return None


def _culprit_of_penalty(model: Model, errors: _FloatErrors) -> Culprit | None:
    for slot in model.store.regularized:
        regularizer, w = slot.parameter.regularizer, model.store.arrays[slot.key]
        if regularizer is not None:
            errors.begin()
            penalty = np.array([regularizer.penalty(w)], float)
            if not np.isfinite(penalty).all():
                return errors.culprit(regularizer, "penalty", f"the penalty of {slot.key}", penalty)
    return None


class _FloatErrors:
    """The first floating-point error of a call, as NumPy reports it."""

    _component: type[Component] | None

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the errors of the calls so far."""
        self._kind, self._component, self._method = "", None, ""

    def recorded(self) -> np.errstate:
        """Return the context in which errors are noted."""
        return np.errstate(
            call=self._note, over="call", divide="call", invalid="call", under="ignore"
        )

    def _note(self, kind: str, _flag: int) -> None:
        if self._kind:
            return
        self._kind, frame = kind, sys._getframe(1)
        while frame.f_back is not None:
            running = component_method(frame)
            if running is not None:
                self._component, self._method = running
                return
            frame = frame.f_back

    def culprit(
        self, component: Component, method: str, what: str, array: Array, layer: str | None = None
    ) -> Culprit:
        """Return a component as the culprit, with the method that the first error was in.

        Args:
            array: has values that are not finite.
        """
        if self._component is type(component):
            method = self._method
        elif getattr(type(component), method) is getattr(Elementwise, method, None):
            method = {"forward": "value", "backward": "derivative"}[method]
        overflowed = self._kind == "overflow" if self._kind else not np.isnan(array).any()
        return Culprit(component, method, what, _values(array), layer, overflowed)


class _CheckedCalls:
    """Calls of components on the arrays of a batch, whose results are checked one by one."""

    def __init__(
        self,
        model: Model,
        heads: Sequence[Head],
        states: Sequence[LayerState],
        errors: _FloatErrors,
    ) -> None:
        self._model, self._heads, self._errors = model, heads, errors
        self._nodes = {id(state): node for node, state in zip(model.nodes, states, strict=True)}

    def first(self, calls: Iterable[Call]) -> Culprit | None:
        """Make the calls up to the first culprit, if there is one."""
        for call in calls:
            self._errors.begin()
            call()
            component = getattr(getattr(call, "func", None), "__self__", None)
            for what, array, layer in self._written(call):
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    if not isinstance(component, Component):
                        return Culprit(None, "", what, _values(array), overflowed=True)
                    method: str = call.func.__name__  # type: ignore[attr-defined]  # a bound method
                    return self._errors.culprit(component, method, what, array, layer)
        return None

    def first_mean(self, means: Sequence[float]) -> Culprit | None:
        """Return the first loss whose mean is not finite although its values are."""
        for head, mean in zip(self._heads, means, strict=True):
            if not math.isfinite(mean):
                what, values = "the mean of the losses", _values(np.array(mean))
                return Culprit(head.loss, "forward", what, values, None, overflowed=True)
        return None

    def _written(self, call: Call) -> Iterator[tuple[str, Array, str | None]]:
        """Yield the arrays that a call has filled, each with what it is and the layer's name."""
        if not isinstance(call, partial):
            arrays = (array for array in vars(call).values() if isinstance(array, np.ndarray))
            yield from (("the normalized sample weights", array, None) for array in arrays)
            return
        component = getattr(call.func, "__self__", None)
        if not isinstance(component, Component):
            arrays = (array for array in call.args if isinstance(array, np.ndarray))
            yield from (("a sum or product of gradients", array, None) for array in arrays)
            return
        position, what = WRITTEN[component.kind, call.func.__name__]
        filled, layer = call.args[position], None
        state = next((argument for argument in call.args if isinstance(argument, LayerState)), None)
        if state is not None:
            node = self._nodes[id(state)]
            layer, what = node.name, f'{what} of "{node.name}"'
        if isinstance(component, Regularizer):
            arrays_by_key = self._model.store.arrays.items()
            what = f"{what} of {next(key for key, w in arrays_by_key if w is call.args[0])}"
        for array in filled if isinstance(filled, tuple) else (filled,):
            if array is not None:
                yield what, array, layer
        if state is None or state.frozen:
            return
        if call.func.__name__ == "backward":
            yield from _named(vars(state.grad), f"the gradient of {layer}.", layer)
        else:
            parameters = {name: getattr(state, name) for name in node.parameters}
            yield from _named(parameters, f"{layer}.", layer)


def _culprit_in_data(spec: RunSpec, step: Step) -> Culprit | None:
    for name, x in step.x.items():
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            varying = [transform for transform in spec.data.prepare if transform.training_only]
            what = f'the input "{name}"' if name else "x"
            return Culprit(varying[-1] if varying else None, "vary", what, _values(x))
    for head, y_true in zip(spec.heads, step.y_true, strict=True):
        if y_true.dtype.kind == "f" and not np.isfinite(y_true).all():
            return Culprit(head.loss, "prepare", "y_true", _values(y_true))
    return None


def _culprit_of_update(
    optimizer: Optimizer, model: Model, update: Update, number: int, errors: _FloatErrors
) -> Culprit | None:
    errors.begin()
    update(number)
    for slot in model.store.slots:
        array = model.store.arrays[slot.key]
        if not np.isfinite(array).all():
            group = group_of(slot.key, optimizer.groups)
            member = optimizer.groups[group].optimizer if group >= 0 else optimizer
            return errors.culprit(member, "update", slot.key, array)
    return None


def _named(
    arrays: Mapping[str, Any], before: str, layer: str | None
) -> Iterator[tuple[str, Array, str | None]]:
    yield from ((f"{before}{name}", array, layer) for name, array in arrays.items())


def _values(array: Array) -> str:
    return "NaN" if np.isnan(array).any() else "infinite"


def largest(array: Any) -> float:
    """Return the largest magnitude in an array; 0 for an empty one, inf if one is not finite."""
    size = float(np.max(np.abs(array), initial=0))
    return size if math.isfinite(size) else math.inf


GROWN = 2.0
"""How much larger the largest parameter is than at first if the training has made it grow."""

RATE = "a smaller learning_rate often helps"


def divergence(
    epoch: int,
    loss: float,
    culprit: Culprit | None,
    registry: Registry,
    at_first: float | None = None,
) -> DivergenceError:
    """Return the error for a loss that is not finite.

    Args:
        epoch: the epoch whose forward pass, or whose update before an evaluation, gave that loss.
        culprit: what made a value non-finite; None if that is unknown.
        registry: knows the components' plugins.
        at_first: the largest number among the parameters when the training began; default: that
            before the step.
    """
    why, layer = "repeating the last steps did not show why", None
    if culprit is not None:
        layer, at_first = culprit.layer, culprit.largest if at_first is None else at_first
        why = _cause(culprit, registry, at_first)
    return DivergenceError(f"epoch {epoch}: the loss is {loss}: {why}", epoch, layer)


def _cause(culprit: Culprit, registry: Registry, at_first: float) -> str:
    """Describe what made a value non-finite, and what to do about it."""
    what, component, largest = culprit.what, culprit.component, culprit.largest
    if component is None and not culprit.overflowed:
        return f"{what} is {culprit.values}"
    fault = f"made {what} {culprit.values}, from finite values"
    if culprit.overflowed:
        fault = f"overflowed: it made {what} {culprit.values}"
    if component is None:
        cause = f"{what} overflowed"
    else:
        cause = broken_contract(BrokenContractError(component, culprit.method, fault), registry)
    if not culprit.overflowed:
        return cause
    if culprit.in_data >= LARGE:
        return f"{cause}; the batch has numbers up to {culprit.in_data:.3g}, so scale the data"
    if largest > GROWN * at_first:
        grown = f"the largest parameter grew from {at_first:.3g} to {largest:.3g}"
        return f"{cause}; {grown}, and {RATE}"
    if culprit.method == "update":
        return f"{cause}; {RATE}"
    return f"{cause}; the largest parameter is {largest:.3g}, as when the training began"
