"""Checks on the return values of components, made once, where the graph or a run receives them.

Each function takes the component and the value, and returns the value in its contract's type. An
invalid value raises a `BrokenContractError` with the component and the method;
`attributing_errors` adds the distribution.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.data.data_source import Blocks, DataInfo, Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Fitting, Sequences
from declnet.contracts.network.inputs import IntegerLimit
from declnet.contracts.network.parameter import (
    RESERVED,
    Initializer,
    Parameter,
    Regularizer,
    Workspace,
)
from declnet.contracts.number_or import NumberOr
from declnet.contracts.runs.analysis import AnalysisTable, fault_of
from declnet.contracts.runs.calibrator import Thresholds
from declnet.contracts.runs.executor import TaskUpdate
from declnet.contracts.runs.observer import StepObserver
from declnet.contracts.runs.searcher import Dimension, Scalar
from declnet.errors import Diagnostic

ROLES = ("weight", "bias", "scale")


class BrokenContractError(Exception):
    """A method of a component returned a value that its contract does not allow.

    Attributes:
        component: the component.
        method: the method's name.
        fault: what is wrong, e.g. `returned None, not a tuple of whole numbers`.
    """

    def __init__(self, component: Component, method: str, fault: str) -> None:
        super().__init__(f'{component.kind} "{component.type}": {method}() {fault}')
        self.component, self.method, self.fault = component, method, fault

    @property
    def place(self) -> str | None:
        """Return the file and line of the method's definition, if known."""
        function = getattr(type(self.component), self.method, None)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def _refuse(component: Component, method: str, value: Any, expected: str) -> NoReturn:
    raise BrokenContractError(component, method, f"returned {_shown(value)}, not {expected}")


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def checked_layer(layer: Component, adapted: Any) -> Any:
    """Return the result of `Layer.with_input_info`: a layer of the same class."""
    if type(adapted) is not type(layer):
        _refuse(layer, "with_input_info", adapted, f"a {type(layer).__name__}")
    return adapted


def checked_shape(layer: Component, shape: Any) -> Shape:
    """Return the result of `Layer.output_shape`: a tuple of sizes of at least 1."""
    if not isinstance(shape, tuple) or not all(map(_is_whole, shape)):
        _refuse(layer, "output_shape", shape, "a tuple of whole numbers")
    if any(size < 1 for size in shape):
        _refuse(layer, "output_shape", shape, "sizes of at least 1")
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
        if not _is_shape(array.shape):
            fault = f'returned "{name}", whose shape {_shown(array.shape)} is not a tuple of sizes'
            raise BrokenContractError(layer, "workspace", fault)
        try:
            np.dtype(array.dtype)
        except TypeError:
            fault = f'returned "{name}", whose dtype {_shown(array.dtype)} NumPy does not know'
            raise BrokenContractError(layer, "workspace", fault) from None
    return dict(workspace)


def checked_limits(layer: Component, limits: Any, inputs: int) -> tuple[IntegerLimit | None, ...]:
    """Return the result of `Layer.integer_limits`, with None for each input without a limit."""
    is_tuple = isinstance(limits, tuple) and len(limits) <= inputs
    if not is_tuple or not all(isinstance(each, IntegerLimit | None) for each in limits):
        _refuse(layer, "integer_limits", limits, f"a tuple of up to {inputs} IntegerLimit or None")
    return (*limits, *[None] * (inputs - len(limits)))


def _named(layer: Component, method: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the items of a dict whose keys can be attributes of a layer's state."""
    if not isinstance(value, Mapping):
        _refuse(layer, method, value, f"a dict from names to {kind.__name__}")
    for name, item in value.items():
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            fault = f"returned the name {_shown(name)}, which cannot be an attribute of the state"
            raise BrokenContractError(layer, method, fault)
        if name in RESERVED:
            fault = f'returned the name "{name}", which the state uses itself'
            raise BrokenContractError(layer, method, fault)
        if not isinstance(item, kind):
            fault = f'returned {_shown(item)} for "{name}", not a {kind.__name__}'
            raise BrokenContractError(layer, method, fault)
        yield name, item


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(_is_whole(size) and size >= 1 for size in shape)


def _parameter_fault(parameter: Any) -> str | None:
    if not _is_shape(parameter.shape):
        return f"whose shape {_shown(parameter.shape)} is not a tuple of sizes"
    if not isinstance(parameter.initializer, Initializer | str | dict):
        return f"whose initializer {_shown(parameter.initializer)} is not an Initializer"
    if not isinstance(parameter.regularizer, Regularizer | None):
        return f"whose regularizer {_shown(parameter.regularizer)} is not a Regularizer"
    if parameter.regularizer is not None and not parameter.trainable:
        return "which is not trainable and so takes no regularizer"
    if parameter.role not in ROLES:
        return f"whose role {_shown(parameter.role)} is none of {', '.join(ROLES)}"
    return None


def require_finite(initializer: Component, method: str, w: Array) -> None:
    """Raise BrokenContractError if a method of an initializer left a number that is not finite."""
    if not np.isfinite(w).all():
        raise BrokenContractError(initializer, method, "left numbers that are not finite")


def checked_penalty(regularizer: Component, penalty: Any) -> float:
    """Return the result of `Regularizer.penalty`: a number."""
    if not _is_number(penalty):
        _refuse(regularizer, "penalty", penalty, "a number")
    return float(penalty)


def checked_rate(schedule: Component, rate: Any, step: int) -> float:
    """Return the result of `Schedule.rate`: a finite number of at least 0."""
    if type(rate) is float and 0.0 <= rate < math.inf:  # called at every step
        return rate
    if not _is_number(rate) or not 0 <= rate < math.inf:
        expected = f"a finite number of at least 0 (step {step})"
        _refuse(schedule, "rate", rate, expected)
    return float(rate)


def checked_value(
    schedule: Component, value: Any, step: int, field: str, bounds: NumberOr
) -> float:
    """Return the result of `Schedule.rate` for a scheduled field: a number in the field's range."""
    if type(value) is float and bounds.contains(value):  # called at every step
        return value
    number = checked_rate(schedule, value, step)
    if not bounds.contains(number):
        expected = f"{bounds.in_words()}, as {field} must be (step {step})"
        _refuse(schedule, "rate", value, expected)
    return number


def checked_state_names(optimizer: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Optimizer.state_names`: distinct names that can be attributes."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        _refuse(optimizer, "state_names", names, "a tuple of names")
    for name in names:
        if not name.isidentifier() or name.startswith("_") or name in ("scratch", "now"):
            fault = f'returned the name "{name}", which cannot be an attribute of the state'
            raise BrokenContractError(optimizer, "state_names", fault)
    if len(set(names)) < len(names):
        _refuse(optimizer, "state_names", names, "distinct names")
    return names


def checked_state_shapes(
    optimizer: Component, method: str, shapes: Any, taken: Iterable[str] = ()
) -> dict[str, Shape]:
    """Return the result of `Optimizer.state_shapes` or `workspace_shapes`: shapes by name.

    Args:
        taken: names that are not available.
    """
    if not isinstance(shapes, Mapping):
        _refuse(optimizer, method, shapes, "a dict from names to shapes")
    reserved = {"scratch", "now", "parameter", *taken}
    for name, shape in shapes.items():
        is_name = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
        if not is_name or name in reserved:
            fault = f"returned the name {_shown(name)}, which cannot be an attribute of the state"
            raise BrokenContractError(optimizer, method, fault)
        if not _is_shape(shape):
            fault = f'returned "{name}", whose shape {_shown(shape)} is not a tuple of sizes'
            raise BrokenContractError(optimizer, method, fault)
    return dict(shapes)


def checked_targets(loss: Component, y_true: Any, samples: int) -> Array:
    """Return the result of `Loss.prepare`: an array of numbers with a row for each sample."""
    if not isinstance(y_true, np.ndarray) or y_true.dtype.kind not in "fiub":
        _refuse(loss, "prepare", y_true, "an array of numbers")
    if y_true.ndim == 0 or len(y_true) != samples:
        _refuse(loss, "prepare", y_true, f"an array of {samples} rows")
    found: Array = y_true
    return found


def checked_predictions(loss: Component, predictions: Any, y_pred: Array) -> Array:
    """Return the result of `Loss.predictions`: an array of numbers with a row for each sample."""
    unchanged: bool = predictions is y_pred
    if unchanged:
        return y_pred
    if not isinstance(predictions, np.ndarray) or predictions.dtype.kind not in "fiub":
        _refuse(loss, "predictions", predictions, "an array of numbers")
    if predictions.ndim == 0 or len(predictions) != len(y_pred):
        _refuse(loss, "predictions", predictions, f"an array of {len(y_pred)} rows")
    found: Array = predictions
    return found


def checked_result(metric: Component, result: Any) -> float:
    """Return the result of `Metric.result`: a number, or NaN."""
    if not _is_number(result):
        _refuse(metric, "result", result, "a number")
    return float(result)


def checked_info(source: Component, info: Any) -> DataInfo | None:
    """Return the result of `DataSource.describe`: a DataInfo, or None for a table."""
    if not isinstance(info, DataInfo | None):
        _refuse(source, "describe", info, "a DataInfo, or None for a table")
    if info is not None and not _are_names(info.class_names):
        _refuse(source, "describe", info.class_names, "a tuple of class names or None")
    return info


def checked_load(source: Component, data: Any, method: str = "load") -> Dataset | Table:
    """Return the result of `DataSource.load`, or a part of `chunks`: a Dataset or a Table."""
    if not isinstance(data, Dataset | Table):
        _refuse(source, method, data, "a Dataset or a Table")
    return data


def checked_blocks(source: Component, blocks: Any) -> Blocks | None:
    """Return the result of `DataSource.blocks`: Blocks of sizes of at least 1, or None."""
    if not isinstance(blocks, Blocks | None):
        _refuse(source, "blocks", blocks, "Blocks or None")
    if blocks is not None and not all(_is_whole(size) and size > 0 for size in blocks.sizes):
        _refuse(source, "blocks", blocks.sizes, "sizes of at least 1")
    if blocks is not None and len(blocks.groups) not in (0, len(blocks.sizes)):
        _refuse(source, "blocks", blocks.groups, "a group for each block, or none")
    return blocks


def checked_fitting(transform: Component, fitting: Any) -> Fitting | None:
    """Return the result of `Transform.fitting`: a Fitting or None."""
    if not isinstance(fitting, Fitting | None):
        _refuse(transform, "fitting", fitting, "a Fitting or None")
    return fitting


def checked_inputs(source: Component, part: Any) -> Array | Mapping[str, Array] | Table:
    """Return a part yielded by `DataSource.input_chunks`: a Table, an array, or several by name."""
    if isinstance(part, Table):
        return part
    arrays = part.values() if isinstance(part, Mapping) and part else (part,)
    for each in arrays:
        if not isinstance(each, np.ndarray) or each.dtype.kind not in "fiub" or each.ndim == 0:
            _refuse(source, "input_chunks", each, "an array of samples or a Table")
    if len({len(each) for each in arrays}) > 1:
        _refuse(source, "input_chunks", part, "arrays of equally many samples")
    found: Array | Mapping[str, Array] = part
    return found


def checked_sample_names(source: Component, names: Any) -> tuple[str, ...] | None:
    """Return the result of `DataSource.sample_names`: a tuple of text, or None."""
    if not _are_names(names):
        _refuse(source, "sample_names", names, "a tuple of names or None")
    found: tuple[str, ...] | None = names
    return found


def _are_names(names: Any) -> bool:
    """Return whether it is a tuple of text, or None."""
    return names is None or (
        isinstance(names, tuple) and all(isinstance(each, str) for each in names)
    )


def checked_suits(transform: Component, suits: Any) -> bool:
    """Return the result of `Transform.suits`: whether it takes a column."""
    if not isinstance(suits, bool | np.bool_):
        _refuse(transform, "suits", suits, "True or False")
    return bool(suits)


def checked_fit(transform: Component, state: Any) -> dict[str, Any]:
    """Return the result of `Transform.fit`: JSON values and NumPy arrays by name."""
    if not isinstance(state, Mapping):
        _refuse(transform, "fit", state, "a dict")
    for name, value in state.items():
        if not isinstance(name, str) or not _is_storable(value):
            fault = f"returned {_shown(value)} as {name!r}, which cannot be stored with the run"
            raise BrokenContractError(transform, "fit", fault)
    return dict(state)


def _is_storable(value: Any) -> bool:
    """Return whether a value is a JSON value, or an array or scalar of numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "fiub"
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def checked_column(transform: Component, column: Any, rows: int, method: str = "apply") -> Array:
    """Return the result of `Transform.apply` or `inverse`: an array with a row for each row."""
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "fiubO":
        _refuse(transform, method, column, "an array of numbers or text")
    if column.ndim == 0 or len(column) != rows:
        _refuse(transform, method, column, f"an array of {rows} rows")
    return column


def checked_sequences(transform: Component, column: Any, rows: int) -> tuple[Array, Array | None]:
    """Return the result of `Transform.apply`: an array with a row for each row of the column.

    The second item is the lengths (n,) of sequences, or None.
    """
    if isinstance(column, Sequences):
        values = checked_column(transform, column.values, rows)
        lengths = column.lengths
        if values.ndim < 2:
            _refuse(transform, "apply", values, "sequences of shape (n, time, …)")
        integers = isinstance(lengths, np.ndarray) and lengths.dtype.kind in "iu"
        if not integers or lengths.shape != (rows,):
            _refuse(transform, "apply", lengths, f"lengths as integers of shape ({rows},)")
        if rows and not 0 <= lengths.min() <= lengths.max() <= values.shape[1]:
            _refuse(transform, "apply", lengths, f"lengths from 0 to {values.shape[1]}")
        return values, lengths
    return checked_column(transform, column, rows), None


def checked_names(transform: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Transform.feature_names`: a name for each number of a row."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        _refuse(transform, "feature_names", names, "a tuple of names")
    return names


def checked_levels(transform: Component, levels: Any) -> int | None:
    """Return the result of `Transform.levels`: a number of integers, or None."""
    if levels is not None and (not _is_whole(levels) or levels < 1):
        _refuse(transform, "levels", levels, "a whole number of at least 1, or None")
    return None if levels is None else operator.index(levels)


def checked_monitors(callback: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Callback.monitors`: names of metrics."""
    is_collection = isinstance(names, Iterable) and not isinstance(names, str | bytes | Mapping)
    found = tuple(names) if is_collection else ()
    if not is_collection or not all(isinstance(name, str) for name in found):
        _refuse(callback, "monitors", names, "a tuple of names")
    return found


def checked_observer(callback: Component, observer: Any) -> StepObserver | None:
    """Return the result of `Callback.observer`: an observer or None."""
    if observer is not None and not isinstance(observer, StepObserver):
        _refuse(callback, "observer", observer, "a StepObserver or None")
    return observer


def checked_tables(analysis: Component, tables: Any) -> tuple[AnalysisTable, ...]:
    """Return the result of `Analysis.analyze`: tables of plain values with different titles."""
    if not isinstance(tables, Iterable) or isinstance(tables, str | bytes | Mapping):
        _refuse(analysis, "analyze", tables, "a sequence of AnalysisTable")
    found = tuple(tables)
    for each in found:
        fault = fault_of(each)
        if fault is not None:
            raise BrokenContractError(analysis, "analyze", f"returned an invalid table: {fault}")
    if len({each.title for each in found}) < len(found):
        raise BrokenContractError(analysis, "analyze", "returned two tables of one title")
    return found


def checked_diagnostics(component: Component, found: Any) -> tuple[Diagnostic, ...]:
    """Return the result of `Component.check`: diagnostics with paths within the component."""
    if not isinstance(found, Iterable) or isinstance(found, str | Mapping):
        _refuse(component, "check", found, "diagnostics (yield them, or return a tuple)")
    diagnostics = tuple(found)
    for each in diagnostics:
        if not isinstance(each, Diagnostic):
            _refuse(component, "check", each, "a Diagnostic")
        if not isinstance(each.path, tuple):
            _refuse(component, "check", each.path, "a tuple of keys, the path of a diagnostic")
    return diagnostics


def checked_calls(
    component: Component, calls: Any, method: str = "bind"
) -> tuple[Callable[[], object], ...]:
    """Return the calls from a kernel or an engine: a tuple of functions without arguments."""
    if not isinstance(calls, tuple) or not all(map(callable, calls)):
        _refuse(component, method, calls, "a tuple of functions without arguments")
    return calls


def checked_learned(calibrator: Component, state: Any) -> dict[str, Any]:
    """Return the result of `Calibrator.fit`: JSON values and arrays of finite numbers by name."""
    found = checked_fit(calibrator, state)
    for name, value in found.items():
        if isinstance(value, np.ndarray | np.generic) and not np.isfinite(value).all():
            fault = f"returned NaN or infinite numbers as {name!r}"
            raise BrokenContractError(calibrator, "fit", fault)
    return found


def checked_calibrated(calibrator: Component, y: Any, y_pred: Array) -> Array:
    """Return the result of `Calibrator.apply`: finite numbers of the shape of the predictions."""
    return _finite(calibrator, "apply", y, y_pred.shape)


def checked_threshold(calibrator: Component, threshold: Any, units: int = 1) -> Thresholds:
    """Return the result of `Calibrator.threshold`: a finite number, or one for each unit."""
    if _is_number(threshold) and math.isfinite(threshold):
        return float(threshold)
    if units == 1:
        _refuse(calibrator, "threshold", threshold, "a finite number")
    return tuple(_finite(calibrator, "threshold", threshold, (units,)).tolist())


def checked_intervals(calibrator: Component, bounds: Any, samples: int) -> tuple[Array, Array]:
    """Return the result of `Calibrator.intervals`: lower and upper bounds of the same shape."""
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        _refuse(calibrator, "intervals", bounds, "a tuple of lower and upper bounds")
    lower, upper = bounds
    shape = upper.shape if isinstance(upper, np.ndarray) and upper.ndim else (samples,)
    lower, upper = (
        _finite(calibrator, "intervals", each, (samples, *shape[1:])) for each in (lower, upper)
    )
    if (lower > upper).any():
        fault = "returned a lower bound that is above the upper one"
        raise BrokenContractError(calibrator, "intervals", fault)
    return lower, upper


def checked_sets(calibrator: Component, sets: Any, shape: Shape) -> Array:
    """Return the result of `Calibrator.sets`: booleans (n, classes)."""
    if not isinstance(sets, np.ndarray) or sets.dtype.kind != "b" or sets.shape != shape:
        _refuse(calibrator, "sets", sets, f"an array of booleans of shape {shape}")
    found: Array = sets
    return found


def checked_coverage(calibrator: Component, coverage: Any) -> float | None:
    """Return the result of `Calibrator.promised_coverage`: a share of 1, or None."""
    if coverage is not None and not (_is_number(coverage) and 0 < coverage <= 1):
        _refuse(calibrator, "promised_coverage", coverage, "a number above 0, up to 1, or None")
    return None if coverage is None else float(coverage)


def checked_least(calibrator: Component, samples: Any) -> int:
    """Return the result of `Calibrator.least_samples`: a whole number."""
    if not _is_whole(samples):
        _refuse(calibrator, "least_samples", samples, "a whole number")
    return operator.index(samples)


def _finite(component: Component, method: str, array: Any, shape: Shape) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != shape:
        _refuse(component, method, array, f"an array of floats of shape {shape}")
    found: Array = array
    if not np.isfinite(found).all():
        raise BrokenContractError(component, method, "returned numbers that are NaN or infinite")
    return found


def checked_update(executor: Component, update: Any, waiting: Mapping[int, object]) -> TaskUpdate:
    """Check what `execute` yields; `waiting` has the tasks that it has taken and not answered."""
    if not isinstance(update, TaskUpdate):
        _refuse(executor, "execute", update, "a TaskUpdate")
    if not isinstance(update.answer, bytes | None):
        _refuse(executor, "execute", update.answer, "an answer in bytes")
    if not isinstance(update.report, str | None):
        _refuse(executor, "execute", update.report, "a report as text")
    if update.task not in waiting:
        fault = f"has news of task {_shown(update.task)}, which it was not given or has answered"
        raise BrokenContractError(executor, "execute", fault)
    return update


def checked_proposal(
    searcher: Component, method: str, values: Any, space: Sequence[Dimension]
) -> dict[str, Scalar]:
    """Return proposed values of a trial: one of each dimension that applies, within its range."""
    if not isinstance(values, Mapping):
        _refuse(searcher, method, values, "values by key")
    found: dict[str, Scalar] = {}
    for each in space:
        if not each.applies(found):
            continue
        if each.key not in values:
            raise BrokenContractError(searcher, method, f'returned no value of "{each.key}"')
        value = values[each.key]
        if not each.holds(value):
            fault = f'returned {_shown(value)} for "{each.key}", which it does not take'
            raise BrokenContractError(searcher, method, fault)
        found[each.key] = value
    more = [key for key in values if key not in found]
    if more:
        raise BrokenContractError(searcher, method, f'returned "{more[0]}", which does not vary')
    return found
