"""Checks on streamed data, which a sample describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from declnet.contracts.arrays import Shape
from declnet.contracts.data.dataset import DataInfo
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.sets import PreparedSets, prepare_sets
from declnet.data.splits import Data
from declnet.data.streaming.source import StreamedSource
from declnet.errors import DataError, Diagnostic
from declnet.spec.partial import PartialSpec
from declnet.training.checks.description import (
    Described,
    data_problem,
    no_training_data,
    stream_problems,
)

PREVIEWED = 1000
"""Samples that are checked before all of them are read."""

_OF_ALL_SAMPLES = ("class_weights", "class_order", "positive_class", "validation", "test")
"""Keys of the data whose errors need all samples."""

_OF_NAMES = ("E034", "E037", "E038", "E039", "E046")
"""Errors in the names of columns, inputs and targets."""

_OF_SHAPES = ("E022", "E024")
"""Errors of a layer that does not suit its inputs."""


def previews(spec: PartialSpec) -> list[Described]:
    """Describe each data set by its first samples, as far as they are like all of them.

    Returns:
        A description; or two, with one and more numbers in a sample, if that is not yet known.
    """
    problems = [*no_training_data(spec), *stream_problems(spec)]
    if problems or not spec.is_data_valid or spec.data.train is None:
        return [Described(problems=problems)]
    first: dict[str, Data] = {}
    data = spec.data.model_copy(update=dict.fromkeys(_OF_ALL_SAMPLES))
    try:
        for name, source in spec.data.sources.items():
            first[name] = StreamedSource.previewed(name, source, PREVIEWED)
        train = {"train": first["train"]}
        sets = prepare_sets(train, data, loss_targets_of(spec.heads))
    except DataError as error:
        sure = len(first) < len(spec.data.sources) or _is_sure(error)
        return [Described(problems=[data_problem(spec, error)] if sure else [])]
    prepared = sets.datasets["train"]
    info = replace(DataInfo.of(prepared.x, prepared.y), samples=None, inputs=sets.input_infos)
    infos = [info] if _keeps_shapes(sets, first["train"]) else [info, _wider(info)]
    return [Described({"train": info}, sets, loaded=first["train"]) for info in infos]


def sure_errors(by_preview: Sequence[Sequence[Diagnostic]]) -> list[Diagnostic]:
    """Return which errors in previews all samples would give, too."""
    first, *others = by_preview
    return [
        error
        for error in first
        if not others or (error.code not in _OF_SHAPES and all(error in other for other in others))
    ]


def _is_sure(error: DataError) -> bool:
    """Return whether more samples cannot change an error that the first ones give."""
    path = error.path or ()
    unprepared = error.code == "E035" and path == ("data", "prepare")
    unlike_loss = error.code == "E041" and path[:1] in (("loss",), ("losses",))
    return unprepared or unlike_loss or error.code in _OF_NAMES


def _keeps_shapes(sets: PreparedSets, first: Data) -> bool:
    """Return whether no transform has changed a shape, perhaps by what it finds in the samples."""
    before = first.records
    after, sequences = sets.preparation.transformed(before, sets.preparation.types)
    return not sequences and all(
        column.shape == before.columns[name].shape for name, column in after.items()
    )


def _wider(info: DataInfo) -> DataInfo:
    """Return the same with one more number in each sample of each input."""

    def wider(shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] + 1) if shape else shape

    inputs = {
        name: replace(input_, shape=wider(input_.shape), levels=None)
        for name, input_ in info.inputs.items()
    }
    return replace(info, inputs=inputs)
