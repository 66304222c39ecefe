"""Checks on exporters: whole files, whatever components the formats can express."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.formats.exported_model import (
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    ExportedPredictions,
)
from declnet.contracts.formats.exporter import Exporter, FilePredictor
from declnet.contracts.network.layer import Layer
from declnet.contracts.returned import verified
from declnet.errors import ExportError
from declnet.runs.exchange.exporting import TOLERANCE, compared_predictions
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    Subject,
    called,
    calling,
    check,
    require_available,
)
from declnet.testing.harness import NO_LOSS

DTYPE = np.dtype("float32")

ROWS = 7

NAMES = ("size (m²)", 'a "quoted" \\ name */', "class", "1st", "Size (m²)")
"""Columns as tables have them: non-identifiers, keywords, and names that differ only in case."""


class _Unchanged(Layer):
    """y = x, which no format needs a translation for."""

    type = "unchanged"
    only_reshapes = True


class _Unknown(Layer):
    """y = 2 x, which no format has a translation for."""

    type = "unknown"


def _model(subject: Subject, layer: Layer) -> ExportedModel:
    """Return a model of one layer, which takes a column of floats or integers for each name."""
    rng, shape = np.random.default_rng(5), (len(NAMES),)
    columns = tuple(
        ExportedColumn(name, "integer" if number % 2 else "number")
        for number, name in enumerate(NAMES)
    )
    examples: dict[str, Array] = {
        column.name: rng.integers(0, 9, ROWS)
        if column.type == "integer"
        else rng.normal(size=ROWS).astype(DTYPE)
        for column in columns
    }
    for example in examples.values():
        example.flags.writeable = False
    factor = 1 if isinstance(layer, _Unchanged) else 2
    outputs = factor * np.stack(list(examples.values()), axis=1).astype(DTYPE)
    member = ExportedMember(
        "",
        (),
        (ExportedInput("x", NAMES, shape),),
        (ExportedNode("y", layer, ("x",), (shape,), ("float",), shape, {}),),
        (ExportedFinish("y", shape, NO_LOSS),),
    )
    return ExportedModel(
        "conformance",
        columns,
        (member,),
        (ExportedOutput("", shape, "values"),),
        DTYPE,
        subject.registry,
        {"name": "conformance", "declnet": "0"},
        examples,
        {"": ExportedPredictions(outputs, outputs)},
    )


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
        found = predict(model.examples)
    (output,), expected = model.outputs, model.expected[""]
    if "" not in found:
        raise CheckFailed(f"{name}: the file predicts nothing for the only output, called ''")
    difference, _ = compared_predictions(output, found[""], expected)
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
    model, contents = _model(subject, _Unchanged()), []
    for _ in range(2):
        with written_file(subject) as path:
            try:
                _exported(subject, model, path)
            except ExportError as error:
                raise CheckSkipped(f"it refuses a model of numbers: {error}") from None
            contents.append({each.name: each.read_bytes() for each in path.parent.iterdir()})
    if contents[0] != contents[1]:
        names = ", ".join(
            sorted(name for name in contents[0] if contents[0][name] != contents[1].get(name))
        )
        raise CheckFailed(f"two exports of one model differ: {names or 'they have other files'}")


@check
def predicts_any_number_of_rows(subject: Subject) -> None:
    """Writes files that predict one row, many and none, from columns of any name."""
    model = _model(subject, _Unchanged())
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
    whole = model.expected[""]
    expected = ExportedPredictions(whole.prediction[:rows], whole.outputs[:rows])
    examples: Mapping[str, Array] = {key: each[:rows] for key, each in model.examples.items()}
    return replace(model, examples=examples, expected={"": expected})


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


CHECKS = (
    writes_the_same_bytes,
    predicts_any_number_of_rows,
    refuses_what_it_cannot_write,
)
