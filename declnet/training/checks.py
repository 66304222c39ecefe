"""Checks whole specs before training: data, shapes, labels and weights against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from declnet.components.arrays import Shape
from declnet.components.data_source import DataInfo, DataSource
from declnet.components.loss import Loss
from declnet.errors import DataError, KeyPath, Problem, SpecError, WeightsError
from declnet.graph.nodes import Node, infer_nodes
from declnet.graph.parameters import check_fit, slots_of
from declnet.graph.weights import read_weight_shapes
from declnet.spec.run_spec import DataSpec, ModelSpec, RunSpec


@dataclass(frozen=True)
class Checked:
    """What a check found out.

    Attributes:
        nodes: the model's layers with their shapes; empty if they could not be inferred.
        data: what is known of each data set, by name.
        problems: every fault.
    """

    nodes: tuple[Node, ...]
    data: dict[str, DataInfo]
    problems: tuple[Problem, ...]


def check_spec(spec: RunSpec, data: Mapping[str, DataInfo] | None = None) -> Checked:
    """Checks a valid spec against its data; loads no more of it than it must.

    Args:
        spec: the run.
        data: describes the data sets that a program hands over in place of the spec's.
    """
    sections = {name: getattr(spec, name) for name in RunSpec.model_fields}
    return check_sections(sections, data)


def check_sections(
    sections: Mapping[str, Any], data: Mapping[str, DataInfo] | None = None
) -> Checked:
    """Checks those sections of a spec that are there; what needs a missing one is left out."""
    problems: list[Problem] = []
    infos = dict(data or {})
    if data is None and "data" in sections:
        infos = _describe(sections["data"], problems)
    nodes: tuple[Node, ...] = ()
    if "model" in sections and "train" in infos:
        nodes = _check_model(sections["model"], infos["train"], problems)
    _check_alike(infos, problems)
    if nodes and "loss" in sections:
        output_shape = nodes[-1].output_shape
        for name, info in infos.items():
            fault = _misfit(sections["loss"], info, output_shape)
            if fault is not None:
                last = ("model", "layers", len(nodes) - 1)
                problems.append(Problem(last, f"{fault} (data.{name})"))
                break
    return Checked(nodes, infos, tuple(problems))


def _describe(data: DataSpec, problems: list[Problem]) -> dict[str, DataInfo]:
    if data.train is None:
        problems.append(Problem(("data", "train"), "missing", "name a data source to learn from"))
    infos = {}
    for name in ("train", "validation", "test"):
        source = getattr(data, name)
        if isinstance(source, DataSource):
            try:
                infos[name] = source.describe()
            except DataError as error:
                problems.append(Problem(_path_key(source, ("data", name)), str(error)))
    return infos


def _path_key(source: DataSource, at: KeyPath) -> KeyPath:
    return (*at, "path") if "path" in type(source).model_fields else at


def _check_model(model: ModelSpec, info: DataInfo, problems: list[Problem]) -> tuple[Node, ...]:
    try:
        nodes = infer_nodes(model.layers, info.sample_shape)
    except SpecError as error:
        problems += error.problems
        return ()
    first = next(node for node in nodes if 0 in node.inputs)
    if first.layer.input_dtype == "integer" and info.dtype != "integer":
        message = f'"{first.name}" takes integers, but x holds floats'
        problems.append(Problem(("model", "layers", first.index), message))
    if model.initial_weights is not None:
        try:
            shapes = read_weight_shapes(model.initial_weights)
            check_fit(slots_of(nodes), shapes, str(model.initial_weights))
        except WeightsError as error:
            problems.append(Problem(("model", "initial_weights"), str(error)))
    return nodes


def _check_alike(infos: Mapping[str, DataInfo], problems: list[Problem]) -> None:
    train = infos.get("train")
    for name, info in infos.items():
        if train is not None and info.sample_shape != train.sample_shape:
            message = f"samples of shape {info.sample_shape}, but train has {train.sample_shape}"
            problems.append(Problem(("data", name), message))


def _misfit(loss: Loss, info: DataInfo, output_shape: Shape) -> str | None:
    """Why a data set's y does not fit the model's output under that loss, or None."""
    if loss.targets == "classes":
        if len(output_shape) != 1:
            return f"{loss.type} needs a last layer of shape (classes,), not {output_shape}"
        if info.target == "values" and (len(info.target_shape) != 1 or info.target_shape == (1,)):
            return f"{loss.type} needs labels, integers or one-hot, but y holds numbers"
        one_hot = info.target_shape[0] if info.target == "values" else None
        classes = info.classes if one_hot is None else one_hot
        if classes is not None and classes > output_shape[0]:
            return f"{output_shape[0]} units do not fit the labels, which have {classes} classes"
        if one_hot is not None and one_hot != output_shape[0]:
            return f"{output_shape[0]} units do not fit one-hot labels of {one_hot} classes"
        return None
    fits = info.target_shape == output_shape or (
        info.target_shape == () and prod(output_shape) == 1
    )
    return None if fits else f"output of shape {output_shape}, but y has {info.target_shape}"
