"""Checks on exporters: whole files, whatever components the formats can express."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from declnet import Array, Layer, LayerState, verified
from declnet.testing import (
    CheckFailed,
    CheckSkipped,
    Subject,
    called,
    calling,
    check,
    require_available,
)
from declnet_plugins.exchange.checks.cases import DTYPE, NoLoss, Unchanged, conformance_model
from declnet_plugins.exchange.comparing import TOLERANCE, compared_predictions
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


def _model(subject: Subject, layer: Layer) -> ExportedModel:
    """Return a model of one layer, which takes a column of floats or integers for each name."""
    rng, shape = np.random.default_rng(5), (len(NAMES),)
    columns: dict[ExportedColumn, Array] = {}
    for number, name in enumerate(NAMES):
        x = rng.integers(0, 9, ROWS) if number % 2 else rng.normal(size=ROWS).astype(DTYPE)
        x.flags.writeable = False
        columns[ExportedColumn(name, "integer" if number % 2 else "number")] = x
    rows, parameters = np.stack(list(columns.values()), axis=1).astype(DTYPE), {}
    outputs = rows if isinstance(layer, Unchanged) else 2 * rows
    if isinstance(layer, _EveryKind):
        parameters, state = {"weights": WEIGHTS}, LayerState(rng, training=False)
        state.weights = WEIGHTS
        layer.forward(rows, outputs, state)
    member = ExportedMember(
        name="",
        steps=(),
        inputs=(ExportedInput("x", NAMES, shape),),
        nodes=(ExportedNode("y", layer, ("x",), (shape,), ("float",), shape, parameters),),
        finish=(ExportedFinish("y", shape, NoLoss()),),
    )
    output = ExportedOutput("", shape, "values")
    expected = {output: ExportedPredictions(outputs, outputs)}
    return conformance_model(member, columns, expected, subject.registry)


def _exported(subject: Subject, model: ExportedModel, path: Path) -> None:
    """Write a model; raise ExportError if the format cannot express it."""
    exporter: Exporter = subject.instance
    with calling("export"):
        try:
            verified(Exporter.export, exporter, model, path)
        except ExportError as error:
            refusal: ExportError | None = error
        else:
            refusal = None
    if refusal is not None:
        raise refusal
    if not path.is_file():
        raise CheckFailed("export() did not write the file at the path it was given")


def _predict(predict: FilePredictor, model: ExportedModel, name: str) -> None:
    """Compare a written file's predictions with the model's."""
    with calling("the exported file"):
        predictions = predict(model.examples)
    (output,), expected = model.outputs, model.expected[""]
    if "" not in predictions:
        raise CheckFailed(f"{name}: the file predicts nothing for the only output, called ''")
    difference, _ = compared_predictions(output, predictions[""], expected)
    if not difference <= TOLERANCE:
        raise CheckFailed(
            f"{name}: the file's numbers differ from the model's by {difference:.2g} of the largest"
        )


@contextmanager
def written_file(subject: Subject) -> Iterator[Path]:
    """Yield the path of a file to write; skip the check if the format cannot be used here."""
    component = subject.instance
    require_available(component)
    with TemporaryDirectory() as folder:
        yield Path(folder, "model" + (component.suffixes[0] if component.suffixes else ""))


@check
def writes_the_same_bytes(subject: Subject) -> None:
    """Writes the file it is asked for, with the same bytes for the same model."""
    model, contents = _model(subject, Unchanged()), []
    for _ in range(2):
        with written_file(subject) as path:
            try:
                _exported(subject, model, path)
            except ExportError as error:
                raise CheckSkipped(f"it refuses a model of numbers: {error}") from None
            contents.append({file.name: file.read_bytes() for file in path.parent.iterdir()})
    if contents[0] != contents[1]:
        names = ", ".join(
            sorted(name for name in contents[0] if contents[0][name] != contents[1].get(name))
        )
        raise CheckFailed(f"two exports of one model differ: {names or 'they have other files'}")


@check
def predicts_any_number_of_rows(subject: Subject) -> None:
    """Writes files that predict one row, many and none, from columns of any name."""
    model = _model(subject, Unchanged())
    with written_file(subject) as path:
        try:
            _exported(subject, model, path)
        except ExportError as error:
            raise CheckSkipped(f"it refuses a model of numbers: {error}") from None
        predict = called(subject, Exporter.predictor, path)
        if predict is None:
            raise CheckSkipped("it has no predictor(), which runs a file")
        for rows in (ROWS, 1, 0):
            _predict(predict, _shortened(model, rows), f"{rows} rows")


def _shortened(model: ExportedModel, rows: int) -> ExportedModel:
    """Return the model with the first of its examples."""
    examples = {name: x[:rows] for name, x in model.examples.items()}
    return replace(model, examples=examples, expected={"": model.expected[""].take(slice(rows))})


@check
def refuses_what_it_cannot_write(subject: Subject) -> None:
    """Refuses a layer without a translation by an ExportError with its name, or writes it right."""
    model = _model(subject, _Unknown())
    with written_file(subject) as path:
        try:
            _exported(subject, model, path)
        except ExportError as error:
            if _Unknown.type not in str(error):
                raise CheckFailed(f"its refusal does not name the layer: {error}") from None
            return
        predict = called(subject, Exporter.predictor, path)
        if predict is None:
            raise CheckSkipped("it wrote the layer, and has no predictor() to say whether right")
        _predict(predict, model, "a layer without a translation")


@check
def writes_recorded_components(subject: Subject) -> None:
    """Writes what is recorded of a layer without a translation, operations of every kind, right."""
    model = _model(subject, _EveryKind())
    with written_file(subject) as path:
        try:
            _exported(subject, model, path)
        except ExportError as error:
            raise CheckSkipped(f"it does not write recorded components: {error}") from None
        predict = called(subject, Exporter.predictor, path)
        if predict is None:
            raise CheckSkipped("it has no predictor(), which runs a file")
        _predict(predict, model, "a recorded layer")


CHECKS = (
    writes_the_same_bytes,
    predicts_any_number_of_rows,
    refuses_what_it_cannot_write,
    writes_recorded_components,
)
