"""Predictions of several models as one: of folds, or of seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Dtype
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import Table
from declnet.errors import DataError
from declnet.graph.model import Model
from declnet.registry.spelling import counted
from declnet.runs.inference.calibration import JointCalibration
from declnet.runs.inference.predictions import Predictions
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

    def combined(self, outputs: Sequence[Mapping[str, Array]]) -> dict[str, Predictions]:
        """Return the averaged predictions, given the `outputs` of each of the models."""
        predictions = self.read(averaged(outputs))
        if len(outputs) == 1:
            return predictions
        for loss, found in predictions.items():
            members = [each[loss] for each in outputs]
            spread = np.std(members, axis=0, ddof=1, dtype=float).astype(members[0].dtype)
            predictions[loss] = replace(found, spread=spread)
        return predictions

    def outputs(
        self,
        x: Any,  # noqa: ARG002
        *,
        calibrated: bool = True,  # noqa: ARG002
    ) -> dict[str, Array]:
        """Samples are prepared for each model apart; raises DataError."""
        raise self._several()

    def prepare_records(
        self,
        records: Table,  # noqa: ARG002
        name_sample: NamesSamples,  # noqa: ARG002
    ) -> dict[str, Array]:
        """Samples are prepared for each model apart; raises DataError."""
        raise self._several()

    def _several(self) -> DataError:
        count = counted(len(self._predictors), "model")
        return DataError(f"an ensemble has {count}", hint="use one of its `predictors`")

    def labeled(self, data: Dataset | Table, label: str) -> LabeledPart:
        """Return samples with targets, prepared as each model's data; raises as `Predictor`'s."""
        first, *others = [each.labeled(data, label) for each in self._predictors]
        return first._replace(others=tuple(each.samples for each in others))


def averaged(outputs: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the mean over models of the predictions of each loss, in their type."""
    total: dict[str, Array] = {}
    dtypes: dict[str, Dtype] = {}
    count = 0
    for member in outputs:
        count += 1
        for loss, y_pred in member.items():
            dtypes[loss] = y_pred.dtype
            total[loss] = total[loss] + y_pred if loss in total else y_pred.astype(float)
    return {loss: (sums / count).astype(dtypes[loss]) for loss, sums in total.items()}
