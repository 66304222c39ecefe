"""A run's model in a file of another format, compared with declnet before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from declnet import (
    Dataset,
    DeclnetError,
    Group,
    Kernel,
    Predictor,
    StoredRun,
    Table,
    as_table,
    attributing_errors,
    require_free,
    verified,
)
from declnet_plugins.exchange.comparing import compared_with_declnet
from declnet_plugins.exchange.exported_model import ExportedModel
from declnet_plugins.exchange.exporter import Exporter, ExportError, TranslatedPart
from declnet_plugins.exchange.files import format_for, write_file
from declnet_plugins.exchange.predictors import exported_model


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


def export(
    trained: StoredRun | Group | Predictor,
    path: str | Path,
    format: str | None = None,  # noqa: A002  # as the option of the command
    options: Mapping[str, Any] | None = None,
    *,
    data: Any = None,
    force: bool = False,
    allow_difference: bool = False,
) -> ExportResult:
    """Write a trained model to a file of another format, from raw columns to predictions.

    The file is compared with declnet on rows of the run's data; if they are not there any more, on
    the synthetic rows that the run stored.

    Args:
        trained: the run, or the group whose models are averaged, e.g. of folds or seeds; or a
            predictor.
        path: the file to write.
        format: the type of the exporter; default: by the suffix of the file.
        options: the exporter's fields, e.g. `{"opset": 17}`.
        data: the rows on which the file is compared with declnet instead, as
            `declnet.Predictor.predict` takes them.
        force: whether to replace an existing file.
        allow_difference: whether to keep a file whose predictions differ from declnet's by more
            than rounding to float32 explains.

    Raises:
        ExportError: the model cannot be written in this format, or the file's predictions differ.
        DataError: the model cannot predict `data`.
        OutputError: the file exists, or cannot be written.
        DeclnetError: the model cannot be read.
    """
    path, runs = Path(path), () if isinstance(trained, Predictor) else trained.runs
    predictor = trained if isinstance(trained, Predictor) else trained.predictor()
    exporter = format_for(Exporter, path, format, options, predictor.registry)
    require_free(path, force)
    model, notes = _model_of(runs, predictor, data)
    result = export_model(model, path, exporter, force=force, allow_difference=allow_difference)
    return replace(result, notes=(*result.notes, *notes))


def _model_of(
    runs: Sequence[StoredRun], predictor: Predictor, rows: Any
) -> tuple[ExportedModel, Sequence[str]]:
    """Return the model with examples of the first data set that it can predict, and notes.

    Args:
        runs: the runs of its members; none if it was trained by a program.
        predictor: the model.
        rows: the user's examples; None for examples from the runs' data.
    """
    names, metadata, notes = _names(runs, predictor), _metadata(runs, predictor), list[str]()
    sets: list[Dataset | Table] = []
    with attributing_errors(predictor.registry):
        if rows is not None:
            return exported_model(predictor, names, metadata, _samples_of(rows, predictor)), ()
        if not runs:
            return exported_model(predictor, names, metadata), ()
        try:
            sets += reversed(runs[0].raw_sets().values())
        except DeclnetError as error:
            notes.append(f"the run's data cannot be loaded: {error}")
        for data in sets:
            try:
                return exported_model(predictor, names, metadata, data), ()
            except ExportError:
                raise
            except DeclnetError as error:
                notes.append(f"declnet cannot predict the run's data: {error}")
        synthetic = runs[0].synthetic_rows
        if synthetic is not None:
            try:
                samples = _samples_of(synthetic, predictor)
                model = exported_model(predictor, names, metadata, samples)
            except ExportError:
                raise
            except DeclnetError as error:
                notes.append(f"declnet cannot predict the run's synthetic rows: {error}")
            else:
                return model, (f"{notes[0]}; compared on synthetic rows",)
        return exported_model(predictor, names, metadata), notes[:1]


def _samples_of(rows: Any, predictor: Predictor) -> Dataset | Table:
    """Return rows as `Predictor.predict` takes them in the form of data sets."""
    if predictor.features is None and isinstance(rows, Mapping):
        return Dataset({name: np.asarray(array) for name, array in rows.items()}, {})
    table = as_table(rows, cells=predictor.cells, types=predictor.column_types)
    samples = table if isinstance(table, Table) else Dataset(table, {})
    if predictor.windows is None:
        predictor.predict_part(samples.take(np.arange(1)))  # says which column is missing
    return samples


def _names(runs: Sequence[StoredRun], predictor: Predictor) -> list[str]:
    """Return a name for each member: empty for the only one, its run's folder if these differ."""
    members = len(predictor.members)
    if members == 1:
        return [""]
    names = ["".join(c if c.isalnum() else "_" for c in run.path.name) for run in runs]
    return names if len(set(names)) == members else [f"model_{n + 1}" for n in range(members)]


def _metadata(runs: Sequence[StoredRun], predictor: Predictor) -> dict[str, str]:
    """Return what identifies the runs: the hash of the spec, and the versions."""
    if not runs:
        return {"name": predictor.spec.name or "model"}
    first, manifest = runs[0], runs[0].manifest
    origins = [
        origin.partition("==")
        for kind, types in manifest.components.items()
        if kind != Kernel.kind
        for origin in types.values()
    ]
    return {
        "name": first.name,
        "run": ", ".join(run.path.resolve().name for run in runs),
        "spec": manifest.spec,
        "declnet": manifest.declnet,
        **{name: version for name, _, version in origins if version and name != "declnet"},
    }


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
    with TemporaryDirectory(prefix="declnet-") as folder:
        temporary = Path(folder, path.name)
        with attributing_errors(model.registry):
            summary = verified(Exporter.export, exporter, model, temporary)
            if not temporary.is_file():
                message = f'exporter "{exporter.type}" did not write the file'
                raise ExportError([(message, None)])
            predict = verified(Exporter.predictor, exporter, temporary) if model.examples else None
            comparison = None if predict is None else compared_with_declnet(model, predict)
        if comparison is not None and comparison.fault and not allow_difference:
            message = f"{path}: nothing was written, since the predictions of the file "
            message += f"differ from declnet's: {comparison.fault}"
            hint = "report it to the authors of the format; --allow-difference writes it anyway"
            raise ExportError([(message, hint)])
        files = _written(temporary, path, force)
    result = ExportResult(path, files, exporter.type, summary.parts, summary.notes)
    if comparison is None:
        why = "the run's data is not available" if not model.examples else "the format has no check"
        notes = (*summary.notes, f"the file was not compared with declnet: {why}")
        return replace(result, notes=notes)
    return replace(
        result,
        samples=comparison.samples,
        difference=comparison.difference,
        labels_differ=comparison.labels_differ,
        odd_samples=comparison.odd_samples,
    )


def _written(temporary: Path, path: Path, force: bool) -> tuple[Path, ...]:
    """Copy the written files to the folder of `path`, the one that was asked for last."""
    targets = {path.with_name(file.name): file for file in sorted(temporary.parent.iterdir())}
    targets[path] = targets.pop(path)
    for target in targets:
        require_free(target, force)
    for target, file in targets.items():
        write_file(target, file.read_bytes(), force=force)
    return tuple(reversed(targets))
