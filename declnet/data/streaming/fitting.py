"""Streamed data sets: their preparation is fitted in one pass, or one for each dependent step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import prod

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.data.transform import (
    ColumnError,
    Fitting,
    Transform,
    TransformState,
    apply_to_array,
)
from declnet.contracts.network.inputs import UNNAMED, by_name
from declnet.contracts.returned import verified, verify
from declnet.data.columns import located, require_column, typed
from declnet.data.preparing.preparation import ARRAY, FittedPreparation
from declnet.data.preparing.targets import WantedTarget, target_key
from declnet.data.sets import (
    NAMES,
    PreparedSets,
    class_weights,
    load_sets,
    prepare_sets,
    prepared,
    split_and_prepared,
    weighted,
)
from declnet.data.splits import Data
from declnet.data.streaming.source import StreamedSource
from declnet.data.streaming.streamed_set import StreamedSet
from declnet.data.streaming.survey import Survey
from declnet.errors import ChangedFileError, DataError
from declnet.spec.data_section import DataSpec, StreamSpec

WINDOW_NUMBERS = 2**24
"""Numbers in a window that the spec does not size: 64 MiB in float32."""

Chain = tuple[str, tuple[int, ...]]
"""A column or target, and the positions of the transforms applied to it, the fitted one last."""


def prepared_sets(
    spec: DataSpec,
    wanted: Sequence[WantedTarget],
    seed: int,
    given: Mapping[str, Data] | None = None,
) -> PreparedSets:
    """Load, split, prepare and weight all data sets, or fit their preparation if they are streamed.

    Args:
        wanted: the targets as the losses want them.
        given: data sets by name, used instead of the spec's.

    Raises:
        DataError: the data is invalid.
    """
    if given is None and spec.stream is not None:
        return streamed_sets(spec, wanted, seed)
    loaded = dict(given) if given is not None else load_sets(spec, seed)
    return split_and_prepared(loaded, spec, wanted, seed)[1]


def streamed_sets(spec: DataSpec, wanted: Sequence[WantedTarget], seed: int) -> PreparedSets:
    """Read all training data once or more to fit its preparation; return all data sets as streams.

    Other sets of a table are prepared once, to find rows that cannot be, and so is the training
    data if it was not fitted to all rows.

    Args:
        wanted: the targets as the losses want them.

    Raises:
        DataError: the data is invalid, or a source cannot be read in blocks.
    """
    source = StreamedSource.opened("train", spec, seed)
    fit = StreamedFit(spec, wanted)
    surveys = _surveyed(source, spec, wanted, fit)
    sample = surveys["train"].sample()
    while (planned := fit.planned(sample)) is None:
        with ChangedFileError.during("the fit of the preparation"):
            for by_set in source.in_order():
                if "train" in by_set:
                    fit.update(by_set["train"])
    by_class = _class_weights(spec, planned, surveys["train"])
    first = weighted(planned.datasets["train"], sample, spec, by_class)
    numbers = sum(prod(each.shape[1:]) for x in (first.x, first.y) for each in by_name(x).values())
    stream = spec.stream or StreamSpec()
    window = stream.window or max(1, WINDOW_NUMBERS // max(1, numbers))
    types = sample.types if isinstance(sample, Table) else None
    streams = {}
    for name in NAMES:
        of, survey = source, surveys.get(name)
        if survey is None and name in spec.sources:
            of = StreamedSource.opened(name, spec, seed, types)
            survey = _surveyed(of, spec, (), None)[name]
        if survey is not None:
            read = partial(_read, of, name, planned.preparation, spec, by_class)
            about = tuple(survey.sizes), read, of.fingerprint(name), window, first.class_names
            streams[name] = StreamedSet(*about, of.blocks.groups, stream.cache)
            if fit.sampled if name == "train" else types is not None:
                with ChangedFileError.during("the check of all rows"):
                    for _ in streams[name].parts():  # a row that cannot be prepared is an error
                        pass
    return PreparedSets({"train": first}, planned.preparation, streams, sample)


def _surveyed(
    source: StreamedSource,
    spec: DataSpec,
    wanted: Sequence[WantedTarget],
    fit: StreamedFit | None,
) -> dict[str, Survey]:
    """Survey all samples of a source by data set, and add the training data to a fit."""
    surveys: dict[str, Survey] = {}
    counted = spec.class_weights is not None
    with ChangedFileError.during("the survey"):
        for number, by_set in enumerate(source.in_order()):
            for name, data in by_set.items():
                if name not in surveys:
                    columns, blocks = _columns_of_classes(data, wanted), len(source.blocks.sizes)
                    surveys[name] = Survey(blocks, source.seed, columns, counted=counted)
                surveys[name].add(number, data)
                if fit is not None and name == "train":
                    fit.update(data)
    for name in (source.name, *(spec.fractions if source.name == "train" else ())):
        if name not in surveys:
            raise DataError(
                f"of {len(source.blocks)} samples, the split leaves none for {name}",
                hint="use another fraction or method",
                path=("data", name),
                code="E033",
            )
    return surveys


def _read(
    source: StreamedSource,
    name: str,
    preparation: FittedPreparation | None,
    spec: DataSpec,
    by_class: Mapping[int, float] | None,
    number: int,
) -> Dataset:
    """Return the prepared samples of a data set in a block."""
    data = source.read(number)[name]
    return weighted(prepared(data, preparation, name), data, spec, by_class)


def _columns_of_classes(data: Data, wanted: Sequence[WantedTarget]) -> list[str]:
    """Return the columns of a table whose distinct values are classes."""
    columns = data.target_columns if isinstance(data, Table) else ()
    named = {each.name or "".join(columns[:1]) for each in wanted if each.kind != "values"}
    return [name for name in columns if name in named]


def _class_weights(
    spec: DataSpec, planned: PreparedSets, survey: Survey
) -> dict[int, float] | None:
    if spec.class_weights is None:
        return None
    encoding = planned.preparation.target if planned.preparation is not None else None
    names = encoding.class_names if encoding is not None else None
    sizes: Mapping[int, int] = survey.labels
    if encoding is not None and encoding.classes is not None and survey.classes:
        by_class = survey.classes[encoding.column]
        sizes = {label: by_class[each] for label, each in enumerate(encoding.classes)}
    if not sizes:
        raise DataError(
            "class weights need a single target with classes",
            hint="use sample_weights instead",
            path=("data", "class_weights"),
            code="E036",
        )
    return class_weights(sizes, names, spec.class_weights)


class StreamedFit:
    """A preparation fitted to training data in blocks, in as few passes as possible.

    The first pass fits what the first block suggests, which is nearly always right. A
    transform that is fitted to the result of an earlier one takes another pass.

    Attributes:
        sampled: whether a transform is fitted to a sample.
    """

    def __init__(self, spec: DataSpec, wanted: Sequence[WantedTarget]) -> None:
        self._spec = spec.model_copy(update={"class_weights": None})
        self._wanted = wanted
        self.sampled = False
        self._known: dict[Chain, TransformState] = {}
        self._states: dict[Chain, TransformState] = {}
        self._pending: dict[Chain, Fitting] | None = None
        self._chains: dict[str, tuple[int, ...]] = {}
        self._types: Mapping[str, ColumnType] | None = None
        self._planned: PreparedSets | None = None

    def update(self, data: Data) -> None:
        """Add a block of the training data to all fits in progress."""
        if self._pending is None:
            self._pending = dict(self._guessed(data))
        for chain, fitting in list(self._pending.items()):
            name, (*before, number) = chain
            transform = self._transforms(name)[number]
            column = self._column(data, name)
            records = data if isinstance(data, Table) else Table({ARRAY: column})
            try:
                with located(transform, name.lstrip("\0") or "y", records, number):
                    for position, each in enumerate(before):
                        state = self._states[name, tuple(before[: position + 1])]
                        earlier = self._transforms(name)[each]
                        column = apply_to_array(earlier, column, state)
                    fitting.update(column)
            except DataError:
                if self._planned is not None:
                    raise
                del self._pending[chain]  # perhaps it does not suit; else the next pass says so

    def planned(self, sample: Data) -> PreparedSets | None:
        """Return the sample prepared if everything is fitted; None if another pass is needed.

        Args:
            sample: a sample of the training data, to which everything else is fitted.

        Raises:
            DataError: the sample is invalid, or something cannot be fitted.
        """
        for (name, chain), fitting in (self._pending or {}).items():
            transform = self._transforms(name)[chain[-1]]
            try:
                state = verify(Transform.fit, transform, fitting.result())
                self._known[name, chain] = state
            except ColumnError:
                continue  # as above
        self._pending, self._chains, self._states, self.sampled = {}, {}, {}, False
        self._planned = prepare_sets({"train": sample}, self._spec, self._wanted, fit=self._fit)
        if isinstance(sample, Table):
            self._types = sample.types
        return None if self._pending else self._planned

    def _fit(self, transform: Transform, name: str, number: int, column: Array) -> TransformState:
        """Return the state fitted to all data or, until that is known, to the sample."""
        earlier = self._chains.get(name, ())
        chain: Chain = name, (*earlier, number)
        self._chains[name] = chain[1]
        state = self._known.get(chain)
        if state is None:
            state = verified(Transform.fit, transform, column)
            fitting = verified(Transform.fitting, transform)
            pending = self._pending if self._pending is not None else {}
            if fitting is None:
                self.sampled = self.sampled or type(transform).fit is not Transform.fit
            elif not any(waiting == name for waiting, _ in pending):
                pending[chain] = fitting
        self._states[chain] = state
        return state

    def _guessed(self, data: Data) -> Iterator[tuple[Chain, Fitting]]:
        """Yield the first fit of each column, as far as the first block tells."""
        taken: set[str] = set()
        arrays = data.columns if isinstance(data, Table) else by_name(data.x)
        for number, transform in enumerate(self._spec.prepare):
            for column, x in arrays.items() if not transform.training_only else ():
                name = column or ARRAY
                named = transform.columns is None or name in transform.columns
                if name in taken or not named:
                    continue
                if transform.columns is None and not verified(Transform.suits, transform, x):
                    continue
                taken.add(name)
                fitting = verified(Transform.fitting, transform)
                if fitting is not None:
                    yield (name, (number,)), fitting
        for name, transforms in (self._spec.prepare_targets or {}).items():
            single = isinstance(data, Dataset) or not all(each.name for each in self._wanted)
            key = target_key(UNNAMED if single else name)
            fitting = verified(Transform.fitting, transforms[0])
            if fitting is not None:
                yield (key, (0,)), fitting

    def _transforms(self, name: str) -> Sequence[Transform]:
        """Return all transforms of features, or of a target."""
        if not name.startswith("\0"):
            return self._spec.prepare
        own = self._spec.prepare_targets or {}
        return own[name[1:]] if name[1:] in own else next(iter(own.values()))

    def _column(self, data: Data, name: str) -> Array:
        """Return a column or target as its first transform gets it."""
        if name.startswith("\0"):
            if isinstance(data, Dataset):
                y = by_name(data.y)
                target: Array = y[name[1:]] if name[1:] in y else next(iter(y.values()))
            else:
                column = name[1:] or "".join(data.target_columns[:1])
                require_column(data.columns, column)
                target = data.columns[column]
            if target.dtype.kind == "O":
                raise DataError(f'the target "{name[1:]}" is text')
            return target.astype(float)
        if isinstance(data, Dataset):
            x = by_name(data.x)
            array: Array = np.asarray(x[name] if name in x else x[UNNAMED])
            return array
        if self._types is None:
            require_column(data.columns, name)
            return data.columns[name]
        return typed(data, {name: self._types[name]}, data.cells)[name]
