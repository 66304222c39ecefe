"""The array type of every contract, and the numbers of array elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
"""A NumPy array; each contract says which shape and dtype."""

Shape = tuple[int, ...]
"""The shape of one sample: without the batch axis. `()` is one number a sample."""

Dtype = np.dtype[Any]
