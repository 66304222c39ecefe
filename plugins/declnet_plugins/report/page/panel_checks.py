"""Checks on report panels: they show any run, and the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import numpy as np

from declnet import (
    BrokenContractError,
    DeclnetError,
    EpochLogged,
    StoredRun,
    Table,
    open_run,
    run,
    verified,
)
from declnet.testing import CheckFailed, Subject, called, calling, check
from declnet_plugins.report.page.panels import ReportPanel

ELEMENT = "<br class=name>"

MARKUP = f"\"'>{ELEMENT}"
"""The name of the run, and of its columns and classes."""

SPEC = {
    "name": MARKUP,
    "loss": "categorical_crossentropy",
    "optimizer": "sgd",
    "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
    "training": {"epochs": 2},
}


@contextmanager
def _run(subject: Subject, fails: bool = False) -> Iterator[StoredRun]:
    """Yield a run that has finished, or failed after an epoch."""
    x, classes = np.linspace(-1, 1, 6), np.array([MARKUP, "</script>"] * 3, object)
    table = Table({f"x {MARKUP}": x, f"y {MARKUP}": classes}, f"y {MARKUP}")
    with TemporaryDirectory() as folder:
        directory = Path(folder, "run")
        with suppress(ZeroDivisionError):
            run(
                SPEC,
                table,
                directory,
                registry=subject.registry,
                stop_when=_fail if fails else None,
            )
        yield open_run(directory, registry=subject.registry)


def _fail(epoch: EpochLogged) -> NoReturn:
    raise ZeroDivisionError(f"{MARKUP} in epoch {epoch.epoch}")


@check
def shows_a_run(subject: Subject) -> None:
    """Shows a run that has finished, or leaves it out: escapes its texts, and does so again."""
    with _run(subject) as stored:
        first, again = (called(subject, ReportPanel.render, stored) for _ in range(2))
        tables, same = (called(subject, ReportPanel.tables, stored) for _ in range(2))
    if ELEMENT in (first or ""):
        raise CheckFailed("render() shows a name as HTML; pass texts of the run to html.escape")
    if first != again:
        raise CheckFailed("render() gives other HTML for the same run; draw nothing, name no time")
    if repr(tables) != repr(same):
        raise CheckFailed("tables() gives others for the same run; draw nothing, name no time")


@check
def shows_an_incomplete_run(subject: Subject) -> None:
    """Shows a run that failed or lost its history, leaves it out, or raises a DeclnetError."""
    for what in ("of a run that failed", "of a run without its history"):
        with _run(subject, fails="failed" in what) as stored:
            if "history" in what:
                Path(stored.path, "history.jsonl").unlink()
            for method in (ReportPanel.render, ReportPanel.tables):
                with calling(f"{method.__name__}, {what},"):
                    try:
                        verified(method, subject.instance, stored)
                    except BrokenContractError:
                        raise
                    except DeclnetError:
                        continue


CHECKS = (shows_a_run, shows_an_incomplete_run)
