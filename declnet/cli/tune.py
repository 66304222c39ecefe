"""`declnet tune`: search the keys that the section `[tune]` of a spec varies."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_document, print_line
from declnet.cli.options import (
    PATH,
    executor_of,
    format_option,
    no_plugin_option,
    on_option,
    registry_without,
    set_option,
    share_data,
)
from declnet.cli.process import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.contracts.runs.executor import Executor
    from declnet.registry.registry import Registry
    from declnet.runs.many.studies.stored_study import StoredStudy


@click.command()
@click.argument("spec", metavar="SPEC", type=PATH)
@set_option
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of trials to train in parallel; if more than 1, each runs in a process with one "
    "thread, and the proposals depend on the order in which trials end.  [default: 1]",
)
@on_option
@no_plugin_option
@click.option(
    "--out",
    type=PATH,
    help="Folder of the study, new or empty.  [default: runs/<name>-study-<number>]",
)
@click.option(
    "--quiet",
    is_flag=True,
    help="Print only the summary, without progress or a line for each trial.",
)
@format_option("the summary of the study, on standard output.")
def tune(
    spec: Path,
    overrides: tuple[str, ...],
    jobs: int | None,
    on: str | None,
    disabled: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    form: str,
) -> int:
    """Search for the best values of the keys that SPEC tunes.

    Each trial trains the spec with other values, once for each fold and each seed of the section,
    into trials/<number> within the study's folder; trials that are behind are stopped early. The
    best spec is written to best.toml. `declnet resume` continues a study; given the folder of a
    study, this command trains nothing and summarizes its trials again.
    """
    from declnet.cli.reading import checked_spec, read
    from declnet.runs.many.studies.stored_study import StoredStudy, begin_study
    from declnet.runs.many.studies.tune import require_tuning
    from declnet.runs.storage.folder import claimed

    interrupt_on_signals()
    registry = registry_without(disabled)
    if StoredStudy.is_at(spec):
        if overrides or out:
            raise click.UsageError("the folder of a study takes no options: it has its own spec")
        return _summarize(spec, registry, form)
    share_data()
    checked = checked_spec(spec, overrides, registry)
    checked.require_right()
    loaded = read(spec, overrides, registry).require()
    require_tuning(loaded)
    show_diagnostics(checked.warnings)
    executor = executor_of(on, jobs, registry)
    name = f"{loaded.name}-study"
    with claimed(out or Path("runs"), name, numbered=out is None) as parent:
        begin_study(parent, loaded)
        return train_study(
            parent, disabled, registry, jobs, quiet=quiet, form=form, executor=executor
        )


def train_study(
    parent: Path,
    disabled: Sequence[str],
    registry: Registry,
    jobs: int | None,
    *,
    quiet: bool,
    form: str = "text",
    allow_changes: bool = False,
    executor: Executor | None = None,
) -> int:
    """Train what is left of a study, and print its summary."""
    from contextlib import closing
    from shlex import quote

    from declnet.cli.display.study_display import study_followed
    from declnet.runs.many.studies.stored_study import open_study
    from declnet.runs.many.studies.study_runner import StudyRunner
    from declnet.runs.many.studies.tune import train_trials

    start = time.perf_counter()
    stored = open_study(parent, registry)
    with (
        study_followed(stored, quiet=quiet or form == "json") as followed,
        closing(
            StudyRunner(stored, registry, followed.ended, allow_changes=allow_changes)
        ) as study,
    ):
        known = study.trials()
        followed.know(known)
        done = sum(each.state != "running" for each in known)
        if done and not quiet:
            print_line(f"{done} trials have ended already", err=True)
        try:
            train_trials(
                study,
                stored,
                registry,
                jobs=jobs or 1,
                disabled=disabled,
                follow=followed.progress,
                executor=executor,
            )
        except KeyboardInterrupt as error:
            error.add_note(f"to continue the study: declnet resume {quote(str(parent))}")
            raise
    status = _show(stored, form)
    if form == "text":
        print_line(f"{time.perf_counter() - start:.2f} s, {parent}")
    return status


def _summarize(path: Path, registry: Registry, form: str) -> int:
    """Rebuild the summary of a study from what its searcher keeps."""
    from contextlib import closing

    from declnet.runs.many.studies.stored_study import open_study
    from declnet.runs.many.studies.study_runner import StudyRunner

    stored = open_study(path, registry)
    with closing(StudyRunner(stored, registry)) as study:
        study.summarize()
    return _show(stored, form)


def _show(stored: StoredStudy, form: str) -> int:
    """Print the summary; return 1 if no trial has finished."""
    from declnet.cli.display.study_display import print_study
    from declnet.runs.many.groups.documents import STUDY_SUMMARY

    if form == "json":
        document = STUDY_SUMMARY.plain(stored.summary) if stored.summary is not None else {}
        print_document(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        print_study(stored)
    return int(stored.best is None)
