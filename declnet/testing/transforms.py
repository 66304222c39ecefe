"""What a transform promises: rows for rows, each from itself, by a state that can be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.returned import checked_column, checked_fit, checked_names, checked_suits
from declnet.components.transform import ColumnError
from declnet.data.stored_preparation import state_after_storing
from declnet.graph.blocks import batch_view
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, same
from declnet.testing.harness import call_locked
from declnet.testing.trial import USUAL, Setting, Trial, copied
from declnet.testing.trial_checks import USED_ONCE, leaves_inputs_alone

ROWS = 24

CUTS = ((0, 10, ROWS), (0, 1, 2, ROWS), tuple(range(ROWS + 1)))
"""Where a column is cut into chunks."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column, and what messages call it."""

    name: str
    x: Array

    def __str__(self) -> str:
        return f"{self.name} {self.x.shape}"

    def rows(self, part: slice | list[int]) -> Column:
        """Return some rows of it."""
        return Column(self.name, self.x[part])


def candidates() -> tuple[Column, ...]:
    """Return columns of every type, without gaps."""
    rng = np.random.default_rng(31)
    words = np.array(["red", "green", "blue", "no color"], object)
    return (
        Column("a column of floats", rng.normal(3, 2, ROWS)),
        Column("a column of integers", rng.integers(-5, 90, ROWS)),
        Column("a column of booleans", rng.random(ROWS) > 0.5),
        Column("a column of text", words[np.arange(ROWS) % 4]),
        Column("a column of equal floats", np.full(ROWS, 2.5)),
        Column("an array of floats", rng.normal(1, 3, (ROWS, 3))),
        Column("images of bytes", rng.integers(0, 256, (ROWS, 3, 4, 4)).astype(np.uint8)),
    )


def with_gaps(column: Column) -> Column:
    """Return the column without its second row's value and its last; integers become floats."""
    x = column.x if column.x.dtype.kind in "fO" else column.x.astype(float)
    gapped = x.copy()
    gapped[[1, -1]] = None if x.dtype.kind == "O" else np.nan
    return Column(f"{column.name} with gaps", gapped)


def suited(subject: Subject) -> tuple[Column, ...]:
    """Return the columns that the transform suits; raise CheckSkipped if there are none."""
    found = []
    for column in candidates():
        with calling("suits"):
            if checked_suits(subject.instance, subject.instance.suits(column.x)):
                found.append(column)
    if not found:
        raise CheckSkipped("it suits no usual column")
    return tuple(found)


def fitted_columns(subject: Subject) -> Iterator[tuple[Column, Any]]:
    """Yield the columns that the transform suits, each with what it learned of it.

    Raises:
        CheckSkipped: it is for training only, so that it is not fitted, or suits no column.
    """
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")
    for column in suited(subject):
        yield column, fitted(subject, column)


def fitted(subject: Subject, column: Column) -> Mapping[str, Any]:
    """Return the state that it learned of a column, which it may only read."""
    transform = subject.instance

    def fit() -> Mapping[str, Any]:
        state = transform.fit(column.x)
        return state if isinstance(state, Mapping) else checked_fit(transform, state)

    found: Mapping[str, Any] = call_locked(f"fit for {column}", fit, {"x": column.x})
    return found


def applied(subject: Subject, column: Column, state: Any) -> Array:
    """Return the changed column; x and the arrays of the state may only be read."""
    transform, rows = subject.instance, len(column.x)
    arrays = {
        f"the state's {name}": each for name, each in state.items() if isinstance(each, np.ndarray)
    }
    found: Array = call_locked(
        f"apply for {column}",
        lambda: checked_column(transform, transform.apply(column.x, state), rows),
        {"x": column.x, **arrays},
    )
    return found


def refusal(subject: Subject, column: Column, state: Any = None) -> ColumnError | None:
    """Return the ColumnError by which a transform refuses a column, or None if it takes it.

    Args:
        subject: the transform.
        column: any column.
        state: what it learned before; default: it is fitted to the column itself.

    Raises:
        CheckFailed: it raises anything else.
    """
    refused = None
    with calling(f"fit and apply for {column}; raise a ColumnError if it cannot take that: it"):
        try:
            learned = subject.instance.fit(column.x) if state is None else state
            subject.instance.apply(column.x, learned)
        except ColumnError as error:
            refused = error
    return refused


def varied(subject: Subject, column: Column, setting: Setting) -> Array:
    """Return a batch that the transform has varied, by a stream of the setting's seed."""
    dtype = setting.dtype if column.x.dtype.kind in "fiub" else column.x.dtype
    x = batch_view(np.empty(column.x.size, dtype), column.x.shape[1:], ROWS, setting.order)
    np.copyto(x, column.x)
    rng = np.random.Generator(np.random.PCG64(setting.seed))
    with calling(f"vary for {column}"):
        subject.instance.vary(x, rng)
    return x


def try_transform(subject: Subject, setting: Setting) -> Trial:
    """Fit and apply to every column that it suits, in the setting's memory order."""
    trial = Trial()
    if subject.instance.training_only:
        for column in suited(subject):
            trial.outputs[f"x for {column}"] = copied(varied(subject, column, setting))
        return trial
    for column in suited(subject):
        order = "F" if setting.input_order == "batch_last" else "C"
        used = Column(column.name, np.array(column.x, order=order))  # type: ignore[call-overload]
        state = fitted(subject, used)
        trial.outputs[f"y for {column}"] = copied(applied(subject, used, state))
        for name, value in state.items():
            kept = value if isinstance(value, np.ndarray) else np.array([repr(value)], object)
            trial.outputs[f"the state's {name} for {column}"] = copied(kept)
    return trial


@check
def suits_a_usual_column(subject: Subject) -> None:
    """Suits at least one usual column: of numbers, booleans, text, or an array."""
    try:
        suited(subject)
    except CheckSkipped:
        columns = ", ".join(str(column) for column in candidates())
        raise CheckFailed(f"suits() says no to all of {columns}") from None


@check
def gives_a_row_for_each_row(subject: Subject) -> None:
    """Gives as many rows as it is given, of numbers, booleans or text."""
    for column, state in fitted_columns(subject):
        applied(subject, column, state)


@check
def varies_by_the_given_stream(subject: Subject) -> None:
    """Varies training data: alike for the same stream and any memory order, else differently."""
    if not subject.instance.training_only:
        raise CheckSkipped("it is not for training only")
    for column in suited(subject):
        first = varied(subject, column, USUAL)
        if not same(varied(subject, column, USUAL.but(order="batch_first")), first):
            raise CheckFailed(f"vary for {column} depends on the memory order of the batch")
        others = [varied(subject, column, USUAL.but(seed=seed)) for seed in range(1, 6)]
        if all(same(each, first) for each in others):
            raise CheckFailed(f"vary for {column} gives the same for every random stream")
        if not np.isfinite(first).all():
            raise CheckFailed(f"vary makes NaN or infinite numbers of {column}")


@check
def names_each_number(subject: Subject) -> None:
    """Names as many numbers as a row of the changed column has, or leaves the names alone."""
    for column, state in fitted_columns(subject):
        names = tuple(f"n{index}" for index in range(int(np.prod(column.x.shape[1:]))))
        with calling("feature_names"):
            given = checked_names(subject.instance, subject.instance.feature_names(names, state))
        width = int(np.prod(applied(subject, column, state).shape[1:]))
        if given != names and len(given) != width:
            raise CheckFailed(f"feature_names gives {len(given)} names for {width} numbers a row")


@check
def state_can_be_stored(subject: Subject) -> None:
    """Keeps in its state only JSON values and arrays, and does the same after it was stored."""
    for column, state in fitted_columns(subject):
        with calling(f"fit for {column}"):
            checked_fit(subject.instance, state)
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
    for column, state in fitted_columns(subject):
        before = applied(subject, column, state)
        fitted(subject, column.rows(slice(ROWS // 4)))
        if not same(applied(subject, column, state), before):
            raise CheckFailed(f"apply for {column} depends on what was fitted in between")


@check
def chunks_equal_the_whole(subject: Subject) -> None:
    """Gives each row the same, with gaps or without, whatever rows come with it."""
    for column, state in fitted_columns(subject):
        for each in (column, with_gaps(column)):
            if each is not column and refusal(subject, each, state) is not None:
                continue
            whole = applied(subject, each, state)
            for cuts in CUTS:
                parts = [
                    applied(subject, each.rows(slice(first, stop)), state)
                    for first, stop in pairwise(cuts)
                ]
                if not same(np.concatenate(parts), whole):
                    raise CheckFailed(
                        f"apply to chunks of {each} differs from apply to the whole; a row may "
                        "depend on itself and on what fit learned of the training data, not on "
                        "other rows that it comes with"
                    )


@check
def finite_numbers_stay_finite(subject: Subject) -> None:
    """Makes no NaN or infinity of finite numbers, also where all values of a column are equal."""
    for column, state in fitted_columns(subject):
        y = applied(subject, column, state)
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise CheckFailed(f"apply makes NaN or infinite numbers of {column}")


@check
def refuses_by_column_errors(subject: Subject) -> None:
    """Says by a ColumnError what it cannot take: another type of column, or one with gaps."""
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")
    for column in candidates():
        gapped = with_gaps(column)
        refusal(subject, column)
        if column.x.dtype.kind != "b":
            refusal(subject, gapped)
        refusal(subject, Column(f"{column.name}, all missing", gapped.x[[1, -1]]))


@check
def takes_gaps_that_the_training_data_does_not_have(subject: Subject) -> None:
    """Applies to columns with gaps, also of integers, though it was fitted to one without."""
    for column, state in fitted_columns(subject):
        gapped = with_gaps(column)
        refused = refusal(subject, gapped, state)
        if refused is not None:
            if refused.row != 1:
                raise CheckFailed(
                    f"for {gapped} it raises ColumnError with row {refused.row!r}; the first gap "
                    "is in row 1, counted from 0"
                )
            continue
        y, whole = applied(subject, gapped, state), applied(subject, column, state)
        rest = [row for row in range(ROWS) if row not in (1, ROWS - 1)]
        if not _alike(y[rest], whole[rest]):
            raise CheckFailed(f"a gap in another row changes what apply gives for {column}")


CHECKS = (
    suits_a_usual_column,
    leaves_inputs_alone,
    gives_a_row_for_each_row,
    *USED_ONCE,
    varies_by_the_given_stream,
    names_each_number,
    state_can_be_stored,
    keeps_columns_apart,
    takes_gaps_that_the_training_data_does_not_have,
    refuses_by_column_errors,
    chunks_equal_the_whole,
    finite_numbers_stay_finite,
)


def _alike(found: Array, wanted: Array) -> bool:
    """Whether they are the same; numbers as far as float32 goes, which bytes may become."""
    if "O" in (found.dtype.kind, wanted.dtype.kind):
        return same(found, wanted)
    return difference(found, wanted, CLOSE_IN_FLOAT32) is None
