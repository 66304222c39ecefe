"""Checks on the data: whether its parts match each other, the spec, and layers of integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Transform
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.returned import verified
from declnet.data.integer_limits import require_within
from declnet.data.preparing.target_encoding import TargetEncoding, with_chosen_labels
from declnet.data.preparing.windows import AT_SERIES, Windows
from declnet.data.sets import label_of_class
from declnet.data.splits import Data
from declnet.errors import DataError, Diagnostic, SampleName
from declnet.spec.shown_values import from_here
from declnet.training.checks.context import CheckContext


def integer_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first number that layers do not take, or for floats in its place."""
    problems = [*_outside_limits(context)] if context.limits else []
    yield from problems or _floats(context)


def _outside_limits(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first number of an input that its layers do not take."""
    if context.sets is None:
        yield from context.loaded.problems
        return
    for name, part in context.sets.raw.items():

        def name_sample(position: int, name: str = name, part: Data = part) -> SampleName:
            sample = part.sample_name(position)
            return sample._replace(text=f"{name} data: {sample.text}")

        try:
            require_within(context.sets.datasets[name].inputs, context.limits, name_sample)
        except DataError as error:
            yield Diagnostic(error.message, error.hint, context.origin_of(name), error.code)
            return


def _floats(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for the first layer that takes integers, such as an embedding, on floats."""
    infos = context.train.inputs if context.train is not None else {}
    for node in filter(None, context.inferred.nodes):
        for read in sorted(node.reads_of("integer")):
            if read in infos and infos[read].dtype != "integer":
                array = f'the input "{read}"' if read else "x"
                message = f'"{node.name}" takes integers, but {array} holds floats'
                hint = "store x as integers, or use a layer that takes floats instead"
                if read:
                    hint = "give it integers only, or use a layer that takes floats instead"
                if node.reads_of("float") or any(node.inputs):
                    message = f'input {node.reads.index(read) + 1} of "{node.name}" must be '
                    message += f"integers, but {array} holds floats"
                    hint = "store them as integers, and leave them as they are in data.prepare"
                yield Diagnostic(message, hint, ("model", "layers", node.index), "E024")
                return


MANY_VALUES = 250
"""Values of a column from which on a column for each value is suspicious."""


def note_warnings(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each note on a column of the training data that is in use."""
    train, source = context.described.loaded, context.spec.data.sources.get("train")
    if not isinstance(train, Table):
        return
    declares = source is not None and "types" in type(source).model_fields
    used = {*train.feature_columns, *train.target_columns}
    for name, note in train.notes.items():
        if name in used:
            hint = f'declare it: types = {{ "{name}" = "{note.type}" }}' if declares else None
            at = context.spec.data.origin_of("train")
            yield Diagnostic(f'column "{name}" {note.text}', hint, at, "W005")


def unused_transforms(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each transform that suits none of the columns that reach it."""
    sets = context.described.sets
    for step in sets.preparation.steps if sets is not None else ():
        if sets is not None and not step.states:
            is_table = sets.preparation.types is not None
            what, hint = (
                ("column", "remove it, or name its columns") if is_table else ("array", "remove it")
            )
            message = f'the transform "{step.transform.type}" suits no {what}, so it has no effect'
            yield Diagnostic(message, hint, ("data", "prepare", step.number), "W009")


def columns_of_many_values(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each column of which a transform makes hundreds, one for each value."""
    sets = context.described.sets
    for step in sets.preparation.steps if sets is not None else ():
        transform = step.transform
        for name, state in step.states.items():
            values = verified(Transform.known_values, transform, state) or ()
            if len(values) <= MANY_VALUES:
                continue
            columns = len(verified(Transform.feature_names, transform, (name,), state))
            if columns >= len(values):
                message = f'"{transform.type}" makes {columns} columns of column "{name}"'
                hint = (
                    "merge its rare values before, or number them for a layer that trains a vector "
                    "for each: `declnet explain W016` shows how"
                )
                yield Diagnostic(message, hint, ("data", "prepare", step.number), "W016")


def short_series(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each data set of which some series are too short for a window."""
    sets, windows = context.described.sets, Windows.from_spec(context.spec.data)
    if sets is None or windows is None:
        return
    for name, part in sets.raw.items():
        text = windows.left_out(part.records)
        if text is not None:
            hint = "reduce past or horizon, or leave out these series"
            yield Diagnostic(f"{name} data: {text}", hint, AT_SERIES, "W008")


def unlike_training_data(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each data set whose samples have other inputs or shapes."""
    train = context.train
    for name, info in context.infos.items():
        difference = _difference(name, info.inputs, train.inputs) if train is not None else None
        if difference is not None:
            hint = "prepare all data sets in the same way"
            yield Diagnostic(difference, hint, context.spec.data.origin_of(name), "E032")


def _difference(
    name: str, infos: Mapping[str, InputInfo], train: Mapping[str, InputInfo]
) -> str | None:
    """Return how a data set's samples differ from the training data's."""
    if set(infos) != set(train):
        ours, theirs = (
            ", ".join(inputs) if [*inputs] != [UNNAMED] else "one array"
            for inputs in (infos, train)
        )
        return f"{name} has the inputs {ours}, train has {theirs}"
    for input_, info in infos.items():
        if info.shape != train[input_].shape:
            which = f' of the input "{input_}"' if input_ else ""
            shape = train[input_].shape
            return f"{name} has samples{which} of shape {info.shape}, train of {shape}"
    return None


def empty_data(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each data set without samples."""
    for name, info in context.infos.items():
        if info.samples == 0 and context.train is not None:
            at = context.spec.data.origin_of(name)
            yield Diagnostic(f"{name} has no samples", None, at, "E031")


def class_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield errors in the names of classes, as far as sources know them before they are loaded."""
    train, data = context.train, context.spec.data
    if context.described.sets is not None or train is None or UNNAMED not in train.targets:
        return
    if train.target != "classes":
        return
    names, classes = train.class_names, train.classes
    if names is not None:
        classes = len(names)
        problems = [*_raised(context, "train", TargetEncoding.of_names, names)]
        if problems:
            yield from problems
            return
        encoding = TargetEncoding.of_names(names)
        yield from _raised(context, "train", with_chosen_labels, {UNNAMED: encoding}, data)
        for name, info in context.infos.items():
            yield from _raised(context, name, encoding.require_known, info.class_names or ())
    if classes and isinstance(data.class_weights, Mapping):
        for name in data.class_weights:
            yield from _raised(context, "train", label_of_class, name, names, classes)


def _raised(
    context: CheckContext, name: str, require: Callable[..., object], *arguments: object
) -> Iterator[Diagnostic]:
    """Yield the error that a call raises about a data set, if it does, at its key."""
    try:
        require(*arguments)
    except DataError as error:
        path = error.path or context.spec.data.origin_of(name)
        yield Diagnostic(from_here(error.message), error.hint, path, error.code)
