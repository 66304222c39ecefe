"""Checks on report panels: they show any run, and the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from declnet import DeclnetError, StoredRun, open_run, run
from declnet.testing import CheckFailed, Subject, called, calling, check
from declnet_plugins.report.page.panels import ReportPanel

SPEC = {
    "loss": "mean_squared_error",
    "optimizer": "sgd",
    "model": {"layers": [{"type": "dense", "units": 1}]},
    "training": {"epochs": 2},
}


@contextmanager
def _finished_run(subject: Subject) -> Iterator[StoredRun]:
    x = np.linspace(-1, 1, 12).reshape(6, 2)
    with TemporaryDirectory() as folder:
        directory = Path(folder, "run")
        run(SPEC, (x, x.sum(axis=1)), directory, registry=subject.registry)
        yield open_run(directory, registry=subject.registry)


@check
def shows_a_run(subject: Subject) -> None:
    """Shows a run that has finished, or leaves it out, and gives the same HTML again."""
    with _finished_run(subject) as stored:
        first, again = (called(subject, ReportPanel.render, stored) for _ in range(2))
    if first != again:
        raise CheckFailed("render() gives other HTML for the same run; draw nothing, name no time")


@check
def shows_a_run_without_history(subject: Subject) -> None:
    """Shows a run whose history is lost, leaves it out, or refuses it by a DeclnetError."""
    with _finished_run(subject) as stored:
        Path(stored.path, "history.jsonl").unlink()
        with calling("render, of a run without its history,"):
            try:
                called(subject, ReportPanel.render, stored)
            except CheckFailed as failure:
                if not isinstance(failure.__cause__, DeclnetError):
                    raise


CHECKS = (shows_a_run, shows_a_run_without_history)
