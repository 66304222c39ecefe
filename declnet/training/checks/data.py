"""Checks on data sources: their descriptions, and whether they match each other and the spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from declnet.caching import computed_once
from declnet.contracts.data.data_source import DataInfo, Dataset, DataSource
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.returned import verified
from declnet.data.preparing.named_inputs import AT_INPUTS
from declnet.data.preparing.target_encoding import TargetEncoding, with_chosen_labels
from declnet.data.preparing.targets import wanted_targets
from declnet.data.preparing.windows import AT_SERIES, Windows
from declnet.data.sets import PreparedSets, label_of_class, load_sets
from declnet.data.splits import Data
from declnet.data.streaming.fitting import prepared_sets
from declnet.errors import DataError, Diagnostic, KeyPath, error_message
from declnet.spec.data_section import DataSpec
from declnet.spec.messages import from_here, hint_for_missing
from declnet.spec.partial import PartialSpec
from declnet.training.checks.sizes import size_problems


@dataclass(frozen=True, eq=False)
class Described:
    """The description of the data.

    Attributes:
        infos: a description of each data set.
        sets: the data sets, if they had to be loaded for that.
        problems: errors in the sources or in their preparation, and warnings about columns.
        loaded: the training data before it was split, if it was loaded; a sample of a stream.
    """

    infos: dict[str, DataInfo]
    sets: PreparedSets | None
    problems: list[Diagnostic]
    loaded: Data | None = None

    @property
    def held(self) -> dict[str, DataInfo]:
        """The descriptions, of streams about as many samples as are in memory at a time."""
        blocks = self.sets.blocks if self.sets is not None else {}
        windows = {name: each.window for name, each in blocks.items() if each.window is not None}
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
    given: Mapping[str, Data] | None = None,
    *,
    loads_arrays: bool = False,
) -> Described:
    """Describe each data set; tables, data to be prepared, and all of a stream are read for this.

    Args:
        spec: the run's spec, of which data, losses, training and analyses are needed.
        given: data sets by name, in place of the spec's.
        loads_arrays: whether to load other data, too.
    """
    data = spec.data
    infos, problems = _known(spec, given)
    known = {name: info for name, info in infos.items() if info is not None}
    if "train" in known:
        problems += problems_of_arrays(data)
    needed = len(known) < len(infos) or data.prepare or data.prepare_targets or loads_arrays
    if problems or not spec.is_data_valid or "train" not in infos or not needed:
        return Described(known, None, problems)
    train: Data | None = None
    try:
        loaded = load_sets(data, seed) if given is None and data.stream is None else given
        train = loaded["train"] if loaded is not None else None
        sets = prepared_sets(data, wanted_targets(spec.heads), seed, loaded)
    except MemoryError as error:
        message = f"the data does not fit in this machine's memory: {error_message(error)}"
        at = origin_of(data.sources.get("train"), "train")
        return Described({}, None, [Diagnostic(message, None, at, "E051")], train)
    except DataError as error:
        if error.code == "E035" and any(head.targets is None for head in spec.heads):
            return Described({}, None, [], train)  # it may suit the loss that is meant
        return Described({}, None, [data_problem(spec, error), *note_warnings(spec, train)], train)
    if train is None and isinstance(sets.raw["train"], Dataset):
        problems = problems_of_arrays(data)
        if problems:
            return Described({}, None, problems)
    prepared = {}
    for name, blocks in sets.blocks.items():
        like = sets.datasets.get(name, sets.datasets["train"])
        info = replace(DataInfo.of(like.x, like.y), samples=len(blocks))
        prepared[name] = info.not_in_memory() if blocks.window is not None else info
    whole = sum(len(sets.blocks[name]) for name in ("train", *data.fractions))
    if train is not None:
        whole = len(train)
    train = train if train is not None else sets.raw["train"]
    prepared["train"] = replace(prepared["train"], samples=whole, inputs=sets.input_infos)
    named = {name: info for name, info in prepared.items() if name in infos}
    warnings = [*note_warnings(spec, train), *series_warnings(data, sets.raw)]
    return Described(named, sets, [*warnings, *unused_transforms(sets)], train)


def data_problem(spec: PartialSpec, error: DataError) -> Diagnostic:
    """Return an error in the data with its place in the spec."""
    path = error.path or ("data", "train")
    if error.code == "E031" and len(path) == 2:
        path = origin_of(spec.data.sources.get(str(path[1])), str(path[1]))
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
    """Return the error that there is no training data, if there is none."""
    if not spec.lacks_data:
        return []
    message, hint = "the training data is missing", 'name a data source: train = { type = "…" }'
    return [Diagnostic(message, hint, ("data", "train"), "E030")]


def note_warnings(spec: PartialSpec, train: Data | None) -> list[Diagnostic]:
    """Return a warning for each note on a column of the training data that is in use."""
    if not isinstance(train, Table):
        return []
    source = spec.data.sources.get("train")
    declares = source is not None and "types" in type(source).model_fields
    used = {*train.feature_columns, *train.target_columns}
    return [
        Diagnostic(
            f'column "{name}" {note.text}',
            f'declare it: types = {{ "{name}" = "{note.type}" }}' if declares else None,
            origin_of(source, "train"),
            "W005",
        )
        for name, note in train.notes.items()
        if name in used
    ]


def unused_transforms(sets: PreparedSets) -> list[Diagnostic]:
    """Return a warning for each transform that suits none of the columns as it finds them."""
    what = "column" if sets.preparation.types is not None else "array"
    hint = "remove it, or name its columns" if what == "column" else "remove it"
    return [
        Diagnostic(
            f'the transform "{step.transform.type}" suits no {what}, so it has no effect',
            hint,
            ("data", "prepare", step.number),
            "W009",
        )
        for step in sets.preparation.steps
        if not step.states
    ]


def series_warnings(data: DataSpec, parts: Mapping[str, Data]) -> list[Diagnostic]:
    """Return a warning for each data set of which some series are too short for a window."""
    windows = Windows.of(data)
    found = {
        name: windows.left_out(part.records) for name, part in parts.items() if windows is not None
    }
    hint = "reduce past or horizon, or leave out these series"
    return [
        Diagnostic(f"{name} data: {text}", hint, AT_SERIES, "W008")
        for name, text in found.items()
        if text is not None
    ]


def _known(
    spec: PartialSpec, given: Mapping[str, Data] | None
) -> tuple[dict[str, DataInfo | None], list[Diagnostic]]:
    """Return what is known about each data set before it is loaded; None for tables and streams."""
    infos: dict[str, DataInfo | None] = {}
    if given is not None:
        for name, data in given.items():
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
            infos[name] = computed_once((), ("info", source), partial(_info, source))
        except DataError as error:
            path = getattr(source, "path", None)
            other = hint_for_missing(path) if isinstance(path, Path) else None
            at = ("data", name, *error.path) if error.path else origin_of(source, name)
            problems.append(
                Diagnostic(from_here(error.message), error.hint or other, at, error.code)
            )
    return infos, problems


def stream_problems(spec: PartialSpec) -> list[Diagnostic]:
    """Return what a spec with a stream lacks, or asks for in vain, before the data is read."""
    problems = []
    if spec.training.batch_size is None:
        message, hint = "streamed data is trained on in mini-batches", "add e.g. batch_size = 128"
        problems.append(Diagnostic(message, hint, ("training",), "E033"))
    if spec.analyses:
        message = "an analysis needs all data in memory, but it is streamed"
        hint = "remove it; declnet evaluate --analyze makes one of a smaller file"
        problems.append(Diagnostic(message, hint, ("analyses", min(spec.analyses)), "E017"))
    return problems


def _info(source: DataSource) -> DataInfo | None:
    return verified(DataSource.describe, source)


def origin_of(source: DataSource | None, name: str) -> KeyPath:
    """Return the key that determines the data: the source's path, if it has one."""
    has_path = source is not None and "path" in type(source).model_fields
    return ("data", name, "path") if has_path else ("data", name)


def data_problems(
    spec: PartialSpec, infos: Mapping[str, DataInfo], sets: PreparedSets | None
) -> list[Diagnostic]:
    """Return errors for shapes unlike the training data's, and for a batch larger than it."""
    train = infos.get("train")
    if train is None:
        return []
    problems = [
        Diagnostic(
            unlike,
            "prepare all data sets in the same way",
            origin_of(spec.data.sources.get(name), name),
            "E032",
        )
        for name, info in infos.items()
        if (unlike := _unlike(name, info.inputs, train.inputs)) is not None
    ]
    problems += [
        Diagnostic(
            f"{name} has no samples", None, origin_of(spec.data.sources.get(name), name), "E031"
        )
        for name, info in infos.items()
        if info.samples == 0
    ]
    if train.samples:
        has_windows = spec.data.windows is not None and sets is not None
        windows = len(sets.datasets["train"]) if has_windows and sets is not None else None
        problems += size_problems(spec, train.samples, train.in_memory, windows)
    return problems


def class_problems(spec: PartialSpec, infos: Mapping[str, DataInfo]) -> list[Diagnostic]:
    """Return errors in the names of classes, as far as sources know them before they are loaded."""
    train, data = infos.get("train"), spec.data
    if train is None or train.target != "classes" or UNNAMED not in train.targets:
        return []
    names, problems = train.class_names, []
    if names is not None:
        problems = _error(spec, "train", TargetEncoding.of_names, names)
        if problems:
            return problems
        encoding = TargetEncoding.of_names(names)
        problems += _error(spec, "train", with_chosen_labels, {UNNAMED: encoding}, data)
        for name, info in infos.items():
            problems += _error(spec, name, encoding.require_known, info.class_names or ())
    classes = len(names) if names is not None else train.classes
    if classes and isinstance(data.class_weights, Mapping):
        for name in data.class_weights:
            problems += _error(spec, "train", label_of_class, name, names, classes)
    return problems


def _error(
    spec: PartialSpec, name: str, require: Callable[..., object], *arguments: object
) -> list[Diagnostic]:
    """Return the error that a call raises about a data set, if it does, at its key."""
    try:
        require(*arguments)
    except DataError as error:
        path = error.path or origin_of(spec.data.sources.get(name), name)
        return [Diagnostic(from_here(error.message), error.hint, path, error.code)]
    return []


def _unlike(
    name: str, infos: Mapping[str, InputInfo], train: Mapping[str, InputInfo]
) -> str | None:
    """Return how a data set's samples differ from the training data's."""
    if set(infos) != set(train):
        own, other = (
            ", ".join(each) if [*each] != [UNNAMED] else "one array" for each in (infos, train)
        )
        return f"{name} has the inputs {own}, train has {other}"
    for each, info in infos.items():
        if info.shape != train[each].shape:
            of = f' of the input "{each}"' if each else ""
            return f"{name} has samples{of} of shape {info.shape}, train of {train[each].shape}"
    return None
