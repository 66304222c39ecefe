"""A hash of a data set, so that a run says which data it saw."""

from __future__ import annotations

import hashlib

import numpy as np

from declnet.components.data_source import Dataset
from declnet.components.mapped_array import MappedArray


def fingerprint(dataset: Dataset) -> str:
    """`sha256:…` over dtype, shape and bytes of x, y and weights; equal for equal arrays."""
    digest = hashlib.sha256()
    weights = () if dataset.weights is None else (dataset.weights,)
    for array in (dataset.x, dataset.y, *weights):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        parts = array.parts() if isinstance(array, MappedArray) else (array,)
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
    return f"sha256:{digest.hexdigest()}"
