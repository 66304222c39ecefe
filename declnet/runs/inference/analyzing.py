"""Analyses of a trained model on a data set, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.table import Table
from declnet.contracts.network.directions import LOSSES, Better
from declnet.contracts.returned import verified
from declnet.contracts.runs.analysis import Analysis
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.replacing import raw_columns
from declnet.data.reservoir import Reservoir
from declnet.data.sets import PreparedSets, load_sets, prepare_sets, split_sets
from declnet.data.sources.files import called, naming
from declnet.data.sources.loading import fingerprint
from declnet.data.splits import Data
from declnet.display.displayed import Displayed
from declnet.display.tables import ResultTable, fault_of
from declnet.display.words import counted
from declnet.errors import DataError
from declnet.runs.inference.examined import ExaminedPart
from declnet.runs.inference.file_parts import joined_parts, raw_parts
from declnet.runs.inference.member import LabeledPart
from declnet.runs.inference.predictor import Predictor
from declnet.runs.inference.scores import ValueErrors
from declnet.spec.heads import Head
from declnet.spec.streams import Stream, random_stream
from declnet.stored import Stored
from declnet.training.metrics import MetricAccumulator, directions

MOST_SAMPLES = 100_000
"""Maximum number of samples of a data set that analyses see; of a larger one, some are drawn at
random."""


def _require_consistent(table: ResultTable) -> ResultTable:
    if fault := fault_of(table):
        raise ValueError(fault)
    return table


_StoredTable = Annotated[ResultTable, AfterValidator(_require_consistent)]


@dataclass(frozen=True)
class AnalysisResult(Displayed):
    """The result of an analysis.

    Attributes:
        analysis: its declaration: its type, and the fields that differ from their defaults.
        data: the name of the data set or file.
        samples: the number of samples in it.
        tables: what was found.
    """

    analysis: Mapping[str, Any]
    data: str
    samples: int
    tables: tuple[_StoredTable, ...]

    def displayed(self) -> Iterable[object]:
        """Return the analysis with its data, and its tables."""
        from declnet.display.html import heading

        facts = [f"{self.data} data", counted(self.samples, "sample")]
        return (heading(str(self.analysis.get("type", "analysis")), facts), *self.tables)


ANALYSES_FILE = Stored[tuple[AnalysisResult, ...]](tuple[AnalysisResult, ...])


class AnalyzedData:
    """Trained models with samples in memory, as analyses see them (`AnalyzedModel`).

    Args:
        reader: how to read the predictions.
        parts: the samples, each with the predictor that examines it; of folds, several.
        name: the data's name.
        total: the number of samples in the data, of which these may be a part.
        training: loads the training data.
    """

    def __init__(
        self,
        reader: Predictor,
        parts: Sequence[ExaminedPart],
        name: str,
        total: int,
        training: Callable[[], Data],
    ) -> None:
        self._reader, self._parts, self._training = reader, parts, training
        self.data_name, self.samples, self.total = name, sum(map(len, parts)), total
        self.rng = random_stream(reader.spec.seed, Stream.ANALYSIS)

    def result(self, analysis: Analysis) -> AnalysisResult:
        """Return the result of an analysis.

        Raises:
            DataError: it does not suit the model or the data.
            BrokenContractError: it returned no tables.
        """
        self.rng = random_stream(self._reader.spec.seed, Stream.ANALYSIS)
        declared = analysis.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        try:
            tables = tuple(verified(Analysis.analyze, analysis, self))
        except DataError as error:
            raise error.replaced(message=f"{analysis.type}: {error.message}") from None
        return AnalysisResult(declared, self.data_name, self.total, tables)

    @cached_property
    def columns(self) -> Mapping[str, Array]:
        """The raw columns by name."""
        columns = [raw_columns(part.raw) for part in self._parts]
        joined = columns[0]
        if len(columns) > 1:
            joined = {name: np.concatenate([part[name] for part in columns]) for name in joined}
        return {name: read_only(column) for name, column in joined.items()}

    @property
    def features(self) -> tuple[str, ...]:
        """The columns whose values can be replaced."""
        return self._parts[0].features

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of the targets of a table."""
        columns = (target.column for target in self._reader.targets.values())
        return tuple(dict.fromkeys(columns)) if isinstance(self._parts[0].raw, Table) else ()

    @cached_property
    def training_columns(self) -> Mapping[str, Array]:
        """The raw columns of the training data, or of some of its rows."""
        data = self._training()
        if len(data) > MOST_SAMPLES:
            data = data.take(_drawn(len(data), self._reader))
        return {name: read_only(column) for name, column in raw_columns(data).items()}

    @property
    def class_names(self) -> Mapping[str, tuple[str, ...] | None]:
        """The names of the classes of each loss, if it has any."""
        pairs = zip(self._reader.heads, self._reader.readings, strict=True)
        return {head.name: reading.class_names for head, reading in pairs}

    @cached_property
    def better(self) -> dict[str, Better | None]:
        """The better direction of the loss and each metric, or of errors of values without metrics.

        Several models together have no loss.
        """
        heads = self._reader.heads
        without = [*LOSSES[1:]]
        if not self._has_losses:
            without += [LOSSES[0], *(head.label(LOSSES[0]) for head in heads)]
        better_by_name = {
            name: better for name, better in directions(heads).items() if name not in without
        }
        for head, reading in zip(heads, self._reader.readings, strict=True):
            if reading.task == "values" and not head.metrics and self._has_errors(head):
                errors = {head.label(name): better for name, better in ValueErrors.better.items()}
                better_by_name |= {
                    name: direction
                    for name, direction in errors.items()
                    if name not in better_by_name
                }
        return better_by_name

    @property
    def _has_losses(self) -> bool:
        return len(self._parts) == 1 and len(self._parts[0].predictor.members) == 1

    def _has_errors(self, head: Head) -> bool:
        """Return whether predictions are as many numbers as targets, so not quantiles."""
        first = np.arange(1)
        return self.outputs(first)[head.name].size == self.targets(first)[head.name].size

    def targets(self, positions: Array | None = None) -> dict[str, Array]:
        """Return the targets of samples as metrics take them."""
        arrays = self._by_part(lambda part, in_part, _: part.targets(in_part), positions, {})
        return dict(zip((head.name for head in self._reader.heads), arrays, strict=True))

    def outputs(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return the models' outputs as metrics take them."""
        names = [head.name for head in self._reader.heads]

        def outputs(
            part: ExaminedPart, in_part: Array | None, values: Mapping[str, Array]
        ) -> list[Array]:
            by_loss = part.outputs(in_part, values)
            return [by_loss[name] for name in names]

        arrays = self._by_part(outputs, positions, self._known(replaced))
        return dict(zip(names, arrays, strict=True))

    def metrics(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> dict[str, float]:
        """Return the loss, the run's metrics and, for values, errors."""
        heads, readings = self._reader.heads, self._reader.readings
        errors = [ValueErrors() if reading.task == "values" else None for reading in readings]
        watches = [_nothing if error is None else error.add for error in errors]
        metrics = MetricAccumulator(heads, None, watches)
        with np.errstate(all="ignore"):
            if self._has_losses:
                self._parts[0].add_losses(metrics, positions, self._known(replaced))
            else:
                outputs, targets = self.outputs(positions, replaced), self.targets(positions)
                for number, head in enumerate(heads):
                    y = read_only(targets[head.name])
                    metrics.add_predictions(number, outputs[head.name], y)
            results = metrics.result()
            for head, error in zip(heads, errors, strict=True):
                if error is not None:
                    named = {head.label(name): value for name, value in error.result().items()}
                    results = named | results
        return {name: results[name] for name in self.better}

    def _known(self, replaced: Mapping[str, Array] | None) -> Mapping[str, Array]:
        """Return replaced values by column; raise DataError if a column cannot be replaced."""
        for name in replaced or ():
            if name not in self.features:
                raise DataError(f'the values of "{name}" cannot be replaced')
        return replaced or {}

    def _by_part(
        self,
        compute: Callable[[ExaminedPart, Array | None, Mapping[str, Array]], Sequence[Array]],
        positions: Array | None,
        values: Mapping[str, Array],
    ) -> list[Array]:
        """Return what `compute` returns for all parts, joined: an array for each loss."""
        if len(self._parts) == 1:
            return list(compute(self._parts[0], positions, values))
        positions = np.arange(self.samples) if positions is None else positions
        ends = np.cumsum([len(part) for part in self._parts])
        numbers = np.searchsorted(ends, positions, side="right")
        order, computed = [], []
        for number, part in enumerate(self._parts):
            at = np.flatnonzero(numbers == number)
            if len(at):
                in_part = positions[at] - (ends[number] - len(part))
                of_part = {name: column[at] for name, column in values.items()}
                computed.append(compute(part, in_part, of_part))
                order.append(at)
        back = np.argsort(np.concatenate(order))
        return [np.concatenate(arrays)[back] for arrays in zip(*computed, strict=True)]


def _nothing(y_pred: Array, y: Array) -> None:
    """Watch nothing."""


def _drawn(count: int, predictor: Predictor, most: int = MOST_SAMPLES) -> Array:
    """Return `most` positions of samples, in order."""
    rng = random_stream(predictor.spec.seed, Stream.ANALYSIS)
    return np.sort(rng.choice(count, most, replace=False))


def unseen_data(
    reader: Predictor, parts: Sequence[ExaminedPart], name: str, training: Callable[[], Data]
) -> AnalyzedData:
    """Return samples that models have not seen, for analyses, at most `MOST_SAMPLES` of them.

    Args:
        reader: how to read the predictions.
        parts: the samples, each with the predictor that examines it.
        name: the data's name.
        training: loads the training data.
    """
    total = sum(map(len, parts))
    if total > MOST_SAMPLES and reader.windows is None:
        parts = [
            part.take(_drawn(len(part), reader, len(part) * MOST_SAMPLES // total))
            for part in parts
        ]
    return AnalyzedData(reader, [part.guarded() for part in parts], name, total, training)


def set_of_run(predictor: Predictor, sets: PreparedSets, name: str) -> AnalyzedData:
    """Return one of a run's data sets, prepared as in the run, for analyses."""
    samples = sets.datasets[name]
    part = LabeledPart((samples,), samples.sample_name)
    examined = ExaminedPart(predictor, sets.raw[name], part, name)
    return unseen_data(predictor, [examined], name, lambda: sets.raw["train"])


def set_loaded_again(
    predictor: Predictor, data: Mapping[str, Data] | None, name: str, expected: str
) -> AnalyzedData:
    """Load the data of a run once more at its end, and return a data set for analyses.

    Args:
        data: data sets by name, in place of the spec's; None loads the spec's.
        name: of the data set.
        expected: the hash of the data set that the run used.

    Raises:
        DataError: the data is not what the run saw.
    """
    spec = predictor.spec
    loaded = data if data is not None else load_sets(spec.data, spec.seed)
    raw, targets = split_sets(loaded, spec.data, spec.seed), loss_targets_of(spec.heads)
    sets = prepare_sets(raw, spec.data, targets, predictor.preparation)
    if fingerprint(sets.datasets[name]) != expected:
        raise DataError(f"the {name} data has changed since the run loaded it")
    return set_of_run(predictor, sets, name)


def other_data(
    predictor: Predictor, data: Path | DataSource, training: Callable[[], Data]
) -> AnalyzedData:
    """Return samples with targets for analyses, at most `MOST_SAMPLES` of them.

    Args:
        data: a file or a source, as for `labeled_parts`.
        training: loads the run's training data.

    Raises:
        DataError: as `labeled_parts`.
    """
    name = called(data)
    with naming(data, predictor.spec.data.train):
        parts = raw_parts(predictor, data)
        if predictor.windows is not None:
            (raw,) = joined_parts(parts)
            count = len(raw)
        else:
            raw, count = some_of(parts, random_stream(predictor.spec.seed, Stream.ANALYSIS))
        part = ExaminedPart(predictor, raw, predictor.labeled(raw, name), name)
        return AnalyzedData(predictor, [part.guarded()], name, count, training)


def some_of(
    parts: Iterator[Data], rng: np.random.Generator, most: int = MOST_SAMPLES
) -> tuple[Data, int]:
    """Return at most `most` samples of some parts, in order, and how many there are."""
    drawn: Reservoir[Data] = Reservoir()
    count = 0
    for part in parts:
        drawn.add(part.numbered_from(count + 1), rng.random(len(part)), most)
        count += len(part)
    if not count:
        raise DataError("there are no samples")
    drawn.trim(most)
    first, *others = drawn.parts
    return first.joined(others), count
