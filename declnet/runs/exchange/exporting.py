"""`export`: a run's model in a file of another format, compared with declnet before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.formats.exported_model import (
    ExportedModel,
    ExportedOutput,
    ExportedPredictions,
)
from declnet.contracts.formats.exporter import Exporter, FilePredictor, TranslatedPart
from declnet.contracts.returned import verified, why_unavailable
from declnet.display.words import counted
from declnet.errors import DeclnetError, ExportError, OutputError, error_summary
from declnet.registry.registry import Registry
from declnet.runs.exchange.exported_models import exported_model
from declnet.runs.exchange.suffixes import formats_by_suffix
from declnet.runs.storage.origins import Origins
from declnet.runs.storage.writing import require_free, sync_folder

if TYPE_CHECKING:
    from declnet.data.splits import Data
    from declnet.runs.inference.predictor import Predictor
    from declnet.runs.stored_run import StoredRun

TOLERANCE = 1e-4
"""The largest difference, as a share of an output's largest number, that float32 explains."""


@dataclass(frozen=True)
class ExportResult:
    """A model that was exported.

    Attributes:
        path: the file.
        files: all files that were written, the first one is `path`.
        format: the exporter's type.
        parts: what was translated, in the order of a prediction.
        notes: what a user should know about the file.
        samples: the number of raw rows on which it was compared with declnet; 0 if it was not.
        difference: the largest difference of predictions from declnet's, as a share of the largest
            number of the output; None if it was not compared.
        labels_differ: of how many of these rows the predicted class is another one.
        odd_samples: the number of rows with odd cells on which it was also compared, and of which
            it says as declnet does which can be predicted; 0 if it was not.
    """

    path: Path
    files: tuple[Path, ...]
    format: str
    parts: tuple[TranslatedPart, ...]
    notes: tuple[str, ...]
    samples: int = 0
    difference: float | None = None
    labels_differ: int = 0
    odd_samples: int = 0

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.stat().st_size for file in self.files)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values, for programs."""
        return {
            "path": str(self.path),
            "files": [str(file) for file in self.files],
            "format": self.format,
            "bytes": self.size,
            "parts": [dict(vars(part)) for part in self.parts],
            "notes": list(self.notes),
            "samples": self.samples,
            "difference": self.difference,
            "labels_differ": self.labels_differ,
            "odd_samples": self.odd_samples,
        }


def exporter_for(
    path: Path,
    form: str | None = None,
    options: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Exporter:
    """Return the exporter for a file.

    Args:
        path: the file, whose suffix decides without `form`; the longest one that matches.
        form: the exporter's type.
        options: its fields.
        registry: where it is looked up; default: all installed plugins.

    Raises:
        ExportError: no exporter writes such files, or several do; or an option is wrong.
        UnknownTypeError: there is no exporter of that type.
    """
    from declnet.registry.discovery import default_registry

    registry = registry or default_registry()
    if form is None:
        form = _by_suffix(path.name.lower(), registry)
    registry.find("exporter", form)
    try:
        exporter: Exporter = Exporter.from_declaration(
            {**(options or {}), "type": form}, {"registry": registry}
        )
    except ValidationError as error:
        problems = [
            (
                f"{'.'.join(map(str, each['loc'])) or form}: {each['msg']}",
                _fields_hint(form, registry),
            )
            for each in error.errors()
        ]
        raise ExportError(problems) from None
    why = why_unavailable(exporter)
    if why is not None:
        raise ExportError([(f'the format "{form}" cannot be written: {why}', None)])
    return exporter


def _by_suffix(name: str, registry: Registry) -> str:
    found = formats_by_suffix("exporter", name, registry)
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{name}: several formats have this suffix: {', '.join(found)}"
        raise ExportError([(message, f"choose one: --format {found[0]}")])
    suffixes = [
        f"{suffix} ({entry.type})"
        for entry in registry.entries("exporter")
        for suffix in entry.component.suffixes
    ]
    hint = f"known suffixes: {', '.join(suffixes)}" if suffixes else "no format is installed"
    raise ExportError([(f"{name}: no installed format has this suffix", hint)])


def _fields_hint(form: str, registry: Registry) -> str:
    fields = registry.find("exporter", form).model_fields
    return f"options of {form}: {', '.join(fields)}" if fields else f"{form} has no options"


def export_model(
    model: ExportedModel,
    path: Path,
    exporter: Exporter,
    *,
    force: bool = False,
    allow_difference: bool = False,
) -> ExportResult:
    """Write a model to a file, and compare the file with declnet on the model's examples.

    Args:
        model: the model.
        path: the file to write.
        exporter: its format.
        force: whether to replace an existing file.
        allow_difference: whether to keep a file whose predictions differ from declnet's by more
            than rounding to float32 explains.

    Raises:
        ExportError: a component cannot be written, or the file's predictions differ too much.
        OutputError: the file exists, or cannot be written.
    """
    require_free(path, force)
    with TemporaryDirectory(prefix=".declnet-", dir=path.parent) as folder:
        temporary = Path(folder, path.name)
        with attributing_errors(model.registry):
            summary = verified(Exporter.export, exporter, model, temporary)
            if not temporary.is_file():
                message = f'exporter "{exporter.type}" did not write the file'
                raise ExportError([(message, None)])
            checked = _compared(model, exporter, temporary)
        if checked is not None and checked.is_too_large and not allow_difference:
            message = f"{path}: nothing was written, since the predictions of the file "
            message += f"differ from declnet's: {checked.described()}"
            hint = "report it to the authors of the format; --allow-difference writes it anyway"
            raise ExportError([(message, hint)])
        files = _moved(temporary, path, force)
    notes = summary.notes
    if checked is None:
        why = "the run's data is not available" if not model.examples else "the format has no check"
        notes = (*notes, f"the file was not compared with declnet: {why}")
        return ExportResult(path, files, exporter.type, summary.parts, notes)
    return ExportResult(
        path,
        files,
        exporter.type,
        summary.parts,
        notes,
        checked.samples,
        checked.difference,
        checked.labels_differ,
        checked.odd_samples,
    )


def _moved(temporary: Path, path: Path, force: bool) -> tuple[Path, ...]:
    """Move the written files to the folder of `path`, the one that was asked for last."""
    written = sorted(temporary.parent.iterdir(), key=lambda each: each == temporary)
    for each in written:
        if each != temporary:
            require_free(path.with_name(each.name), force)
    try:
        moved = [each.replace(path.with_name(each.name)) for each in written]
        sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    return tuple(reversed(moved))


@dataclass(frozen=True)
class _Comparison:
    samples: int
    difference: float
    labels_differ: int
    validity_differs: int
    where: str
    found: Mapping[str, ExportedPredictions]
    odd_samples: int = 0
    failure: str = ""

    @property
    def is_too_large(self) -> bool:
        """Whether more differs than rounding to float32 explains."""
        wrong = self.labels_differ or self.validity_differs
        return bool(wrong) or not self.difference <= TOLERANCE

    def described(self) -> str:
        """Return the difference in words."""
        if self.failure:
            return f"it fails on rows with odd cells: {self.failure}"
        if self.validity_differs:
            return f"which of {counted(self.samples, 'odd row')} can be predicted"
        if self.labels_differ:
            return f"the class of {self.labels_differ} of {counted(self.samples, 'row')}"
        largest = f"up to {self.difference:.2g} of the largest number{self.where}"
        return f"{largest}, on {counted(self.samples, 'row')}"


def _compared(model: ExportedModel, exporter: Exporter, path: Path) -> _Comparison | None:
    """Compare a written file with declnet; None if there is nothing to compare."""
    predict = verified(Exporter.predictor, exporter, path) if model.examples else None
    if predict is None:
        return None
    comparison = _compared_rows(model, predict, model.examples, model.expected)
    odd = model.odd_expected
    if odd and all(each.valid is not None for each in comparison.found.values()):
        try:
            of_odd_rows = _compared_rows(model, predict, model.odd_examples, odd)
        except Exception as error:  # of the format's runtime
            rows = len(next(iter(odd.values())).outputs)
            return replace(comparison, validity_differs=rows, failure=error_summary(error))
        if of_odd_rows.is_too_large:
            return of_odd_rows
        return replace(comparison, odd_samples=of_odd_rows.samples)
    return comparison


def _compared_rows(
    model: ExportedModel,
    predict: FilePredictor,
    columns: Mapping[str, Array],
    expected: Mapping[str, ExportedPredictions],
) -> _Comparison:
    found = predict({column.name: columns[column.name] for column in model.columns})
    worst, differ, validity, where = 0.0, 0, 0, ""
    for output in model.outputs:
        own, other = found[output.name], expected[output.name]
        validity = max(validity, _other_validity(own, other))
        difference, wrong = compared_predictions(output, own, other)
        differ += wrong
        if difference > worst:
            worst, where = difference, f' of "{output.name}"' if output.name else ""
    samples = len(next(iter(expected.values())).outputs)
    return _Comparison(samples, worst, differ, validity, where, found)


def _other_validity(found: ExportedPredictions, expected: ExportedPredictions) -> int:
    if found.valid is None or expected.valid is None:
        return 0
    return int(np.count_nonzero(found.valid != expected.valid))


def compared_predictions(
    output: ExportedOutput, found: ExportedPredictions, expected: ExportedPredictions
) -> tuple[float, int]:
    """Return the largest difference of predictions, and how many classes differ without a tie.

    The difference is a share of the largest expected number; NaN or another shape gives infinity.
    Rows that are not valid do not count. A class may differ where two classes are equally likely up
    to that rounding.
    """
    if np.shape(found.outputs) != expected.outputs.shape:
        return np.inf, 0
    found, expected = _valid_rows(found, expected)
    pairs = [(found.outputs, expected.outputs)]
    for name in ("lower", "upper"):
        own, other = getattr(found, name), getattr(expected, name)
        if other is not None:
            pairs.append((own, other))
    worst = max(_difference(own, other) for own, other in pairs)
    if output.sort == "values":
        return worst, 0
    same = np.asarray(found.prediction).astype(str) == np.asarray(expected.prediction).astype(str)
    rows = same.reshape(len(same), -1).all(axis=1)
    return worst, int((~rows & ~_ties(output, expected.outputs)).sum())


def _valid_rows(
    found: ExportedPredictions, expected: ExportedPredictions
) -> tuple[ExportedPredictions, ExportedPredictions]:
    """Return the rows that both have predictions for."""
    valid = np.ones(len(expected.outputs), bool)
    for each in (found.valid, expected.valid):
        valid &= True if each is None else np.asarray(each, bool)
    if valid.all():
        return found, expected

    def rows(predictions: ExportedPredictions) -> ExportedPredictions:
        arrays = {name: each for name, each in vars(predictions).items() if each is not None}
        return replace(
            predictions, **{name: np.asarray(each)[valid] for name, each in arrays.items()}
        )

    return rows(found), rows(expected)


def _difference(found: Any, expected: Array) -> float:
    if found is None or np.shape(found) != expected.shape:
        return np.inf
    if not expected.size:
        return 0.0
    scale = float(np.abs(expected.astype(float)).max()) or 1.0
    largest = float(np.abs(np.asarray(found, float) - expected).max()) / scale
    return largest if np.isfinite(largest) else np.inf


def _ties(output: ExportedOutput, outputs: Array) -> Array:
    rows = outputs.reshape(len(outputs), -1).astype(float)
    if output.sort == "classes" and rows.shape[1] > 1:
        first, second = np.sort(rows, axis=1)[:, [-1, -2]].T
        close: Array = first - second <= TOLERANCE * np.maximum(1, np.abs(first))
        return close
    threshold = np.asarray(output.threshold, float)
    near = np.abs(rows - threshold) <= TOLERANCE * np.maximum(1, np.abs(threshold))
    return np.asarray(near.any(axis=1))


def export_run(
    runs: Sequence[StoredRun],
    predictor: Predictor,
    path: str | Path,
    form: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    force: bool = False,
    allow_difference: bool = False,
) -> ExportResult:
    """Export the model of a run, or the averaged models of folds or seeds.

    Args:
        runs: the run, or those of the folds or seeds.
        predictor: the predictor of all of them.
        path: the file to write.
        form: the exporter's type; default: by the suffix of the file.
        options: the exporter's fields.
        force: as for `export_model`.
        allow_difference: as for `export_model`.

    Raises:
        DeclnetError: as `exporter_for` and `export_model` do, or the run cannot be read.
    """
    path = Path(path)
    exporter = exporter_for(path, form, options, predictor.registry)
    require_free(path, force)
    names = ("",) if len(runs) == 1 else tuple(_names(runs))
    model, notes = _model_of(runs, predictor, names)
    found = export_model(model, path, exporter, force=force, allow_difference=allow_difference)
    return replace(found, notes=(*found.notes, *notes))


def _names(runs: Sequence[StoredRun]) -> list[str]:
    """Return a name for each run: the name of its folder if these differ."""
    names = ["".join(c if c.isalnum() else "_" for c in run.path.name) for run in runs]
    return names if len(set(names)) == len(names) else [f"model_{n + 1}" for n in range(len(runs))]


def _model_of(
    runs: Sequence[StoredRun], predictor: Predictor, names: Sequence[str]
) -> tuple[ExportedModel, list[str]]:
    """Return the model with examples of the first data set that it can predict, and notes."""
    metadata = _metadata(runs)
    with attributing_errors(predictor.registry):
        notes: list[str] = []
        for data in _raw_sets(runs[0], notes):
            try:
                return exported_model(predictor, names, metadata, data), []
            except DeclnetError as error:
                if isinstance(error, ExportError):
                    raise
                notes.append(f"declnet cannot predict the run's data: {error}")
        return exported_model(predictor, names, metadata), notes[:1]


def _raw_sets(run: StoredRun, notes: list[str]) -> list[Data]:
    """Return the run's data sets before their preparation; none, with a note, without data."""
    try:
        sets = run.raw_sets()
    except DeclnetError as error:
        notes.append(f"the run's data cannot be loaded: {error}")
        return []
    return [sets[name] for name in reversed(sets)]


def _metadata(runs: Sequence[StoredRun]) -> dict[str, str]:
    """Return what identifies the runs: the hash of the spec, and the versions."""
    first = runs[0]
    versions = Origins.of(first.manifest).versions(kernels=False)
    return {
        "name": first.name,
        "run": ", ".join(run.path.resolve().name for run in runs),
        "spec": first.manifest.spec,
        "declnet": first.manifest.declnet,
        **{name: version for name, version in versions.items() if name != "declnet"},
    }
