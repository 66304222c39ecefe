"""Uses a transform on usual columns of tables, and on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.transform import ColumnError
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import Block, Setting, copied
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

ROWS = 24


@dataclass(frozen=True, eq=False)
class Column:
    """A column, and what messages call it."""

    name: str
    x: Array

    def __str__(self) -> str:
        return f"{self.name} {self.x.shape}"


def candidates() -> tuple[Column, ...]:
    """Columns of every type, without gaps."""
    rng = np.random.default_rng(31)
    words = np.array(["red", "green", "blue", "no colour"], object)
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
    """The same with something missing in its second row and its last; integers become floats."""
    x = column.x if column.x.dtype.kind in "fO" else column.x.astype(float)
    gapped = x.copy()
    gapped[[1, -1]] = None if x.dtype.kind == "O" else np.nan
    return Column(f"{column.name} with gaps", gapped)


def suited(subject: Subject) -> tuple[Column, ...]:
    """The columns that the transform suits; raises CheckSkipped if there are none."""
    found = []
    for column in candidates():
        with calling("suits"):
            if subject.instance.suits(column.x):
                found.append(column)
    if not found:
        raise CheckSkipped("it suits no usual column")
    return tuple(found)


def fitted(subject: Subject, column: Column) -> Any:
    """The state of a column that the transform suits."""
    with calling(f"fit for {column}"):
        return subject.instance.fit(column.x)


def applied(subject: Subject, column: Column, state: Any) -> Array:
    """The changed column."""
    with calling(f"apply for {column}"):
        y = subject.instance.apply(column.x, state)
    if not isinstance(y, np.ndarray):
        raise CheckFailed(f"apply gives a {type(y).__name__} for {column}, not an array")
    return y


def refused(subject: Subject, column: Column) -> str | None:
    """Uses a transform on any column.

    Returns:
        Why it refuses the column by a ColumnError, or None if it takes it.

    Raises:
        CheckFailed: it raises anything else.
    """
    try:
        with calling(f"fit and apply for {column}", skips=ColumnError):
            subject.instance.apply(column.x, subject.instance.fit(column.x))
    except CheckSkipped as reason:
        return str(reason)
    return None


def varied(subject: Subject, column: Column, setting: Setting) -> Array:
    """A batch of samples that the transform has varied, by a stream of the setting's seed."""
    dtype = setting.dtype if column.x.dtype.kind in "fiub" else None
    block = Block(column.x.shape[1:], setting.but(capacity=ROWS), dtype=np.dtype(dtype))
    x = block.holding(column.x)
    rng = np.random.Generator(np.random.PCG64(setting.seed))
    with calling(f"vary for {column}"):
        subject.instance.vary(x, rng)
    return x


def try_transform(subject: Subject, setting: Setting) -> Trial:
    """Fits and applies to every column that it suits, in the setting's memory order."""
    trial = Trial()
    if subject.instance.training_only:
        for column in suited(subject):
            trial.outputs[f"x for {column}"] = copied(varied(subject, column, setting))
        return trial
    for column in suited(subject):
        order = "F" if setting.input_order == "batch_last" else "C"
        x = np.array(column.x, order=order)  # type: ignore[call-overload]
        used = Column(column.name, x)
        note = trial.watch({f"x ({column})": x})
        state = fitted(subject, used)
        arrays = {name: each for name, each in state.items() if isinstance(each, np.ndarray)}
        note_state = trial.watch(
            {f"the state's {name} ({column})": a for name, a in arrays.items()}
        )
        y = applied(subject, used, state)
        note()
        note_state()
        trial.outputs[f"y for {column}"] = copied(y)
        for name, value in state.items():
            kept = value if isinstance(value, np.ndarray) else np.array([repr(value)], object)
            trial.outputs[f"the state's {name} for {column}"] = copied(kept)
    return trial
