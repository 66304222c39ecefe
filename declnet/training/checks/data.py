"""Checks on the data: sizes, classes, integers, and whether its parts match each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Transform
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.returned import verified
from declnet.data.integer_limits import require_within
from declnet.data.preparing.target_encoding import TargetEncoding, with_chosen_labels
from declnet.data.preparing.windows import AT_SERIES, Windows
from declnet.data.sets import label_of_class
from declnet.data.splits import Data, held_out_count
from declnet.display.words import counted
from declnet.errors import DataError, Diagnostic, KeyPath, SampleName
from declnet.spec.partial import PartialSpec
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


def size_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield the first error in the sizes, since it may explain others."""
    if context.train is not None and context.train.samples:
        yield from islice(_in_sizes(context, context.train.samples, context.train.in_memory), 1)


def _in_sizes(context: CheckContext, samples: int, in_memory: bool) -> Iterator[Diagnostic]:
    """Yield errors in sizes.

    Args:
        context: the run.
        samples: the number of training samples before anything is held out.
        in_memory: whether x is an array rather than mapped from a file.
    """
    spec, training, folds = context.spec, context.spec.training, context.spec.data.folds
    held_out = {name: held_out_count(samples, share) for name, share in spec.data.fractions.items()}
    for name, count in held_out.items():
        if not 0 < count < samples:
            message = (
                f"{spec.data.fractions[name]} of {counted(samples, 'sample')} leaves {count} for "
                f"{name} and {samples - count} for training"
            )
            hint = f"use a {'smaller' if count else 'larger'} fraction"
            yield _problem(("data", name), message, hint)
    varying = [number for number, step in enumerate(spec.data.prepare) if step.training_only]
    if varying and training.batch_size is None:
        message = (
            "mini-batches vary, but without batch_size, each step takes all samples as they are"
        )
        hint = "add e.g. batch_size = 128 to [training]"
        yield _problem(("data", "prepare", varying[0]), message, hint)
    rest = samples - sum(held_out.values())
    if folds is not None and rest < folds:
        message = f"{counted(rest, 'sample')}: too few for {folds} folds"
        fewer = f"use at most {rest} folds" if rest > 1 else None
        yield _problem(("data", "folds"), message, fewer)
    if training.batch_size is None and not in_memory:
        message = "data that is mapped from a file is trained on in mini-batches"
        hint = "add batch_size = 128 to [training], or mapped = false to the data source"
        yield _problem(("data", "train"), message, hint)
    if folds is not None:
        rest = _left_by_fold(spec, rest, folds)
    if spec.data.windows is not None and context.described.sets is not None:
        rest = samples = len(context.described.sets.datasets["train"])
    if training.batch_size is not None and training.batch_size > rest:
        message = f"a batch of {training.batch_size} is larger than the training data"
        held = f" ({samples - rest} of {samples} are held out)" if rest < samples else ""
        there = f"there {'is' if rest == 1 else 'are'} {counted(rest, 'sample')}{held}"
        hint = f"{there}; without batch_size, each step takes all"
        yield _problem(("training", "batch_size"), message, hint)
    batches = training.epoch_batches(rest) if rest else 0
    if training.accumulate > max(batches, 1):
        plural = "es" if batches > 1 else ""
        message = f"an epoch has {batches} batch{plural}, fewer than {training.accumulate}"
        hint = f"use at most {batches}, or a smaller batch_size"
        yield _problem(("training", "accumulate"), message, hint)


def _left_by_fold(spec: PartialSpec, samples: int, folds: int) -> int:
    """Return the size of the smallest training set among the folds, as far as it is known."""
    method = spec.data.split.method
    if method in ("grouped", "column"):  # depends on the size of the groups
        return samples
    if method == "time":
        return samples - folds * (samples // (folds + 1))
    return samples - -(-samples // folds)


def _problem(path: KeyPath, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(message, hint, path, "E033")
