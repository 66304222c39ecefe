"""Models of single components with all examples and choices of fields, on data with edge cases.

A file of any format must predict what the component computes, and refuse what it refuses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, get_args, get_origin

import numpy as np

from declnet import DataError, DeclnetError, Layer
from declnet.contracts.data.table import column_type
from declnet.registry.discovery import default_registry
from declnet.testing import CheckSkipped, build_examples
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
    FilePredictor,
)
from declnet_plugins.exchange.checks.cases import Case, cases_of, model_of, numbered
from declnet_plugins.exchange.comparing import compared_predictions
from declnet_plugins.exchange.translating import needs_translation
from declnet_plugins.exchange.translation import TRANSLATED_KINDS
from declnet_plugins.standard.losses.regression import MeanSquaredError

REGISTRY = default_registry()
EVERY = os.environ.get("DECLNET_TEST_EXPORTS") == "all"
"""Whether every component is written in every format, as in `.ci/long`."""


def texts(*values: str | None) -> Any:
    return np.array(values, object)


MOMENTS = ("2038-01-19T03:14:07", "1899-03-01T12:00:01")

COLUMNS: dict[str, Any] = {
    "numbers": np.array([3.5, -1.0, 2.25, 7.0, 2.25]),
    "positive": np.array([3.5, 1.0, 200.25, 7.0, 2.25]),
    "gaps": np.array([3.5, np.nan, 2.25, 7.0, np.nan]),
    "text": np.array(["b", "a", "Ärger", "b", 'q"?'], object),
    "text with gaps": np.array(["b", None, "c", "b", None], object),
    "two texts": np.array(["b", "a", "a", "b", "a"], object),
    "dates": texts("2000-02-29", "1969-12-31", None, "2038-01-19", "1899-03-01"),
    "moments": texts("2024-02-29T23:59:58.25", "1970-01-01T00:00:00", None, *MOMENTS),
    "day first": texts("29.2.2000", "1.12.1969", "13.10.2038", None, "3.3.1900"),
    "month first": texts(
        "2/29/2000 7:05", "12/1/1969 23:59", "10/13/2038 0:00", None, "3/3/1900 1:01"
    ),
    "times": texts("12:30:15.5", "0:00", None, "23:59", "7:07"),
    "whole": np.array([3, 1, 3, 7, 2]),
    "yes": np.array([True, False, True, True, False]),
    "pairs": np.array([[3.0, 0.0], [1.0, np.nan], [2.0, 9.0], [7.0, 4.0], [5.0, np.nan]]),
    "images": (np.arange(60.0) * 7 % 200).reshape(5, 3, 2, 2),
}
OTHERS = {
    "numbers": np.array([3.0, -9.0, 99.0, 2.25, 0.0]),
    "gaps": np.array([np.nan, 8.0, -2.25, np.nan, 2.0]),
    "text": np.array(["b", "z", "a", "Ä", 'q"?'], object),
    "text with gaps": np.array([None, "b", "b", "c", None], object),
}
"""Rows that the transforms were not fitted to."""

WRONG = {
    "dates": ("x", "2021-02-30", "2021-13-03", "2021-00-03", "2021-03/04"),
    "day first": ("31.4.2020", "1.13.2020", "0.1.2020", "29.2.2100"),
    "month first": ("13/13/2020 1:00", "2/30/2020 1:00", "2/3/2020 24:00"),
    "times": ("24:00", "7:60", "7:59:60"),
}
"""Cells that the transforms of dates must refuse."""

DATES = ("elapsed", "year", "quarter", "month", "day", "day_of_year", "weekday")
TIMES = ("hour", "minute", "second", "time_of_day")
MORE = {"datetime": ({"parts": TIMES}, {"parts": DATES + TIMES, "cycles": True})}
"""Fields to test in addition to the examples of a component."""

ONLY_NUMBERS = {("c", "quantile"), ("c", "quantile_normal"), ("onnx", "tokenize")}
"""Transforms that a format has only for single numbers, or (of text) only with some fields."""


def translations(file_format: str) -> dict[Any, Any]:
    """Return the translation of each class that has one."""
    entries = REGISTRY.entries("translation")
    classes = [entry.component for entry in entries if entry.format == file_format]
    return {replaced: translation for translation in classes for replaced in translation.replaces}


def choices(annotation: Any) -> tuple[Any, ...]:
    """Return the values of a type that has only a few."""
    if annotation in (bool, type(None)):
        return (True, False) if annotation is bool else (None,)
    options = get_args(annotation)
    if get_origin(annotation) is Literal:
        return options
    return tuple(value for option in options for value in choices(option))


def all_instances_of(component: type[Any]) -> list[Any]:
    """Return a component's examples, and each of them with every other choice of each field."""
    instances = {}
    more = [component.model_validate(fields) for fields in MORE.get(component.type, ())]
    for example in (*build_examples(component, REGISTRY), *more):
        fields = example.model_dump(exclude_unset=True) | {"columns": None}
        fields = {name: fields[name] for name in fields if name in component.model_fields}
        options = {
            name: choices(field.annotation) for name, field in component.model_fields.items()
        }
        options["trainable"] = ()
        tables = [fields, *({**fields, name: v} for name in options for v in options[name])]
        for table in tables:
            try:
                instance = component.model_validate(table, context={"registry": REGISTRY})
            except ValueError:
                continue  # choices that exclude each other
            instances.setdefault(repr(instance), instance)
    return [*instances.values()]


@dataclass(frozen=True)
class Trial:
    """A file to write, and what it must predict and refuse.

    Attributes:
        models: the same model with other examples and expected predictions.
        refused: columns of which the file must refuse each, in place of the model's own.
    """

    name: str
    models: tuple[ExportedModel, ...]
    refused: tuple[Mapping[str, Any], ...] = ()

    @property
    def model(self) -> ExportedModel:
        return self.models[0]

    def faults(self, predict: FilePredictor) -> Iterator[str]:
        """Yield descriptions of predictions that differ and of rows that are not refused."""
        for model in self.models:
            predicted = predict(model.examples)
            for output in model.outputs:
                expected, predictions = model.expected[output.name], predicted[output.name]
                difference, labels = compared_predictions(output, predictions, expected)
                has_other_sets = (
                    expected.sets is not None and np.mean(predictions.sets != expected.sets) > 0.01
                )
                if not difference <= 1e-5 or labels or has_other_sets:
                    yield f"{self.name} {output.name}: {difference}"
        for rows in self.refused:
            predicted = predict({**self.model.examples, **rows})
            valid = [predictions.valid for predictions in predicted.values()]
            if all(mask is None or mask.all() for mask in valid):
                yield f"{self.name}: not refused: {rows}"


def exported(file_format: str) -> list[Any]:
    """Return the classes to test in a format, translated or recorded.

    By default each format gets a different third of them.
    """
    components = {
        component
        for kind in TRANSLATED_KINDS
        for component in (entry.component for entry in REGISTRY.entries(kind))
        if is_computed(component)
    }
    ordered = sorted(components, key=lambda component: (component.kind, component.type))
    return ordered if EVERY else ordered[("c", "numpy", "onnx").index(file_format) :: 3]


def is_computed(component: Any) -> bool:
    """Return whether a file has anything to compute for a class."""
    if component.kind == "loss":
        return needs_translation(component.model_construct(), "predictions")
    return not (
        getattr(component, "only_reshapes", False) or getattr(component, "training_only", False)
    )


def trials(file_format: str, component: Any) -> Iterator[Trial]:
    """Yield trials of a component, on all shapes and columns that the kit knows.

    C takes long to compile, so it gets only the component's examples.
    """
    translation = translations(file_format).get(component)
    instances_of = build_examples if file_format == "c" else all_instances_of
    cases: list[Case] = []
    for instance in instances_of(component):
        with suppress(CheckSkipped):  # no shape is known for this choice of fields
            cases += cases_of(instance, REGISTRY)
    if (file_format, component.type) in ONLY_NUMBERS:
        cases = [case for case in cases if all(is_number(x) for x in case.columns)]
    assert cases or component.kind == "transform" or component.type == "threshold", component
    numbers = (numbered(case, at) for at, case in enumerate(cases))
    for _, group in groupby(numbers, lambda case: len(case.expected.outputs)):
        yield Trial(component.type, (model_of([*group], translation),))
    if component.type == "multi_head_attention":
        yield attention_beyond_the_range_of_exp(file_format)
    if component.kind == "transform" and not component.training_only:
        yield from trials_of_transform(file_format, component)


def is_number(column: ExportedColumn) -> bool:
    return column.shape == () and column.type != "text"


def attention_beyond_the_range_of_exp(file_format: str) -> Trial:
    """Return a trial of attention to products of more than 1000."""
    layer = REGISTRY.find("layer", "multi_head_attention")(heads=1, units=3)
    case = numbered(next(iter(cases_of(layer, REGISTRY))), 0)
    ((column, x),) = case.columns.items()
    x = 1000 * x
    arrays = {name: array.astype(float) for name, array in case.node.parameters.items()}
    query, key, value = (
        x @ arrays[f"{name}_weights"] + arrays[f"{name}_biases"]
        for name in ("query", "key", "value")
    )
    products = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1])
    assert products.max() > 1000
    shares = np.exp(products - products.max(axis=-1, keepdims=True))
    context = shares / shares.sum(axis=-1, keepdims=True) @ value
    y = context @ arrays["output_weights"] + arrays["output_biases"]
    case = replace(case, columns={column: x}, expected=ExportedPredictions(y, y))
    return Trial("attention", (model_of([case], translations(file_format).get(type(layer))),))


def trials_of_transform(file_format: str, component: Any) -> Iterator[Trial]:
    """Yield a trial of a transform on all columns, with rows outside its training data."""
    cases, new, expected, refused = list[Case](), {}, {}, list[Mapping[str, Any]]()
    wrong = dict(WRONG) if component.type == "datetime" else {}
    for transform in all_instances_of(component):
        for name, column in COLUMNS.items():
            takes_it = column.ndim == 1 or (file_format, component.type) not in ONLY_NUMBERS
            if not takes_it or (steps := steps_of(transform, column)) is None:
                continue
            x = ExportedColumn("x", column_type(column), column.shape[1:])
            case = numbered(case_of(repr(transform), x, column, steps), len(cases))
            cases.append(case)
            (key,) = case.columns
            rows = OTHERS.get(name, column[::-1])
            try:
                expected[case.output.name] = prepared(case.steps, rows)
                new[key.name] = rows
            except DeclnetError:
                expected[case.output.name] = case.expected
                new[key.name] = column
                refused.append({key.name: rows})
            if column.ndim == 1 and column.dtype.kind in "fO":
                gapped = column.copy()
                gapped[1] = None
                try:
                    prepared(case.steps, gapped)
                except DeclnetError:
                    refused.append({key.name: gapped})
            cells = wrong.pop(name, ())
            refused += [{key.name: np.append(texts(cell), column[1:])} for cell in cells]
    if not cases:
        return
    model = replace(model_of(cases, translations(file_format).get(component)), registry=REGISTRY)
    other = replace(model, examples=new, expected=expected)
    yield Trial(component.type, (model, other), tuple(refused))


def steps_of(transform: Any, column: Any) -> tuple[ExportedStep, ...] | None:
    """Return a transform and steps that turn its output into numbers; None if it refuses x."""
    if not transform.suits(column):
        return None
    try:
        steps, x = [next_step(transform, column)], column
        x = transform.apply(column, steps[0].state)
        if not isinstance(x, np.ndarray):
            return None  # sequences of tokens, which the kit compares
        if x.dtype.kind == "O":
            encoder = REGISTRY.find("transform", "one_hot").model_validate({"missing": "zeros"})
            steps.append(next_step(encoder, x))
        elif np.isnan(x.astype(float)).any():
            steps.append(next_step(REGISTRY.find("transform", "impute")(), x))
        prepared(steps, column)
    except DeclnetError:
        return None
    return tuple(steps)


def next_step(transform: Any, x: Any) -> ExportedStep:
    state = transform.fit(x)
    y = transform.apply(x, state)
    y = y if isinstance(y, np.ndarray) else y.values
    return ExportedStep(
        "x", transform, state, column_type(x), x.shape[1:], column_type(y), y.shape[1:]
    )


def prepared(steps: Sequence[ExportedStep], x: Any) -> ExportedPredictions:
    """Return the predictions of a model that only prepares a column."""
    for step in steps:
        x = step.transform.apply(x, step.state)
    if not np.isfinite(x.astype(float)).all():
        raise DataError("has gaps")
    y = x.reshape(len(x), *(x.shape[1:] or (1,))).astype(np.float32)
    return ExportedPredictions(y, y)


def case_of(name: str, x: ExportedColumn, rows: Any, steps: tuple[ExportedStep, ...]) -> Case:
    expected = prepared(steps, rows)
    shape = expected.outputs.shape[1:]
    node = ExportedNode("y", Unchanged(), ("x",), (shape,), ("float",), shape, {})
    output = ExportedOutput("", shape, "values")
    finish = ExportedFinish("y", shape, MeanSquaredError())
    inputs = (ExportedInput("x", ("x",), shape),)
    return Case(name, {x: rows}, steps, inputs, node, output, finish, expected)


class Unchanged(Layer):
    """y = x."""

    type = "unchanged"
    only_reshapes = True
