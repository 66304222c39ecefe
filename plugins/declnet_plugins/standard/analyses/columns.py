"""Shared by analyses: the columns and samples that they use, and how they report them."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

import numpy as np

from declnet import (
    AnalyzedModel,
    Array,
    DataError,
    Diagnostic,
    RunContext,
    date_form,
    missing_values,
    read_dates,
)

PREDICTIONS = 1_000_000
"""Samples that an analysis predicts in total at most, unless its field `samples` is set."""


def unknown_columns(
    names: Sequence[str], context: RunContext, field: str, *, listed: bool = True
) -> Iterator[Diagnostic]:
    """Yield an error for each name that is not a column of the training data, if these are known.

    Args:
        field: the field with the names.
        listed: whether it is a list, not a single name.
    """
    for position, name in enumerate(names):
        if context.columns and name not in context.columns:
            message = f'there is no column "{name}"'
            path = (field, position) if listed else (field,)
            yield Diagnostic(message, _meant(name, context.columns), path, "E034")


def _meant(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.7)
    shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
    return f'did you mean "{close[0]}"?' if close else f"columns: {shown}"


def require_column(model: AnalyzedModel, name: str) -> Array:
    """Return a column with a value for each sample; raise DataError if there is none."""
    if name not in model.columns:
        hint = _meant(name, tuple(model.columns))
        raise DataError(f'there is no column "{name}"', hint=hint, code="E034")
    column = model.columns[name]
    if len(column) != model.samples:
        raise DataError(f'samples are windows of rows, so column "{name}" has no value for each')
    return column


def chosen_features(model: AnalyzedModel, names: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the named features, or all.

    Raises:
        DataError: there is no such feature, or the model has none that can be replaced.
    """
    if not model.features:
        raise DataError(
            "the model predicts from windows or from samples of several axes, which have no columns"
        )
    for name in names or ():
        require_column(model, name)
        if name not in model.features:
            raise DataError(f'the model does not predict from column "{name}"')
    return names or model.features


def drawn_samples(model: AnalyzedModel, requested: int | None, default: int, uses: int) -> Array:
    """Return the positions of samples drawn at random, in order.

    Args:
        wanted: how many; None: `default`, or fewer if each is predicted many times.
        default: how many at most.
        uses: how many times each is predicted.
    """
    most = requested or max(100, min(default, PREDICTIONS // uses))
    if model.samples <= most:
        return np.arange(model.samples)
    return np.sort(model.rng.choice(model.samples, most, replace=False))


def on_samples(model: AnalyzedModel, used: int) -> str:
    """Return a phrase that says which samples were used."""
    some = f"{used:,} of {model.total:,} samples" if used < model.total else f"{used:,} samples"
    return f"{some} of {called(model)}"


def called(model: AnalyzedModel) -> str:
    """Return what notes call the data: `the test data`, or a file's name."""
    name = model.data_name
    return f"the {name} data" if name in ("train", "validation", "test") else name


def missing(column: Array) -> Array:
    """Return which values (n,) of a column are missing or infinite."""
    if column.dtype.kind == "f":
        gaps: Array = ~np.isfinite(column)
        return gaps
    return missing_values(column)


def times_of(*columns: Array) -> tuple[Array, ...] | None:
    """Return columns of dates or times as microseconds, NaN where missing.

    None if they hold anything else, are not all written alike, or may begin with day or month.
    """
    forms = {date_form(column) for column in columns}
    form = forms.pop()
    if forms or form is None or form == "ambiguous":
        return None
    moments = [read_dates(column, form) for column in columns]
    return tuple(np.where(np.isnat(moment), np.nan, moment.astype(np.int64)) for moment in moments)


def shown_times(times: Array) -> list[str]:
    """Return microseconds as ISO 8601, without the time of day if it is always midnight."""
    moments = times.astype(np.int64).astype("datetime64[us]")
    whole = bool((moments == moments.astype("datetime64[D]")).all())
    return [str(moment) for moment in np.datetime_as_string(moments, "D" if whole else "s")]


def shown_value(value: object) -> str:
    """Return a value of a column as text, numbers with up to six digits."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
