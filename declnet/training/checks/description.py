"""The description of a spec's data, for which as little as possible is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from declnet.caching import computed_once
from declnet.contracts.arrays import Shape
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import DataInfo, Dataset
from declnet.contracts.returned import verified
from declnet.data.preparing.named_inputs import AT_INPUTS
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.sets import PreparedSets, load_sets, prepare_sets
from declnet.data.splits import Data
from declnet.data.streaming.fitting import prepared_sets
from declnet.data.streaming.source import StreamedSource
from declnet.errors import DataError, Diagnostic, error_message
from declnet.spec.data_section import DataSpec
from declnet.spec.partial import PartialSpec
from declnet.spec.shown_values import from_here, hint_for_missing


@dataclass(frozen=True, eq=False)
class Described:
    """The description of the data.

    Attributes:
        infos: a description of each data set.
        sets: the data sets, if they had to be loaded for that.
        problems: errors in the sources or in their preparation.
        loaded: the training data before it was split, if it was loaded; a sample of a stream.
    """

    infos: dict[str, DataInfo] = field(default_factory=dict)
    sets: PreparedSets | None = None
    problems: list[Diagnostic] = field(default_factory=list)
    loaded: Data | None = None

    @property
    def held(self) -> dict[str, DataInfo]:
        """The descriptions, of streams about as many samples as are in memory at a time."""
        blocks = self.sets.blocks if self.sets is not None else {}
        windows = {name: part.window for name, part in blocks.items() if part.window is not None}
        most = 2 * max(windows.values(), default=0)
        return {
            name: replace(info, samples=min(info.samples, most), in_memory=True)
            if name in windows and info.samples is not None
            else info
            for name, info in self.infos.items()
        }


def describe(
    spec: PartialSpec,
    seed: int,
    passed: Mapping[str, Data] | None = None,
    *,
    loads_arrays: bool = False,
) -> Described:
    """Describe each data set; tables, data to be prepared, and all of a stream are read for this.

    Args:
        spec: the run's spec, of which data, losses, training and analyses are needed.
        passed: data sets by name, in place of the spec's.
        loads_arrays: whether to load other data, too.
    """
    data = spec.data
    infos, problems = _known(spec, passed)
    known = {name: info for name, info in infos.items() if info is not None}
    if "train" in known:
        problems += problems_of_arrays(data)
    needed = len(known) < len(infos) or data.prepare or data.prepare_targets or loads_arrays
    if problems or not spec.is_data_valid or "train" not in infos or not needed:
        return Described(known, problems=problems)
    train: Data | None = None
    try:
        loaded = load_sets(data, seed) if passed is None and data.stream is None else passed
        train = loaded["train"] if loaded is not None else None
        sets = prepared_sets(data, loss_targets_of(spec.heads), seed, loaded)
    except MemoryError as error:
        message = f"the data does not fit in this machine's memory: {error_message(error)}"
        problem = Diagnostic(message, None, data.origin_of("train"), "E051")
        return Described(problems=[problem], loaded=train)
    except DataError as error:
        may_suit = error.code == "E035" and any(head.targets is None for head in spec.heads)
        problems = [] if may_suit else [data_problem(spec, error)]  # the loss may be another one
        return Described(problems=problems, loaded=train)
    if train is None and isinstance(sets.raw["train"], Dataset):
        problems = problems_of_arrays(data)
        if problems:
            return Described(problems=problems)
    prepared = {}
    for name, blocks in sets.blocks.items():
        like = sets.datasets.get(name, sets.datasets["train"])
        info = replace(DataInfo.of(like.x, like.y), samples=len(blocks))
        prepared[name] = info.not_in_memory() if blocks.window is not None else info
    parts = [sets.blocks[name] for name in ("train", *data.fractions)]
    samples = len(train) if train is not None else sum(map(len, parts))
    prepared["train"] = replace(prepared["train"], samples=samples, inputs=sets.input_infos)
    infos_of_sets = {name: info for name, info in prepared.items() if name in infos}
    return Described(infos_of_sets, sets, loaded=train if train is not None else sets.raw["train"])


def data_problem(spec: PartialSpec, error: DataError) -> Diagnostic:
    """Return an error in the data with its place in the spec."""
    path = error.path or ("data", "train")
    if error.code == "E031" and len(path) == 2:
        path = spec.data.origin_of(str(path[1]))
    return Diagnostic(from_here(error.message), error.hint, path, error.code)


def problems_of_arrays(data: DataSpec) -> list[Diagnostic]:
    """Return errors for keys that need a table, if the training data is arrays."""
    problems = []
    if data.inputs is not None:
        message = '"inputs" divides the columns of a table, but the training data is arrays'
        hint = "remove it; a data source or a program that has several arrays names them itself"
        problems.append(Diagnostic(message, hint, AT_INPUTS, "E038"))
    if data.windows is not None:
        message = '"windows" cuts a table, but the training data is arrays'
        hint = "remove it, and let the arrays hold a window in each sample"
        problems.append(Diagnostic(message, hint, ("data", "windows"), "E039"))
    return problems


def no_training_data(spec: PartialSpec) -> list[Diagnostic]:
    """Return an error if the training data is missing."""
    if not spec.lacks_data:
        return []
    message, hint = "the training data is missing", 'name a data source: train = { type = "…" }'
    return [Diagnostic(message, hint, ("data", "train"), "E030")]


def _known(
    spec: PartialSpec, passed: Mapping[str, Data] | None
) -> tuple[dict[str, DataInfo | None], list[Diagnostic]]:
    """Return what is known about each data set before it is loaded; None for tables and streams."""
    infos: dict[str, DataInfo | None] = {}
    if passed is not None:
        for name, data in passed.items():
            infos[name] = None
            if isinstance(data, Dataset):
                info = DataInfo.of(data.x, data.y)
                infos[name] = replace(info, class_names=data.class_names)
        return infos, []
    problems = no_training_data(spec)
    if spec.data.stream is not None:
        return dict.fromkeys(spec.data.sources), [*problems, *stream_problems(spec)]
    for name, source in spec.data.sources.items():
        try:
            describe_source = partial(verified, DataSource.describe, source)
            infos[name] = computed_once((), ("info", source), describe_source)
        except DataError as error:
            path = getattr(source, "path", None)
            hint = error.hint or (hint_for_missing(path) if isinstance(path, Path) else None)
            at = ("data", name, *error.path) if error.path else spec.data.origin_of(name)
            problems.append(Diagnostic(from_here(error.message), hint, at, error.code))
    return infos, problems


def stream_problems(spec: PartialSpec) -> list[Diagnostic]:
    """Return errors for what a stream needs, and for what it excludes, before it is read."""
    problems = []
    if spec.training.batch_size is None:
        message, hint = "streamed data is trained on in mini-batches", "add e.g. batch_size = 128"
        problems.append(Diagnostic(message, hint, ("training",), "E033"))
    if spec.analyses:
        message = "an analysis needs all data in memory, but it is streamed"
        hint = "remove it; declnet evaluate --analyze makes one of a smaller file"
        problems.append(Diagnostic(message, hint, ("analyses", min(spec.analyses)), "E017"))
    return problems


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
