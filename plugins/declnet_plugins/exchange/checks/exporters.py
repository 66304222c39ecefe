"""Checks on exporters: whole files, whatever components the formats can express."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from declnet import Array, Layer, LayerState, verified
from declnet.testing import (
    CheckFailed,
    CheckSkipped,
    Subject,
    calling,
    check,
    require_available,
    require_same_in_another_process,
)
from declnet_plugins.exchange.checks.cases import DTYPE, NoLoss, Unchanged, conformance_model
from declnet_plugins.exchange.comparing import compared_with_declnet
from declnet_plugins.exchange.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
)
from declnet_plugins.exchange.exporter import Exporter, ExportError, FilePredictor

ROWS = 7

NAMES = ("size (m²)", 'a "quoted" \\ name */', "class", "1st", "Size (m²)")
"""Columns as tables have them: non-identifiers, keywords, and names that differ only in case."""

PLAIN_NAMES = tuple("abcde")


class _Unknown(Layer):
    """y = 2 x, which no format has a translation for."""

    type = "unknown"


class _EveryKind(Layer):
    """A layer whose recording has operations of every kind."""

    type = "every_kind"

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Fill y by reductions, running sums, products, parts, a search and rows of a table."""
        sums = np.cumsum(np.tanh(x - x.max(axis=1, keepdims=True)), axis=1)
        parts = np.concatenate([(sums @ state.weights)[:, ::-2], x[:, :2]], axis=1)
        np.add(parts, np.searchsorted(np.array([-1.0, 0.5, 3.0]), x), out=y)
        np.add(y, np.take(state.weights, np.argmax(x, axis=1), axis=0), out=y)


WEIGHTS = np.cos(np.arange(len(NAMES) ** 2)).reshape(len(NAMES), -1).astype(DTYPE)


def _model(
    subject: Subject, layer: Layer, names: tuple[str, ...] = NAMES, rows: int = ROWS
) -> ExportedModel:
    """Return a model of one layer, which takes a column of floats or integers for each name."""
    rng, shape, factor = np.random.default_rng(5), (len(names),), 1 if layer.only_reshapes else 2
    columns: dict[ExportedColumn, Array] = {}
    for number, name in enumerate(names):
        x = rng.integers(0, 9, ROWS) if number % 2 else rng.normal(size=ROWS).astype(DTYPE)
        x.flags.writeable = False
        columns[ExportedColumn(name, "integer" if number % 2 else "number")] = x[:rows]
    y = factor * np.stack(list(columns.values()), axis=1).astype(DTYPE)
    parameters = {}
    if isinstance(layer, _EveryKind):
        parameters, state = {"weights": WEIGHTS}, LayerState(rng, training=False)
        setattr(state, "weights", WEIGHTS)  # noqa: B010  # it has what a layer declares
        layer.forward(y / factor, y, state)
    member = ExportedMember(
        name="",
        steps=(),
        inputs=(ExportedInput("x", names, shape),),
        nodes=(ExportedNode("y", layer, ("x",), (shape,), ("float",), shape, parameters),),
        finish=(ExportedFinish("y", shape, NoLoss()),),
    )
    expected = {ExportedOutput("", shape, "values"): ExportedPredictions(y, y)}
    return conformance_model(member, columns, expected, subject.registry)


@contextmanager
def written_file(subject: Subject) -> Iterator[Path]:
    """Yield the path of a file to write; skip the check if the format cannot be used here."""
    component = subject.instance
    require_available(component)
    with TemporaryDirectory() as folder:
        yield Path(folder, "".join(("model", *component.suffixes[:1])))


def export(exporter: Exporter, model: ExportedModel, path: Path) -> None:
    """Write a model; raise ExportError if the format cannot express it."""
    with calling("export", allows=ExportError):
        verified(Exporter.export, exporter, model, path)
    if not path.is_file():
        raise CheckFailed("export() did not write the file at the path it was given")


def runner(exporter: Exporter, path: Path) -> FilePredictor:
    """Return what runs a written file; skip the check if nothing does."""
    with calling("predictor"):
        predict = verified(Exporter.predictor, exporter, path)
    if predict is None:
        raise CheckSkipped("it has no predictor(), which runs a file")
    return predict


def written_files(subject: Subject, names: tuple[str, ...] = NAMES) -> dict[str, bytes]:
    """Return the files of a model, by name; raise ExportError if the format refuses it."""
    with written_file(subject) as path:
        export(subject.instance, _model(subject, Unchanged(), names), path)
        return {file.name: file.read_bytes() for file in sorted(path.parent.iterdir())}


def _require_right(predict: FilePredictor, model: ExportedModel, name: str) -> None:
    """Compare a written file's predictions with the model's."""
    with calling(f"the exported file, for {name},"):
        fault = compared_with_declnet(model, predict).fault
    if fault:
        raise CheckFailed(f"{name}: the file's predictions differ from the model's: {fault}")


@check
def writes_the_same_bytes(subject: Subject) -> None:
    """Writes the same bytes for the same model: again, elsewhere, on another day; for any names."""
    try:
        first, again = written_files(subject), written_files(subject)
    except ExportError as error:
        with suppress(ExportError):
            written_files(subject, PLAIN_NAMES)
            raise CheckFailed(
                f"it refuses names of columns, which may be any text: {error}"
            ) from None
        raise CheckSkipped(f"it refuses a model of numbers: {error}") from None
    names = [name for name in first | again if first.get(name) != again.get(name)]
    if names:
        raise CheckFailed(f"two exports of one model have different files: {', '.join(names)}")
    advice = "write no date and no path, and nothing that depends on the order of a set"
    require_same_in_another_process(subject, written_files, advice)


@check
def predicts_any_number_of_rows(subject: Subject) -> None:
    """Writes files that predict one row, many and none, from columns of any name."""
    with written_file(subject) as path:
        with calling("export", skips=ExportError):
            export(subject.instance, _model(subject, Unchanged()), path)
        predict = runner(subject.instance, path)
        for rows in (ROWS, 1, 0):
            _require_right(predict, _model(subject, Unchanged(), rows=rows), f"{rows} rows")


@check
def refuses_what_it_cannot_write(subject: Subject) -> None:
    """Refuses a layer without a translation by an ExportError with its name, or writes it right."""
    model = _model(subject, _Unknown())
    with written_file(subject) as path:
        try:
            export(subject.instance, model, path)
        except ExportError as error:
            if _Unknown.type not in str(error):
                raise CheckFailed(f"its refusal does not name the layer: {error}") from None
        else:
            _require_right(runner(subject.instance, path), model, "a layer without a translation")


@check
def writes_recorded_components(subject: Subject) -> None:
    """Writes what is recorded of a layer without a translation, operations of every kind, right."""
    model = _model(subject, _EveryKind())
    with written_file(subject) as path:
        try:
            export(subject.instance, model, path)
        except ExportError as error:
            raise CheckSkipped(f"it does not write recorded components: {error}") from None
        _require_right(runner(subject.instance, path), model, "a recorded layer")


@check
def says_what_files_take(subject: Subject) -> None:
    """Says which columns a written file takes and what it predicts, if it has an interface."""
    model = _model(subject, Unchanged())
    with written_file(subject) as path:
        with calling("export", skips=ExportError):
            export(subject.instance, model, path)
        with calling("interface"):
            interface = verified(Exporter.interface, subject.instance, path)
    if interface is None:
        raise CheckSkipped("it has no interface(), which says what a file takes")
    for part in ("columns", "outputs"):
        described, expected = (
            [
                (item.name, item.type if isinstance(item, ExportedColumn) else item.task)
                for item in getattr(owner, part)
            ]
            for owner in (interface, model)
        )
        if described != expected:
            raise CheckFailed(f"interface() has the {part} {described}, but the file {expected}")


CHECKS = (
    writes_the_same_bytes,
    predicts_any_number_of_rows,
    refuses_what_it_cannot_write,
    writes_recorded_components,
    says_what_files_take,
)
