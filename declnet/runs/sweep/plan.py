"""What a sweep will run, and the folders that it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from declnet.errors import OutputError
from declnet.runs.folder import claim, claim_numbered
from declnet.runs.sweep.task import Task
from declnet.spec.run_spec import RunSpec

SWEEP = "sweep"


def claim_parent(out: Path | None, runs: Path, name: str) -> Path:
    """The folder that all runs go to: `out`, new or empty, or `<runs>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty.
        RunError: the folder cannot be made.
    """
    return claim(out) if out is not None else claim_numbered(runs, name)


def seed_tasks(spec: RunSpec, seeds: Sequence[int], parent: Path) -> list[Task]:
    """A task for each seed, in `<parent>/seed-<seed>`."""
    return [Task(spec.model_copy(update={"seed": seed}), parent / f"seed-{seed}") for seed in seeds]


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
