"""The columns of a table as samples for a model that was trained on arrays."""

from __future__ import annotations

from math import prod

import numpy as np

from declnet.components.arrays import Shape
from declnet.components.columns import missing_values
from declnet.components.table import Table
from declnet.data.preparation import ARRAY
from declnet.errors import DataError


def stacked(records: Table, input_shape: Shape) -> Table:
    """One column of samples (n, *input shape), whose numbers are the columns in their order.

    Raises:
        DataError: there are more or fewer columns than a sample has numbers, or one holds text.
    """
    names, size = records.feature_columns, prod(input_shape)
    if len(names) != size:
        raise DataError(
            f"the model was trained on arrays, samples of {size} number{'s' if size != 1 else ''}, "
            f"but the table has {len(names)} columns",
            hint="give it just these numbers, in the same order",
        )
    for name in names:
        column = records.columns[name]
        if column.dtype.kind == "O":
            at = int(np.argmin(missing_values(column)))
            raise DataError(
                f'row {records.row_number(at)}, column "{name}" is {column[at]!r}, but the model '
                "was trained on numbers"
            )
    x = np.stack([records.columns[name] for name in names], axis=1)
    return Table({ARRAY: x.reshape(len(x), *input_shape)}, rows=records.rows)
