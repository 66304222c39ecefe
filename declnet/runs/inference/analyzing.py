"""Analyses of a trained model on a data set, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.data.data_source import Dataset, DataSource
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import Inputs, as_arrays
from declnet.contracts.network.metric_names import LOSSES, Better
from declnet.contracts.returned import verified
from declnet.contracts.runs.analysis import Analysis, StoredTable
from declnet.data.preparing.targets import wanted_targets
from declnet.data.replacing import Replacer, raw_columns
from declnet.data.sets import PreparedSets, load_sets, prepare_sets, split_sets
from declnet.data.sources.files import called, naming
from declnet.data.sources.loading import fingerprint, guarded
from declnet.data.splits import Data
from declnet.data.streaming.survey import Reservoir
from declnet.errors import DataError
from declnet.runs.inference.calibration import calibrating
from declnet.runs.inference.evaluation import ready_part
from declnet.runs.inference.file_parts import joined_parts, raw_parts
from declnet.runs.inference.predictor import Predictor
from declnet.runs.inference.scores import ValueErrors
from declnet.spec.heads import Head
from declnet.spec.streams import Stream, random_stream
from declnet.stored import Stored
from declnet.training.evaluation import BatchLosses
from declnet.training.metrics import MetricAccumulator, directions
from declnet.training.preparation import ReadyData, unscaling

MOST_SAMPLES = 100_000
"""Maximum number of samples of a data set that analyses see; of a larger one, some are drawn at
random."""


@dataclass(frozen=True)
class AnalysisResult:
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
    tables: tuple[StoredTable, ...]


ANALYSES_FILE = Stored[tuple[AnalysisResult, ...]](tuple[AnalysisResult, ...])


class AnalyzedData:
    """A trained model with samples in memory: what analyses get, an `AnalyzedModel`.

    Args:
        predictor: the model.
        raw: the data before its preparation.
        prepared: its samples.
        name: the data's name.
        total: the number of samples in the data, of which these may be a part.
        training: loads the training data.
    """

    def __init__(
        self,
        predictor: Predictor,
        raw: Data,
        prepared: Dataset,
        name: str,
        total: int,
        training: Callable[[], Data],
    ) -> None:
        self.data_name, self.samples, self.total = name, len(prepared), total
        self._predictor, self._prepared, self._training = predictor, prepared, training
        self._raw = raw
        self._replacer = Replacer(predictor.preparation, raw)
        model, heads = predictor.model, predictor.heads
        self._batches = BatchLosses(model, heads, min(len(prepared), model.samples_at_once))
        self._ready: tuple[Array | None, Dataset, ReadyData] | None = None
        self.rng = random_stream(predictor.spec.seed, Stream.ANALYSIS)

    def result(self, analysis: Analysis) -> AnalysisResult:
        """Return the result of an analysis.

        Raises:
            DataError: it does not suit the model or the data.
            BrokenContractError: it returned no tables.
        """
        self.rng = random_stream(self._predictor.spec.seed, Stream.ANALYSIS)
        declared = analysis.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        try:
            tables = tuple(verified(Analysis.analyze, analysis, self))
        except DataError as error:
            raise error.replaced(message=f"{analysis.type}: {error.message}") from None
        return AnalysisResult(declared, self.data_name, self.total, tables)

    @cached_property
    def columns(self) -> Mapping[str, Array]:
        """The raw columns by name."""
        return {name: read_only(each) for name, each in raw_columns(self._raw).items()}

    @property
    def features(self) -> tuple[str, ...]:
        """The columns whose values can be replaced."""
        return self._replacer.features

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of the targets of a table."""
        preparation = self._predictor.preparation
        return preparation.target_columns if isinstance(self._raw, Table) else ()

    @cached_property
    def training_columns(self) -> Mapping[str, Array]:
        """The raw columns of the training data, or of some of its rows."""
        data = self._training()
        if len(data) > MOST_SAMPLES:
            data = data.take(_drawn(len(data), self._predictor))
        return {name: read_only(each) for name, each in raw_columns(data).items()}

    @property
    def class_names(self) -> Mapping[str, tuple[str, ...] | None]:
        """The names of the classes of each loss, if it has any."""
        pairs = zip(self._predictor.heads, self._predictor.readings, strict=True)
        return {head.name: reading.class_names for head, reading in pairs}

    @cached_property
    def better(self) -> dict[str, Better | None]:
        """The loss and the metrics, or errors of values without metrics, and which are better."""
        heads = self._predictor.heads
        own = {k: v for k, v in directions(heads).items() if k not in LOSSES[1:]}
        for head, reading in zip(heads, self._predictor.readings, strict=True):
            if reading.sort == "values" and not head.metrics and self._has_errors(head):
                errors = {head.label(name): better for name, better in ValueErrors.better.items()}
                own |= {name: each for name, each in errors.items() if name not in own}
        return own

    def _has_errors(self, head: Head) -> bool:
        """Return whether predictions are as many numbers as targets, so not quantiles."""
        first = np.arange(1)
        return self.outputs(first)[head.name].size == self.targets(first)[head.name].size

    def targets(self, positions: Array | None = None) -> dict[str, Array]:
        """Return the targets of samples as metrics take them."""
        ready = self._samples(positions)[1]
        return dict(zip((each.name for each in self._predictor.heads), ready.y, strict=True))

    def outputs(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return the model's outputs as metrics take them."""
        return self._predictor.outputs(self._x(positions, replaced))

    def metrics(
        self, positions: Array | None = None, replaced: Mapping[str, Array] | None = None
    ) -> dict[str, float]:
        """Return the loss, the run's metrics and, for values, errors."""
        heads, readings = self._predictor.heads, self._predictor.readings
        ready = self._samples(positions)[1]
        if replaced:
            x = self._predictor.model.as_input(self._x(positions, replaced))
            ready = replace(ready, x=x)
        errors = [ValueErrors() if each.sort == "values" else None for each in readings]
        watches = [_nothing if each is None else each.add for each in errors]
        unscale = unscaling(heads, self._predictor.preparation)
        finish = calibrating(heads, self._predictor.calibrations, unscale)
        accumulator = MetricAccumulator(heads, None, watches, finish)
        with np.errstate(all="ignore"):
            self._batches.add_to(accumulator, ready)
            found = accumulator.result()
            for head, each in zip(heads, errors, strict=True):
                if each is not None:
                    own = {head.label(name): value for name, value in each.result().items()}
                    found = own | found
        return {name: found[name] for name in self.better}

    def _x(self, positions: Array | None, replaced: Mapping[str, Array] | None) -> Inputs:
        x = self._samples(positions)[0].inputs
        if not replaced:
            return x
        at = np.arange(self.samples) if positions is None else positions
        return self._replacer.replaced(x, at, replaced)

    def _samples(self, positions: Array | None) -> tuple[Dataset, ReadyData]:
        """Return samples, prepared and as the losses take them; the last ones are kept."""
        if self._ready is None or self._ready[0] is not positions:
            part = self._prepared if positions is None else self._prepared.take(positions)
            self._ready = positions, part, ready_part(part, self._predictor, self.data_name)
        return self._ready[1:]


def _nothing(y_pred: Array, y: Array) -> None:
    """Watch nothing."""


def _drawn(count: int, predictor: Predictor) -> Array:
    """Return `MOST_SAMPLES` positions of samples, in order."""
    rng = random_stream(predictor.spec.seed, Stream.ANALYSIS)
    return np.sort(rng.choice(count, MOST_SAMPLES, replace=False))


def set_of_run(predictor: Predictor, sets: PreparedSets, name: str) -> AnalyzedData:
    """Return one of a run's data sets, prepared as in the run, for analyses."""
    raw, samples = sets.raw[name], sets.datasets[name]
    count = len(samples)
    if count > MOST_SAMPLES and len(raw) == count:  # else samples are windows
        kept = _drawn(count, predictor)
        raw, samples = raw.take(kept), samples.take(kept)
    samples = replace(samples, x=as_arrays(samples.inputs))
    return AnalyzedData(predictor, raw, guarded(samples), name, count, lambda: sets.raw["train"])


def set_loaded_again(
    predictor: Predictor, given: Mapping[str, Data] | None, name: str, expected: str
) -> AnalyzedData:
    """Load the data of a run that ends, and return a data set for analyses.

    Args:
        given: data sets by name, in place of the spec's.
        name: of the data set.
        expected: the hash of the data set that the run used.

    Raises:
        DataError: the data is not what the run saw.
    """
    spec = predictor.spec
    loaded = given if given is not None else load_sets(spec.data, spec.seed)
    wanted, raw = wanted_targets(spec.heads), split_sets(loaded, spec.data, spec.seed)
    sets = prepare_sets(raw, spec.data, wanted, predictor.preparation)
    if fingerprint(sets.datasets[name]) != expected:
        raise DataError(f"the {name} data has changed since the run loaded it")
    return set_of_run(predictor, sets, name)


def other_data(
    predictor: Predictor, given: Path | DataSource, training: Callable[[], Data]
) -> AnalyzedData:
    """Return samples with targets for analyses, at most `MOST_SAMPLES` of them.

    Args:
        given: a file or a source, as for `labeled_parts`.
        training: loads the run's training data.

    Raises:
        DataError: as `labeled_parts`.
    """
    name = called(given)
    with naming(given, predictor.spec.data.train):
        parts = raw_parts(predictor, given)
        if predictor.windows is not None:
            (raw,) = joined_parts(parts)
            count = len(raw)
        else:
            raw, count = some_of(parts, random_stream(predictor.spec.seed, Stream.ANALYSIS))
        samples = predictor.labeled(raw, name).samples
        return AnalyzedData(predictor, raw, guarded(samples), name, count, training)


def some_of(
    parts: Iterator[Data], rng: np.random.Generator, most: int = MOST_SAMPLES
) -> tuple[Data, int]:
    """Return at most `most` samples of some parts, in order, and how many there are."""
    drawn, count = Reservoir(), 0
    for part in parts:
        drawn.add(part.numbered_from(count + 1), rng.random(len(part)), most)
        count += len(part)
    if not count:
        raise DataError("there are no samples")
    drawn.trim(most)
    return drawn.samples(), count
