"""How many samples are prepared and predicted at once."""

from __future__ import annotations

from math import prod

from declnet.runs.predictor import Predictor

NUMBERS = 2**21
"""Of x in a part, about: 16 MiB in float64."""
MOST_SAMPLES = 2**16


def samples_in_part(predictor: Predictor) -> int:
    """So many that a part is small in memory and long enough to be fast.

    It is a multiple of the samples that the model computes at once, so that figures do not depend
    on how a file is cut.
    """
    model = predictor.model
    size = max(1, prod(model.input_shape), prod(model.output_shape))
    wanted = max(1, min(MOST_SAMPLES, NUMBERS // size))
    at_once = model.samples_at_once
    return max(1, wanted // at_once) * at_once
