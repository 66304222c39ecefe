"""Checks on translations: a file of one component predicts what the component computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from declnet import SPACES, Array, CellFormat, ColumnError, Sequences, Transform, UnknownTypeError
from declnet.testing import (
    CheckFailed,
    CheckSkipped,
    Subject,
    build_examples,
    calling,
    check,
)
from declnet_plugins.exchange.checks.cases import DTYPE, Case, cases_of, model_of, numbered
from declnet_plugins.exchange.checks.exporters import export, runner, written_file
from declnet_plugins.exchange.comparing import TOLERANCE, compared_predictions
from declnet_plugins.exchange.exported_model import (
    ExportedModel,
    ExportedPredictions,
    ExportedStep,
)
from declnet_plugins.exchange.exporter import Exporter, ExportError
from declnet_plugins.exchange.odd_rows import odd_rows
from declnet_plugins.exchange.translation import TRANSLATED_KINDS

MOST_OTHER_SETS = 0.01
"""The share of classes that rounding may take into a set or out of it."""


@check
def equals_its_components(subject: Subject) -> None:
    """Writes files that predict what the components compute, up to rounding to float32."""
    exporter = _exporter(subject)
    by_instance = [list(cases) for cases in _cases(subject)]
    together = [case for cases in by_instance for case in cases]
    compared, refusal = False, ""
    for cases in (together, *by_instance, *([case] for case in together)):
        if not cases:
            continue
        try:
            _compare(subject, exporter, cases)
        except ExportError as error:  # perhaps only one of the cases is refused
            refusal = str(error)
            continue
        compared = True
        if cases is together:
            break
    if not compared:
        kinds = ", ".join(TRANSLATED_KINDS)
        why = f": {refusal}" if refusal else f"; it names {kinds} components with examples"
        raise CheckSkipped(f"there is nothing to compare{why}")


@check
def refuses_what_its_transforms_refuse(subject: Subject) -> None:
    """Writes files that say which rows a transform refuses, for odd cells in its columns."""
    exporter, compared = _exporter(subject), False
    for case in (case for cases in _cases(subject, Transform.kind) for case in cases if case.steps):
        with suppress(ExportError):
            compared |= _compare_refusals(subject, exporter, case)
    if not compared:
        raise CheckSkipped("there is no transform to compare, or files do not say what is valid")


CHECKS = (equals_its_components, refuses_what_its_transforms_refuse)


def _exporter(subject: Subject) -> Exporter:
    """Return the exporter of the translation's format."""
    try:
        exporter: Exporter = subject.registry.find(Exporter.kind, subject.instance.format)()
    except UnknownTypeError as error:
        raise CheckSkipped(f"its format is not installed: {error}") from None
    if type(exporter).predictor is Exporter.predictor:
        raise CheckSkipped("its format has no predictor(), which runs a file")
    return exporter


def _cases(subject: Subject, kind: str | None = None) -> Iterator[list[Case]]:
    """Yield the cases of each example of the components that a translation stands for."""
    for component in subject.instance.replaces:
        if kind not in (None, component.kind):
            continue
        for instance in build_examples(component, subject.registry):
            cases: list[Case] = []
            with suppress(CheckSkipped, CheckFailed):  # other checks report these
                cases.extend(cases_of(instance, subject.registry))
            yield cases


def _predicted(
    exporter: Exporter, model: ExportedModel, columns: Mapping[str, Array]
) -> Mapping[str, ExportedPredictions]:
    """Return what a file of a model predicts for columns.

    Raises:
        ExportError: the format cannot express the model.
    """
    with written_file(Subject(exporter)) as path:
        export(exporter, model, path)
        predict = runner(exporter, path)
        with calling("the exported file"):
            return predict(columns)


def _compare(subject: Subject, exporter: Exporter, cases: Sequence[Case]) -> None:
    """Compare a file of some cases with the components."""
    rows = min(len(case.expected.outputs) for case in cases)  # a file reads all columns together
    cases = [numbered(_shortened(case, rows), number) for number, case in enumerate(cases)]
    model = model_of(cases, type(subject.instance))
    predictions = _predicted(exporter, model, model.examples)
    for case in cases:
        predicted = predictions.get(case.output.name)
        if predicted is None:
            raise CheckFailed(f"{case.name}: the file predicts nothing for it")
        difference, labels = compared_predictions(case.output, predicted, case.expected)
        if not difference <= TOLERANCE or labels:
            raise CheckFailed(
                f"{case.name}: the file's numbers differ from the component's by {difference:.2g} "
                "of the largest one"
            )
        sets = case.expected.sets
        if sets is not None and np.mean(predicted.sets != sets) > MOST_OTHER_SETS:
            raise CheckFailed(f"{case.name}: the file's sets differ from the component's")


def _shortened(case: Case, rows: int) -> Case:
    """Return a case with its first rows."""
    columns = {column: x[:rows] for column, x in case.columns.items()}
    return replace(case, columns=columns, expected=case.expected.take(slice(rows)))


def _compare_refusals(subject: Subject, exporter: Exporter, case: Case) -> bool:
    """Compare which odd rows a file refuses; return whether it says so."""
    cells = CellFormat(missing=("",))
    ((column, x),) = case.columns.items()
    case = replace(case, columns={replace(column, missing=cells.missing): x})
    odd = odd_rows({column.name: x}, cells)
    if not len(odd[column.name]):
        return False
    model = model_of([case], type(subject.instance))
    (predicted,) = _predicted(exporter, model, odd).values()
    if predicted.valid is None:
        return False
    for value, valid in zip(odd[column.name], np.asarray(predicted.valid).tolist(), strict=True):
        row = np.array([value], x.dtype)
        if isinstance(value, str) or value is None:
            row[0] = (value or "").strip(SPACES) or None
        if valid is not _is_taken(case.steps, row):
            what = "refuses" if not valid else "does not refuse"
            raise CheckFailed(f"{case.name}: the file {what} {value!r}, unlike the component")
    return True


def _is_taken(steps: Sequence[ExportedStep], x: Array) -> bool:
    """Return whether steps turn a row into finite numbers."""
    with np.errstate(all="ignore"):
        try:
            for step in steps:
                result = step.transform.apply(x, step.state)
                x = result.values if isinstance(result, Sequences) else result
        except ColumnError:
            return False
        return bool(np.isfinite(np.asarray(x, DTYPE)).all())
