"""Checks on layers that take integers: whether the data holds them, within the layers' limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from declnet.contracts.data.data_source import DataInfo, Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import UNNAMED, by_name
from declnet.data.integer_limits import Limits, require_within
from declnet.data.preparing.preparation import ARRAY
from declnet.data.splits import Data
from declnet.errors import DataError, Diagnostic, SampleName
from declnet.graph.shapes import Inferred, Node, input_limits
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import Described, describe, origin_of


def limit_problems(spec: PartialSpec, described: Described, limits: Limits) -> list[Diagnostic]:
    """Return an error for the first number of an input that its layers do not take."""
    if described.sets is None:
        return []
    preparation, whole = described.sets.preparation, described.loaded
    changed = {name for step in preparation.steps for name in step.states}
    for name, part in described.sets.raw.items():
        of = name if name in spec.data.sources else "train"
        called = partial(_sample, name, part, sampled=described.sets.is_streamed)
        try:
            if of == "train" and isinstance(whole, Dataset):  # which numbers samples as the file
                unchanged = {*by_name(whole.x)} - {
                    *changed,
                    *([UNNAMED] if ARRAY in changed else []),
                }
                own_limits = {key: limit for key, limit in limits.items() if key in unchanged}
                require_within(
                    whole.x,
                    own_limits,
                    partial(_sample, "train", whole, sampled=described.sets.is_streamed),
                )
            require_within(described.sets.datasets[name].x, limits, called)
        except DataError as error:
            at = origin_of(spec.data.sources.get(of), of)
            return [Diagnostic(error.message, error.hint, at, error.code)]
    return []


def _sample(name: str, data: Data, at: int, *, sampled: bool = False) -> SampleName:
    """Return what messages call a sample of a data set, whose number a drawn one does not have."""
    row = "a sample" if sampled else f"sample {at + 1}"
    row = f"row {data.row_number(at)}" if isinstance(data, Table) else row
    return SampleName(f"{name} data: {row}")


def floats_for_integers(nodes: Sequence[Node], train: DataInfo) -> set[str]:
    """Return the inputs that hold floats, but that a layer of integers only reads."""
    return {
        name
        for node in nodes
        if not (node.reads_of("float") or any(node.inputs))
        for name in node.reads_of("integer")
        if train.input_infos[name].dtype == "float"
    }


def input_problems(nodes: Sequence[Node | None], train: DataInfo | None) -> list[Diagnostic]:
    """Return errors for layers that take integers, such as embeddings, on float data."""
    for node in nodes:
        if node is None or train is None:
            continue
        for read in sorted(node.reads_of("integer")):
            info = train.input_infos.get(read)
            if info is not None and info.dtype != "integer":
                called = f'the input "{read}"' if read else "x"
                message = f'"{node.name}" takes integers, but {called} holds floats'
                hint = "store x as integers, or use a layer that takes floats instead"
                if read:
                    hint = "give it integers only, or use a layer that takes floats instead"
                if node.reads_of("float") or any(node.inputs):
                    message = f'input {node.reads.index(read) + 1} of "{node.name}" must be '
                    message += f"integers, but {called} holds floats"
                    hint = "store them as integers, and leave them as they are in data.prepare"
                return [Diagnostic(message, hint, ("model", "layers", node.index), "E024")]
    return []


def within_limits(
    partial: PartialSpec,
    described: Described,
    seed: int,
    data: Mapping[str, Data] | None,
    inferred: Inferred,
) -> tuple[Described, list[Diagnostic]]:
    """Return errors for integers that layers do not take, with the data loaded for that."""
    train = described.infos.get("train")
    if train is None or any(problem.severity == "error" for problem in described.problems):
        return described, []
    unsuited = floats_for_integers(inferred.complete, train)
    limits = {k: v for k, v in input_limits(inferred.complete).items() if k not in unsuited}
    if not limits:
        return described, []
    loaded = described
    if described.sets is None:
        loaded = describe(partial, seed, data, loads_arrays=True)
        if loaded.sets is None:
            return described, loaded.problems
    return replace(described, sets=loaded.sets), limit_problems(partial, loaded, limits)
