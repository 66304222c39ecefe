"""A run's samples in files and other sources, part by part, for predictions and evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.returned import BrokenContractError, verified
from declnet.data.columns import require_column
from declnet.data.preparing.target_encoding import NAMED_LABELS, TargetEncoding
from declnet.data.sources.files import called, file_source, naming, with_settings
from declnet.data.typed_columns import readable_cells, without_unreadable
from declnet.data.usable_rows import OnError, UsableRows
from declnet.display.words import counted
from declnet.errors import DataError
from declnet.runs.inference.member import LabeledPart, naming_samples
from declnet.runs.inference.partial_predictions import partial_predictions
from declnet.runs.inference.predictions import Predictions
from declnet.runs.inference.predictor import Predictor

FILE = "file"
"""Column of predictions for the names of a source's samples."""


def predicted_parts(
    predictor: Predictor,
    data: Path | DataSource | None,
    identifiers: Sequence[str] = (),
    *,
    spread: bool = False,
    on_error: OnError = "fail",
) -> Iterator[dict[str, Predictions]]:
    """Yield the predictions of each loss part by part, with memory independent of their number.

    Args:
        predictor: the run's predictor; its training data source determines a file's format.
        data: a table with the columns that the model was trained on, or an array: a file or a
            source; None for a forecast after the training data.
        identifiers: columns of the table to pass through. Those that are not features are read as
            text, if the source can.
        spread: whether to keep the spread over several members.
        on_error: as for `Predictor.predict`.

    Raises:
        DataError: the file cannot be read; unless `on_error` is `"empty"`, a row cannot be
            prepared, or a prediction is NaN or infinite.
    """
    predictor.require_on_error(on_error)
    train = predictor.spec.data.train
    data = _data_to_forecast(predictor) if data is None else data
    with naming(data, train):
        source, first = _source(predictor, data, (), identifiers), 1
        names = verified(DataSource.sample_names, source)
        parts = _parts(predictor, data, identifiers, source, on_error)
        if predictor.windows is not None:
            series = predictor.windows.spec.series  # which is passed through anyway
            identifiers = [identifier for identifier in identifiers if identifier != series]
            if identifiers:
                raise DataError(
                    "a forecast is made from several rows, so no column can be passed through",
                    hint="leave out --id",
                )
            parts = ((whole, None) for whole in joined_parts(part for part, _ in parts))
        for part, rows in parts:
            if predictor.features is not None and not isinstance(part, Table):
                raise DataError(
                    "the model was trained on a table, so its columns are needed by name",
                    hint=f"a table with {_some(predictor.features)}",
                )
            samples, passed = _without(part, identifiers, predictor.features is None)
            count = len(samples)
            if names is not None:
                in_part = np.array(names[first - 1 : first - 1 + count], object)
                if len(in_part) < count:
                    fault = f"returned {len(names)} names, but there are more samples"
                    raise BrokenContractError(source, "sample_names", fault)
                passed = {FILE: in_part, **passed}
            if rows is None:
                predictions = predictor.predict_part(samples, on_error)
            else:
                predictions = partial_predictions(predictor, rows, naming_samples(part))
            known = predictor.column_types
            types = {name: known[name] for name in passed if name in known}
            for loss, of_loss in predictions.items():
                predictions[loss] = replace(
                    of_loss,
                    identifiers={**of_loss.identifiers, **passed},
                    types={**of_loss.types, **types},
                    spread=of_loss.spread if spread else None,
                )
            yield predictions
            first += count
        if first == 1:
            raise DataError("there are no samples")


def _data_to_forecast(predictor: Predictor) -> DataSource:
    """Return the training data, after whose end a model of windows forecasts.

    Raises:
        DataError: the model needs rows to predict.
    """
    windows, train = predictor.windows, predictor.spec.data.train
    if windows is None:
        raise DataError("there are no rows to predict", hint="name a file with the rows")
    if train is None:
        raise DataError("the run's data came from a program", hint="name a file with the rows")
    if windows.spec.known and not windows.knows_times_only:
        names = " and ".join(f'"{name}"' for name in windows.spec.known)
        horizon = counted(windows.spec.horizon, "row")
        raise DataError(
            f"the forecast needs {names} of the {horizon} after the training data",
            hint="name a file with the data and these rows after it, without the target",
        )
    return train


def _parts(
    predictor: Predictor,
    data: Path | DataSource,
    identifiers: Sequence[str],
    source: DataSource,
    on_error: OnError,
) -> Iterator[tuple[Dataset | Table, UsableRows | None]]:
    """Yield the parts of a source, with the usable rows if cells are read one by one.

    That is after a cell that cannot be read: the same rows are then read again, as text. A source
    that is not a file could have them in another order, so they are text from the first part on.
    A value without a text, such as a list in a database, concerns its row as well.
    """
    number = 0
    if on_error == "fail" or verified(DataSource.data_files, source) or predictor.features is None:
        try:
            for part in _read(DataSource.input_chunks, predictor, data, source):
                yield part, None
                number += 1
        except DataError as error:
            if on_error == "fail" or error.row is None:
                raise
        else:
            return
    text: ColumnType = "text"
    texts = dict.fromkeys([*predictor.column_types, *identifiers], text)
    source = verified(DataSource.with_types, source, texts)
    source = verified(DataSource.with_unreadable_cells, source)
    for part in islice(_read(DataSource.input_chunks, predictor, data, source), number, None):
        if not isinstance(part, Table):
            yield part, None
            continue
        rows = readable_cells(part, texts | predictor.column_types, part.cells)
        columns = {name: rows.scattered(column) for name, column in rows.table.columns.items()}
        for name in identifiers:
            if name not in predictor.column_types:
                columns[name] = without_unreadable(part.columns[name])
        yield replace(part, columns={**part.columns, **columns}), rows


def _read(
    chunks: Callable[..., Iterator[Any]],
    predictor: Predictor,
    data: Path | DataSource,
    source: DataSource,
) -> Iterator[Dataset | Table]:
    """Yield what `chunks`, a method of the source, reads; samples are numbered from 1."""
    rng = np.random.Generator(np.random.PCG64(0))  # required, but not used to read a file
    read, first = partial(verified, chunks, source, rng, predictor.samples_in_part), 1
    for part in with_settings(read, data, predictor.spec.data.train):
        samples = part if isinstance(part, Dataset | Table) else Dataset(part, {})
        yield samples.numbered_from(first)
        first += len(samples)


def _without(
    data: Dataset | Table, identifiers: Sequence[str], drop: bool
) -> tuple[Dataset | Table, dict[str, Array]]:
    """Return the identifiers apart from the data, which loses them if `drop`."""
    if not identifiers:
        return data, {}
    if not isinstance(data, Table):
        raise DataError("an array has no columns to pass through", hint="leave out --id")
    for name in identifiers:
        require_column(data.columns, name)
    passed = {name: data.columns[name] for name in identifiers}
    if drop:
        columns = {name: column for name, column in data.columns.items() if name not in passed}
        data = replace(data, columns=columns)
    return data, passed


def labeled_parts(predictor: Predictor, data: Path | DataSource) -> Iterator[LabeledPart]:
    """Yield samples with targets, part by part, prepared like the run's data.

    Args:
        predictor: the run's predictor; its training data source determines a file's format.
        data: a file or a source: a table with the target and the columns the model was trained
            on; or arrays x and y if the model was trained on arrays.

    Raises:
        DataError: the file cannot be read, lacks a column or has a class unknown to the model.
    """
    with naming(data, predictor.spec.data.train):
        parts = raw_parts(predictor, data, only_needed=True)
        for part in parts if predictor.windows is None else joined_parts(parts):
            yield predictor.labeled(part, called(data))


def raw_parts(
    predictor: Predictor, data: Path | DataSource, *, only_needed: bool = False
) -> Iterator[Dataset | Table]:
    """Yield samples with targets, part by part, before their preparation.

    Args:
        predictor: as for `labeled_parts`.
        data: as for `labeled_parts`.
        only_needed: whether to leave out columns that are neither features nor targets.

    Raises:
        DataError: the file cannot be read or lacks a column.
    """
    targets = tuple(predictor.targets.values())
    source = _source(predictor, data, targets, only_needed=only_needed)
    return _read(DataSource.chunks, predictor, data, source)


def joined_parts(parts: Iterator[Any]) -> Iterator[Any]:
    """Yield all tables as one, since windows reach from one part into the next."""
    for first in parts:
        yield first.joined(parts)


def _source(
    predictor: Predictor,
    data: Path | DataSource,
    targets: Sequence[TargetEncoding],
    identifiers: Sequence[str] = (),
    *,
    only_needed: bool = True,
) -> DataSource:
    source = data
    if not isinstance(source, DataSource):
        source = file_source(source, predictor.registry, predictor.spec.data.train)
    columns = [target.column for target in targets]
    if columns == [NAMED_LABELS] and predictor.feature_types is None:
        pass  # the labels of arrays are in no column
    elif columns:
        source = verified(DataSource.with_targets, source, columns)
    else:
        source = verified(DataSource.with_target, source, None)
    types: dict[str, ColumnType] = dict.fromkeys(identifiers, "text")
    if predictor.feature_types is None:
        return verified(DataSource.with_types, source, types) if types else source
    types |= predictor.column_types
    types |= {target.column: target.type for target in targets}
    windows = predictor.windows
    time = windows.time if windows is not None else None
    source = verified(DataSource.with_types, source, types)
    if not only_needed:
        return source
    needed = [*types, *([time] if time and time not in types else [])]
    return verified(DataSource.with_columns, source, needed)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:10])
    return f"the column{'s' if len(names) > 1 else ''} {shown}{', …' if len(names) > 10 else ''}"
