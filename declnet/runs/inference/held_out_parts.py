"""The validation data of runs, predicted as other rows select and calibrate their models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from declnet.contracts.data.dataset import Dataset
from declnet.data.splits import Data
from declnet.runs.inference.examined import ExaminedPart
from declnet.runs.inference.held_out import HeldOutPredictions
from declnet.runs.inference.member import LabeledPart, Member
from declnet.runs.inference.predictor import Predictor

if TYPE_CHECKING:
    from declnet.data.sets import PreparedSets
    from declnet.runs.stored_run import StoredRun


@dataclass(frozen=True, eq=False)
class ValidatedMember:
    """A model with its validation data.

    Attributes:
        member: the finished model.
        held_out: the predictions by what other rows select; None if the finished model makes them.
        weight: the weight of the predictions.
        raw: the validation data as loaded.
        samples: the same, prepared as in the run.
        unchanged: whether it is what the run saw.
    """

    member: Member
    held_out: HeldOutPredictions | None
    weight: float
    raw: Data
    samples: Dataset
    unchanged: bool


def validated_member(
    run: StoredRun, sets: PreparedSets, weight: float = 1.0, *, by_models: bool = False
) -> ValidatedMember:
    """Return a run's model with its validation data; raise as `StoredRun.model` does.

    Args:
        run: the run.
        sets: the run's data sets.
        weight: the weight of the predictions.
        by_models: whether the finished model makes the predictions.
    """
    stored, raw = run.stored_sets(sets)["validation"], sets.raw["validation"]
    unchanged, member = stored.unchanged, run.predictor().member
    held_out = None if by_models or not unchanged else run.held_out
    return ValidatedMember(member, held_out, weight, raw, stored.dataset, unchanged)


def validation_parts(members: Sequence[ValidatedMember], name: str) -> list[ExaminedPart]:
    """Return the validation data that models share, in parts with the predictor of each.

    Args:
        members: the models, at least one.
        name: what the data is called.
    """
    models, weights = [one.member for one in members], [one.weight for one in members]
    samples, held_out = tuple(one.samples for one in members), [one.held_out for one in members]
    recorded = tuple(None if one is None else one.outputs for one in held_out)
    part = LabeledPart(samples, samples[0].sample_name, recorded=recorded)
    unchanged = all(one.unchanged for one in members)
    predictor = Predictor(models, weights)
    whole = ExaminedPart(predictor, members[0].raw, part, name, unchanged=unchanged)
    if not any(recorded):
        return [whole]
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
