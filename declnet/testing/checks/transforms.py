"""Checks on transforms: one row per row, independent of the others, with a storable state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from declnet import Array, ColumnError, Sequences, Transform, verified
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, called, calling, check
from declnet.testing.checks.common import (
    USED_ONCE,
    continues_when_restored,
    keeps_uses_apart,
    leaves_inputs_alone,
    parts_equal_the_whole,
    stored_again,
)
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, require_equal, same
from declnet.testing.component_data import ExampleData
from declnet.testing.grid import SIZES
from declnet.testing.trial import BOTH_ORDERS, USUAL, Setting, Trial, copied, in_order, tried
from declnet.testing.watched import call_locked

ROWS = 24


@dataclass(frozen=True, eq=False)
class _Column:
    """A column, and its name in messages."""

    name: str
    x: Array

    def __str__(self) -> str:
        return f"{self.name} {self.x.shape}"

    def gapped(self) -> _Column:
        """Return it with the second and the last value missing; integers become floats."""
        x = self.x.copy() if self.x.dtype.kind in "fO" else self.x.astype(float)
        x[[1, -1]] = None if x.dtype.kind == "O" else np.nan
        return _Column(f"{self.name} with gaps", x)


def _candidates() -> tuple[_Column, ...]:
    """Return columns of every type, without gaps."""
    rng = np.random.default_rng(31)
    words = np.array(["red", "green", "blue", "no color"], object)
    dates = np.datetime64("2024-02-25") + 3 * np.arange(ROWS)
    return (
        _Column("a column of floats", rng.normal(3, 2, ROWS)),
        _Column("a column of integers", rng.integers(-5, 90, ROWS)),
        _Column("a column of booleans", rng.random(ROWS) > 0.5),
        _Column("a column of text", words[np.arange(ROWS) % 4]),
        _Column("a column of dates", dates.astype(str).astype(object)),
        _Column("a column of equal floats", np.full(ROWS, 2.5)),
        _Column("an array of floats", rng.normal(1, 3, (ROWS, 3))),
        _Column("images of bytes", rng.integers(0, 256, (ROWS, 3, 4, 4)).astype(np.uint8)),
    )


def _suited(subject: Subject) -> tuple[_Column, ...]:
    """Return the columns that the transform suits; raise CheckSkipped if there are none."""
    suited = tuple(
        candidate for candidate in _candidates() if called(subject, Transform.suits, candidate.x)
    )
    if not suited:
        raise CheckSkipped("it suits no usual column")
    return suited


def fitted_columns(subject: Subject) -> Iterator[tuple[_Column, Mapping[str, Any]]]:
    """Yield the columns that the transform suits, each with its fitted state."""
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")
    for column in _suited(subject):
        yield column, _fitted(subject, column)


def _fitted(subject: Subject, column: _Column) -> Mapping[str, Any]:
    """Return the state fitted to a column, which the transform may only read."""
    fit = partial(subject.instance.fit, column.x)
    state: Any = call_locked(f"fit for {column}", fit, {"x": column.x})
    if not isinstance(state, Mapping):  # whether it can be stored is a check of its own
        raise CheckFailed(f"fit() returned {type(state).__name__}, not a mapping")
    return state


def _applied(subject: Subject, column: _Column, state: Mapping[str, Any]) -> Array:
    """Return the values of the transformed column; see `_transformed`."""
    return _transformed(subject, column, state)[0]


def _transformed(
    subject: Subject, column: _Column, state: Mapping[str, Any]
) -> tuple[Array, Array | None]:
    """Return the transformed column and, of sequences, their lengths.

    x and the arrays of the state may only be read.
    """
    arrays = {f"the state's {k}": v for k, v in state.items() if isinstance(v, np.ndarray)}
    apply = partial(verified, Transform.apply, subject.instance, column.x, state)
    y = call_locked(f"apply for {column}", apply, {"x": column.x, **arrays})
    return (y.values, y.lengths) if isinstance(y, Sequences) else (y, None)


def _refusal(
    subject: Subject, column: _Column, state: Mapping[str, Any] | None = None
) -> ColumnError | None:
    """Return the ColumnError with which a transform rejects a column, or None if it accepts it.

    Without a state, the transform is fitted to the column itself.
    """
    with calling(f"fit and apply for {column}; raise a ColumnError if it cannot take that: it"):
        try:
            learned = subject.instance.fit(column.x) if state is None else state
            subject.instance.apply(column.x, learned)
        except ColumnError as error:
            return error
    return None


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fit and apply it to every column that it suits, and apply it to columns with gaps."""
    trial = Trial()
    for column in _suited(subject):
        if subject.instance.training_only:
            trial.outputs[f"x for {column}"] = _varied(subject, column, setting)
            continue
        state = _fitted(subject, _in_order(column, setting))
        if setting.beside:
            _fitted(subject, _Column(column.name, column.x[: ROWS // 4]))
        if setting.restored:
            state = stored_again(state)
        for variant in (column, column.gapped()):
            if variant is column or _takes(subject, variant, state):
                cuts = pairwise([0, *setting.cuts, ROWS])
                parts = [_in_order(_Column(variant.name, variant.x[a:b]), setting) for a, b in cuts]
                rows = [_transformed(subject, part, state) for part in parts]
                trial.outputs[f"y for {variant}"] = copied(np.concatenate([y for y, _ in rows]))
                lengths = [part for _, part in rows if part is not None]
                if lengths:
                    trial.outputs[f"lengths for {variant}"] = copied(np.concatenate(lengths))
    return trial


@check
def suits_a_usual_column(subject: Subject) -> None:
    """Suits at least one usual column: of numbers, booleans, text, or an array."""
    try:
        _suited(subject)
    except CheckSkipped:
        columns = ", ".join(str(column) for column in _candidates())
        raise CheckFailed(f"suits() says no to all of {columns}") from None


@check
def gives_a_row_for_each_row(subject: Subject) -> None:
    """Gives as many rows as it is given, names each number, and says how many levels there are."""
    for column, state in fitted_columns(subject):
        y = _applied(subject, column, state)
        names = tuple(f"n{index}" for index in range(int(np.prod(column.x.shape[1:]))))
        feature_names = called(subject, Transform.feature_names, names, state)
        width = int(np.prod(y.shape[1:]))
        if feature_names != names and len(feature_names) != width:
            raise CheckFailed(
                f"feature_names gives {len(feature_names)} names for {width} numbers a row"
            )
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise CheckFailed(f"apply makes NaN or infinite numbers of {column}")
        _require_padding(subject, column, state)
        levels = called(subject, Transform.levels, state)
        if levels is not None and (y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= levels):
            raise CheckFailed(
                f"levels says that apply gives integers from 0 to {levels - 1}, but for {column} "
                f"it gives {y.dtype} from {y.min()} to {y.max()}"
            )


def _require_padding(subject: Subject, column: _Column, state: Mapping[str, Any]) -> None:
    """Check that sequences hold one value, the padding, from their lengths on."""
    y, lengths = _transformed(subject, column, state)
    if lengths is None:
        return
    padding = y[np.arange(y.shape[1]) >= lengths[:, None]]
    if padding.size and (padding != padding[0]).any():
        raise CheckFailed(f"the sequences for {column} have several values after their lengths")


@check
def takes_columns_of_any_length(subject: Subject) -> None:
    """Is fitted to columns of 1 to 200 rows, and gives the same rows in any order, all finite."""
    rng = np.random.default_rng(0)
    for column in _suited(subject) if not subject.instance.training_only else ():
        for rows in SIZES:
            some = _Column(f"{column.name} of {rows} rows", column.x[np.arange(rows) % ROWS])
            if _refusal(subject, some) is not None:
                continue
            state, order = _fitted(subject, some), rng.permutation(rows)
            y, permuted = (
                _applied(subject, _Column(some.name, x), state) for x in (some.x, some.x[order])
            )
            if y.dtype.kind == "f" and not np.isfinite(y).all():
                raise CheckFailed(f"fitted to {some}, apply makes NaN or infinite numbers of it")
            require_equal(permuted, y[order], f"apply gives other rows for {some} in another order")


@check
def inverts_what_it_applies(subject: Subject) -> None:
    """Inverts its result for numbers, including several predictions of each."""
    if type(subject.instance).inverse is Transform.inverse:
        raise CheckSkipped("it has no inverse")
    for column, state in fitted_columns(subject):
        if column.x.dtype.kind not in "fi":
            continue
        x = column.x.astype(float)
        y = _applied(subject, _Column(column.name, x), state)
        pairs = [(y, x)]
        if x.ndim == 1 and y.shape == x.shape:
            pairs.append((np.stack([y, y[::-1]], axis=1), np.stack([x, x[::-1]], axis=1)))
        for transformed, expected in pairs:
            with calling(f"inverse for {column}"):
                inverted = verified(Transform.inverse, subject.instance, copied(transformed), state)
            if inverted.shape != expected.shape:
                raise CheckFailed(
                    f"inverse gives the shape {inverted.shape} for {transformed.shape}, not "
                    f"{expected.shape}"
                )
            if not np.allclose(inverted, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max()):
                raise CheckFailed(f"inverse does not give back {column} from what apply gives")


@check
def state_can_be_stored(subject: Subject) -> None:
    """Keeps in its state only JSON values and arrays, which it accepts when they are read back."""
    for _, state in fitted_columns(subject):
        read = stored_again(state)
        with calling("verify_state"):
            subject.instance.verify_state(read)


@check
def takes_gaps_that_the_training_data_does_not_have(subject: Subject) -> None:
    """Applies to columns with gaps, also of integers, though it was fitted to one without."""
    for column, state in fitted_columns(subject):
        gapped = column.gapped()
        refused = _refusal(subject, gapped, state)
        if refused is None:
            rest = np.delete(np.arange(ROWS), [1, ROWS - 1])
            y, whole = _applied(subject, gapped, state), _applied(subject, column, state)
            if difference(y[rest], whole[rest], CLOSE_IN_FLOAT32):
                raise CheckFailed(f"a gap in another row changes what apply gives for {column}")
        elif refused.row != 1:
            raise CheckFailed(
                f"for {gapped} it raises ColumnError with row {refused.row!r}; the first gap is in "
                "row 1, counted from 0"
            )


@check
def refuses_by_column_errors(subject: Subject) -> None:
    """Says by a ColumnError what it cannot take: another type of column, or one with gaps."""
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")
    for column in _candidates():
        gapped = column.gapped()
        _refusal(subject, column)
        if column.x.dtype.kind != "b":
            _refusal(subject, gapped)
        _refusal(subject, _Column(f"{column.name}, all missing", gapped.x[[1, -1]]))


@check
def varies_by_the_given_stream(subject: Subject) -> None:
    """Varies training data: equally for the same stream and any memory order, else differently."""
    if not subject.instance.training_only:
        raise CheckSkipped("it is not for training only")
    first, other = (tried(subject, USUAL.but(order=order)).outputs for order in BOTH_ORDERS)
    streams = [tried(subject, USUAL.but(seed=seed)).outputs for seed in range(1, 6)]
    for name, array in first.items():
        if not same(other[name], array):
            raise CheckFailed(f"{name} depends on the memory order of the batch")
        if all(same(stream[name], array) for stream in streams):
            raise CheckFailed(f"{name} is the same for every random stream")
        if not np.isfinite(array).all():
            raise CheckFailed(f"{name} is NaN or infinite in places")


@check
def fits_in_parts(subject: Subject) -> None:
    """Learns the same from a column that arrives in parts, if it can be fitted in parts."""
    if subject.instance.training_only:
        raise CheckSkipped("it is for training only, so it is not fitted or applied")
    if called(subject, Transform.fitting) is None:
        raise CheckSkipped("it has no fitting")
    for column, _ in fitted_columns(subject):
        for variant in (column, column.gapped()):
            if _refusal(subject, variant) is not None:
                continue
            whole = subject.instance.fit(variant.x)
            for cuts in ((1,), (5, 6, 20)):
                with calling(f"fitting for {variant}"):
                    fitting = verified(Transform.fitting, subject.instance)
                    if fitting is None:
                        raise CheckFailed("fitting gives None at times")
                    for start, stop in pairwise([0, *cuts, ROWS]):
                        fitting.update(copied(variant.x[start:stop]))
                    state = fitting.result()
                y, right = _applied(subject, variant, state), _applied(subject, variant, whole)
                require_equal(y, right, f"fitted to parts of {variant}, apply gives other rows")


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield the columns that the transform suits, each also with missing values."""
    for column, state in fitted_columns(subject):
        for variant in (column, column.gapped()):
            yield ExampleData(variant.name, (variant.x,), state)


CHECKS = (
    suits_a_usual_column,
    leaves_inputs_alone,
    gives_a_row_for_each_row,
    takes_columns_of_any_length,
    *USED_ONCE,
    varies_by_the_given_stream,
    inverts_what_it_applies,
    state_can_be_stored,
    keeps_uses_apart,
    continues_when_restored,
    takes_gaps_that_the_training_data_does_not_have,
    refuses_by_column_errors,
    parts_equal_the_whole,
    fits_in_parts,
)


def _takes(subject: Subject, column: _Column, state: Mapping[str, Any]) -> bool:
    try:
        return _refusal(subject, column, state) is None
    except CheckFailed:  # reported by other checks
        return False


def _in_order(column: _Column, setting: Setting) -> _Column:
    """Return a copy of the column in the setting's memory order."""
    order = "F" if setting.input_order == "batch_last" else "C"
    return _Column(column.name, np.array(column.x, order=order))  # type: ignore[call-overload]


def _varied(subject: Subject, column: _Column, setting: Setting) -> Array:
    """Return a batch that the transform has varied, with a stream of the setting's seed."""
    dtype = setting.dtype if column.x.dtype.kind in "fiub" else column.x.dtype
    x = in_order(column.x, setting.order, dtype)
    with calling(f"vary for {column}"):
        subject.instance.vary(x, np.random.Generator(np.random.PCG64(setting.seed)))
    return copied(x)
