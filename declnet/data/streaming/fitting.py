"""Streamed data sets: their preparation is fitted in one pass, or one for each dependent step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.data.transform import (
    ColumnError,
    Fitting,
    Transform,
    TransformState,
    apply_to_array,
)
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.returned import verified, verify
from declnet.data.blocks import BlockSet
from declnet.data.columns import located, require_column, typed
from declnet.data.passes import followed
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.data.preparing.targets import LossTarget, target_key
from declnet.data.preparing.unusual_cells import TrainingCells
from declnet.data.sets import (
    AT_CLASSES,
    PreparedSets,
    Statistics,
    load_sets,
    prepare_sets,
    prepared,
    split_and_prepared,
    weighted,
)
from declnet.data.splits import NAMES, Data
from declnet.data.streaming.source import StreamedSource, Survey
from declnet.errors import ChangedFileError, DataError
from declnet.spec.data_section import DataSpec, StreamSpec

WINDOW_NUMBERS = 2**23
"""Numbers in a window that the spec does not size: 32 MiB in float32, of which two are held."""


def prepared_sets(
    spec: DataSpec,
    loss_targets: Sequence[LossTarget],
    seed: int,
    loaded: Mapping[str, Data] | None = None,
) -> PreparedSets:
    """Load, split, prepare and weight all data sets, or fit their preparation if they are streamed.

    Args:
        loss_targets: the targets as the losses take them.
        loaded: data sets by name, before the split, instead of the spec's.

    Raises:
        DataError: the data is invalid.
    """
    if loaded is None and spec.stream is not None:
        return streamed_sets(spec, loss_targets, seed)
    loaded = loaded if loaded is not None else load_sets(spec, seed)
    return split_and_prepared(loaded, spec, loss_targets, seed)


def streamed_sets(spec: DataSpec, loss_targets: Sequence[LossTarget], seed: int) -> PreparedSets:
    """Read all training data once or more to fit its preparation; return all data sets as streams.

    Other sets of a table are prepared once, to find rows that cannot be, and so is the training
    data if it was not fitted to all rows.

    Args:
        loss_targets: the targets as the losses take them.

    Raises:
        DataError: the data is invalid, or a source cannot be read in blocks.
    """
    source = StreamedSource.opened("train", spec, seed)
    statistics = StreamStatistics(spec, loss_targets)
    surveys = _surveyed(source, spec, loss_targets, statistics)
    statistics.survey = surveys["train"]
    sample = surveys["train"].sample()
    while (sets := statistics.prepared(sample)) is None:
        with ChangedFileError.during("the fit of the preparation"):
            for by_set in _followed_blocks(source, "fitting the preparation"):
                if "train" in by_set:
                    statistics.update(by_set["train"])
    first = sets.datasets["train"]
    numbers = sum(prod(y.shape[1:]) for ys in (first.inputs, first.targets) for y in ys.values())
    stream = spec.stream or StreamSpec()
    window = stream.window or max(1, WINDOW_NUMBERS // max(1, numbers))
    types = sample.types if isinstance(sample, Table) else None
    blocks = {}
    for name in NAMES:
        holder, survey = source, surveys.get(name)
        if survey is None and name in spec.sources:
            holder = StreamedSource.opened(name, spec, seed, types)
            survey = _surveyed(holder, spec, (), None)[name]
        if survey is not None:
            blocks[name] = BlockSet(
                tuple(survey.sizes),
                partial(_read, holder, name, sets.preparation, spec, sets.class_weights),
                holder.fingerprint(name),
                window,
                holder.blocks.groups,
                copied=stream.cache,
            )
            if statistics.sampled if name == "train" else types is not None:
                parts = blocks[name].parts()
                every = followed(parts, f"checking the {name} data", len, len(blocks[name]))
                with ChangedFileError.during("the check of all rows"):
                    for _ in every:  # a row that cannot be prepared is an error
                        pass
    return replace(sets, blocks=blocks, preparation=statistics.with_all_cells(sets.preparation))


def _surveyed(
    source: StreamedSource,
    spec: DataSpec,
    loss_targets: Sequence[LossTarget],
    statistics: StreamStatistics | None,
) -> dict[str, Survey]:
    """Survey all samples of a source by data set, and add the training data to the statistics."""
    surveys: dict[str, Survey] = {}
    with ChangedFileError.during("the survey"):
        blocks_in_order = _followed_blocks(source, f"surveying the {source.name} data")
        for number, by_set in enumerate(blocks_in_order):
            for name, data in by_set.items():
                if name not in surveys:
                    targets, blocks = _counted(data, spec, loss_targets), len(source.blocks.sizes)
                    surveys[name] = Survey(blocks, source.seed, targets)
                surveys[name].add(number, data)
                if statistics is not None and name == "train":
                    statistics.update(data)
    for name in (source.name, *(spec.fractions if source.name == "train" else ())):
        if name not in surveys:
            raise DataError(
                f"of {len(source.blocks)} samples, the split leaves none for {name}",
                hint="use another fraction or method",
                path=("data", name),
                code="E033",
            )
    return surveys


def _followed_blocks(source: StreamedSource, task: str) -> Iterator[dict[str, Data]]:
    """Yield the samples of each block by data set, and report the progress."""

    def size(by_set: dict[str, Data]) -> int:
        return sum(map(len, by_set.values()))

    return followed(source.in_order(), task, size, len(source.blocks))


def _read(
    source: StreamedSource,
    name: str,
    preparation: FittedPreparation,
    spec: DataSpec,
    by_class: Mapping[int, float] | None,
    number: int,
) -> Dataset:
    """Return the prepared samples of a data set in a block."""
    data = source.read(number)[name]
    return weighted(prepared(data, preparation, name), data, spec, by_class)


def _counted(data: Data, spec: DataSpec, loss_targets: Sequence[LossTarget]) -> list[str]:
    """Return the targets whose distinct values are classes; of arrays, if classes have weights."""
    columns = data.target_columns
    if isinstance(data, Dataset):
        return [UNNAMED] if spec.class_weights is not None and UNNAMED in columns else []
    named = {
        target.name or "".join(columns[:1]) for target in loss_targets if target.kind != "values"
    }
    return [name for name in columns if name in named]


class _Step(NamedTuple):
    """A transform that a column has been through."""

    transform: Transform
    number: int
    state: TransformState


class _PendingFit(NamedTuple):
    """A fit of a transform to a column in blocks, after the steps before it."""

    transform: Transform
    number: int
    before: tuple[_Step, ...]
    fitting: Fitting


def _chain(steps: Sequence[_Step], number: int) -> tuple[int, ...]:
    """Return the positions of the transforms applied to a column, ending with `number`."""
    return (*(step.number for step in steps), number)


class StreamStatistics(Statistics):
    """What is learned from training data in blocks, in as few passes as possible.

    The first pass fits what the first block suggests, which is nearly always right. A
    transform that is fitted to the result of an earlier one takes another pass.

    Attributes:
        sampled: whether a transform is fitted to a sample.
        survey: of all samples.
    """

    survey: Survey

    def __init__(self, spec: DataSpec, loss_targets: Sequence[LossTarget]) -> None:
        self._spec, self._loss_targets = spec, loss_targets
        self.sampled = False
        self._known: dict[tuple[str, tuple[int, ...]], TransformState] = {}
        self._steps: dict[str, tuple[_Step, ...]] = {}
        self._pending: dict[str, _PendingFit] = {}
        self._types: Mapping[str, ColumnType] | None = None
        self._cells: dict[str, TrainingCells] = {}
        self._is_first = self._is_guess = True

    def update(self, data: Data) -> None:
        """Add a block of the training data to all fits in progress."""
        if self._is_first:
            self._guess(data)
            self._is_first = False
        if self._is_guess and isinstance(data, Table):
            self._add_cells(data)
        for name, pending in list(self._pending.items()):
            column = self._column(data, name)
            try:
                with located(
                    pending.transform, name.lstrip("\0") or "y", data.records, pending.number
                ):
                    for step in pending.before:
                        column = apply_to_array(step.transform, column, step.state)
                    pending.fitting.update(column)
            except DataError:
                if not self._is_guess:
                    raise
                del self._pending[name]  # if it does suit, the next pass raises the error

    def _add_cells(self, block: Table) -> None:
        """Add what is known of the cells of a block's columns, categories only of text."""
        for name, column in block.columns.items():
            before = self._cells.get(name)
            categorical = column.dtype.kind == "O" and (not before or before.categories is not None)
            cells = TrainingCells.of_column(column, categorical=categorical)
            self._cells[name] = before.joined(cells) if before else cells

    def with_all_cells(self, preparation: FittedPreparation) -> FittedPreparation:
        """Return a preparation fitted to a sample with what is known of the cells of all rows."""
        training = {
            name: self._cells[name]
            if of_sample.categories is not None
            else replace(self._cells[name], categories=None)
            for name, of_sample in preparation.training.items()
        }
        return replace(preparation, training=training)

    def prepared(self, sample: Data) -> PreparedSets | None:
        """Return the sample prepared if everything is fitted; None if another pass is needed.

        Args:
            sample: a sample of the training data, to which everything else is fitted.

        Raises:
            DataError: the sample is invalid, or something cannot be fitted.
        """
        for name, pending in self._pending.items():
            try:
                state = verify(Transform.fit, pending.transform, pending.fitting.result())
            except ColumnError:
                continue  # as above
            self._known[name, _chain(pending.before, pending.number)] = state
        self._pending, self._steps, self.sampled, self._is_guess = {}, {}, False, False
        sets = prepare_sets({"train": sample}, self._spec, self._loss_targets, statistics=self)
        if isinstance(sample, Table):
            self._types = sample.types
        return None if self._pending else sets

    def fit(self, transform: Transform, name: str, number: int, column: Array) -> TransformState:
        """Return the state fitted to all data or, until that is known, to the sample."""
        steps = self._steps.get(name, ())
        state = self._known.get((name, _chain(steps, number)))
        if state is None:
            state = verified(Transform.fit, transform, column)
            if not self._begin(name, transform, number, steps):
                self.sampled = self.sampled or type(transform).fit is not Transform.fit
        self._steps[name] = (*steps, _Step(transform, number, state))
        return state

    def class_sizes(self, train: Dataset, encoding: TargetEncoding | None) -> Mapping[int, int]:
        """Return the number of samples with each label."""
        super().class_sizes(train, encoding)
        classes, column = self.survey.classes, encoding.column if encoding is not None else UNNAMED
        counts = classes.get(column, classes.get(UNNAMED))
        if counts is None:
            raise DataError(
                "class weights need a target with classes",
                hint="use sample_weights instead",
                path=AT_CLASSES,
                code="E036",
            )
        if encoding is None:
            return counts
        return {label: counts[value] for label, value in enumerate(encoding.classes or ())}

    def _begin(
        self, name: str, transform: Transform, number: int, before: tuple[_Step, ...] = ()
    ) -> bool:
        """Begin a fit to blocks unless one of the column has begun; return whether it has any."""
        fitting = verified(Transform.fitting, transform)
        if fitting is not None:
            self._pending.setdefault(name, _PendingFit(transform, number, before, fitting))
        return fitting is not None

    def _guess(self, data: Data) -> None:
        """Begin the first fit of each column, as far as the first block shows."""
        chosen: set[str] = set()
        for number, transform in enumerate(self._spec.prepare):
            for name, column in data.records.columns.items():
                if transform.training_only or name in chosen:
                    continue
                if (
                    verified(Transform.suits, transform, column)
                    if transform.columns is None
                    else name in transform.columns
                ):
                    chosen.add(name)
                    self._begin(name, transform, number)
        for name, (transform, *_) in (self._spec.prepare_targets or {}).items():
            single = isinstance(data, Dataset) or not all(
                target.name for target in self._loss_targets
            )
            self._begin(target_key(UNNAMED if single else name), transform, 0)

    def _column(self, data: Data, name: str) -> Array:
        """Return a column or target as its first transform gets it."""
        records = data.records
        if name.startswith("\0"):
            ys: Mapping[str, Array] = records.columns
            if isinstance(data, Dataset):
                ys = data.targets
            target = name[1:] or next(iter(data.target_columns), "")
            require_column(ys, target)
            y = ys[target]
            if y.dtype.kind == "O":
                raise DataError(f'the target "{name[1:]}" is text')
            return y.astype(float)
        if self._types is None or isinstance(data, Dataset):
            require_column(records.columns, name)
            array: Array = np.asarray(records.columns[name])
            return array
        return typed(records, {name: self._types[name]}, records.cells)[name]
