"""`declnet predict` of many files into a folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.streams import print_line
from declnet.cli.predict import PredictOptions, is_folder
from declnet.cli.process import without_collections
from declnet.display.words import counted

if TYPE_CHECKING:
    from declnet.cli.display.progress import Follower
    from declnet.runs.inference.file_tasks import FileOutcome, FilePrediction
    from declnet.runs.inference.many_files import FilesLeft

MOST_NAMED = 5
"""Files that a note names, at most."""


def are_many(options: PredictOptions, data: Sequence[Path | str]) -> bool:
    """Return whether inputs are predicted into a folder, as several or the files of one are."""
    from declnet.runs.inference.many_files import is_pattern

    if len(data) != 1:
        return bool(data)
    (value,) = data
    if options.has_folder or not isinstance(value, Path):
        return options.has_folder
    into_folder = options.output is not None and not options.has_file
    return is_pattern(value) or (is_folder(value) and into_folder)


def predict_files(options: PredictOptions, run: Path, data: Sequence[Path | str]) -> int:
    """Predict the files that have no output yet, and return the exit code: 1 if one failed."""
    with without_collections():
        from declnet.contracts.attribution import attributing_errors
        from declnet.runs.inference.file_tasks import FileTask, ModelFolder, predicted_files
        from declnet.runs.inference.fingerprint import fingerprint_of
        from declnet.runs.many.local_executors import InProcess, WorkerProcesses
        from declnet.runs.storage.folder import unpacked

    paths, folder = _paths(data), _folder_of(options)
    with attributing_errors(options.registry):
        predictor = options.load_predictor(run)
        left = _files_left(options, paths, folder, predictor, fingerprint_of(predictor))
    model = ModelFolder(str(unpacked(run)), options.disabled, options.allow_changes)
    tasks = [FileTask(prediction, predictor, model) for prediction in left.predictions]
    jobs = min(options.jobs, len(tasks))
    results, start = _Results(len(tasks)), time.perf_counter()
    executor = WorkerProcesses(jobs=jobs) if jobs > 1 else InProcess()
    try:
        with _follower(results).bar(), closing(predicted_files(tasks, executor)) as outcomes:
            for prediction, outcome in outcomes:
                results.add(prediction, outcome)
    except KeyboardInterrupt as error:
        done = f"{results.done} of {len(tasks)} files are predicted"
        error.add_note(f"{done}; the same command predicts the others")
        raise
    results.show(folder, left.skipped, time.perf_counter() - start)
    return int(bool(results.failed))


def _paths(data: Sequence[Path | str]) -> list[Path]:
    for value in data:
        if not isinstance(value, Path) or value == Path("-"):
            what = "standard input" if isinstance(value, Path) else "a data source"
            raise click.UsageError(f"{what} has no file name for an output in a folder")
    return [value for value in data if isinstance(value, Path)]


def _folder_of(options: PredictOptions) -> Path:
    """Return the folder of the outputs, which need not exist.

    Raises:
        UsageError: none is named, or a name looks like a file name.
    """
    output = options.output
    if output is None:
        raise click.UsageError("several files are predicted into a folder: -o FOLDER/")
    if options.has_file:
        raise click.UsageError(f"several files are predicted into a folder: -o {output.stem}/")
    return output


def _files_left(
    options: PredictOptions, paths: list[Path], folder: Path, predictor: Any, fingerprint: str
) -> FilesLeft:
    from declnet.errors import OutputError
    from declnet.runs.inference.many_files import InputFiles, files_left, output_paths
    from declnet.runs.inference.prediction_records import PredictionOptions
    from declnet.runs.storage.writing import make_folder

    inputs = InputFiles.of(paths, folder, predictor.spec.data.train, predictor.registry)
    if inputs.unread:
        shown = ", ".join(map(str, inputs.unread[:MOST_NAMED]))
        more = ", …" if len(inputs.unread) > MOST_NAMED else ""
        count = counted(len(inputs.unread), "file")
        print_line(f"note: left out {count} that no data source reads: {shown}{more}", err=True)
    outputs = output_paths(inputs.files, folder, options.form)
    if options.shard is not None:
        input_of = {output.name: file for file, output in outputs.items()}
        names = options.shard.every(input_of)
        outputs = {input_of[name]: folder / name for name in names}
    for suffix in {output.suffix for output in outputs.values()}:
        options.require_consistent(suffix.removeprefix("."))
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from None
    written = PredictionOptions(
        form="",
        identifiers=tuple(dict.fromkeys(options.identifiers)),
        threshold=options.threshold,
        spread=options.spread,
        on_error=options.on_error,
    )
    return files_left(outputs, fingerprint, written, force=options.force)


class _Results:
    """What came of the files so far."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.rows, self.unpredicted = count, 0, 0, 0
        self.failed: list[str] = []
        self.update: Any = lambda: None

    def add(self, prediction: FilePrediction, outcome: FileOutcome) -> None:
        """Count a file."""
        self.done += 1
        self.rows += outcome.rows
        self.unpredicted += outcome.unpredicted
        if outcome.error is not None:
            named = outcome.error.startswith(str(prediction.file))
            self.failed.append(outcome.error if named else f"{prediction.file}: {outcome.error}")
        self.update()

    def show(self, folder: Path, skipped: int, seconds: float) -> None:
        """Print errors and the summary."""
        for error in sorted(self.failed):
            print_line(f"error: {error}", err=True)
        if self.unpredicted:
            rows = f"{self.unpredicted:,} of {self.rows:,} rows"
            print_line(f"warning: {rows} could not be predicted", err=True)
        predicted = self.count - len(self.failed)
        parts = [f"{counted(predicted, 'file')}, {self.rows:,} rows"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if skipped:
            parts.append(f"{skipped} up to date")
        speed = f", {self.rows / seconds:,.0f} rows/s" if self.rows else ""
        print_line(f"{folder}: {'; '.join(parts)}; {seconds:.2f} s{speed}")


def _follower(results: _Results) -> Follower:
    """Return what shows a bar on standard error, if it is a terminal."""
    from declnet.cli.display.progress import Follower
    from declnet.runs.display.time_left import TimeLeft, clock_text

    time_left = TimeLeft()

    class Files(Follower):
        def counts(self, running: float) -> dict[str, Any]:  # noqa: ARG002  # unknown
            left = clock_text(time_left.seconds(results.done, results.count))
            return {"done": results.done, "rows": f"{results.rows:,}", "left": left}

    title, rows = "file {task.fields[done]}/{task.total}", "{task.fields[rows]} rows"
    follower = Files(title, results.count, rows, quiet=False)
    results.update = follower.move
    return follower
