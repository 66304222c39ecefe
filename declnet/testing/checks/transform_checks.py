"""What a transform promises: rows for rows, each by itself, by a state that can be stored."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from declnet.components.arrays import Array
from declnet.components.transform import ColumnError
from declnet.data.stored_preparation import state_after_storing
from declnet.testing.benches.transform_bench import (
    ROWS,
    Column,
    applied,
    candidates,
    fitted,
    refused,
    suited,
    varied,
    with_gaps,
)
from declnet.testing.check import check
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, same
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

CUTS = ((0, 10, ROWS), (0, 1, 2, ROWS), tuple(range(ROWS + 1)))
"""Where a column is cut into chunks."""


@check
def suits_a_usual_column(subject: Subject) -> None:
    """Suits at least one usual column: of numbers, booleans, text, or an array."""
    try:
        suited(subject)
    except CheckSkipped:
        tried = ", ".join(str(column) for column in candidates())
        raise CheckFailed(f"suits() says no to all of {tried}") from None


@check
def varies_by_the_given_stream(subject: Subject) -> None:
    """Varies training data: alike for the same stream and any memory order, else differently."""
    if not subject.instance.training_only:
        raise CheckSkipped("it is not for training only")
    for column in suited(subject):
        first = varied(subject, column, USUAL)
        for order in ("batch_last", "batch_first"):
            if not same(varied(subject, column, USUAL.but(order=order)), first):
                raise CheckFailed(f"vary for {column} depends on the memory order of the batch")
        others = [varied(subject, column, USUAL.but(seed=seed)) for seed in range(1, 6)]
        if all(same(each, first) for each in others):
            raise CheckFailed(f"vary for {column} gives the same for every random stream")
        if not np.isfinite(first).all():
            raise CheckFailed(f"vary makes NaN or infinite numbers of {column}")


@check
def gives_a_row_for_each_row(subject: Subject) -> None:
    """Gives as many rows as it is given, of numbers, booleans or text."""
    _require_fitted(subject)
    for column in suited(subject):
        y = applied(subject, column, fitted(subject, column))
        if y.ndim == 0 or len(y) != ROWS:
            raise CheckFailed(f"apply gives shape {y.shape} for {column}: {ROWS} rows are needed")
        if y.dtype.kind not in "fiubO":
            raise CheckFailed(f"apply gives {y.dtype} for {column}; text is an array of objects")


@check
def names_each_number(subject: Subject) -> None:
    """Names as many numbers as a row of the changed column has, or leaves the names alone."""
    _require_fitted(subject)
    for column in suited(subject):
        state = fitted(subject, column)
        names = tuple(f"n{index}" for index in range(int(np.prod(column.x.shape[1:]))))
        given = subject.instance.feature_names(names, state)
        width = int(np.prod(applied(subject, column, state).shape[1:]))
        if given != names and len(given) != width:
            raise CheckFailed(f"feature_names gives {len(given)} names for {width} numbers a row")


@check
def state_can_be_stored(subject: Subject) -> None:
    """Keeps in its state only JSON values and arrays, and does the same after it was stored."""
    _require_fitted(subject)
    for column in suited(subject):
        state = fitted(subject, column)
        try:
            stored = state_after_storing(state)
        except (TypeError, ValueError, AttributeError) as error:
            raise CheckFailed(
                f"the state for {column} cannot be stored ({error}); keep finite numbers, text, "
                "lists and arrays, by names"
            ) from None
        if not same(applied(subject, column, state), applied(subject, column, stored)):
            raise CheckFailed(
                f"apply gives something else for {column} by a state that was stored as JSON and "
                "read again, where tuples are lists and all keys are text"
            )


@check
def keeps_columns_apart(subject: Subject) -> None:
    """Gives a column the same after it was fitted to another: what it learns is in the state."""
    _require_fitted(subject)
    for column in suited(subject):
        state = fitted(subject, column)
        before = applied(subject, column, state)
        fitted(subject, Column("other rows of it", column.x[: ROWS // 4]))
        if not same(applied(subject, column, state), before):
            raise CheckFailed(f"apply for {column} depends on what was fitted in between")


@check
def chunks_equal_the_whole(subject: Subject) -> None:
    """Gives each row the same, whatever rows come with it."""
    _require_fitted(subject)
    for column in suited(subject):
        state = fitted(subject, column)
        whole = applied(subject, column, state)
        for cuts in CUTS:
            parts = [
                applied(subject, Column(column.name, column.x[start:stop]), state)
                for start, stop in pairwise(cuts)
            ]
            if not same(np.concatenate(parts), whole):
                raise CheckFailed(
                    f"apply to chunks of {column} differs from apply to the whole; a row may "
                    "depend on itself and the state alone"
                )


@check
def finite_numbers_stay_finite(subject: Subject) -> None:
    """Makes no NaN or infinity of finite numbers, also where all values of a column are equal."""
    _require_fitted(subject)
    for column in suited(subject):
        y = applied(subject, column, fitted(subject, column))
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise CheckFailed(f"apply makes NaN or infinite numbers of {column}")


@check
def refuses_by_column_errors(subject: Subject) -> None:
    """Says by a ColumnError what it cannot take: another type of column, or one with gaps."""
    _require_fitted(subject)
    for column in candidates():
        refused(subject, column)
        if column.x.dtype.kind != "b":
            refused(subject, with_gaps(column))
        refused(subject, Column(f"{column.name}, all missing", with_gaps(column).x[[1, -1]]))


@check
def takes_gaps_that_the_training_data_does_not_have(subject: Subject) -> None:
    """Applies to columns with gaps, also of integers, though it was fitted to one without."""
    _require_fitted(subject)
    for column in suited(subject):
        state = fitted(subject, column)
        gapped = with_gaps(column)
        try:
            y = subject.instance.apply(gapped.x, state)
        except ColumnError as error:
            if error.row != 1:
                raise CheckFailed(
                    f"for {gapped} it raises ColumnError with row {error.row!r}; the first gap is "
                    "in row 1, counted from 0"
                ) from None
            continue
        except Exception as error:
            raise CheckFailed(
                f"for {gapped} apply raised {type(error).__name__}: {error}; raise ColumnError"
            ) from error
        whole = applied(subject, column, state)
        if len(y) != ROWS or len(whole) != ROWS:
            raise CheckFailed(f"apply gives {len(y)} rows for {ROWS} of {gapped}")
        rest = [row for row in range(ROWS) if row not in (1, ROWS - 1)]
        if not _alike(y[rest], whole[rest]):
            raise CheckFailed(f"a gap in another row changes what apply gives for {column}")


CHECKS = (
    suits_a_usual_column,
    varies_by_the_given_stream,
    gives_a_row_for_each_row,
    names_each_number,
    state_can_be_stored,
    keeps_columns_apart,
    chunks_equal_the_whole,
    finite_numbers_stay_finite,
    refuses_by_column_errors,
    takes_gaps_that_the_training_data_does_not_have,
)


def _require_fitted(subject: Subject) -> None:
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")


def _alike(found: Array, wanted: Array) -> bool:
    """Whether they are the same; numbers as far as float32 goes, which bytes may become."""
    if "O" in (found.dtype.kind, wanted.dtype.kind):
        return same(found, wanted)
    return difference(found, wanted, CLOSE_IN_FLOAT32) is None
