"""Each translation into C99 against the component itself, all compiled by gcc in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
)
from declnet.contracts.data.table import column_type
from declnet.registry.discovery import default_registry
from declnet.runs.exchange.exporting import compared_predictions
from declnet.testing import build_examples
from declnet.testing.checks.translations import Case, cases_of, model_of, numbered
from declnet_plugins.export.c99.compiled import CompiledProgram, compiler, loaded_library
from declnet_plugins.export.c99.exporter import C99
from declnet_plugins.standard.losses import MeanSquaredError

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")

WARNINGS = (
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-Wconversion",
    "-Wshadow",
    "-Wdouble-promotion",
    "-Wundef",
    "-Wstrict-prototypes",
)
REGISTRY = default_registry()


def translations() -> dict[Any, Any]:
    """Return the translation into C99 of each class that has one."""
    entries = [each for each in REGISTRY.entries("translation") if each.format == "c"]
    return {each: entry.component for entry in entries for each in entry.component.replaces}


def translated(kind: str) -> list[Any]:
    return [each for each in translations() if each.kind == kind]


def cases_of_the_kit() -> Iterator[tuple[str, ExportedModel]]:
    """Yield a model for each example of each component, with all cases that the kit knows."""
    for component, translation in translations().items():
        for instance in build_examples(component, REGISTRY):
            cases = list(cases_of(instance, REGISTRY))
            if component.type in ("quantile", "quantile_normal"):  # refused for arrays
                cases = [each for each in cases if not (each.steps and _of_arrays(each))]
            if cases:
                several = [numbered(case, at) for at, case in enumerate(cases)]
                yield f"{instance!r}", model_of(several, translation)


def _of_arrays(case: Case) -> bool:
    return any(each.shape != () for each in case.columns)


def compiled(models: list[ExportedModel], folder: Path) -> list[CompiledProgram]:
    """Export each model, and compile all of them as one file."""
    for number, model in enumerate(models):
        C99(prefix=f"case_{number}").export(model, folder / f"case_{number}.c")
    lines = [f'#include "case_{number}.c"' for number in range(len(models))]
    (folder / "all.c").write_text("\n".join(lines))
    library = loaded_library(folder / "all.c", *WARNINGS)
    return [CompiledProgram(folder / f"case_{n}.h", library) for n in range(len(models))]


def assert_equal(cases: Iterable[tuple[str, ExportedModel]], folder: Path) -> None:
    names, models = zip(*cases, strict=True)
    programs = compiled(list(models), folder)
    wrong = {}
    for name, model, program in zip(names, models, programs, strict=True):
        found = program(model.examples)
        for output in model.outputs:
            expected = model.expected[output.name]
            difference, labels = compared_predictions(output, found[output.name], expected)
            sets = found[output.name].sets
            if not difference <= 1e-5 or labels or np.mean(sets != expected.sets) > 0.01:
                wrong[f"{name} {output.name}"] = difference
    assert not wrong


def test_components_compute_the_same_in_c(tmp_path):
    assert_equal(cases_of_the_kit(), tmp_path)


def test_attention_to_products_beyond_the_range_of_exp(tmp_path):
    layer = REGISTRY.find("layer", "multi_head_attention")(heads=1, units=3)
    case = numbered(next(iter(cases_of(layer, REGISTRY))), 0)
    ((column, x),) = case.columns.items()
    x = 1000 * x
    arrays = {name: each.astype(float) for name, each in case.node.parameters.items()}
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
    assert_equal([("attention", model_of([case], translations()[type(layer)]))], tmp_path)


COLUMNS: dict[str, Any] = {
    "numbers": np.array([3.5, -1.0, 2.25, 7.0, 2.25]),
    "positive": np.array([3.5, 1.0, 200.25, 7.0, 2.25]),
    "gaps": np.array([3.5, np.nan, 2.25, 7.0, np.nan]),
    "text": np.array(["b", "a", "Ärger", "b", 'q"?'], object),
    "text with gaps": np.array(["b", None, "c", "b", None], object),
    "two texts": np.array(["b", "a", "a", "b", "a"], object),
    "whole": np.array([3, 1, 3, 7, 2]),
    "yes": np.array([True, False, True, True, False]),
}
OTHERS = {
    "numbers": np.array([3.0, -9.0, 99.0, 2.25, 0.0]),
    "text": np.array(["b", "z", "a", "Ä", 'q"?'], object),
}
"""Rows that the transforms were not fitted to, as far as they take them."""


def cases_of_transforms() -> Iterator[tuple[str, ExportedModel]]:
    for component in translated("transform"):
        if component.training_only:
            continue
        for example in component.examples or ({},):
            fields = {key: each for key, each in example.items() if key != "columns"}
            transform = component.model_validate({"type": component.type, **fields})
            for name, column in COLUMNS.items():
                if not transform.suits(column) and column.dtype.kind != "i":
                    continue
                for given in (column, OTHERS.get(name, column)):
                    model = model_of_transform(transform, column, given)
                    if model is not None:
                        yield f"{component.type} {fields} {name}", model


def model_of_transform(transform: Any, column: Any, given: Any) -> ExportedModel | None:
    """Return a model that only prepares a column; None if the transform refuses it."""
    try:
        state = transform.fit(column)
        found = transform.apply(given, state)
    except Exception:
        return None
    kinds = column_type(given), column_type(found)
    steps = [ExportedStep("x", transform, state, kinds[0], (), kinds[1], found.shape[1:])]
    if found.dtype.kind == "O":  # text that is still to be encoded
        encoder = REGISTRY.find("transform", "one_hot").model_validate({"missing": "zeros"})
        of_text = encoder.fit(found)
        found = encoder.apply(found, of_text)
        steps.append(ExportedStep("x", encoder, of_text, "text", (), "boolean", found.shape[1:]))
    if not np.isfinite(found.astype(float)).all():
        filling = REGISTRY.find("transform", "impute")()
        filled = filling.fit(np.nan_to_num(found))
        steps.append(
            ExportedStep("x", filling, filled, "number", found.shape[1:], "number", found.shape[1:])
        )
        found = filling.apply(found, filled)
    found = found.reshape(len(found), -1).astype(np.float32)
    member_input = ExportedInput("input", ("x",), found.shape[1:])
    output = ExportedOutput(
        "", "input", found.shape[1:], MeanSquaredError(), found.shape[1:], "values"
    )
    member = ExportedMember("", tuple(steps), (member_input,), (), (ExportedFinish(),))
    return ExportedModel(
        "test", (ExportedColumn("x", column_type(given)),), (member,), (output,),
        np.dtype("float32"), REGISTRY, {}, {"x": given}, {"": ExportedPredictions(found, found)},
    )  # fmt: skip


def test_transforms_compute_the_same_in_c(tmp_path):
    cases = list(cases_of_transforms())
    used = {type(step.transform) for _, each in cases for step in each.members[0].steps}
    assert used >= set(translated("transform"))
    assert_equal(cases, tmp_path)
