"""Each translation into C99 against the component itself, all compiled by gcc in one file."""

from __future__ import annotations

from collections.abc import Iterator
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
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
    ExportedStep,
)
from declnet.contracts.inputs import InputInfo
from declnet.contracts.layer import input_dtypes
from declnet.contracts.table import column_type
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.registry.discovery import default_registry
from declnet.runs.exporting import compared_predictions
from declnet.testing.layer_harness import candidate_shapes, shapes_of
from declnet_export.c99.compiled import CompiledProgram, compiler, loaded_library
from declnet_export.c99.exporter import C99
from declnet_standard.losses import MeanSquaredError

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
ROWS = 5
LEVELS = 5
REGISTRY = default_registry()


def translated(kind: str) -> Iterator[Any]:
    """Yield the classes of a kind that have a translation into C99."""
    for entry in REGISTRY.entries("translation"):
        if entry.format == "c":
            yield from (each for each in entry.component.replaces if each.kind == kind)


def model_of_layer(layer: Any, shapes: Any, rng: np.random.Generator) -> ExportedModel:
    """Return a model of one layer with random parameters, and declnet's predictions."""
    kinds = input_dtypes(layer, len(shapes))
    names = [f"x{number}" for number in range(len(shapes))]
    infos, examples = {}, {}
    for name, shape, kind in zip(names, shapes, kinds, strict=True):
        if kind == "integer":
            infos[name] = InputInfo(shape, "integer", (LEVELS,) * int(np.prod(shape)))
            examples[name] = rng.integers(0, LEVELS, (ROWS, *shape))
        else:
            infos[name] = InputInfo(shape)
            examples[name] = rng.normal(size=(ROWS, *shape)).astype(np.float32)
    own = layer.model_copy(update={"name": "own", "inputs": tuple(f"input.{n}" for n in names)})
    model = Model(infer_nodes([own], infos, REGISTRY), infos, "float32")
    for node in model.nodes:
        for name in node.parameters:
            array = model.store.arrays[f"own.{name}"]
            array[...] = rng.normal(size=array.shape)
            if name == "running_variance":
                np.abs(array, out=array)
            if name == "edges":
                array.sort(axis=-1)
                array[:, :1] = array[:, 1:2]  # a bin without width
    (node,) = model.nodes
    found = model.predict(examples)
    nodes = (
        ExportedNode(
            "own", node.layer, tuple(f"input.{n}" for n in names), node.input_shapes, kinds,
            node.output_shape, {n: model.store.arrays[f"own.{n}"] for n in node.parameters},
        ),
    )  # fmt: skip
    columns = tuple(
        ExportedColumn(name, column_type(each), each.shape[1:]) for name, each in examples.items()
    )
    inputs = tuple(
        ExportedInput(f"input.{each.name}", (each.name,), each.shape, kind)
        for each, kind in zip(columns, kinds, strict=True)
    )
    shape = node.output_shape
    output = ExportedOutput("", "own", shape, MeanSquaredError(), shape, "values")
    member = ExportedMember("", (), inputs, nodes, (ExportedFinish(),))
    expected = {"": ExportedPredictions(found, found)}
    return ExportedModel(
        "test", columns, (member,), (output,), np.dtype("float32"), REGISTRY, {}, examples, expected
    )


def cases_of_layers() -> Iterator[tuple[str, ExportedModel]]:
    rng = np.random.default_rng(0)
    for component in translated("layer"):
        for example in component.examples or ({},):
            layer = component.model_validate({"type": component.type, **example, "inputs": None})
            for shape in candidate_shapes(layer):
                try:
                    model = model_of_layer(layer, shapes_of(layer, shape), rng)
                except Exception:  # a shape that the layer refuses
                    continue
                yield f"{component.type} {example} {shape}", model


def compiled(models: list[ExportedModel], folder: Path) -> list[CompiledProgram]:
    """Export each model, and compile all of them as one file."""
    for number, model in enumerate(models):
        C99(prefix=f"case_{number}").export(model, folder / f"case_{number}.c")
    lines = [f'#include "case_{number}.c"' for number in range(len(models))]
    (folder / "all.c").write_text("\n".join(lines))
    library = loaded_library(folder / "all.c", *WARNINGS)
    return [CompiledProgram(folder / f"case_{n}.h", library) for n in range(len(models))]


def assert_equal(names: list[str], models: list[ExportedModel], folder: Path) -> None:
    programs = compiled(models, folder)
    wrong = {}
    for name, model, program in zip(names, models, programs, strict=True):
        found = program(model.examples)[""]
        difference, _ = compared_predictions(model.outputs[0], found, model.expected[""])
        if not difference <= 1e-5:
            wrong[name] = difference
    assert not wrong


def test_layers_compute_the_same_in_c(tmp_path):
    names, models = zip(*cases_of_layers(), strict=True)
    assert len({each.members[0].nodes[0].layer.type for each in models}) == len(
        set(translated("layer"))
    )
    assert_equal(list(names), list(models), tmp_path)


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
    names, models = zip(*cases_of_transforms(), strict=True)
    used = {type(step.transform) for each in models for step in each.members[0].steps}
    assert used >= set(translated("transform"))
    assert_equal(list(names), list(models), tmp_path)
