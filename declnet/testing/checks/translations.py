"""Checks on translations: a file of one component predicts what the component computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.data.table import CellFormat, ColumnType, column_type
from declnet.contracts.data.transform import ColumnError, Sequences, Transform
from declnet.contracts.formats.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
)
from declnet.contracts.formats.exporter import Exporter
from declnet.contracts.formats.translation import TRANSLATED, Translation
from declnet.contracts.network.inputs import InputInfo, input_value
from declnet.contracts.network.layer import InputDtype, Layer, input_dtypes
from declnet.contracts.network.loss import Loss
from declnet.contracts.runs.calibrator import Task
from declnet.data.cells import trimmed
from declnet.errors import DeclnetError, ExportError, UnknownTypeError
from declnet.graph.inference import InferenceGraph
from declnet.graph.parameters import Parameters
from declnet.graph.shapes import Network, Node
from declnet.registry.registry import Registry
from declnet.runs.exchange.exporting import TOLERANCE, compared_predictions
from declnet.runs.exchange.odd_rows import odd_rows
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    Subject,
    calling,
    check,
    require_available,
)
from declnet.testing.checks import calibrators, losses, transforms
from declnet.testing.examples import build_examples
from declnet.testing.harness import NO_LOSS, infer
from declnet.testing.layer_harness import LEVELS, candidate_shapes, shapes_of
from declnet.testing.trial import SAMPLES
from declnet.training.tasks import predictions_of

DTYPE = np.dtype("float32")

MOST_OTHER_SETS = 0.01
"""The share of classes that rounding may take into a set or out of it."""


class _Unchanged(Layer):
    """y = x, for a model whose only component is not a layer."""

    type = "unchanged"
    only_reshapes = True


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
    subject = Subject(component, registry=registry)
    kinds = {
        "layer": _layer_cases,
        "loss": _loss_cases,
        "transform": _transform_cases,
        "calibrator": _calibrator_cases,
    }
    for case in kinds[component.kind](subject):
        yield replace(case, name=f"{component.kind} {component.type}, {case.name}")


def numbered(case: Case, number: int) -> Case:
    """Return a case whose names begin with its number, so that a model can have several."""
    prefix = f"case_{number}_"
    columns = {replace(key, name=prefix + key.name): each for key, each in case.columns.items()}
    steps = tuple(replace(step, column=prefix + step.column) for step in case.steps)
    inputs = tuple(
        replace(
            input_,
            value=f"input.{prefix}{input_.value}",
            columns=tuple(prefix + name for name in input_.columns),
        )
        for input_ in case.inputs
    )
    name = prefix + "y"
    node = replace(case.node, name=name, inputs=tuple(input_.value for input_ in inputs))
    output, finish = replace(case.output, name=name), replace(case.finish, value=name)
    found = case.name, columns, steps, inputs, node, output, finish, case.expected
    return Case(*found)


def model_of(cases: Sequence[Case], translation: type[Translation]) -> ExportedModel:
    """Return a model of several cases, which only one translation can write."""
    registry = Registry()
    registry.register(translation)
    member = ExportedMember(
        "",
        tuple(step for case in cases for step in case.steps),
        tuple(input_ for case in cases for input_ in case.inputs),
        tuple(case.node for case in cases),
        tuple(case.finish for case in cases),
    )
    columns = {key: each for case in cases for key, each in case.columns.items()}
    return ExportedModel(
        "conformance",
        tuple(columns),
        (member,),
        tuple(case.output for case in cases),
        DTYPE,
        registry,
        {"name": "conformance", "declnet": "0"},
        {key.name: each for key, each in columns.items()},
        {case.output.name: case.expected for case in cases},
    )


def _simple(name: str, x: Array, output: ExportedOutput, **more: Any) -> Case:
    """Return a case whose column is the value that the loss takes."""
    shape = x.shape[1:] or (1,)
    column = ExportedColumn("x", "number", x.shape[1:])
    node = ExportedNode("y", _Unchanged(), ("x",), (shape,), ("float",), shape, {})
    joined = ExportedInput("x", ("x",), shape)
    given = {"steps": (), "finish": _finish(shape), **more}
    return Case(name, {column: x}, inputs=(joined,), node=node, output=output, **given)


def _values(shape: Shape) -> ExportedOutput:
    return ExportedOutput("", shape, "values")


def _finish(shape: Shape, loss: Loss = NO_LOSS, **more: Any) -> ExportedFinish:
    return ExportedFinish("y", shape, loss, **more)


def _expected(outputs: Array, **more: Any) -> ExportedPredictions:
    return ExportedPredictions(outputs, outputs, **more)


def _layer_cases(subject: Subject) -> Iterator[Case]:
    layer: Layer = subject.instance
    for shape in candidate_shapes(layer):
        shapes, given = shapes_of(layer, shape), {}
        dtypes = input_dtypes(layer, len(shapes))
        names = [f"x{number}" for number in range(len(shapes))]
        for name, dtype, own in zip(names, dtypes, shapes, strict=True):
            levels = (LEVELS,) * prod(own) if dtype == "integer" else None
            given[name] = InputInfo(own, dtype, levels)
        wired = layer.model_copy(
            update={"name": "y", "inputs": tuple(map(input_value, names)), "weights_from": None}
        )
        try:
            (node,) = infer([wired], given, subject.registry)
            arrays, y = _drawn(node, given, subject.registry)
        except (CheckFailed, DeclnetError, ValueError):
            continue  # it does not take such a shape
        types: dict[InputDtype, ColumnType] = {"float": "number", "integer": "integer"}
        inputs, columns = [], {}
        for name, dtype, own in zip(names, dtypes, shapes, strict=True):
            inputs.append(ExportedInput(name, (name,), own, dtype))
            columns[ExportedColumn(name, types[dtype], own)] = arrays[name]
        parameters = {name: arrays[f"y.{name}"] for name in node.parameters}
        exported = ExportedNode(
            "y", node.layer, tuple(names), shapes, dtypes, node.output_shape, parameters
        )
        output, finish = _values(node.output_shape), _finish(node.output_shape)
        called = f"input shape {shape}"
        yield Case(called, columns, (), tuple(inputs), exported, output, finish, _expected(y))


def _drawn(
    node: Node, given: Mapping[str, InputInfo], registry: Registry
) -> tuple[dict[str, Array], Array]:
    """Return inputs and parameters by name, and the layer's output for them.

    Inputs are normal draws, or numbers from 0.1 to 0.9 if it has no finite output for these.
    """
    rng, store = np.random.default_rng(17), Parameters([node], DTYPE)
    with calling("the initializer of a parameter"):
        store.initialize(7, registry)
    for name, parameter in node.parameters.items():
        array = store.arrays[f"y.{name}"]
        array += (0.1 * rng.normal(size=array.shape) * parameter.trainable).astype(DTYPE)
    graph = InferenceGraph(Network.of([node], given), store, SAMPLES)
    y = np.empty(0)
    for lowest in (None, 0.1):
        x = {}
        for name, info in given.items():
            shape = (SAMPLES, *info.shape)
            if info.dtype == "integer":
                x[name] = rng.integers(0, LEVELS, shape)
            elif lowest is None:
                x[name] = rng.normal(size=shape).astype(DTYPE)
            else:
                x[name] = rng.uniform(lowest, 0.9, shape).astype(DTYPE)
        with np.errstate(all="ignore"):
            (found,) = graph.predict(x)
        y = found.copy()
        if np.isfinite(y).all():
            break
    return {**x, **{key: each.copy() for key, each in store.arrays.items()}}, y


def _loss_cases(subject: Subject) -> Iterator[Case]:
    for pair in losses.working_pairs(subject):
        (x,) = losses.batch_of(subject, pair).x
        found = predictions_of(subject.instance, x.astype(DTYPE))
        output, finish = _values(found.shape[1:]), _finish(pair.shape, subject.instance)
        yield _simple(str(pair), x, output, finish=finish, expected=_expected(found))


def _transform_cases(subject: Subject) -> Iterator[Case]:
    transform: Transform = subject.instance
    for column, state in transforms.fitted_columns(subject):
        for given in (column, column.gapped()):
            with calling("apply", skips=Exception):
                try:
                    found = transform.apply(given.x, state)
                except Exception:  # noqa: S112  # it refuses gaps
                    continue
            yield from _applied_cases(given.name, transform, state, given.x, found)
        numbers = column.x.dtype.kind == "f" and column.x.ndim <= 2
        if numbers and type(transform).inverse is not Transform.inverse:
            y = np.asarray(transform.apply(column.x, state), DTYPE)
            x = transform.inverse(y, state)
            shape = y.shape[1:] or (1,)
            finish = _finish(shape, target_steps=((transform, state),))
            own = _expected(x.reshape(-1, *shape))
            name = f"the inverse for {column.name}"
            yield _simple(name, y, _values(shape), finish=finish, expected=own)


def _applied_cases(
    name: str, transform: Transform, state: Any, x: Array, found: Any
) -> Iterator[Case]:
    lengths = found.lengths if isinstance(found, Sequences) else None
    y = found.values if isinstance(found, Sequences) else found
    if y.dtype.kind == "O" or not np.isfinite(y).all():
        return  # no layer takes it
    own = column_type(x), x.shape[1:], column_type(y), y.shape[1:]
    step = ExportedStep("x", transform, state, *own, gives_lengths=lengths is not None)
    shape = y.shape[1:] or (1,)
    base = _simple(name, x, _values(shape), expected=_expected(y.reshape(-1, *shape)))
    column = ExportedColumn("x", column_type(x), x.shape[1:])
    inputs = (replace(base.inputs[0], shape=shape),)
    node = replace(base.node, input_shapes=(shape,), output_shape=shape)
    case = replace(base, columns={column: x}, steps=(step,), inputs=inputs, node=node)
    yield case
    if lengths is not None:
        node = replace(case.node, input_shapes=((1,),), output_shape=(1,))
        of_lengths = ExportedInput("x", ("x",), (1,), lengths=True)
        output, rows = _values((1,)), lengths.reshape(-1, 1)
        called, own_finish = f"the lengths of {name}", _finish((1,))
        given = {column: x}, (step,), (of_lengths,), node, output, own_finish
        yield Case(called, *given, _expected(rows))


def _calibrator_cases(subject: Subject) -> Iterator[Case]:
    calibrator, gives = subject.instance, subject.instance.gives()
    for data in calibrators.candidates(subject):
        rows = calibrators.ROWS
        state = calibrators.fitted_state(subject, data.part(slice(rows)))
        y_pred = data.part(slice(rows, None)).y_pred.astype(DTYPE).astype(float)
        found = calibrator.apply(y_pred, state) if "apply" in gives else y_pred
        shape = y_pred.shape[1:] or (1,)
        task: Task = data.task
        counts = {"classes": shape[0], "binary": 2}
        classes = tuple(range(counts[task])) if task in counts else None
        output = ExportedOutput("", shape, task, classes)
        more: dict[str, Any] = {}
        if "intervals" in gives and task == "values":
            lower, upper = calibrator.intervals(found, state)
            more = {"lower": lower, "upper": upper}
            output = replace(output, intervals=True, interval_shape=lower.shape[1:])
        elif "sets" in gives and task in counts:
            more = {"sets": calibrator.sets(found, state)}
            output = replace(output, sets=True)
        elif "apply" not in gives:
            continue
        outputs = found.reshape(-1, *shape)
        flags = (outputs > 0.5).astype(int)
        labels = {"classes": outputs.argmax(axis=-1), "binary": flags[:, 0], "flags": flags}
        expected = ExportedPredictions(labels.get(task, outputs), outputs, **more)
        finish = _finish(shape, calibration=((calibrator, state),))
        yield _simple(data.name, y_pred, output, finish=finish, expected=expected)


def _exporter(subject: Subject) -> Exporter:
    name = subject.instance.format
    try:
        exporter: Exporter = subject.registry.find("exporter", name)()
    except UnknownTypeError as error:
        raise CheckSkipped(f"its format is not installed: {error}") from None
    require_available(exporter)
    if type(exporter).predictor is Exporter.predictor:
        raise CheckSkipped("its format has no predictor(), which runs a file")
    return exporter


@check
def equals_its_components(subject: Subject) -> None:
    """Writes files that predict what the components compute, up to rounding to float32."""
    exporter, translation = _exporter(subject), type(subject.instance)
    by_component: list[list[Case]] = []
    for component in translation.replaces:
        for instance in build_examples(component, subject.registry):
            own: list[Case] = []
            with suppress(CheckSkipped, CheckFailed):  # another check reports what it does
                own.extend(cases_of(instance, subject.registry))
            by_component.append(own)
    every = [case for own in by_component for case in own]
    compared, refused = 0, ""
    for several in (every, *by_component, *([case] for case in every)):
        try:
            compared += _compare(translation, exporter, several)
        except ExportError as error:  # perhaps only one of the cases is refused
            refused = str(error)
            continue
        if several is every:
            break
    if not compared:
        kinds = ", ".join(TRANSLATED)
        why = f": {refused}" if refused else f"; it names {kinds} components with examples"
        raise CheckSkipped(f"there is nothing to compare{why}")


def _exported(exporter: Exporter, model: ExportedModel, path: Path) -> ExportError | None:
    """Write a model; return the error if the format cannot express it."""
    try:
        exporter.export(model, path)
    except ExportError as error:
        return error
    return None


def _of_equal_length(cases: Sequence[Case]) -> list[Case]:
    """Return the cases with equally many rows, since all columns of a file are read together."""
    rows = min(len(case.expected.outputs) for case in cases)
    found = []
    for case in cases:
        columns = {key: each[:rows] for key, each in case.columns.items()}
        whole = case.expected
        limits = (
            None if each is None else each[:rows] for each in (whole.lower, whole.upper, whole.sets)
        )
        expected = ExportedPredictions(whole.prediction[:rows], whole.outputs[:rows], *limits)
        found.append(replace(case, columns=columns, expected=expected))
    return found


def _compare(translation: type[Translation], exporter: Exporter, cases: Sequence[Case]) -> int:
    """Compare a file of some cases with the components; return how many these are."""
    if not cases:
        return 0
    cases = [numbered(case, number) for number, case in enumerate(_of_equal_length(cases))]
    model = model_of(cases, translation)
    with TemporaryDirectory() as folder:
        path = Path(folder, f"conformance{exporter.suffixes[0]}")
        with calling("the export"):
            refusal = _exported(exporter, model, path)
        if refusal is not None:
            raise refusal
        with calling("predictor"):
            predict = exporter.predictor(path)
        if predict is None:
            raise CheckSkipped("its format cannot run files here")
        with calling("the exported file"):
            found = predict(model.examples)
    for case in cases:
        where = case.name
        own = found.get(case.output.name)
        if own is None:
            raise CheckFailed(f"{where}: the file predicts nothing for it")
        difference, labels = compared_predictions(case.output, own, case.expected)
        if not difference <= TOLERANCE or labels:
            raise CheckFailed(
                f"{where}: the file's numbers differ from the component's by {difference:.2g} "
                "of the largest one"
            )
        wanted = case.expected.sets
        if wanted is not None and np.mean(own.sets != wanted) > MOST_OTHER_SETS:
            raise CheckFailed(f"{where}: the file's sets differ from the component's")
    return len(cases)


@check
def refuses_what_its_transforms_refuse(subject: Subject) -> None:
    """Writes files that say which rows a transform refuses, for odd cells in its columns."""
    exporter, translation = _exporter(subject), type(subject.instance)
    compared = False
    for component in translation.replaces:
        if component.kind != Transform.kind:
            continue
        for instance in build_examples(component, subject.registry):
            cases: list[Case] = []
            with suppress(CheckSkipped, CheckFailed):  # another check reports what it does
                cases.extend(each for each in cases_of(instance, subject.registry) if each.steps)
            for case in cases:
                with suppress(ExportError):
                    compared |= _compare_refusals(translation, exporter, case)
    if not compared:
        raise CheckSkipped("there is no transform to compare, or files do not say what is valid")


def _compare_refusals(translation: type[Translation], exporter: Exporter, case: Case) -> bool:
    """Compare which odd rows a file refuses; return whether it says so."""
    cells = CellFormat(missing=("",))
    ((column, x),) = case.columns.items()
    case = replace(case, columns={replace(column, missing=cells.missing): x})
    odd = odd_rows({column.name: x}, cells)
    if not len(odd[column.name]):
        return False
    rows = trimmed(odd[column.name], cells) if x.dtype.kind == "O" else odd[column.name]
    with TemporaryDirectory() as folder:
        path = Path(folder, f"conformance{exporter.suffixes[0]}")
        with calling("the export"):
            refusal = _exported(exporter, model_of([case], translation), path)
        if refusal is not None:
            raise refusal
        with calling("predictor"):
            predict = exporter.predictor(path)
        if predict is None:
            raise CheckSkipped("its format cannot run files here")
        with calling("the exported file"):
            (found,) = predict(odd).values()
    if found.valid is None:
        return False
    for row, valid in enumerate(np.asarray(found.valid).tolist()):
        if valid is not _is_taken(case.steps, rows[row : row + 1]):
            value = odd[column.name][row]
            what = "refuses" if not valid else "does not refuse"
            raise CheckFailed(f"{case.name}: the file {what} {value!r}, unlike the component")
    return True


def _is_taken(steps: Sequence[ExportedStep], x: Array) -> bool:
    """Return whether steps turn a row into finite numbers."""
    with np.errstate(all="ignore"):
        try:
            for step in steps:
                found = step.transform.apply(x, step.state)
                x = found.values if isinstance(found, Sequences) else found
        except ColumnError:
            return False
        return bool(np.isfinite(np.asarray(x, DTYPE)).all())


CHECKS = (equals_its_components, refuses_what_its_transforms_refuse)
