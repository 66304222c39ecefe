"""The division of a table's columns among the inputs of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Sequences
from declnet.contracts.network.inputs import lengths_of
from declnet.data.columns import require_column
from declnet.errors import DataError, KeyPath

AT_INPUTS: KeyPath = ("data", "inputs")
MOST_LISTED = 5
"""Maximum number of columns listed in a message."""


def require_divided(
    inputs: Mapping[str, Sequence[str]],
    table: Table,
    features: Sequence[str],
    without: Collection[str],
) -> None:
    """Raise DataError unless each feature is in one of the inputs, and nothing else is.

    Args:
        inputs: the columns of each input; none is in two of them.
        features: the feature columns of the training data.
        without: columns that serve as weights, or for a split.
    """
    known = set(features)
    for name, columns in inputs.items():
        for position, column in enumerate(columns):
            if column in known:
                continue
            path = (*AT_INPUTS, name, position)
            require_column(table.columns, column, path=path)
            if column in table.target_columns:
                raise DataError(
                    f'the target "{column}" is in the input "{name}", so it would be predicted '
                    "from itself",
                    hint="remove it from the input",
                    path=path,
                    code="E037",
                )
            serves = "serves for the split or as weights" if column in without else ""
            raise DataError(
                f'column "{column}" {serves or "is not among the features"}',
                hint="remove it from the input" + ("" if serves else ", or add it to features"),
                path=path,
                code="E038",
            )
    divided = {column for columns in inputs.values() for column in columns}
    left = [column for column in features if column not in divided]
    if left:
        listed = ", ".join(f'"{column}"' for column in left[:MOST_LISTED])
        more = f" and {len(left) - MOST_LISTED} more" if len(left) > MOST_LISTED else ""
        one = len(left) == 1
        raise DataError(
            f"{'column' if one else 'columns'} {listed}{more} {'is' if one else 'are'} in no input",
            hint=f"add {'it' if one else 'them'} to an input, or list the features in the source",
            path=AT_INPUTS,
            code="E038",
        )


def require_sequences_alone(
    sequences: Mapping[str, Sequences], inputs: Mapping[str, Sequence[str]]
) -> None:
    """Raise DataError unless each column of sequences is the only column of its input.

    Args:
        sequences: what a transform turned into sequences, by column.
        inputs: the columns of each input.
    """
    for name, columns in inputs.items():
        column = next((column for column in columns if column in sequences), None)
        if column is None:
            continue
        if len(columns) > 1:
            others = (
                "others = [ … ]" if len(columns) > 2 else f'others = ["{_other(columns, column)}"]'
            )
            raise DataError(
                f'column "{column}" becomes sequences, which cannot be joined with other columns',
                hint=f'give it its own input: inputs = {{ text = ["{column}"], {others} }}',
                path=(*AT_INPUTS, name) if name else ("data", "prepare"),
                code="E038",
            )
        for other in sequences[column].other_inputs(name):
            if other in inputs:
                what = "lengths" if other == lengths_of(name) else "weights"
                raise DataError(
                    f'the {what} of the input "{name}" are the input "{other}", so no other input '
                    "can have this name",
                    hint="rename one of the two",
                    path=(*AT_INPUTS, other),
                    code="E038",
                )


def _other(columns: Sequence[str], column: str) -> str:
    return next(name for name in columns if name != column)
