"""Writes predictions as a NumPy array of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from declnet.components.arrays import Dtype, Shape
from declnet.runs.predictions import Predictions


def write_npy(parts: Iterable[Predictions], file: BinaryIO) -> int:
    """Write the outputs (n, *shape), as the parts come; returns how many samples.

    Args:
        parts: of one shape and type.
        file: at its start, and able to go back there.
    """
    rows, first = 0, None
    for part in parts:
        if first is None:
            first = part.outputs
            _write_header(file, first.shape[1:], first.dtype, 0)
        file.write(np.ascontiguousarray(part.outputs).data)
        rows += len(part)
    if first is not None:
        file.seek(0)  # the header has room for any number of samples
        _write_header(file, first.shape[1:], first.dtype, rows)
    return rows


def _write_header(file: BinaryIO, shape: Shape, dtype: Dtype, rows: int) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": (rows, *shape)}
    np.lib.format.write_array_header_1_0(file, header)
