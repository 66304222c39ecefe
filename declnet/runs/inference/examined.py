"""Samples with targets in memory, and the predictor that examines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from types import MappingProxyType

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.network.inputs import Inputs, as_arrays
from declnet.data.replacing import Replacer
from declnet.data.sources.loading import guarded
from declnet.data.splits import Data
from declnet.errors import SampleName
from declnet.runs.inference.calibration import calibrating
from declnet.runs.inference.evaluation import Evaluation, evaluate_each, ready_part
from declnet.runs.inference.member import LabeledPart, Recorded, naming_among
from declnet.runs.inference.predictions import require_finite
from declnet.runs.inference.predictor import Predictor
from declnet.training.evaluation import BatchLosses
from declnet.training.metrics import MetricAccumulator
from declnet.training.preparation import ReadyData, unscaling


class ExaminedPart:
    """Samples in memory that one predictor examines: a whole data set, or a fold.

    Args:
        predictor: the predictor.
        raw: the samples before their preparation.
        part: the samples as each member prepares them.
        name: the data's name.
        unchanged: whether they are what the predictor's runs saw.
        positions: the position (n,) of each in a larger part, of which these are some.
    """

    def __init__(
        self,
        predictor: Predictor,
        raw: Data,
        part: LabeledPart,
        name: str,
        *,
        unchanged: bool = True,
        positions: Array | None = None,
    ) -> None:
        self.predictor, self.raw, self.part = predictor, raw, part
        self.positions = np.arange(len(part.samples[0])) if positions is None else positions
        self.name, self.unchanged = name, unchanged
        self._chosen: tuple[Array | None, Sequence[Dataset], ReadyData] | None = None

    def __len__(self) -> int:
        return len(self.part.samples[0])

    @cached_property
    def _replacers(self) -> list[Replacer]:
        return [Replacer(member.preparation, self.raw) for member in self.predictor.members]

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The columns whose values can be replaced."""
        return tuple(dict.fromkeys(chain(*(replacer.features for replacer in self._replacers))))

    def targets(self, positions: Array | None = None) -> tuple[Array, ...]:
        """Return the targets of each loss as metrics take them."""
        return tuple(self._samples(positions)[1].y)

    def outputs(
        self,
        positions: Array | None = None,
        replaced: Mapping[str, Array] = MappingProxyType({}),
        *,
        calibrated: bool = True,
    ) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them."""
        recorded = self.part.recorded if not replaced else ()
        if positions is not None:
            recorded = _taken(recorded, positions)
        samples = self._x(positions, replaced)
        return self.predictor.outputs(samples, recorded, calibrated=calibrated)

    def add_losses(
        self,
        metrics: MetricAccumulator,
        positions: Array | None,
        replaced: Mapping[str, Array],
    ) -> None:
        """Add the losses and the predictions of the predictor's only member."""
        member, ready = self.predictor.member, self._samples(positions)[1]
        if replaced:
            (x,) = self._x(positions, replaced)
            ready = replace(ready, x=member.model.as_input(x))
        unscale = unscaling(member.heads, member.preparation)
        metrics.unscale = calibrating(member.heads, member.calibrations, unscale)
        self._batches.add_to(metrics, ready)

    @cached_property
    def _batches(self) -> BatchLosses:
        model = self.predictor.model
        return BatchLosses(model, self.predictor.heads, min(len(self), model.samples_at_once))

    def _x(self, positions: Array | None, replaced: Mapping[str, Array]) -> list[Inputs]:
        """Return samples as each member takes them, with other values in some columns."""
        samples = [dataset.inputs for dataset in self._samples(positions)[0]]
        if not replaced:
            return samples
        at = np.arange(len(self)) if positions is None else positions
        return [
            replacer.replaced(x, at, replaced)
            for replacer, x in zip(self._replacers, samples, strict=True)
        ]

    def _samples(self, positions: Array | None) -> tuple[Sequence[Dataset], ReadyData]:
        """Return samples, prepared and as the losses take them; the last ones are cached."""
        if self._chosen is None or self._chosen[0] is not positions:
            datasets: Sequence[Dataset] = self.part.samples
            if positions is not None:
                datasets = [dataset.take(positions) for dataset in datasets]
            ready = ready_part(datasets[0], self.predictor.members[0], self.name)
            self._chosen = positions, datasets, ready
        return self._chosen[1:]

    def of_members(self, positions: Sequence[int]) -> ExaminedPart:
        """Return the same samples with a predictor of some of the members."""
        members, weights = self.predictor.members, self.predictor.weights
        chosen = [members[position] for position in positions]
        predictor = Predictor(chosen, [weights[position] for position in positions])
        samples = tuple(self.part.samples[position] for position in positions)
        recorded = self.part.recorded
        recorded = tuple(recorded[position] for position in positions) if recorded else ()
        return self._changed(predictor, self.part._replace(samples=samples, recorded=recorded))

    def take(self, positions: Array, predictor: Predictor | None = None) -> ExaminedPart:
        """Return some of the samples, for another predictor with members like this one's if any."""
        samples = tuple(dataset.take(positions) for dataset in self.part.samples)
        name_sample = naming_among(positions, self.part.name_sample)
        recorded = _taken(self.part.recorded, positions)
        part = self.part._replace(samples=samples, name_sample=name_sample, recorded=recorded)
        predictor = predictor or self.predictor
        raw = self.raw if predictor.windows is not None else self.raw.take(positions)
        return self._changed(predictor, part, raw, self.positions[positions])

    def _changed(
        self,
        predictor: Predictor,
        part: LabeledPart,
        raw: Data | None = None,
        positions: Array | None = None,
    ) -> ExaminedPart:
        """Return the samples in another form, or with another predictor."""
        return ExaminedPart(
            predictor,
            self.raw if raw is None else raw,
            part,
            self.name,
            unchanged=self.unchanged,
            positions=self.positions if positions is None else positions,
        )

    def guarded(self) -> ExaminedPart:
        """Return the same samples in read-only arrays in memory."""
        samples = [guarded(replace(data, x=as_arrays(data.inputs))) for data in self.part.samples]
        return self._changed(self.predictor, self.part._replace(samples=tuple(samples)))

    def identifiers(self, *, several_seeds: bool) -> dict[str, Array]:
        """Return the columns (n,) that identify the samples of a fold, in the order to sort by."""
        spec, count = self.predictor.spec, len(self)
        fold = {"fold": np.full(count, spec.data.fold or 1)}
        seed = {"seed": np.full(count, spec.seed)} if several_seeds else {}
        if self.predictor.windows is not None:
            return {**seed, **fold, "window": self.positions + 1}
        return {**seed, self.raw.unit: np.asarray(self.raw.row_numbers), **fold}

    def finite_outputs(self) -> dict[str, Array]:
        """Return `outputs`; raise DataError for one that is NaN or infinite."""
        with attributing_errors(self.predictor.registry):
            outputs = self.outputs()

        def name_sample(position: int) -> SampleName:
            text, number = self.part.name_sample(position)
            return SampleName(f"{self.name}: {text}", number)

        for y_pred in outputs.values():
            require_finite(y_pred, name_sample)
        return outputs


def evaluate_examined(parts: Sequence[ExaminedPart], reader: Predictor) -> Evaluation:
    """Evaluate the predictions of some data, as if one predictor had made them.

    Args:
        parts: the samples, each with its models.
        reader: the predictor that all of them stand for.
    """
    models = [(part.predictor, [part.part]) for part in parts]
    with attributing_errors(reader.registry):
        evaluation = evaluate_each(models, parts[0].name, reader)
    return evaluation.warned(unchanged=all(part.unchanged for part in parts))


def _taken(recorded: Sequence[Recorded], positions: Array) -> tuple[Recorded, ...]:
    """Return what was recorded for some of the samples."""
    return tuple(
        None if of_member is None else {loss: y[positions] for loss, y in of_member.items()}
        for of_member in recorded
    )


def joined_arrays(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the arrays of several parts one after another, by name."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
