"""Models of one component each, with what the component computes on the data of the kit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from declnet import (
    Array,
    DeclnetError,
    InputInfo,
    Layer,
    Loss,
    ModelSpec,
    Registry,
    Sequences,
    Shape,
    Transform,
    build_model,
    column_type,
)
from declnet.testing import ExampleData, example_data
from declnet_plugins.exchange.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
    parts_of,
)
from declnet_plugins.exchange.predictors import exported_nodes, predictions_of
from declnet_plugins.exchange.translating import COLUMN_TYPES
from declnet_plugins.exchange.translation import Translation

DTYPE = np.dtype("float32")


class Unchanged(Layer):
    """y = x, which no format needs a translation for."""

    type = "unchanged"
    only_reshapes = True


class NoLoss(Loss):
    """A loss whose predictions are the model's outputs."""

    type = "no_loss"


@dataclass(frozen=True, eq=False)
class Case:
    """A part of a model with one component, and what it computes.

    Attributes:
        name: in messages.
        columns: the columns with their values (n, …).
        steps: the transforms of the columns.
        inputs: the inputs of the node.
        node: the only layer.
        output: what the file predicts.
        finish: what follows the loss.
        expected: what declnet predicts.
    """

    name: str
    columns: Mapping[ExportedColumn, Array]
    steps: tuple[ExportedStep, ...]
    inputs: tuple[ExportedInput, ...]
    node: ExportedNode
    output: ExportedOutput
    finish: ExportedFinish
    expected: ExportedPredictions


def cases_of(component: Any, registry: Registry) -> Iterator[Case]:
    """Yield a case for each shape or kind of data that a component takes."""
    for data in example_data(component, registry):
        data = replace(data, name=f"{component.kind} {component.type}, {data.name}")  # noqa: PLW2901
        if isinstance(component, Layer):
            yield from _layer_cases(component, data, registry)
        elif isinstance(component, Loss):
            yield _loss_case(component, data)
        elif isinstance(component, Transform):
            yield from _transform_cases(component, data)
        else:
            yield from _calibrator_cases(component, data)


def numbered(case: Case, number: int) -> Case:
    """Return a case whose names begin with its number, so that a model can have several."""
    prefix = f"case_{number}_"
    name = f"{prefix}y"
    inputs = tuple(
        replace(
            input_,
            value=f"input.{prefix}{input_.value}",
            columns=tuple(prefix + column for column in input_.columns),
        )
        for input_ in case.inputs
    )
    return replace(
        case,
        columns={
            replace(column, name=prefix + column.name): x for column, x in case.columns.items()
        },
        steps=tuple(replace(step, column=prefix + step.column) for step in case.steps),
        inputs=inputs,
        node=replace(case.node, name=name, inputs=tuple(input_.value for input_ in inputs)),
        output=replace(case.output, name=name),
        finish=replace(case.finish, value=name),
    )


def model_of(cases: Sequence[Case], translation: type[Translation] | None) -> ExportedModel:
    """Return a model of several cases, for which there is one translation, or none."""
    registry = Registry()
    if translation is not None:
        registry.register(translation)
    columns = {column: x for case in cases for column, x in case.columns.items()}
    member = ExportedMember(
        name="",
        steps=tuple(step for case in cases for step in case.steps),
        inputs=tuple(input_ for case in cases for input_ in case.inputs),
        nodes=tuple(case.node for case in cases),
        finish=tuple(case.finish for case in cases),
    )
    return conformance_model(
        member,
        columns,
        {case.output: case.expected for case in cases},
        registry,
    )


def conformance_model(
    member: ExportedMember,
    columns: Mapping[ExportedColumn, Array],
    expected: Mapping[ExportedOutput, ExportedPredictions],
    registry: Registry,
) -> ExportedModel:
    """Return the model of a member, which predicts what is expected for its columns."""
    return ExportedModel(
        name="conformance",
        columns=tuple(columns),
        members=(member,),
        outputs=tuple(expected),
        dtype=DTYPE,
        registry=registry,
        metadata={"name": "conformance", "declnet": "0"},
        examples={column.name: x for column, x in columns.items()},
        expected={output.name: predictions for output, predictions in expected.items()},
    )


def _case(
    name: str,
    x: Array,
    y: Array,
    output: ExportedOutput | None = None,
    finish: ExportedFinish | None = None,
    **limits: Array,
) -> Case:
    """Return a case whose column is the value that the loss takes.

    Args:
        name: in messages.
        x: the column, (n, …).
        y: the predictions, (n, *shape).
        output: default: values.
        finish: default: a loss that changes nothing.
        limits: further arrays of the predictions.
    """
    shape = x.shape[1:] or (1,)
    return Case(
        name=name,
        columns={ExportedColumn("x", "number", x.shape[1:]): x},
        steps=(),
        inputs=(ExportedInput("x", ("x",), shape),),
        node=ExportedNode("y", Unchanged(), ("x",), (shape,), ("float",), shape, {}),
        output=output or ExportedOutput("", y.shape[1:], "values"),
        finish=finish or ExportedFinish("y", shape, NoLoss()),
        expected=ExportedPredictions(limits.pop("prediction", y), y, **limits),
    )


def _layer_cases(layer: Layer, data: ExampleData, registry: Registry) -> Iterator[Case]:
    """Yield a case of a layer, unless it refuses the shapes of the inputs."""
    x = {f"x{number}": array for number, array in enumerate(data.arrays)}
    infos = {
        name: InputInfo(array.shape[1:])
        if array.dtype.kind == "f"
        else InputInfo(array.shape[1:], "integer", (int(array.max()) + 1,) * prod(array.shape[1:]))
        for name, array in x.items()
    }
    inputs = tuple(f"input.{name}" for name in x)
    wired = layer.model_copy(update={"name": "y", "inputs": inputs, "weights_from": None})
    try:
        model = build_model(ModelSpec(dtype="float32", layers=(wired,)), infos, 7, registry)
        parameters, rng = model.parameters(), np.random.default_rng(17)
        for name, parameter in model.nodes[0].parameters.items():
            array = parameters[f"y.{name}"]
            array += (0.1 * rng.normal(size=array.shape) * parameter.trainable).astype(DTYPE)
        model.load_parameters(parameters)
        y = _computed(model, x)
        if not np.isfinite(y).all():  # as of a logarithm: take numbers from 0.1 to 0.9
            x |= {
                name: 0.5 + 0.4 * np.tanh(array)
                for name, array in x.items()
                if array.dtype.kind == "f"
            }
            y = _computed(model, x)
    except (DeclnetError, ValueError):
        return
    (node,) = exported_nodes(model)
    shapes = node.input_shapes
    named = list(zip(x, node.input_dtypes, shapes, strict=True))
    yield replace(
        _case(data.name, np.empty((0, 1)), y),
        columns={
            ExportedColumn(name, COLUMN_TYPES[dtype], shape): x[name].astype(
                DTYPE if dtype == "float" else int
            )
            for name, dtype, shape in named
        },
        inputs=tuple(ExportedInput(name, (name,), shape, dtype) for name, dtype, shape in named),
        node=replace(node, inputs=tuple(x)),
        finish=ExportedFinish("y", node.output_shape, NoLoss()),
    )


def _computed(model: Any, x: Mapping[str, Array]) -> Array:
    with np.errstate(all="ignore"):
        y: Array = model.compute(x)["y"]
    return y


def _loss_case(loss: Loss, data: ExampleData) -> Case:
    (x,) = data.arrays
    finish = ExportedFinish("y", x.shape[1:], loss)
    return _case(data.name, x, predictions_of(loss, x.astype(DTYPE)), finish=finish)


def _transform_cases(transform: Transform, data: ExampleData) -> Iterator[Case]:
    """Yield cases of a transform, of the other parts of its result, and of its inverse."""
    (x,) = data.arrays
    try:
        result = transform.apply(x, data.state)
    except Exception:  # it refuses missing values
        return
    y = result.values if isinstance(result, Sequences) else result
    if y.dtype.kind == "O" or not np.isfinite(y).all():
        return  # no layer takes it
    shape: Shape = y.shape[1:] or (1,)
    step = ExportedStep(
        column="x",
        transform=transform,
        state=data.state,
        input_type=column_type(x),
        input_shape=x.shape[1:],
        output_type=column_type(y),
        output_shape=y.shape[1:],
        gives=tuple(parts_of(result)),
    )
    case = replace(
        _case(data.name, y, y.reshape(-1, *shape)),
        columns={ExportedColumn("x", column_type(x), x.shape[1:]): x},
        steps=(step,),
    )
    yield case
    for part, array in parts_of(result).items():
        if part == "values":
            continue
        flat = array.reshape(len(array), -1)
        yield replace(
            _case(f"the {part} of {data.name}", flat, flat),
            columns=case.columns,
            steps=case.steps,
            inputs=(ExportedInput("x", ("x",), flat.shape[1:], part=part),),
        )
    if x.dtype.kind == "f" and x.ndim <= 2 and type(transform).inverse is not Transform.inverse:
        y = np.asarray(y, DTYPE)
        finish = ExportedFinish("y", shape, NoLoss(), target_steps=((transform, data.state),))
        inverse = transform.inverse(y, data.state).reshape(-1, *shape)
        yield _case(f"the inverse for {data.name}", y, inverse, finish=finish)


def _calibrator_cases(calibrator: Any, data: ExampleData) -> Iterator[Case]:
    """Yield a case of what a calibrator gives, unless it is a threshold alone."""
    gives, task, state = calibrator.gives(), data.task, data.state
    x = data.arrays[0].astype(DTYPE).astype(float)
    y = calibrator.apply(x, state) if "apply" in gives else x
    shape = x.shape[1:] or (1,)
    counts = {"classes": shape[0], "binary": 2}
    classes = tuple(range(counts[task])) if task in counts else None
    output = ExportedOutput("", shape, task, classes)  # type: ignore[arg-type]
    limits: dict[str, Array] = {}
    if "intervals" in gives and task == "values":
        limits["lower"], limits["upper"] = calibrator.intervals(y, state)
        output = replace(output, intervals=True, interval_shape=limits["lower"].shape[1:])
    elif "sets" in gives and task in counts:
        limits["sets"] = calibrator.sets(y, state)
        output = replace(output, sets=True)
    elif "apply" not in gives:
        return
    y = y.reshape(-1, *shape)
    flags = (y > 0.5).astype(int)
    labels = {"classes": y.argmax(axis=-1), "binary": flags[:, 0], "flags": flags}
    finish = ExportedFinish("y", shape, NoLoss(), calibration=((calibrator, state),))
    prediction = labels.get(task, y)
    yield _case(data.name, x, y, output, finish, prediction=prediction, **limits)
