"""Checks on the return values of layers, losses, optimizers and the other parts of a network."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.network.inputs import IntegerLimit
from declnet.contracts.network.parameter import (
    RESERVED,
    Initializer,
    Parameter,
    Regularizer,
    Workspace,
)
from declnet.contracts.number_or import NumberOr
from declnet.contracts.returned import (
    BrokenContractError,
    array_of_rows,
    is_number,
    is_shape,
    is_whole,
    refuse,
    shown,
)

ROLES = ("weight", "bias", "scale")


def checked_layer(layer: Component, adapted: Any) -> Any:
    """Return the result of `Layer.with_input_info`: a layer of the same class."""
    if type(adapted) is not type(layer):
        refuse(layer, "with_input_info", adapted, f"a {type(layer).__name__}")
    return adapted


def checked_shape(layer: Component, shape: Any) -> Shape:
    """Return the result of `Layer.output_shape`: a tuple of sizes of at least 1."""
    if not isinstance(shape, tuple) or not all(map(is_whole, shape)):
        refuse(layer, "output_shape", shape, "a tuple of integers")
    if any(size < 1 for size in shape):
        refuse(layer, "output_shape", shape, "sizes of at least 1")
    return tuple(map(operator.index, shape))


def checked_parameters(layer: Component, parameters: Any) -> dict[str, Parameter]:
    """Return the result of `Layer.parameters`: `Parameter` instances by name."""
    for name, parameter in _named(layer, "parameters", parameters, Parameter):
        fault = _parameter_fault(parameter)
        if fault is not None:
            raise BrokenContractError(layer, "parameters", f'returned "{name}", {fault}')
    return dict(parameters)


def checked_workspace(
    layer: Component, workspace: Any, parameters: Mapping[str, Parameter]
) -> dict[str, Workspace]:
    """Return the result of `Layer.workspace`: arrays by name, none with the name of a parameter."""
    for name, array in _named(layer, "workspace", workspace, Workspace):
        if name in parameters:
            fault = f'returned "{name}", which is the name of a parameter already'
            raise BrokenContractError(layer, "workspace", fault)
        if not is_shape(array.shape):
            fault = f'returned "{name}", whose shape {shown(array.shape)} is not a tuple of sizes'
            raise BrokenContractError(layer, "workspace", fault)
        try:
            np.dtype(array.dtype)
        except TypeError:
            fault = f'returned "{name}", whose dtype {shown(array.dtype)} NumPy does not know'
            raise BrokenContractError(layer, "workspace", fault) from None
    return dict(workspace)


def checked_limits(layer: Component, limits: Any, inputs: int) -> tuple[IntegerLimit | None, ...]:
    """Return the result of `Layer.integer_limits`, with None for each input without a limit."""
    is_tuple = isinstance(limits, tuple) and len(limits) <= inputs
    if not is_tuple or not all(isinstance(each, IntegerLimit | None) for each in limits):
        refuse(layer, "integer_limits", limits, f"a tuple of up to {inputs} IntegerLimit or None")
    return (*limits, *[None] * (inputs - len(limits)))


def _named(layer: Component, method: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the items of a dict whose keys can be attributes of a layer's state."""
    if not isinstance(value, Mapping):
        refuse(layer, method, value, f"a dict from names to {kind.__name__}")
    for name, item in value.items():
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            fault = f"returned the name {shown(name)}, which cannot be an attribute of the state"
            raise BrokenContractError(layer, method, fault)
        if name in RESERVED:
            fault = f'returned the name "{name}", which the state uses itself'
            raise BrokenContractError(layer, method, fault)
        if not isinstance(item, kind):
            fault = f'returned {shown(item)} for "{name}", not a {kind.__name__}'
            raise BrokenContractError(layer, method, fault)
        yield name, item


def _parameter_fault(parameter: Any) -> str | None:
    if not is_shape(parameter.shape):
        return f"whose shape {shown(parameter.shape)} is not a tuple of sizes"
    if not isinstance(parameter.initializer, Initializer | str | dict):
        return f"whose initializer {shown(parameter.initializer)} is not an Initializer"
    if not isinstance(parameter.regularizer, Regularizer | None):
        return f"whose regularizer {shown(parameter.regularizer)} is not a Regularizer"
    if parameter.regularizer is not None and not parameter.trainable:
        return "which is not trainable and so takes no regularizer"
    if parameter.role not in ROLES:
        return f"whose role {shown(parameter.role)} is none of {', '.join(ROLES)}"
    return None


def require_finite(initializer: Component, method: str, w: Array) -> None:
    """Raise BrokenContractError if a method of an initializer left a number that is not finite."""
    if not np.isfinite(w).all():
        raise BrokenContractError(initializer, method, "left numbers that are not finite")


def checked_penalty(regularizer: Component, penalty: Any) -> float:
    """Return the result of `Regularizer.penalty`: a number."""
    if not is_number(penalty):
        refuse(regularizer, "penalty", penalty, "a number")
    return float(penalty)


def checked_rate(schedule: Component, rate: Any, step: int) -> float:
    """Return the result of `Schedule.rate`: a finite number of at least 0."""
    if type(rate) is float and 0.0 <= rate < math.inf:  # called at every step
        return rate
    if not is_number(rate) or not 0 <= rate < math.inf:
        expected = f"a finite number of at least 0 (step {step})"
        refuse(schedule, "rate", rate, expected)
    return float(rate)


def checked_rates(optimizer: Component, rates: Any, updates: int) -> Array:
    """Return the result of `Optimizer.rates`: an array of float64 (updates,)."""
    if not isinstance(rates, np.ndarray) or (rates.dtype, rates.shape) != (np.float64, (updates,)):
        refuse(optimizer, "rates", rates, f"an array of float64 with the shape ({updates},)")
    return rates


def checked_value(
    schedule: Component, value: Any, step: int, field: str, bounds: NumberOr
) -> float:
    """Return the result of `Schedule.rate` for a scheduled field: a number in the field's range."""
    if type(value) is float and bounds.contains(value):  # called at every step
        return value
    number = checked_rate(schedule, value, step)
    if not bounds.contains(number):
        expected = f"{bounds.in_words()}, as {field} must be (step {step})"
        refuse(schedule, "rate", value, expected)
    return number


def checked_state_names(optimizer: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Optimizer.state_names`: distinct names that can be attributes."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        refuse(optimizer, "state_names", names, "a tuple of names")
    for name in names:
        if not name.isidentifier() or name.startswith("_") or name in ("scratch", "now"):
            fault = f'returned the name "{name}", which cannot be an attribute of the state'
            raise BrokenContractError(optimizer, "state_names", fault)
    if len(set(names)) < len(names):
        refuse(optimizer, "state_names", names, "distinct names")
    return names


def checked_state_shapes(
    optimizer: Component, method: str, shapes: Any, taken: Iterable[str] = ()
) -> dict[str, Shape]:
    """Return the result of `Optimizer.state_shapes` or `workspace_shapes`: shapes by name.

    Args:
        taken: names that are not available.
    """
    if not isinstance(shapes, Mapping):
        refuse(optimizer, method, shapes, "a dict from names to shapes")
    reserved = {"scratch", "now", "parameter", *taken}
    for name, shape in shapes.items():
        is_name = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
        if not is_name or name in reserved:
            fault = f"returned the name {shown(name)}, which cannot be an attribute of the state"
            raise BrokenContractError(optimizer, method, fault)
        if not is_shape(shape):
            fault = f'returned "{name}", whose shape {shown(shape)} is not a tuple of sizes'
            raise BrokenContractError(optimizer, method, fault)
    return dict(shapes)


def checked_targets(loss: Component, y_true: Any, samples: int) -> Array:
    """Return the result of `Loss.prepare`: an array of numbers with a row for each sample."""
    return array_of_rows(loss, "prepare", y_true, samples)


def checked_predictions(loss: Component, predictions: Any, y_pred: Array) -> Array:
    """Return the result of `Loss.predictions`: an array of numbers with a row for each sample."""
    unchanged: bool = predictions is y_pred
    return y_pred if unchanged else array_of_rows(loss, "predictions", predictions, len(y_pred))


def checked_result(metric: Component, result: Any) -> float:
    """Return the result of `Metric.result`: a number, or NaN."""
    if not is_number(result):
        refuse(metric, "result", result, "a number")
    return float(result)
