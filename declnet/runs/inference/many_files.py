"""Many files to predict: which ones, the name of each output, and which outputs are left to do."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from declnet.contracts.data.data_source import DataSource
from declnet.data.sources.files import suffix_of
from declnet.display.words import counted
from declnet.errors import DataError, OutputError
from declnet.registry.registry import Registry
from declnet.runs.inference.file_tasks import FilePrediction
from declnet.runs.inference.prediction_files import DEFAULT_FORM, FORMS, form_of
from declnet.runs.inference.prediction_records import PredictionOptions, state_of
from declnet.spec.shown_values import is_missing


def is_pattern(path: Path) -> bool:
    """Return whether a path is a pattern such as `in/*.csv`, and not a file of that name."""
    return glob.has_magic(str(path)) and not os.path.lexists(path)


@dataclass(frozen=True)
class InputFiles:
    """The files that paths, folders and patterns mean.

    Attributes:
        files: the files in order, each once.
        unread: files in folders that no data source reads.
    """

    files: tuple[Path, ...]
    unread: tuple[Path, ...] = field(default=())

    @classmethod
    def of(
        cls, paths: Iterable[Path], folder: Path, like: DataSource | None, registry: Registry
    ) -> InputFiles:
        """Return the files that paths mean.

        A folder means the files in it that a data source reads, but those whose names begin with a
        dot or an underscore, as other programs leave them. Files in `folder` are outputs.

        Args:
            paths: files, folders, and patterns as in a shell, with `**` for folders at any depth.
            folder: the folder of the outputs.
            like: the source of the training data; if it reads folders, each is one input.
            registry: where data sources are looked up.

        Raises:
            DataError: a file does not exist, or nothing matches a pattern.
        """
        files, unread = dict[Path, None](), dict[Path, None]()
        takes_folders = like is not None and like.reads_folders
        for path in paths:
            try:
                among = _meant(path, folder, takes_folders)
                if not takes_folders and path.is_dir():
                    skipped = [file for file in among if not _is_read(file, registry)]
                    unread |= dict.fromkeys(skipped)
                    among = [file for file in among if file not in unread]
            except OSError as error:  # e.g. a name that is too long
                raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
            if not among:
                what = (
                    "no file matches" if is_pattern(path) else "there is no file to predict in it"
                )
                raise DataError(f"{path}: {what}")
            files |= dict.fromkeys(Path(os.path.normpath(file)) for file in among)
        return cls(tuple(files), tuple(unread))


def _meant(path: Path, folder: Path, takes_folders: bool) -> list[Path]:
    """Return the files that a path means, but outputs in `folder`, whether they can be read or not.

    Raises:
        DataError: it does not exist.
        OSError: it cannot be read.
    """
    if is_pattern(path):
        names = glob.glob(str(path), recursive=True)  # noqa: PTH207  # also absolute ones
        matches = [Path(name) for name in sorted(names)]
        outputs = Path(os.path.realpath(folder))
        return [
            match
            for match in matches
            if (takes_folders or match.is_file())
            and outputs not in Path(os.path.realpath(match.parent), match.name).parents
        ]
    if path.is_dir() and not takes_folders:
        return sorted(
            file
            for file in path.iterdir()
            if file.is_file() and not file.name.startswith((".", "_"))
        )
    if is_missing(path):
        raise DataError(f"{path}: there is no such file")
    return [path]


def _is_read(path: Path, registry: Registry) -> bool:
    sources: list[type[DataSource]] = [
        entry.component for entry in registry.entries(DataSource.kind)
    ]
    return any(suffix_of(path, source) is not None for source in sources)


def output_paths(files: Iterable[Path], folder: Path, form: str | None) -> dict[Path, Path]:
    """Return the output of each file: its name in another folder, with the suffix of the format.

    Args:
        files: the inputs.
        folder: the folder of the outputs.
        form: the format of all; None for that of each input, or CSV where it cannot be written.

    Raises:
        OutputError: two inputs have the same output, or an output is an input.
    """
    outputs = {file: folder / _output_name(file, form) for file in files}
    inputs = {os.path.realpath(file) for file in outputs}
    input_of: dict[str, Path] = {}
    for file, output in outputs.items():
        other = input_of.setdefault(output.name.casefold(), file)
        if other is not file:
            message = f"{output}: the output of both {other} and {file}; nothing was written"
            raise OutputError(f"{message} (predict them into different folders)")
        if os.path.realpath(output) in inputs:
            raise OutputError(f"{output}: one of the inputs; name another folder with -o")
    return outputs


def _output_name(file: Path, form: str | None) -> str:
    if file.is_dir():
        return f"{file.name}.{form or DEFAULT_FORM}"
    suffixes = file.suffixes[-2:]  # e.g. .csv.gz
    for start in reversed(range(len(suffixes))):
        known = suffixes[start].lower().removeprefix(".")
        if known in FORMS:
            stem = file.name.removesuffix("".join(suffixes[start:]))
            return f"{stem}.{form or known}"
    return f"{file.stem}.{form or DEFAULT_FORM}"


@dataclass(frozen=True)
class FilesLeft:
    """The files that are left to predict.

    Attributes:
        predictions: the files, in order.
        skipped: the number of outputs that are up to date.
    """

    predictions: tuple[FilePrediction, ...]
    skipped: int


def files_left(
    outputs: dict[Path, Path],
    fingerprint: str,
    options: PredictionOptions,
    *,
    force: bool = False,
) -> FilesLeft:
    """Return which files have no output that is up to date.

    An output of an earlier version of its input is replaced.

    Args:
        outputs: the output of each input, in a folder that exists.
        fingerprint: that of the predictor.
        options: the options; the format of each output follows from its name.
        force: whether to replace any other output.

    Raises:
        OutputError: an output exists that this model has not predicted with these options, and it
            may not be replaced; or it cannot be written in its format.
        DataError: an input cannot be read.
    """
    predictions, skipped, foreign = list[FilePrediction](), 0, list[Path]()
    for file, output in outputs.items():
        of_file = replace(options, form=form_of(output, None))
        state = state_of(output, fingerprint, of_file, file)
        if state == "current":
            skipped += 1
            continue
        if state == "foreign" and not force:
            foreign.append(output)
        replaces = state != "absent"
        predictions.append(FilePrediction(file, output, of_file, fingerprint, replaces))
    if foreign:
        raise OutputError(_foreign_outputs(foreign))
    return FilesLeft(tuple(predictions), skipped)


def _foreign_outputs(outputs: Sequence[Path]) -> str:
    others = counted(len(outputs) - 1, "other output")
    named = f"{outputs[0]} (and {others})" if len(outputs) > 1 else str(outputs[0])
    what = "it exists already, but is not what this model predicted with these options"
    return f"{named}: {what}; nothing was written (--force overwrites it)"
