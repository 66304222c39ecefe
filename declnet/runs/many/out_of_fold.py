"""The validation data of a fold, predicted by its models as other rows select and weigh them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from declnet.contracts.data.data_source import Dataset
from declnet.data.splits import Data
from declnet.runs.inference.examined import ExaminedPart
from declnet.runs.inference.predictor import LabeledPart, Predictor
from declnet.runs.stored_run import StoredRun

OUT_OF_FOLD = "out of fold"


@dataclass(frozen=True, eq=False)
class FoldMember:
    """A model of a fold with the fold's validation data.

    Attributes:
        run: the run.
        weight: the weight of its predictions.
        raw: the validation data as loaded.
        samples: the same, prepared as in the run.
        unchanged: whether it is what the run saw.
    """

    run: StoredRun
    weight: float
    raw: Data
    samples: Dataset
    unchanged: bool


def parts_of_fold(members: Sequence[FoldMember], *, by_models: bool) -> list[ExaminedPart]:
    """Return the validation data of a fold, in parts with the predictor of each.

    Args:
        members: the models of the fold, at least one.
        by_models: whether the finished models predict it, as one part.
    """
    raw, samples = members[0].raw, tuple(member.samples for member in members)
    unchanged, weights = all(one.unchanged for one in members), [one.weight for one in members]
    models = [member.run.predictor().member for member in members]
    part = LabeledPart(samples, samples[0].sample_name)
    held_out = [None if by_models or not unchanged else one.run.held_out for one in members]
    if all(of_member is None for of_member in held_out):
        predictor = Predictor(models, weights)
        return [ExaminedPart(predictor, raw, part, OUT_OF_FOLD, unchanged=unchanged)]
    recorded = tuple(None if one is None else one.outputs for one in held_out)
    whole = ExaminedPart(
        Predictor(models, weights), raw, part._replace(recorded=recorded), OUT_OF_FOLD
    )
    # members divide the data alike, unless they split it by other columns
    numbers = [np.zeros(len(whole), int) if one is None else one.part_of for one in held_out]
    distinct, part_of = np.unique(np.stack(numbers), axis=1, return_inverse=True)
    parts = []
    for position, of_members in enumerate(distinct.T.tolist()):
        calibrated = [
            model if one is None else model.with_calibrations(one.calibrations[number])
            for model, one, number in zip(models, held_out, of_members, strict=True)
        ]
        rows = np.flatnonzero(part_of.reshape(-1) == position)
        parts.append(whole.take(rows, Predictor(calibrated, weights)))
    return parts
