"""`declnet tune`: search the keys that the section `[tune]` of a spec varies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_line
from declnet.cli.options import (
    PATH,
    TrainOptions,
    format_option,
    gathered,
    no_plugin_option,
    on_option,
    set_option,
    share_data,
)
from declnet.cli.process import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.model import RunSpec


@click.command()
@click.argument("spec", metavar="SPEC", type=PATH)
@set_option
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of trials to train in parallel; if more than 1, each uses one thread, and the "
    "proposals depend on the order in which trials end.  [default: 1]",
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
@gathered(TrainOptions)
def tune(options: TrainOptions, spec: Path) -> int:
    """Search for the best values of the keys that SPEC tunes.

    Each trial trains the spec with other values, once for each fold and each seed of the section,
    into trials/<number> within the study's folder; trials that are behind are stopped early. The
    best spec is written to best.toml. If the section selects weights, the trials that predict
    best together are one model, which is the study's folder. `declnet resume` continues a study;
    given the folder of a study, this command trains nothing and summarizes its trials again.
    """
    from declnet.cli.groups import summarize_group, train_new_group
    from declnet.cli.reading import checked_spec, read
    from declnet.runs.many.beginning import study_file
    from declnet.runs.many.running import require_tuning

    interrupt_on_signals()
    registry, overrides = options.registry, options.overrides
    if (spec / "group.json").is_file():
        if overrides or options.out:
            raise click.UsageError("the folder of a study takes no options: it has its own spec")
        return summarize_group(spec, options)
    share_data()
    checked = checked_spec(spec, overrides, registry)
    checked.require_right()
    loaded = read(spec, overrides, registry).require()
    require_tuning(loaded)
    show_diagnostics(checked.warnings)
    _note_searcher(loaded, registry)
    return train_new_group(study_file(loaded), None, options)


def _note_searcher(spec: RunSpec, registry: Registry) -> None:
    """Print why another searcher proposes the trials than the usual default."""
    from declnet.contracts.returned import why_unavailable
    from declnet.contracts.runs.searcher import Searcher

    if spec.tuning is None or "search" in spec.tuning.section:
        return
    for entry in registry.entries(Searcher.kind):
        why = why_unavailable(entry.component()) if entry.component.is_default else None
        if why is not None:
            chosen = spec.tuning.searcher.type
            print_line(f'note: {why}; until then, "{chosen}" proposes the trials', err=True)
