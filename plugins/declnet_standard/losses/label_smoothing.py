"""Label smoothing."""

from typing import Annotated

from pydantic import Field

from declnet import Array

LabelSmoothing = Annotated[
    float, Field(ge=0, lt=1, description="share of each label that is spread over all classes")
]
"""A field for losses on labels."""


def smoothed(y_true: Array, share: float, classes: int) -> Array:
    """y_true = (1 - share) * y_true + share / classes, in place; a share of 0 changes nothing.

    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016, section 7.
    """
    if share:
        y_true *= 1 - share
        y_true += share / classes
    return y_true
