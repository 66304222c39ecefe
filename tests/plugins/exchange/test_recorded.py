"""Components of all installed plugins, written in each format as if they had no translation."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from declnet import Elementwise, default_registry
from declnet.testing import CheckFailed, CheckSkipped, build_examples
from declnet_plugins.exchange import ExportError, translate_model
from declnet_plugins.exchange.checks.cases import Case, cases_of, model_of, numbered
from declnet_plugins.exchange.comparing import TOLERANCE, compared_predictions
from declnet_plugins.exchange.translation import TRANSLATED_KINDS
from declnet_plugins.export.c99.compiled import compiler

REGISTRY = default_registry()
STEP = 1 if os.environ.get("DECLNET_TEST_RECORDED") == "all" else 8
"""Which examples of a component are exported: all, or the first one of eight."""

TOGETHER = 50
"""Cases in a file."""

REFUSED = {
    ("calibrator", "conformal"): r"np\.argsort",
    ("layer", "embedding"): r"several samples together \(embedding.py",
    ("layer", "embedding_bag"): "value of an array",
    ("transform", "datetime"): "text",
    ("transform", "impute"): r"several samples together \(impute.py, line \d+: if ",
    ("transform", "one_hot"): "text",
    ("transform", "ordinal"): "text",
    ("transform", "quantile_normal"): r"loop over more than 64 steps does \(quantile.py",
    ("transform", "signed_one_hot"): "text|value of an array|several samples",
    ("transform", "tokenize"): "text",
    **{("layer", name): "depend on the data" for name in ("gru", "lstm", "simple_rnn")},
}
"""Components that check values, sort or read texts, with patterns of their errors."""


class AlongNoAxes(Elementwise):
    """y = x, reduced over no axes in several ways."""

    type = "along_no_axes"

    def value(self, x, y, scratch):
        y[...] = x.sum(axis=()) + x.max(axis=()) - np.logical_or.reduce(x > 0, axis=())

    def derivative(self, x, y, slope):
        slope.fill(2)


class Recorder:
    """A writer that writes nothing."""

    def program(self, site: Any, program: Any) -> tuple[None, ...]:
        return (None,) * site.results

    def __getattr__(self, name: str) -> Any:
        if name == "verify_source":
            raise AttributeError(name)
        return lambda *_, **__: None


def sampled_cases() -> Iterator[tuple[tuple[str, str], Case]]:
    for kind in TRANSLATED_KINDS:
        for entry in REGISTRY.entries(kind):
            cases: list[Case] = []
            with suppress(CheckSkipped, CheckFailed):
                for instance in build_examples(entry.component, REGISTRY):
                    cases += cases_of(instance, REGISTRY)
            yield from (((kind, entry.type), case) for case in cases[::STEP])


@pytest.fixture(scope="module")
def recordable() -> list[Case]:
    """Return the cases that can be recorded; require the expected error for the others."""
    cases: list[Case] = []
    for key, case in sampled_cases():
        try:
            translate_model(model_of([numbered(case, 0)], None), "none", Recorder())
        except ExportError as error:
            if not re.search(REFUSED.get(key, "nothing is refused"), str(error)):
                raise
        else:
            cases.append(numbered(case, len(cases)))
    return cases


@pytest.mark.parametrize("file_format", REGISTRY.types("exporter"))
def test_a_reduction_over_no_axes_reduces_none(file_format, tmp_path):
    cases = [numbered(case, at) for at, case in enumerate(cases_of(AlongNoAxes(), REGISTRY))]
    test_files_compute_what_components_do(file_format, cases, tmp_path)


@pytest.mark.parametrize("file_format", REGISTRY.types("exporter"))
def test_files_compute_what_components_do(file_format, recordable, tmp_path):
    exporter, faults = REGISTRY.find("exporter", file_format)(), []
    if exporter.unavailable() or (file_format == "c" and compiler() is None):
        pytest.skip("the format cannot be written or run here")
    path = tmp_path / f"model{exporter.suffixes[0]}"
    if file_format == "c":  # arrays in C are float32, too coarse for ranks
        recordable = [case for case in recordable if not has_ranks_of_arrays(case)]
    rows = sorted(recordable, key=lambda case: len(case.expected.outputs))
    for start in range(0, len(rows), TOGETHER):
        cases = [shortened(case, rows[start]) for case in rows[start : start + TOGETHER]]
        model = model_of(cases, None)
        exporter.export(model, path)
        predictions = exporter.predictor(path)(model.examples)
        for case in cases:
            predicted = predictions[case.output.name]
            difference, labels = compared_predictions(case.output, predicted, case.expected)
            if not difference <= TOLERANCE or labels:
                faults.append((case.name, difference))
    assert not faults


def has_ranks_of_arrays(case: Case) -> bool:
    ranked = any(step.transform.type.startswith("quantile") for step in case.steps)
    return ranked and any(column.shape for column in case.columns)


def shortened(case: Case, shortest: Case) -> Case:
    """Return a case with as many rows as the shortest: a file reads all columns together."""
    count = len(shortest.expected.outputs)
    columns = {column: x[:count] for column, x in case.columns.items()}
    return replace(case, columns=columns, expected=case.expected.take(slice(count)))
