"""What a sweep will run, and the folders that it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from declnet.errors import OutputError
from declnet.runs.folder import claim, claim_numbered
from declnet.runs.sweep.task import Task
from declnet.spec.model import RunSpec, fold_specs

SWEEP = "sweep"


def claim_parent(out: Path | None, runs: Path, name: str) -> Path:
    """The folder that all runs go to: `out`, new or empty, or `<runs>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty.
        RunError: the folder cannot be made.
    """
    return claim(out) if out is not None else claim_numbered(runs, name)


def tasks_of(spec: RunSpec, seeds: Sequence[int] | None, parent: Path) -> list[Task]:
    """A task for each seed, and of each seed for each of the spec's folds.

    Args:
        spec: which may have folds and choose none.
        seeds: None takes the spec's own.
        parent: what holds `seed-<seed>`, `fold-<fold>` or `seed-<seed>/fold-<fold>`.
    """
    tasks = []
    for seed in [spec.seed] if seeds is None else seeds:
        seeded = spec.model_copy(update={"seed": seed})
        folder = parent if seeds is None else parent / f"seed-{seed}"
        if spec.data.is_cross_validation:
            tasks += [Task(each, folder / f"fold-{each.data.fold}") for each in fold_specs(seeded)]
        else:
            tasks.append(Task(seeded, folder))
    return tasks


def check_names(specs: Sequence[tuple[Path, RunSpec]]) -> None:
    """Refuses specs of the same name, whose runs would go to the same folder.

    Raises:
        OutputError: two specs share a name, in whatever case.
    """
    files: dict[str, Path] = {}
    for file, spec in specs:
        other = files.setdefault(spec.name.lower(), file)
        if other is not file:
            raise OutputError(
                f'{other} and {file} are both called "{spec.name}"; give one another name, so that '
                "their runs can be told apart"
            )
