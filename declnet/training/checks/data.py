"""What data sources say of themselves, whether they go together, and with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from declnet.components.data_source import DataInfo, DataSource
from declnet.data.split import held_out_count
from declnet.errors import DataError, KeyPath, Problem
from declnet.graph.nodes import Node
from declnet.spec.file_names import from_here, hint_for_missing
from declnet.spec.parts import Parts


def describe(parts: Parts) -> tuple[dict[str, DataInfo], list[Problem]]:
    """What is known of each data set, and what is wrong with the sources."""
    problems: list[Problem] = []
    if parts.needs_source:
        message, hint = "the training data is missing", 'name a data source: train = { type = "…" }'
        problems.append(Problem(("data", "train"), message, hint, "E030"))
    infos = {}
    for name, source in parts.sources.items():
        try:
            infos[name] = source.describe()
        except DataError as error:
            path = getattr(source, "path", None)
            helps = hint_for_missing(path) if isinstance(path, Path) else None
            at = origin_of(source, name)
            problems.append(Problem(at, from_here(str(error)), helps, "E031"))
    return infos, problems


def origin_of(source: DataSource | None, name: str) -> KeyPath:
    """What decides what the data are: the source's path, if it has one."""
    has_path = source is not None and "path" in type(source).model_fields
    return ("data", name, "path") if has_path else ("data", name)


def data_problems(parts: Parts, infos: Mapping[str, DataInfo]) -> list[Problem]:
    """Data sets of other shapes than the training data's, and a batch that is larger than that."""
    train = infos.get("train")
    if train is None:
        return []
    problems = [
        Problem(
            origin_of(parts.sources.get(name), name),
            f"{name} has samples of shape {info.sample_shape}, train of {train.sample_shape}",
            "prepare all data sets in the same way",
            "E032",
        )
        for name, info in infos.items()
        if info.sample_shape != train.sample_shape
    ]
    problems += [
        Problem(origin_of(parts.sources.get(name), name), f"{name} has no samples", None, "E031")
        for name, info in infos.items()
        if info.samples == 0
    ]
    if train.samples:
        problems += _size_problems(parts, train.samples)
    return problems


def _size_problems(parts: Parts, samples: int) -> list[Problem]:
    out = held_out_count(samples, parts.held_out)
    rest = samples - out
    if parts.held_out and not 0 < out < samples:
        message = (
            f"{parts.held_out} of {samples} samples leaves {out} for validation and {rest} for "
            "training"
        )
        hint = f"take a {'smaller' if out else 'larger'} fraction"
        return [Problem(("data", "validation"), message, hint, "E033")]
    if parts.batch_size is not None and parts.batch_size > rest:
        message = f"a batch of {parts.batch_size} is larger than the training data"
        held = f" ({out} of {samples} are held out)" if out else ""
        hint = f"there are {rest} samples{held}; without batch_size each step takes all"
        return [Problem(("training", "batch_size"), message, hint, "E033")]
    return []


def input_problems(nodes: Sequence[Node | None], train: DataInfo | None) -> list[Problem]:
    """A layer that takes integers, such as an embedding, on data that holds floats."""
    for node in nodes:
        if node is None or 0 not in node.inputs or train is None:
            continue
        if node.layer.input_dtype == "integer" and train.dtype != "integer":
            message = f'"{node.name}" takes integers, but x holds floats'
            hint = "store x as integers, or put a layer in its place that takes floats"
            return [Problem(("model", "layers", node.index), message, hint, "E024")]
    return []
