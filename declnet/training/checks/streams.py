"""Checks on streamed data, which a sample describes."""

from __future__ import annotations

from dataclasses import replace

from declnet.contracts.data.data_source import DataInfo, Dataset
from declnet.data.sets import PreparedSets
from declnet.data.streaming.fitting import streamed_sets
from declnet.data.targets import wanted_targets
from declnet.errors import DataError, Diagnostic
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import (
    Described,
    data_problem,
    inputs_of_arrays,
    no_training_data,
    note_warnings,
    unused_transforms,
)


def describe_streams(spec: PartialSpec, seed: int) -> Described:
    """Describe each data set, for which all training data is read.

    Args:
        spec: the run's spec, of which data, losses, training and analyses are needed.
    """
    problems = [*no_training_data(spec), *_stream_problems(spec)]
    if problems or not spec.is_data_valid or spec.data.train is None:
        return Described({}, None, problems)
    try:
        return _described(spec, streamed_sets(spec.data, wanted_targets(spec.heads), seed))
    except DataError as error:
        return Described({}, None, [data_problem(spec, error)])


def _stream_problems(spec: PartialSpec) -> list[Diagnostic]:
    """Return what a spec with a stream lacks, or asks for in vain, before the data is read."""
    found = []
    if spec.training.batch_size is None:
        message, hint = "streamed data is trained on in mini-batches", "add e.g. batch_size = 128"
        found.append(Diagnostic(message, hint, ("training",), "E033"))
    if spec.analyses:
        message = "an analysis needs all data in memory, but it is streamed"
        hint = "remove it; declnet evaluate --analyze makes one of a smaller file"
        found.append(Diagnostic(message, hint, ("analyses", min(spec.analyses)), "E017"))
    return found


def _described(spec: PartialSpec, sets: PreparedSets) -> Described:
    """Describe streamed data by a sample, which has the extreme numbers of all samples."""
    first = sets.datasets["train"]
    sizes = {name: len(each) for name, each in sets.streams.items()}
    info = DataInfo.of(first.x, first.y).not_in_memory()
    infos = {name: replace(info, samples=size) for name, size in sizes.items()}
    whole = sizes["train"] + sum(sizes[name] for name in spec.data.fractions)
    infos["train"] = replace(infos["train"], samples=whole, inputs=sets.input_infos)
    named = {name: infos[name] for name in spec.data.sources}
    parts = {} if sets.sample is None else {"train": sets.sample}
    if spec.data.inputs is not None and isinstance(sets.sample, Dataset):
        return Described({}, None, [inputs_of_arrays()])
    warnings = [*note_warnings(spec, sets.sample), *unused_transforms(sets)]
    return Described(named, sets, warnings, sets.sample, parts)
