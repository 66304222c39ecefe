"""Checks on translations: a file of one component predicts what the component computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    ExportedStep,
)
from declnet_plugins.exchange.exporter import Exporter, ExportError, FilePredictor
from declnet_plugins.exchange.odd_rows import odd_rows
from declnet_plugins.exchange.translation import TRANSLATED_KINDS

CELLS = CellFormat(missing=("",))

MOST_OTHER_SETS = 0.01
"""The share of classes that rounding may take into a set or out of it."""


@check
def equals_its_components(subject: Subject) -> None:
    """Writes files that predict what the components compute, up to rounding to float32."""
    by_instance = [list(cases) for cases in _cases(subject)]
    refusal = _compare_together(subject, by_instance, _compare)
    if refusal is not None:
        kinds = ", ".join(TRANSLATED_KINDS)
        why = f": {refusal}" if refusal else f"; it names {kinds} components with examples"
        raise CheckSkipped(f"there is nothing to compare{why}")


@check
def refuses_what_its_transforms_refuse(subject: Subject) -> None:
    """Writes files that say which rows a transform refuses, for odd cells in its columns."""
    by_instance = [
        [_with_missing_cells(case) for case in cases if case.steps]
        for cases in _cases(subject, Transform.kind)
    ]
    if _compare_together(subject, by_instance, _compare_refusals) is not None:
        raise CheckSkipped("no transform to compare, or files do not report which rows are valid")


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


def _compare_together(
    subject: Subject,
    by_instance: Sequence[list[Case]],
    compare: Callable[[Sequence[Case], ExportedModel, FilePredictor], bool],
) -> str | None:
    """Compare files of all cases, or of fewer where the format refuses one of them.

    Returns why there is nothing to compare; None if something was compared.
    """
    exporter, together = _exporter(subject), [case for cases in by_instance for case in cases]
    compared, refusal = False, ""
    for cases in filter(None, (together, *by_instance, *([case] for case in together))):
        numbered_cases = [numbered(case, number) for number, case in enumerate(_shortened(cases))]
        model = model_of(numbered_cases, type(subject.instance))
        try:
            with written_file(Subject(exporter)) as path:
                export(exporter, model, path)
                compared |= compare(numbered_cases, model, runner(exporter, path))
        except ExportError as error:  # perhaps only one of the cases is refused
            refusal = str(error)
            continue
        if cases is together:
            break
    return None if compared else refusal


def _compare(cases: Sequence[Case], model: ExportedModel, predict: FilePredictor) -> bool:
    """Compare a file of some cases with the components."""
    with calling("the exported file"):
        predictions = predict(model.examples)
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
    return True


def _shortened(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield cases with as many rows as the shortest, since a file reads all columns together."""
    rows = min(len(case.expected.outputs) for case in cases)
    for case in cases:
        columns = {column: x[:rows] for column, x in case.columns.items()}
        yield replace(case, columns=columns, expected=case.expected.take(slice(rows)))


def _compare_refusals(cases: Sequence[Case], model: ExportedModel, predict: FilePredictor) -> bool:
    """Compare which odd rows a file refuses; return whether it says so."""
    compared = False
    for case in cases:
        ((column, x),) = case.columns.items()
        odd = odd_rows({column.name: x}, CELLS)[column.name]
        if not len(odd):
            continue
        rows = {name: np.repeat(x[:1], len(odd), axis=0) for name, x in model.examples.items()}
        with calling("the exported file"):
            valid = predict(rows | {column.name: odd})[case.output.name].valid
        if valid is None:
            return False
        compared = True
        for value, is_valid in zip(odd, np.asarray(valid).tolist(), strict=True):
            row = np.array([value], x.dtype)
            if isinstance(value, str) or value is None:
                row[0] = (value or "").strip(SPACES) or None
            if is_valid is not _is_taken(case.steps, row):
                what = "does not refuse" if is_valid else "refuses"
                raise CheckFailed(f"{case.name}: the file {what} {value!r}, unlike the component")
    return compared


def _with_missing_cells(case: Case) -> Case:
    columns = {replace(column, missing=CELLS.missing): x for column, x in case.columns.items()}
    return replace(case, columns=columns)


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
