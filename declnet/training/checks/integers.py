"""Checks on layers that take integers: whether the data holds them, within the layers' limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from declnet.contracts.data.data_source import DataInfo
from declnet.data.integer_limits import Limits, require_within
from declnet.data.splits import Data
from declnet.errors import DataError, Diagnostic, SampleName
from declnet.graph.shapes import Inferred, Node, input_limits
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import Described, describe, origin_of


def limit_problems(spec: PartialSpec, described: Described, limits: Limits) -> list[Diagnostic]:
    """Return an error for the first number of an input that its layers do not take."""
    if described.sets is None:
        return []
    for name, part in described.sets.raw.items():

        def called(position: int, name: str = name, part: Data = part) -> SampleName:
            sample = part.sample_name(position)
            return sample._replace(text=f"{name} data: {sample.text}")

        try:
            require_within(described.sets.datasets[name].inputs, limits, called)
        except DataError as error:
            of = name if name in spec.data.sources else "train"
            at = origin_of(spec.data.sources.get(of), of)
            return [Diagnostic(error.message, error.hint, at, error.code)]
    return []


def floats_for_integers(nodes: Sequence[Node], train: DataInfo) -> set[str]:
    """Return the inputs that hold floats, but that a layer of integers only reads."""
    return {
        name
        for node in nodes
        if not (node.reads_of("float") or any(node.inputs))
        for name in node.reads_of("integer")
        if train.inputs[name].dtype == "float"
    }


def input_problems(nodes: Sequence[Node | None], train: DataInfo | None) -> list[Diagnostic]:
    """Return errors for layers that take integers, such as embeddings, on float data."""
    for node in nodes:
        if node is None or train is None:
            continue
        for read in sorted(node.reads_of("integer")):
            info = train.inputs.get(read)
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
