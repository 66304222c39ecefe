"""Checks on transforms: one row per row, independent of the others, with a storable state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from declnet import Array, ColumnError, Sequences, Transform, missing_values, verified
from declnet import TransformState as State
from declnet.testing import checking
from declnet.testing.catalogue import ExampleData
from declnet.testing.checking import CheckFailed, Subject, called, calling, check, require
from declnet.testing.checks import common
from declnet.testing.comparison import CLOSE_IN_FLOAT32, require_equal, same
from declnet.testing.trial import SIZES, USUAL, Setting, Trial, copied, in_order, tried
from declnet.testing.watched import call_locked

ROWS = 24

REST = np.delete(np.arange(ROWS), [1, ROWS - 1])  # the rows without a new value

NEW: dict[str, tuple[Any, ...]] = {
    "f": (np.nan, 0.0, 1e-30, 1e4, -1e4),
    "i": (np.nan, 0, 10**6, -(10**6)),
    "u": (np.nan, 0, 255),
    "b": (np.nan,),
    "O": (None, "", "never seen", "0", "1066-10-14"),
}
"""Values that the data to apply to may have, by the column's kind; the first one is missing."""


@dataclass(frozen=True, eq=False)
class _Column:
    """A column, and its name in messages."""

    name: str
    x: Array

    def __str__(self) -> str:
        return f"{self.name} {self.x.shape}"

    def holding(self, value: Any) -> _Column:
        """Return it with a value in the second and the last row; with NaN, integers are floats."""
        is_gap = value is NEW["f"][0]
        x = self.x.astype(float) if is_gap and self.x.dtype.kind in "iub" else self.x.copy()
        x[[1, -1]] = value
        return _Column(f"{self.name} with {value!r}", x)

    def gapped(self) -> _Column:
        """Return it with missing values."""
        return self.holding(NEW[self.x.dtype.kind][0])


_Fitted = tuple[_Column, State, Array]
"""A column, the state fitted to it, and the result of `apply`."""


def _candidates() -> tuple[_Column, ...]:
    """Return columns of every type, without gaps."""
    rng = np.random.default_rng(31)
    words = np.array(["red", "green", "blue", "no color"], object)
    dates = np.datetime64("2024-02-25") + np.arange(0, 3 * ROWS, 3).astype("timedelta64[D]")
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
    """Return the columns that the transform suits; raise CheckFailed if there are none."""
    columns = _candidates()
    suited = tuple(column for column in columns if called(subject, Transform.suits, column.x))
    require(suited, f"suits() says no to all of {', '.join(map(str, columns))}")
    return suited


def _fitted(subject: Subject, column: _Column) -> State:
    """Return the state fitted to a column, which the transform may only read."""
    reason = "it is for training only, so it is not fitted or applied"
    checking.skip_unless(not subject.instance.training_only, reason)
    fit = partial(verified, Transform.fit, subject.instance, column.x)
    state: State = call_locked(f"fit for {column}", fit, {"x": column.x})
    return state


def _transformed(
    subject: Subject, column: _Column, state: State
) -> tuple[Array, Array | None, Array | None]:
    """Return the transformed column and, of sequences, their lengths and any weights.

    x and the arrays of the state may only be read.
    """
    arrays = {f"the state's {k}": v for k, v in state.items() if isinstance(v, np.ndarray)}
    apply = partial(verified, Transform.apply, subject.instance, column.x, state)
    y = call_locked(f"apply for {column}", apply, {"x": column.x, **arrays})
    return (y.values, y.lengths, y.weights) if isinstance(y, Sequences) else (y, None, None)


def _refusal(failure: CheckFailed) -> ColumnError:
    """Return the ColumnError that rejects a column; raise any other failure."""
    if not isinstance(failure.__cause__, ColumnError):
        raise failure
    return failure.__cause__


def _accepted(subject: Subject, columns: Sequence[_Column] = ()) -> Iterator[_Fitted]:
    """Yield the columns that no ColumnError rejects, by default of those that it suits."""
    for column in columns or _suited(subject):
        try:
            state = _fitted(subject, column)
            yield column, state, _transformed(subject, column, state)[0]
        except CheckFailed as failure:
            _refusal(failure)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fit and apply it to every column that it suits, and apply it to columns with gaps."""
    trial, order, transform = Trial(), setting.input_order, subject.instance
    for column in _suited(subject):
        if transform.training_only:
            dtype = setting.dtype if column.x.dtype.kind in "fiub" else column.x.dtype
            x = in_order(column.x, order, dtype)
            with calling(f"vary for {column}"):
                transform.vary(x, np.random.default_rng(setting.seed))
            trial.outputs[f"x for {column}"] = copied(x)
            continue
        state = _fitted(subject, replace(column, x=in_order(column.x, order)))
        if setting.beside:
            _fitted(subject, replace(column, x=column.x[: ROWS // 4]))
        if setting.restored:
            state = common.stored_again(subject, state, Transform.verify_state)
        for variant in (column, column.gapped()):
            parts = [in_order(part, order) for part in np.split(variant.x, setting.cuts)]
            try:
                rows = [_transformed(subject, replace(variant, x=part), state) for part in parts]
            except CheckFailed as failure:
                if variant is column or type(failure) is not CheckFailed:
                    raise
                continue  # it may reject gaps
            names = "y", "lengths", "weights"
            for name, arrays in zip(names, zip(*rows, strict=True), strict=True):
                if arrays[0] is not None:
                    trial.outputs[f"{name} for {variant}"] = copied(np.concatenate(arrays))
    return trial


@check
def gives_a_row_for_each_row(subject: Subject) -> None:
    """Gives as many new rows, names each number, and says how many levels there are."""
    for column in _suited(subject):
        state = _fitted(subject, column)
        y, lengths, weights = _transformed(subject, column, state)
        _require_usable(subject, y, column, state)
        names = tuple(f"n{index}" for index in range(prod(column.x.shape[1:])))
        features, width = called(subject, Transform.feature_names, names, state), prod(y.shape[1:])
        fault = f"feature_names gives {len(features)} names for {width} numbers a row"
        require(features == names or len(features) == width, fault)
        if lengths is None:
            continue
        is_padding = np.arange(y.shape[1]) >= lengths[:, None]
        padding = y[is_padding]
        fault = f"sequences for {column} have several values after their lengths"
        require((padding == padding[:1]).all(), fault)
        fault = f"sequences for {column} have weights other than 0 after their lengths"
        require(weights is None or not weights[is_padding].any(), fault)


@check
def takes_values_that_the_training_data_does_not_have(subject: Subject) -> None:
    """Applies to new values and to gaps, which it keeps apart or fills; or names their row."""
    for column, state, whole in _accepted(subject):
        for value in NEW[column.x.dtype.kind]:
            new = column.holding(value)
            try:
                y, *_ = _transformed(subject, new, state)
            except CheckFailed as failure:
                fault = (
                    f"for {new} it raises ColumnError with row {(row := _refusal(failure).row)!r}"
                )
                require(row == 1, f"{fault}; the first is in row 1, counted from 0")
                continue
            is_gap = bool(missing_values(new.x).any())
            _require_usable(subject, y, new, state, REST if is_gap else slice(None))
            fault = f"{value!r} in another row changes what apply gives for {column}"
            require_equal(y[REST], whole[REST], fault, tolerance=CLOSE_IN_FLOAT32)
            fault = f"a missing value in {column} becomes {y[1]}, as numbers do"
            advice = "keep it missing, or fill gaps alone, and leave the numbers as they are"
            require(not is_gap or not _hides_gap(column, y), f"{fault}; {advice}")


@check
def takes_columns_of_any_length(subject: Subject) -> None:
    """Is fitted to 1 to 200 rows, or to gaps, and gives finite rows, the same in any order."""
    cycles, suited = [np.arange(rows) % ROWS for rows in SIZES], _suited(subject)
    columns = [replace(column, x=column.x[rows]) for column in suited for rows in cycles]
    columns += [column.gapped() for column in suited]
    for column, state, y in _accepted(subject, columns):
        there = ~missing_values(column.x).reshape(len(y), -1).any(axis=1)
        _require_usable(subject, y, column, state, there)
        order = np.random.default_rng(len(y)).permutation(len(y))
        permuted, *_ = _transformed(subject, replace(column, x=column.x[order]), state)
        require_equal(permuted, y[order], f"apply gives other rows for {column} in another order")


@check
def takes_no_rows(subject: Subject) -> None:
    """Gives no rows for no rows, of the same type and shape as others."""
    suited = _suited(subject)
    columns = (*suited, *(column.gapped() for column in suited))
    for column, state, whole in _accepted(subject, columns):
        empty = replace(column, x=column.x[:0])
        y, *_ = _transformed(subject, empty, state)
        is_alike = y.dtype.kind == whole.dtype.kind and y.shape == (0, *whole.shape[1:])
        fault = f"apply gives {y.dtype} {y.shape} for {empty}, but {whole.dtype} {whole.shape}"
        require(is_alike, f"{fault} for {column}")


@check
def inverts_what_it_applies(subject: Subject) -> None:
    """Inverts its result for numbers, in new arrays, including several predictions of each."""
    checking.skip_unless(
        type(subject.instance).inverse is not Transform.inverse, "it has no inverse"
    )
    for column, state, _ in _accepted(subject):
        if column.x.dtype.kind not in "fi":
            continue
        x = column.x.astype(float)
        y, *_ = _transformed(subject, replace(column, x=x), state)
        pairs = [(copied(y), x)]
        if x.ndim == 1 and y.shape == x.shape:
            pairs.append((np.stack([y, y[::-1]], axis=1), np.stack([x, x[::-1]], axis=1)))
        for predictions, expected in pairs:
            inverse = partial(verified, Transform.inverse, subject.instance, predictions, state)
            inverted = call_locked(f"inverse for {column}", inverse, {"y": predictions})
            _require_new(inverted, predictions, "inverse")
            fault = f"inverse does not give back {column}"
            require_equal(inverted, expected, fault, "from what apply gives", 1e-6)


@check
def refuses_by_column_errors(subject: Subject) -> None:
    """Says by a ColumnError what it cannot take: another type of column, or one with gaps."""
    for column in _candidates():
        gapped = column.gapped()
        list(_accepted(subject, (column, gapped, replace(gapped, x=gapped.x[[1, -1]]))))


@check
def varies_by_the_given_stream(subject: Subject) -> None:
    """Varies training data, differently for different random streams, and keeps it finite."""
    checking.skip_unless(subject.instance.training_only, "it is not for training only")
    streams = [tried(subject, USUAL.but(seed=seed)).outputs for seed in range(6)]
    for name, array in streams[0].items():
        differs = not all(same(stream[name], array) for stream in streams)
        require(differs, f"{name} is the same for every random stream")
        require(np.isfinite(array).all(), f"{name} is NaN or infinite in places")


@check
def fits_in_parts(subject: Subject) -> None:
    """Learns the same from a column that arrives in parts, if it can be fitted in parts."""
    checking.skip_unless(called(subject, Transform.fitting), "it has no fitting")
    suited = _suited(subject)
    columns = (*suited, *(column.gapped() for column in suited))
    for (column, _, whole), cuts in product(_accepted(subject, columns), ((1,), (5, 6, 20))):
        with calling(f"fitting for {column}"):
            fitting: Any = verified(Transform.fitting, subject.instance)
            for part in np.split(column.x, cuts):
                fitting.update(part.copy())
            state = fitting.result()
        y, *_ = _transformed(subject, column, state)
        require_equal(y, whole, f"fitted to parts of {column}, apply gives other rows")


@check
def gives_the_same_with_states_for_many_calls(subject: Subject) -> None:
    """Gives the same bits with the ready state, and for two columns with their joint state."""
    for column, state, y in _accepted(subject):
        ready = called(subject, Transform.ready_state, state)
        again, *_ = _transformed(subject, column, ready)
        fault = f"apply gives other rows for {column} with its ready state"
        require_equal(again, y, fault, tolerance=0)
        other = replace(column, x=np.resize(column.x[: ROWS // 3], column.x.shape))
        states = [state, *(state for _, state, _ in _accepted(subject, [other]))]
        joint = called(subject, Transform.joint_state, states)
        if joint is None or column.x.ndim > 1 or len(states) < 2:
            continue
        for pair in ((column, other), (column.gapped(), other.gapped())):
            _require_joint(subject, pair, states, joint)


def _require_joint(
    subject: Subject, columns: Sequence[_Column], states: Sequence[State], joint: State
) -> None:
    """Raise CheckFailed unless columns together become what each becomes, if none is refused."""
    try:
        pairs = zip(columns, states, strict=True)
        alone = [_transformed(subject, column, state)[0] for column, state in pairs]
    except CheckFailed as failure:
        _refusal(failure)
        return
    x = np.array([column.x for column in columns]).T
    together, *_ = _transformed(subject, replace(columns[0], x=x), joint)
    fault = f"apply gives other rows for {columns[0]} next to another one, with their joint state"
    require_equal(together, np.stack(alone, axis=1), fault, tolerance=0)


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield the columns that the transform suits, each also with missing values."""
    for column, state, _ in _accepted(subject):
        for variant in (column, column.gapped()):
            yield ExampleData(variant.name, (variant.x,), state)


def _require_new(array: Array, argument: Array, method: str) -> None:
    if np.may_share_memory(array, argument):
        fault = f"{method} returns its argument, or a view of it"
        raise CheckFailed(f"{fault}; return a new array, e.g. a copy", fault)


def _require_usable(
    subject: Subject, y: Array, column: _Column, state: State, rows: Any = slice(None)
) -> None:
    """Raise CheckFailed unless a result is new, and finite in some rows, and keeps to `levels`."""
    _require_new(y, column.x, "apply")
    is_finite = y.dtype.kind != "f" or np.isfinite(y[rows]).all()
    require(is_finite, f"apply makes NaN or infinite numbers of {column}")
    levels = called(subject, Transform.levels, state)
    if levels is not None and (y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= levels):
        fault = f"apply gives {y.dtype} from {y.min()} to {y.max()} for {column}"
        raise CheckFailed(f"{fault}, but levels says integers from 0 to {levels - 1}")


def _hides_gap(column: _Column, y: Array) -> bool:
    """Return whether a gap becomes what numbers become, unless these stay as they are."""
    if "O" in (column.x.dtype.kind, y.dtype.kind) or (
        y.shape == column.x.shape and same(y[REST], column.x[REST])
    ):
        return False
    rows = y.reshape(ROWS, -1).astype(float)
    if column.x.dtype.kind == "f" and rows.shape[1] == 1:  # a number between others has a value too
        return bool(rows[REST].min() <= rows[1, 0] <= rows[REST].max())
    return bool((rows[REST] == rows[1]).all(axis=1).any())


_OTHERS = (*common.USED_ONCE, common.takes_any_memory_order, *common.DIVIDED)
CHECKS = (common.leaves_inputs_alone, *_OTHERS, *checking.checks_in(globals()))
