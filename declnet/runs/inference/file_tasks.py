"""The prediction of a file as a task: in this process or, as text, in a worker process."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.executor import Executor, ExecutorTask, Progress, updates_of
from declnet.errors import DeclnetError, OutputError, error_message, error_summary
from declnet.registry.discovery import default_registry, discover
from declnet.runs.inference.file_parts import predicted_parts
from declnet.runs.inference.fingerprint import fingerprint_of
from declnet.runs.inference.prediction_files import FORMS, columns_of
from declnet.runs.inference.prediction_records import (
    FileState,
    PredictionOptions,
    PredictionRecord,
)
from declnet.runs.inference.predictions import Predictions
from declnet.runs.inference.predictor import Predictor
from declnet.runs.storage.writing import whole_file
from declnet.stored import Stored
from declnet.training.numerics import one_blas_thread

MOST_ROWS = 5
"""Rows that could not be predicted and are named, at most."""


class UnpredictedRows:
    """The rows that could not be predicted.

    Attributes:
        count: how many there are.
        first: the numbers of the first ones.
        warning: what `Predictions.warning` says of the last part.
    """

    def __init__(self) -> None:
        self.count, self.first = 0, list[int]()
        self.warning: str | None = None

    def counted(
        self, parts: Iterable[Mapping[str, Predictions]]
    ) -> Iterator[Mapping[str, Predictions]]:
        """Yield the parts unchanged."""
        for part in parts:
            of_loss = next(iter(part.values()))
            errors, self.warning = of_loss.errors, of_loss.warning
            if errors:
                self.count += len(errors)
                rows = sorted(error.row for error in errors.values() if error.row is not None)
                self.first += rows[: MOST_ROWS - len(self.first)]
            yield part


@dataclass(frozen=True)
class ModelFolder:
    """What loads the same predictor in another process.

    Attributes:
        path: the run's folder, or whatever else `load_predictor` takes.
        disabled: plugins that are disabled.
        allow_changes: as for `load_predictor`.
    """

    path: str
    disabled: tuple[str, ...] = ()
    allow_changes: bool = False


@dataclass(frozen=True)
class FilePrediction:
    """A file to predict.

    Attributes:
        file: the file.
        output: the file to write.
        options: the options.
        fingerprint: that of the predictor.
        replaces: whether the output exists and is to be replaced.
    """

    file: Path
    output: Path
    options: PredictionOptions
    fingerprint: str
    replaces: bool = False


@dataclass(frozen=True)
class FileOutcome:
    """What came of a file.

    Attributes:
        rows: the number of rows that were written.
        unpredicted: how many of them could not be predicted.
        error: why nothing was written; None if it was.
    """

    rows: int = 0
    unpredicted: int = 0
    error: str | None = None


@dataclass(frozen=True)
class _Text:
    """A task for another process; names of files are in hex, since they need not be Unicode."""

    model: ModelFolder
    prediction: FilePrediction
    names: tuple[str, str, str]

    @classmethod
    def of(cls, model: ModelFolder, prediction: FilePrediction) -> _Text:
        names = model.path, str(prediction.file), str(prediction.output)
        run, file, output = (os.fsencode(name).hex() for name in names)
        without = replace(prediction, file=Path(), output=Path())
        return cls(replace(model, path=""), without, (run, file, output))

    def task(self) -> tuple[ModelFolder, FilePrediction]:
        run, file, output = (os.fsdecode(bytes.fromhex(name)) for name in self.names)
        prediction = replace(self.prediction, file=Path(file), output=Path(output))
        return replace(self.model, path=run), prediction


_TEXT, _OUTCOME = Stored[_Text](_Text), Stored[FileOutcome](FileOutcome)


@dataclass(frozen=True, eq=False)
class FileTask(ExecutorTask):
    """The prediction of a file.

    Attributes:
        prediction: the file.
        predictor: what predicts it in this process.
        model: loads the same predictor elsewhere.
    """

    prediction: FilePrediction
    predictor: Predictor
    model: ModelFolder

    @property
    def text(self) -> str:
        """The task as JSON, for `execute_task`."""
        return json.dumps({"prediction": _TEXT.plain(_Text.of(self.model, self.prediction))})

    def execute(self, progress: Progress | None = None) -> bytes:  # noqa: ARG002  # rows are unknown
        """See `ExecutorTask.execute`."""
        return _answer(self.prediction, lambda: self.predictor)


def predict_file_there(content: Any) -> bytes:
    """Carry out the task of another process, given as it is in the task's text."""
    model, prediction = _TEXT.parse(json.dumps(content).encode()).task()

    def predictor() -> Predictor:
        loaded, fingerprint = _loaded(model, prediction.options.threshold)
        if fingerprint != prediction.fingerprint:
            message = "its model has changed since the command began"
            raise OutputError(f"{model.path}: {message}; start the command again")
        return loaded

    return _answer(prediction, predictor)


@lru_cache(maxsize=1)
def _loaded(model: ModelFolder, threshold: float | None) -> tuple[Predictor, str]:
    from declnet.runs.loading import load_predictor

    registry = discover(model.disabled) if model.disabled else default_registry()
    predictor = load_predictor(
        model.path, registry, notice=lambda _: None, allow_changes=model.allow_changes
    )
    if threshold is not None:
        predictor.set_threshold(threshold)
    return predictor, fingerprint_of(predictor)


def _answer(prediction: FilePrediction, predictor: Callable[[], Predictor]) -> bytes:
    """Predict a file; an error of it is an answer, since other files have nothing to do with it."""
    try:
        outcome = _predicted(prediction, predictor())
    except DeclnetError as error:
        outcome = FileOutcome(error=error_message(error))
    except Exception as error:  # a fault of declnet or of a library
        traceback.print_exception(error, file=sys.stderr)
        outcome = FileOutcome(error=f"{prediction.file}: {error_summary(error)}")
    if outcome.error is not None:  # with the names of files, which need not be Unicode
        text = outcome.error.encode("utf-8", "backslashreplace").decode()
        outcome = replace(outcome, error=text)
    return _OUTCOME.write(outcome)


def _predicted(prediction: FilePrediction, predictor: Predictor) -> FileOutcome:
    options, output = prediction.options, prediction.output
    before, unpredicted = FileState.of(prediction.file), UnpredictedRows()
    replaced = FileState.of(output) if prediction.replaces and output.exists() else None
    with (
        attributing_errors(predictor.registry),
        one_blas_thread(),
        whole_file(output, prediction.replaces) as file,
    ):
        parts = predicted_parts(
            predictor,
            prediction.file,
            options.identifiers,
            spread=options.spread,
            on_error=options.on_error,
        )
        columns = (columns_of(part, options.form) for part in unpredicted.counted(parts))
        rows = FORMS[options.form](columns, file)
        PredictionRecord(
            model=prediction.fingerprint,
            options=options,
            source=before,
            output=FileState.of_written(file),
            replaced=replaced,
            rows=rows,
            unpredicted=unpredicted.count,
        ).write(output)
    return FileOutcome(rows, unpredicted.count)


def predicted_files(
    tasks: Sequence[FileTask], executor: Executor
) -> Generator[tuple[FilePrediction, FileOutcome]]:
    """Yield each file and what came of it, in the order in which they end.

    Args:
        tasks: the files.
        executor: where they are predicted; closing this iterator stops it.
    """
    waiting: dict[int, FileTask] = {}

    def taken() -> Iterator[FileTask]:
        for number, task in enumerate(tasks):
            waiting[number] = task
            yield task

    with closing(updates_of(executor, taken(), waiting)) as updates:
        for update in updates:
            if update.answer is not None:
                yield waiting.pop(update.task).prediction, _OUTCOME.parse(update.answer)
            elif update.failure is not None:
                prediction = waiting.pop(update.task).prediction
                yield prediction, FileOutcome(error=f"{prediction.file}: {update.failure}")
