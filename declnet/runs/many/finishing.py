"""What is written once runs of a group have ended: predictors of points, weights, predictions."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from typing import Any

from declnet.contracts.runs.plan import Journal
from declnet.data.splits import Data
from declnet.errors import DataError, DeclnetError, RunError
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.inference.prediction_files import write_out_of_fold
from declnet.runs.many.ensemble import manifest_checksum
from declnet.runs.many.group import Group
from declnet.runs.many.group_file import one_model
from declnet.runs.many.selection import selected_weights
from declnet.runs.model_card import card_of_group
from declnet.runs.storage.folder import MANIFEST, writing
from declnet.runs.storage.readme import README
from declnet.runs.storage.writing import remove_temporary, write_atomically

GivenSets = Mapping[str, Data] | None
"""The data that a program passed to the runs, by name; None for the data of the specs."""


def finish_points(
    group: Group, journal: Journal, data: GivenSets, warn: Callable[[str], object]
) -> dict[str, str]:
    """Write the file of each point whose runs have finished, which makes it a predictor.

    Args:
        group: the group.
        journal: how its runs have ended.
        data: as for `write_held_out`.
        warn: as for `write_held_out`.

    Returns:
        The checksum of the manifest of each finished run by its folder.
    """
    finished: dict[str, str] = {}
    for folder, outcome in journal.outcomes.items():
        if outcome.error is None and (group.path / folder / MANIFEST).is_file():
            finished[folder] = manifest_checksum(group.path / folder)
    group.file = group.file.model_copy(update={"manifests": finished})
    for point, tasks in group.points(of_shard=False).items():
        directory, has_folds = group.path / point, all(task.fold for task in tasks)
        if not all(task.folder in finished for task in tasks) or not one_model(tasks):
            continue
        remove_temporary(directory)
        alone = group.file.kind == "sweep" and len(tasks) == 1 and not has_folds
        file = group.point_file(point) if point and not alone else None
        if file is not None:
            file.write(directory)
        if has_folds:
            of_point = group if file is None else Group(directory, file, group.registry)
            write_held_out(of_point, data, warn)
    return finished


def member_weights(
    group: Group,
    points: Sequence[str],
    shown: Container[str],
    data: GivenSets,
    warn: Callable[[str], object],
) -> dict[str, Any]:
    """Return the weights of members, as declared or selected, as fields of `group.json`.

    Args:
        group: the group.
        points: the folders of the members that have finished.
        shown: those to list even if they have no weight.
        data: as for `write_held_out`.
        warn: called with why there are none for the trials of a study.

    Raises:
        DeclnetError: they cannot be selected.
    """
    is_study, tasks = group.file.kind == "study", group.points()
    if group.file.weights is not None and not is_study:
        return {}
    trained = group.file.manifests  # a trial that repeats another one has no runs
    points = [point for point in points if all(run.folder in trained for run in tasks[point])]
    if not points:
        return {}
    try:
        parts = (group.validation_parts(point, data) for point in points)
        weights, by_fold = selected_weights(parts)
    except DataError as error:
        if not is_study:
            raise
        warn(f"no weights of trials: {error}")
        return {}
    all_weights = [weights, *by_fold.values()]
    members = {
        point: position
        for position, point in enumerate(points)
        if point in shown or any(of_members[position] for of_members in all_weights)
    }

    def named(of_members: Sequence[float]) -> dict[str, float]:
        return {point: of_members[position] for point, position in members.items()}

    folds = {}
    for task in tasks[points[0]]:
        key = group.spec_of(task).seed, task.fold or 1
        if key in by_fold:
            folds[task.folder.removeprefix(f"{task.point}/")] = named(by_fold[key])
    return {"weights": named(weights), "fold_weights": folds or None}


def write_card(group: Group) -> None:
    """Write the model card of a finished group whose models are used as one.

    Without their data, as when a program passed it, it has the metrics of the runs alone; if the
    models cannot be used as one, there is none.

    Raises:
        RunError: it cannot be written.
    """
    if not group.is_predictor or group.status != "finished":
        return
    evaluations: tuple[Evaluation, ...] = ()
    with suppress(DeclnetError):
        evaluations = group.evaluations
    content = None
    with suppress(DeclnetError):  # the models may not go together, which using them says
        content = card_of_group(group, evaluations).content(group.path)
    if content is not None:
        with writing(group.path):
            write_atomically(group.path / README, content)


def write_held_out(folds: Group, data: GivenSets, warn: Callable[[str], object]) -> None:
    """Write the predictions of each fold's own models.

    Args:
        folds: the folds.
        data: the data that a program passed to them.
        warn: called with why there are none; the runs themselves are as good as any.

    Raises:
        RunError: the file cannot be written.
    """
    try:
        write_out_of_fold(folds.path, folds.out_of_fold(data))
    except RunError:
        raise
    except DeclnetError as error:
        warn(f"no predictions out of fold: {error}")
