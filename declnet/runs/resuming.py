"""Resume a killed or interrupted run, with bit-identical results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback
from declnet.display.words import alternatives
from declnet.errors import DeclnetError, OutputError, ResumeError
from declnet.runs.behavior import require_same_behavior
from declnet.runs.computed import of_training
from declnet.runs.inference.predictor import Predictor
from declnet.runs.notices import Notice, warn
from declnet.runs.options import AnyData, RunOptions
from declnet.runs.ready_run import ReadyRun, make_ready_run
from declnet.runs.result import RunResult
from declnet.runs.session import Session
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import Checkpoint
from declnet.runs.storage.checksums import RunFiles
from declnet.runs.storage.documents import Manifest, read_manifest
from declnet.runs.storage.folder import locked, reading, require_no_links, unpacked
from declnet.runs.storage.manifest import UNCOMPARED, changes, first_manifest
from declnet.runs.storage.origins import Origins, spec_of_run
from declnet.runs.storage.record import Record
from declnet.runs.storage.writing import read_bytes
from declnet.runs.stored_run import open_run
from declnet.runs.train_run import passed_sets
from declnet.spec.shown_values import is_missing
from declnet.training.state import StateError, TrainingState


def resume_run(
    path: str | Path, data: AnyData, options: RunOptions, notice: Notice | None = None
) -> RunResult:
    """Resume one run from its last intact checkpoint; raise as `declnet.resume` does.

    Args:
        path: the folder of the run.
        data: the data that the program originally passed, if any.
        options: how to train it.
        notice: called with a sentence saying where the run resumes, and one for each damaged
            checkpoint; for a finished run, as for `load_model`.
    """
    directory, registry = Path(path), options.registry
    stored_notice, notice = notice, notice or (lambda _: None)
    _require_run(directory)
    with locked(directory):
        manifest = _read_manifest(directory)
        if manifest is not None and manifest.status == "finished":
            notice("this run is finished; nothing to resume")
            run = open_run(
                directory, registry, notice=stored_notice, allow_changes=options.allow_changes
            )
            result = RunResult.stored(run)
            _notify_callbacks(result.predictor, directory, result.metrics, options.notice or warn)
            return result
        require_no_links(directory)
        with reading(directory / folder.SPEC):
            spec_file = read_bytes(directory / folder.SPEC)
        spec, view = spec_of_run(directory, manifest, registry, training=True)
        if data is None and spec.data.train is None:
            raise ResumeError(
                f"{directory}: a program gave this run its data; give the same to declnet.resume"
            )
        for warning in spec.source_map.warnings:
            notice(str(warning))
        sets = passed_sets(data) if data is not None else None
        kernels = manifest.kernels if manifest is not None else None
        ready = make_ready_run(spec, view, sets, stored_kernels=kernels)
        current = first_manifest(ready, spec_file)
        if manifest is None:
            text, preparation = spec_file.decode(), ready.prepared.preparation
            record = Record.begun(directory, text, preparation, current)
            return Session(ready, record, options).carry_out()
        different = changes(manifest, current)
        compared = Origins.recorded(manifest).changed_versions(view, without=UNCOMPARED)
        has_checkpoint = any((directory / folder.CHECKPOINTS).glob("*"))
        if has_checkpoint and not options.allow_changes:  # else the training starts over
            files = RunFiles(directory, manifest.files, manifest.status)
            require_same_behavior(spec, files, of_training(ready.prepared), compared, view)
        waived = {f"{name} was {then} and is {now}" for name, (then, now) in compared.items()}
        remaining = [change for change in different if change not in waived]
        if remaining and not options.allow_changes:
            raise ResumeError(
                f"{directory}: resuming would not reproduce an uninterrupted run, because this has "
                f"changed since the run began: {'; '.join(remaining)}. Undo the changes, or allow "
                "them with --allow-changes, which lists them in the manifest"
            )
        record = Record(
            directory, replace(current, started=manifest.started, resumed=manifest.resumed)
        )
        checkpoint, saved = _newest(record, ready, notice)
        record.resumed(ready.trainer.epoch, ready.trainer.step, different)
        length = saved["history"]["bytes"] if saved is not None else 0
        rows = record.rewind(checkpoint, length, ready.prepared.preparation)
        return Session(ready, record, options, rows).carry_out(saved)


def _notify_callbacks(
    predictor: Predictor, directory: Path, metrics: dict[str, dict[str, float]], warned: Notice
) -> None:
    """Notify callbacks that a run has finished, since a kill may have prevented that."""
    try:
        with attributing_errors(predictor.registry):
            for callback in predictor.spec.training.callbacks:
                callback.found_finished(directory.absolute(), metrics)
    except DeclnetError as error:  # e.g. a server is gone, which does not affect the run
        warned(str(error))


def _newest(
    record: Record, ready: ReadyRun, notice: Notice
) -> tuple[Checkpoint | None, dict[str, Any] | None]:
    """Restore the trainer from the newest intact checkpoint; return the checkpoint and content."""
    for checkpoint, saved in record.checkpoints.read(notice):
        if not record.history.begins_as(saved["history"]):
            notice(
                f"{record.directory / folder.HISTORY} has changed since {checkpoint.file} was "
                "written; using the previous checkpoint"
            )
            continue
        try:
            ready.trainer.restore(TrainingState.of(saved["training"]))
        except StateError as error:
            raise ResumeError(f"{record.directory}: {checkpoint.file}: {error}") from None
        notice(f"resuming at epoch {checkpoint.epoch}, after {checkpoint.step} steps")
        return checkpoint, saved
    notice(f"no checkpoint to resume from: starting over{_how_to_keep_some(ready)}")
    return None, None


def _how_to_keep_some(ready: ReadyRun) -> str:
    """Return how a run has checkpoints, unless it asks for them or no installed callback would."""
    if any(callback.writes_checkpoints for callback in ready.spec.training.callbacks):
        return ""
    entries = ready.registry.entries(Callback.kind)
    types = [entry.type for entry in entries if entry.component.writes_checkpoints]
    named = alternatives(f'"{type_}"' for type_ in types)
    return f"; to keep checkpoints, add the callback {named} to training.callbacks" if types else ""


def has_begun(directory: Path) -> bool:
    """Return whether a run has written its spec or its manifest into a folder."""
    return any((directory / name).exists() for name in (folder.SPEC, folder.MANIFEST))


def _require_run(directory: Path) -> None:
    """Raise OutputError unless the folder has a manifest, or a spec and only `BEGUN` files."""
    if (directory / folder.MANIFEST).is_file():
        return
    if unpacked(directory) != directory:
        message = "a pack is read-only; resume the folder that it was packed from"
        raise OutputError(f"{directory}: {message}")
    if not directory.is_dir():
        what = (
            "there is no such folder" if is_missing(directory) else "is a file, not a run's folder"
        )
        raise OutputError(f"{directory}: {what}")
    others = {path.name for path in directory.iterdir() if not path.name.startswith(".")} - BEGUN
    if not (directory / folder.SPEC).is_file() or others:
        message = f"this is not a run's folder (a run's folder has a {folder.MANIFEST})"
        raise OutputError(f"{directory}: {message}")


BEGUN = {*folder.RUN_FILES} - {folder.MANIFEST}
"""Files that a run may write before its manifest; a run that was killed may have only these."""


def _read_manifest(directory: Path) -> Manifest | None:
    return read_manifest(directory) if (directory / folder.MANIFEST).exists() else None
