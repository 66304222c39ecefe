"""Recording of an ensemble: its folder before, after an interruption, and after the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from declnet.data.splits import Data
from declnet.errors import DeclnetError
from declnet.registry.registry import Registry
from declnet.runs.many.ensembles.ensemble import Ensemble, open_ensemble
from declnet.runs.many.execution.tasks import Task
from declnet.runs.many.groups.callbacks import finish_group
from declnet.runs.many.groups.documents import ENSEMBLE_FILE, EnsembleContent, Member
from declnet.runs.many.groups.membership import grouped_run
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.documents import read_manifest
from declnet.runs.storage.folder import ENSEMBLE, writing
from declnet.runs.storage.writing import make_folder, remove_temporary, write_atomically
from declnet.spec.model import RunSpec, resolved_toml


def begin_ensemble(directory: Path, spec: RunSpec, tasks: Sequence[Task]) -> None:
    """Write what says which runs a folder will have, before the first one.

    Args:
        directory: the folder; made if it is not there.
        spec: the spec of all runs, without a fold.
        tasks: the runs, each with its seed and fold, in folders within the folder.

    Raises:
        RunError: it cannot be written.
    """
    text = resolved_toml(spec).encode()
    members = (
        Member(
            task.directory.relative_to(directory).as_posix(), task.spec.seed, task.spec.data.fold
        )
        for task in tasks
    )
    files = {folder.SPEC: checksum(text)}
    content = EnsembleContent("running", spec.name, tuple(members), files)
    with writing(directory):
        make_folder(directory)
        write_atomically(directory / ENSEMBLE, ENSEMBLE_FILE.write(content))
        write_atomically(directory / folder.SPEC, text)


def has_begun(directory: Path) -> bool:
    """Return whether a folder has all that `begin_ensemble` writes."""
    return all((directory / name).is_file() for name in (ENSEMBLE, folder.SPEC))


def tasks_left(
    ensemble: Ensemble,
    registry: Registry | None = None,
    *,
    allow_changes: bool = False,
    data: Mapping[str, Data] | None = None,
) -> list[Task]:
    """Return a task for each run of a folder, which repeats nothing that is finished.

    Args:
        ensemble: the folder.
        registry: where names are looked up; default: all installed plugins.
        allow_changes: as for `resume`.
        data: as of the tasks.

    Raises:
        OutputError: the shared spec is missing or has changed.
        SpecError: it is no longer valid.
    """
    shared, tasks = ensemble.shared_spec(registry), []
    for member in ensemble.content.runs:
        fold = shared.data.fold if member.fold is None else member.fold
        selected = shared.data.model_copy(update={"fold": fold})
        spec = shared.model_copy(update={"seed": member.seed, "data": selected})
        directory = ensemble.path / member.folder
        task = Task(spec, directory, resumes=True, allow_changes=allow_changes, data=data)
        tasks.append(task)
    return tasks


def finish_ensemble(
    directory: Path, registry: Registry | None = None, data: Mapping[str, Data] | None = None
) -> str | None:
    """Make a folder whose runs have all finished a predictor; otherwise record that it is none.

    Args:
        directory: a folder that `begin_ensemble` wrote to.
        registry: where names are looked up; default: all installed plugins.
        data: the data that a program passed to the runs; default: that of the spec.

    Returns:
        Why there are no predictions out of fold, if there should be any; else None.

    Raises:
        RunError: the folder cannot be written to.
        ComponentError: a callback raised an exception.
    """
    from declnet.runs.inference.prediction_files import OUT_OF_FOLD, write_out_of_fold

    remove_temporary(directory)
    ensemble = open_ensemble(directory, registry)
    files = {folder.SPEC: ensemble.content.files[folder.SPEC]}
    members = []
    for member in ensemble.content.runs:
        path, manifest = directory / member.folder / folder.MANIFEST, None
        if path.exists() and read_manifest(path.parent).status == "finished":
            manifest = checksum(path.read_bytes())
        members.append(replace(member, manifest=manifest))
    finished = all(member.manifest is not None for member in members)
    why = found = None
    if finished and ensemble.has_folds:
        try:
            found = ensemble.out_of_fold(data)
        except DeclnetError as error:  # the runs themselves are as good as any
            why = f"no predictions out of fold: {error}"
    with writing(directory):
        if found is not None:
            files[OUT_OF_FOLD] = write_out_of_fold(directory, found)
    ensemble.note(status="finished" if finished else "failed", runs=tuple(members), files=files)
    tell_callbacks(ensemble, registry)
    return why


def tell_callbacks(ensemble: Ensemble, registry: Registry | None = None) -> None:
    """Notify the callbacks of seeds or folds that all have ended; a sweep notifies its own later.

    If the process was killed before that, the one that resumes the runs does it.

    Raises:
        ComponentError: a callback raised an exception.
    """
    first = grouped_run(ensemble.path / ensemble.content.runs[0].folder)
    if first is not None and first.group == ensemble.path.absolute():
        finish_group(ensemble.path, ensemble.shared_spec(registry).training.callbacks, registry)
