"""Predictions of several models as one: of folds, or of seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from declnet.contracts.arrays import Array, Dtype
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import Table
from declnet.errors import DataError
from declnet.graph.model import Model
from declnet.registry.spelling import counted
from declnet.runs.inference.calibration import JointCalibration
from declnet.runs.inference.predictions import AnyPredictions, JointPredictions
from declnet.runs.inference.predictor import LabeledPart, NamesSamples, Predictor


class EnsemblePredictor(Predictor):
    """Several models of one spec as one: their predictions are averaged.

    Probabilities, scores and values are averaged as metrics take them: after `Loss.predictions`,
    and in the units of the target. Each model has its own preparation of the data. They share
    the columns of a table, the classes and the losses. Each model's predictions are calibrated
    before that; of thresholds and of the bounds of intervals the medians are taken, and a class is
    in a set if more than half of the models' calibrations put it there.

    Args:
        predictors: the predictors of the models, at least one.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        first = predictors[0]
        joint = {
            name: JointCalibration.of([each.calibrations[name] for each in predictors])
            for name in first.calibrations
        }
        super().__init__(first.model, first.preparation, first.spec, first.registry, joint)
        self._predictors = tuple(predictors)

    @property
    def model(self) -> Model:
        """There are several models; raises DataError."""
        raise self._several()

    @property
    def predictors(self) -> tuple[Predictor, ...]:
        """The predictors of the models."""
        return self._predictors

    def combined(self, outputs: Sequence[Sequence[Array]]) -> AnyPredictions:
        """Return the averaged predictions, given the `outputs` of each of the models."""
        found = self.read(averaged(outputs))
        if len(outputs) == 1:
            return found
        spreads = [
            np.std(own, axis=0, ddof=1, dtype=float).astype(own[0].dtype)
            for own in zip(*outputs, strict=True)
        ]
        if isinstance(found, JointPredictions):
            pairs = zip(found.items(), spreads, strict=True)
            return replace(
                found, by_loss={name: replace(each, spread=s) for (name, each), s in pairs}
            )
        return replace(found, spread=spreads[0])

    def outputs(
        self,
        x: Array | Mapping[str, Array],  # noqa: ARG002
        *,
        calibrated: bool = True,  # noqa: ARG002
    ) -> list[Array]:
        """Samples are prepared for each model apart; raises DataError."""
        raise self._several()

    def prepare_records(
        self,
        records: Table,  # noqa: ARG002
        name_sample: NamesSamples,  # noqa: ARG002
    ) -> Array | dict[str, Array]:
        """Samples are prepared for each model apart; raises DataError."""
        raise self._several()

    def _several(self) -> DataError:
        count = counted(len(self._predictors), "model")
        return DataError(f"an ensemble has {count}", hint="use one of its `predictors`")

    def labeled(self, data: Dataset | Table, label: str, first_row: int = 1) -> LabeledPart:
        """Return samples with targets, prepared as each model's data; raises as `Predictor`'s."""
        first, *others = [each.labeled(data, label, first_row) for each in self._predictors]
        return first._replace(others=tuple(each.samples for each in others))


def averaged(outputs: Iterable[Sequence[Array]]) -> list[Array]:
    """Return the mean over models of the predictions of each loss, in their type."""
    total: list[Array] = []
    dtypes: list[Dtype] = []
    count = 0
    for own in outputs:
        count += 1
        if not total:
            total, dtypes = [each.astype(float) for each in own], [each.dtype for each in own]
            continue
        for sums, each in zip(total, own, strict=True):
            np.add(sums, each, out=sums)
    return [(sums / count).astype(dtype) for sums, dtype in zip(total, dtypes, strict=True)]
